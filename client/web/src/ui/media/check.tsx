/** The test of devices; nothing leaves this machine. */
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { chime, echoTest, meter, deviceErrorOf, type Device } from "../../lib/index.ts";
import { Button } from "../parts/button.tsx";
import { useSession } from "../session.tsx";
import { voice as words } from "../words-media.ts";
import { Face } from "./face.tsx";
import type { VoiceKind } from "./voice.ts";

const RECORD_MS = 3_000;

interface Borrowed {
  readonly track: MediaStreamTrack | null;
  readonly trouble: string | null;
  borrow(): void;
  giveBack(): void;
}

/** A device that is open during the test, at most as long as the dialog. */
function useBorrowed(kind: VoiceKind, chosen: string | null): Borrowed {
  const session = useSession();
  const [wanted, setWanted] = useState(false);
  const [track, setTrack] = useState<MediaStreamTrack | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  useEffect(() => {
    if (!wanted) return undefined;
    let taken: MediaStreamTrack | null = null;
    let over = false;
    session.voice.media.borrow(kind).then(
      (got) => {
        taken = got;
        if (over) return got.stop();
        got.onended = () => setWanted(false);
        setTrouble(null);
        setTrack(got);
      },
      (wrong: unknown) => {
        setWanted(false);
        setTrouble(words.note[kind][deviceErrorOf(wrong)] ?? null);
      },
    );
    return () => {
      over = true;
      taken?.stop();
      setTrack(null);
    };
  }, [wanted, chosen]);
  return { track, trouble, borrow: () => setWanted(true), giveBack: () => setWanted(false) };
}

export function MicrophoneCheck(): VNode {
  const session = useSession();
  const { choices, devices } = session.voice.snap.value;
  const mic = useBorrowed("microphone", choices.microphone);
  return (
    <section class="group device" aria-label={words.dialog.microphone}>
      <h3>{words.dialog.microphone}</h3>
      <Which
        label={words.dialog.whichMicrophone}
        devices={devices.microphone}
        chosen={choices.microphone}
        choose={(microphone) => session.voice.media.choose({ microphone })}
      />
      {mic.track === null ? (
        <Button local icon="audio" onClick={mic.borrow}>
          {words.dialog.tryMicrophone}
        </Button>
      ) : (
        <>
          <Level track={mic.track} />
          <Echo track={mic.track} stop={mic.giveBack} />
        </>
      )}
      <p class="trouble" role="alert">
        {mic.trouble ?? ""}
      </p>
    </section>
  );
}

const BARS = 20;

function Level({ track }: { track: MediaStreamTrack }): VNode {
  const [level, setLevel] = useState(0);
  useEffect(() => {
    const gauge = meter(track);
    let shown = 0;
    const timer = setInterval(() => {
      // Falls slowly, to be readable.
      shown = Math.max(gauge.level(), shown * 0.82);
      setLevel(Math.round(shown * 100));
    }, 80);
    return () => {
      clearInterval(timer);
      gauge.close();
    };
  }, [track]);
  return (
    <div
      class="level"
      role="meter"
      aria-label={words.dialog.level}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={level}
      aria-valuetext={words.dialog.loud(level)}
    >
      {Array.from({ length: BARS }, (_, i) => (
        <span key={i} class={level > (i * 100) / BARS ? (i >= BARS - 2 ? "is-lit is-loud" : "is-lit") : ""} />
      ))}
    </div>
  );
}

function Echo({ track, stop }: { track: MediaStreamTrack; stop: () => void }): VNode {
  const session = useSession();
  const [is, setIs] = useState<"idle" | "recording" | "playing" | "heard" | "failed">("idle");
  const mounted = useRef(true);
  useEffect(() => () => void (mounted.current = false), []);
  const busy = is === "recording" || is === "playing";
  const go = (): void => {
    const set = (next: typeof is): void => {
      if (mounted.current) setIs(next);
    };
    setIs("recording");
    echoTest(track, RECORD_MS, session.voice.snap.value.choices.speaker, () => set("playing")).then(
      () => set("heard"),
      () => set("failed"),
    );
  };
  const said = { idle: "", recording: words.dialog.recording, playing: words.dialog.playing, heard: words.dialog.heard, failed: words.dialog.echoFailed }[is];
  return (
    <>
      <div class="wrap">
        <Button local disabled={busy} onClick={go}>
          {words.dialog.record}
        </Button>
        <Button local look="quiet" disabled={busy} about={words.dialog.microphone} onClick={stop}>
          {words.dialog.stop}
        </Button>
      </div>
      <p class="hint device-said" role="status">
        {said}
      </p>
    </>
  );
}

export function SpeakerCheck(): VNode {
  const session = useSession();
  const { choices, devices, routesSound } = session.voice.snap.value;
  const [sounding, setSounding] = useState(false);
  const go = (): void => {
    setSounding(true);
    void chime(choices.speaker)
      .catch(() => undefined)
      .then(() => setSounding(false));
  };
  return (
    <section class="group device" aria-label={words.dialog.speaker}>
      <h3>{words.dialog.speaker}</h3>
      {routesSound && (
        <Which
          label={words.dialog.whichSpeaker}
          devices={devices.speaker}
          chosen={choices.speaker}
          choose={(speaker) => session.voice.media.choose({ speaker })}
        />
      )}
      <Button local icon="sound" disabled={sounding} onClick={go}>
        {sounding ? words.dialog.chiming : words.dialog.chime}
      </Button>
    </section>
  );
}

export function CameraCheck(): VNode {
  const session = useSession();
  const { choices, devices } = session.voice.snap.value;
  const camera = useBorrowed("camera", choices.camera);
  const [stream, setStream] = useState<MediaStream | null>(null);
  useEffect(() => setStream(camera.track === null ? null : new MediaStream([camera.track])), [camera.track]);
  return (
    <section class="group device" aria-label={words.dialog.camera}>
      <h3>{words.dialog.camera}</h3>
      <Which
        label={words.dialog.whichCamera}
        devices={devices.camera}
        chosen={choices.camera}
        choose={(id) => session.voice.media.choose({ camera: id })}
      />
      {stream !== null && (
        <div class="preview" role="img" aria-label={words.dialog.preview}>
          <Face stream={stream} mirrored />
        </div>
      )}
      {stream === null ? (
        <Button local icon="video" onClick={camera.borrow}>
          {words.dialog.tryCamera}
        </Button>
      ) : (
        <Button local look="quiet" about={words.dialog.camera} onClick={camera.giveBack}>
          {words.dialog.stop}
        </Button>
      )}
      <p class="trouble" role="alert">
        {camera.trouble ?? ""}
      </p>
    </section>
  );
}

interface WhichProps {
  readonly label: string;
  readonly devices: readonly Device[];
  readonly chosen: string | null;
  readonly choose: (id: string | null) => void;
}

/** A choice of devices, if there are several and their names are known. */
function Which({ label, devices, chosen, choose }: WhichProps): VNode | null {
  if (devices.length < 2) return null;
  return (
    <label class="field">
      <span>{label}</span>
      <select
        value={chosen ?? ""}
        onChange={(event) => choose(event.currentTarget.value === "" ? null : event.currentTarget.value)}
      >
        <option value="">{words.dialog.usual}</option>
        {devices.map(({ id, name }, i) => (
          <option key={id} value={id}>
            {name === "" ? words.dialog.unnamed(i + 1) : name}
          </option>
        ))}
      </select>
    </label>
  );
}
