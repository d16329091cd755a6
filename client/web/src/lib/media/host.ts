/** What the media part needs of the browser; tests provide it themselves. */

import type { StorageLike } from "../entry/store.ts";
import type { DeviceError } from "./capture.ts";
import type { Choices } from "./choices.ts";

export type DeviceKind = "microphone" | "camera" | "speaker";

export interface Device {
  readonly id: string;
  /** Empty until the person has given a permission. */
  readonly name: string;
}
export type Devices = Readonly<Record<DeviceKind, readonly Device[]>>;
export const NO_DEVICES: Devices = { microphone: [], camera: [], speaker: [] };

/** One sound that is being played. */
export interface Playing {
  /** Rejects with a `NotAllowedError` if the browser wants a gesture first. */
  play(): Promise<void>;
  output(device: string | null): void;
  stop(): void;
}

export interface MediaHost {
  /** Milliseconds by a monotonic clock. */
  now(): number;
  /** In [0, 1). */
  random(): number;
  /** Runs `act` once after `ms`; the returned function cancels it. */
  timer(ms: number, act: () => void): () => void;
  /** Whether the page can use WebRTC. */
  readonly able: boolean;
  /** A weak device: sends one layer of video and receives on fewer slots. */
  readonly weak: boolean;
  /** Whether sound can be sent to a chosen device. */
  readonly routesSound: boolean;
  readonly storage: StorageLike | null;
  peer(config: RTCConfiguration): RTCPeerConnection;
  /** Opens a device. Rejects as `getUserMedia` does. */
  take(kind: "microphone" | "camera", choices: Choices): Promise<MediaStreamTrack>;
  stream(tracks: MediaStreamTrack[]): MediaStream;
  sound(track: MediaStreamTrack): Playing;
  devices(): Promise<Devices>;
  /** Calls `act` when devices come and go or a permission changes. */
  onDevices(act: () => void): () => void;
  /** Calls `act` when the network has changed or is back. */
  onNetwork(act: () => void): () => void;
}

/** Sorts the errors of `getUserMedia` (Media Capture, 10.3.1). */
export function deviceErrorOf(wrong: unknown): DeviceError {
  const name = wrong instanceof Error || wrong instanceof DOMException ? wrong.name : "";
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      return "blocked";
    case "NotFoundError":
    case "OverconstrainedError":
      return "missing";
    case "NotReadableError":
    case "AbortError":
      return "busy";
    default:
      return "other";
  }
}

/** `ideal`, not `exact`: if the chosen device is gone, another one is used. */
function constraints(kind: "microphone" | "camera", choices: Choices): MediaStreamConstraints {
  if (kind === "camera") {
    const device = choices.camera === null ? {} : { deviceId: { ideal: choices.camera } };
    const size = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 24, max: 30 } };
    return { video: { ...size, ...device, ...(choices.camera === null ? { facingMode: "user" } : {}) } };
  }
  const device = choices.microphone === null ? {} : { deviceId: { ideal: choices.microphone } };
  const { noise, echo, gain } = choices;
  return {
    audio: { noiseSuppression: noise, echoCancellation: echo, autoGainControl: gain, channelCount: { ideal: 1 }, ...device },
  };
}

interface NetworkInformation extends EventTarget {
  readonly type?: string;
  readonly saveData?: boolean;
}

type Sinkable = HTMLAudioElement & { setSinkId?(id: string): Promise<void> };

export function browserMediaHost(storage: StorageLike | null = tabStorage()): MediaHost {
  const media = globalThis.navigator?.mediaDevices as MediaDevices | undefined;
  const navigator = globalThis.navigator as Navigator & { connection?: NetworkInformation; deviceMemory?: number };
  const network = navigator?.connection;
  return {
    now: () => performance.timeOrigin + performance.now(),
    random: Math.random,
    timer(ms, act) {
      const id = setTimeout(act, ms);
      return () => clearTimeout(id);
    },
    able: typeof RTCPeerConnection === "function" && media !== undefined,
    weak:
      (navigator?.hardwareConcurrency ?? 4) <= 2 ||
      (navigator?.deviceMemory ?? 4) <= 2 ||
      network?.saveData === true,
    routesSound: "setSinkId" in (globalThis.HTMLMediaElement?.prototype ?? {}),
    storage,
    peer: (config) => new RTCPeerConnection(config),
    async take(kind, choices) {
      if (media === undefined) throw new DOMException("no devices", "NotFoundError");
      const stream = await media.getUserMedia(constraints(kind, choices));
      const [track] = stream.getTracks();
      if (track === undefined) throw new DOMException("no track", "NotFoundError");
      return track;
    },
    stream: (tracks) => new MediaStream(tracks),
    sound: playing,
    async devices() {
      const all = (await media?.enumerateDevices()) ?? [];
      const of = (kind: MediaDeviceKind): Device[] =>
        all
          .filter((each) => each.kind === kind && each.deviceId !== "")
          .map(({ deviceId, label }) => ({ id: deviceId, name: label }));
      return { microphone: of("audioinput"), camera: of("videoinput"), speaker: of("audiooutput") };
    },
    onDevices(act) {
      media?.addEventListener("devicechange", act);
      const watched: PermissionStatus[] = [];
      let over = false;
      for (const name of ["microphone", "camera"]) {
        // Some browsers don't know these names; then a press on the button asks again.
        navigator?.permissions
          ?.query({ name: name as PermissionName })
          .then((status) => {
            if (over) return;
            watched.push(status);
            status.addEventListener("change", act);
          })
          .catch(() => undefined);
      }
      return () => {
        over = true;
        media?.removeEventListener("devicechange", act);
        for (const status of watched) status.removeEventListener("change", act);
      };
    },
    onNetwork(act) {
      let type = network?.type;
      // It also fires for each new estimate of the speed; only another network counts.
      const moved = (): void => {
        if (network?.type === type) return;
        type = network?.type;
        act();
      };
      globalThis.addEventListener?.("online", act);
      network?.addEventListener("change", moved);
      return () => {
        globalThis.removeEventListener?.("online", act);
        network?.removeEventListener("change", moved);
      };
    },
  };
}

function playing(track: MediaStreamTrack): Playing {
  const element: Sinkable = new Audio();
  element.srcObject = new MediaStream([track]);
  return {
    play: () => element.play(),
    output(device) {
      // If the device is gone, the sound stays where it is.
      void element.setSinkId?.(device ?? "").catch(() => undefined);
    },
    stop() {
      element.pause();
      element.srcObject = null;
    },
  };
}

/** null if storage is blocked: then reading `window.sessionStorage` throws. */
function tabStorage(): StorageLike | null {
  try {
    return globalThis.sessionStorage ?? null;
  } catch {
    return null;
  }
}
