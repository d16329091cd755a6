/** The words about sound and picture; the third part of words.ts. */
import { words } from "./words.ts";

const minutes = (seconds: number): string => {
  const whole = Math.round(seconds);
  if (whole < 60) return words.seconds(whole);
  const rest = whole % 60;
  return rest === 0 ? `${Math.floor(whole / 60)} min` : `${Math.floor(whole / 60)} min ${rest} s`;
};

type PerLook = Readonly<Record<string, string>>;

export const voice = {
  hello: "Nothing is on yet. Turn on your microphone when you like.",
  check: "Check my sound",
  asking: "Your browser asks whether this page may use your device. Choose “Allow”.",
  lost: "The sound has dropped. It comes back by itself.",
  unable: "This browser can't carry voices. You can read and write here; to speak, open the link in another browser.",
  dismiss: "Dismiss",
  hear: "Your browser waits for you before it plays sound.",
  hearGo: "Tap to hear the circle",

  /** On the button: how it stands. What a press does is said after it to those who listen. */
  microphone: {
    off: "Mic off",
    asking: "Asking…",
    on: "Mic on",
    waiting: "Mic ready",
    ready: "Hold to speak",
    held: "Muted by a facilitator",
    blocked: "Mic blocked",
    missing: "No mic",
    busy: "Mic in use",
    other: "Mic problem",
  } as PerLook,
  camera: {
    off: "Camera off",
    asking: "Asking…",
    on: "Camera on",
    waiting: "Camera ready",
    ready: "Camera on",
    held: "Muted by a facilitator",
    blocked: "Camera blocked",
    missing: "No camera",
    busy: "Camera in use",
    other: "Camera problem",
  } as PerLook,
  press: {
    microphone: {
      off: "Turn the microphone on",
      asking: "Turn the microphone off",
      on: "Turn the microphone off",
      waiting: "You are heard as soon as you may speak. Turn the microphone off",
      ready: "You are heard while you hold this button or the space bar",
      held: "Your microphone: only a facilitator can allow it again",
      other: "Read what helps",
    } as PerLook,
    camera: {
      off: "Turn the camera on",
      asking: "Turn the camera off",
      on: "Turn the camera off",
      held: "Your camera: only a facilitator can allow it again",
      other: "Read what helps",
    } as PerLook,
  },

  help: {
    microphone: {
      blocked: {
        heading: "The browser keeps the microphone closed",
        body: "Press the sign beside the address of this page (a lock or two sliders), allow the microphone, and come back here. On a phone it may also be in the settings of the system, under the browser's name.",
      },
      missing: {
        heading: "No microphone was found",
        body: "Plug one in or switch your headset on. The page finds it by itself.",
      },
      busy: {
        heading: "Another program has the microphone",
        body: "Close the other program or browser tab that uses it, then try again.",
      },
      other: {
        heading: "The microphone could not be opened",
        body: "Try again, or choose another one below. If it stays so, reloading the page often helps: your seat is kept.",
      },
    },
    camera: {
      blocked: {
        heading: "The browser keeps the camera closed",
        body: "Press the sign beside the address of this page (a lock or two sliders), allow the camera, and come back here. Nobody needs a camera to be in the circle.",
      },
      missing: {
        heading: "No camera was found",
        body: "Plug one in, or go on without: nobody needs a camera to be in the circle.",
      },
      busy: {
        heading: "Another program has the camera",
        body: "Close the other program or browser tab that uses it, then try again.",
      },
      other: {
        heading: "The camera could not be opened",
        body: "Try again, or choose another one below. Nobody needs a camera to be in the circle.",
      },
    },
    again: "Try again",
  },
  note: {
    microphone: {
      blocked: "The browser keeps the microphone closed. Press the button once more to read what helps.",
      missing: "No microphone was found.",
      busy: "Another program has the microphone.",
      other: "The microphone could not be opened.",
    } as PerLook,
    camera: {
      blocked: "The browser keeps the camera closed. Press the button once more to read what helps.",
      missing: "No camera was found.",
      busy: "Another program has the camera.",
      other: "The camera could not be opened.",
    } as PerLook,
  },
  switchedOff: {
    microphone: "A facilitator has switched your microphone off. Turn it on again when you like.",
    camera: "A facilitator has switched your camera off. Turn it on again when you like.",
  },
  say: {
    turnSilent: "Your microphone is off.",
    microphone: {
      off: "Your microphone is off.",
      on: "Your microphone is on.",
      waiting: "Your microphone is ready. You are heard as soon as you may speak.",
      ready: "Hold the space bar to speak.",
      held: "A facilitator has switched your microphone off.",
    } as PerLook,
    camera: {
      off: "Your camera is off.",
      on: "Your camera is on.",
      held: "A facilitator has switched your camera off.",
    } as PerLook,
  },

  speaks: (names: readonly string[]) =>
    names.length === 0 ? "" : `${words.list(names)} ${names.length === 1 ? "is" : "are"} speaking`,

  more: {
    microphone: "Microphone",
    camera: "Camera",
    on: "Turn on",
    off: "Turn off",
    settings: "Sound and picture…",
  },

  dialog: {
    heading: "Sound and picture",
    alone: "Nobody hears or sees what you try here.",
    microphone: "Microphone",
    tryMicrophone: "Try my microphone",
    level: "How loud you are",
    loud: (percent: number) => (percent < 8 ? "silent" : percent > 90 ? "very loud" : `${percent} of 100`),
    record: "Record 3 seconds",
    recording: "Recording… say something",
    playing: "Playing it back…",
    heard: "That is how you sound. Try again if you like.",
    echoFailed: "That did not work on this device.",
    whichMicrophone: "Which microphone",
    speaker: "Speaker",
    whichSpeaker: "Which speaker",
    chime: "Play two notes",
    chiming: "Playing…",
    camera: "Camera",
    tryCamera: "Show my picture",
    whichCamera: "Which camera",
    preview: "Your own picture",
    stop: "Stop the test",
    usual: "Default",
    unnamed: (n: number) => `Device ${n}`,
    line: "When the connection is weak",
    pictures: {
      high: "All pictures",
      low: "Small pictures",
      none: "Voices only",
    },
    picturesHint: {
      high: "As clear as your connection allows.",
      low: "They need about a quarter of the data.",
      none: "You see no pictures, and your camera is off.",
    },
    push: "Push to talk: I am heard only while I hold the space bar",
    pushHint: "Or the microphone button, with a finger or the mouse.",
    fine: "Fine tuning",
    noise: "Reduce background noise",
    echo: "Remove echo (leave it on if you use no headphones)",
    gain: "Keep my volume even",
    sayWho: "Let my screen reader say who begins to speak",
    figures: "Connection details",
  },
  figures: {
    state: "State",
    states: { off: "none", connecting: "connecting", up: "good", lost: "coming back", unable: "none", none: "none" } as PerLook,
    rtt: "Round trip",
    ms: (n: number) => `${n} ms`,
    jitter: "Jitter",
    down: "Receiving",
    up: "Sending",
    flow: (sound: number, picture: number) => `${sound} kbit/s sound, ${picture} kbit/s picture`,
    lossDown: "Lost while receiving",
    lossUp: "Lost while sending",
    percent: (share: number) => `${(share * 100).toFixed(1)} %`,
    codecs: "Codecs",
    way: "Path",
    ways: (way: string, relay: boolean) => `${way.toUpperCase()}${relay ? ", through a relay" : ""}`,
    unknown: "not known yet",
  },

  talk: {
    heading: "Speaking time",
    hint: "Only facilitators see this. It is gone when the circle ends.",
    none: "Nobody has spoken yet.",
    time: minutes,
    person: (seconds: number) => (seconds < 1 ? "Has not spoken yet." : `Has spoken for ${minutes(seconds)} in all.`),
  },
  lobby: "While you wait, you can check your sound. Nobody hears it.",
};
