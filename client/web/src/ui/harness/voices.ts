/** Sound and picture without devices or connection, for the fixtures. Not shipped. */
import { DEFAULT_CHOICES, NO_DEVICES, type Choices } from "../../lib/index.ts";
import type { DeviceStatus, Digest, MediaPort, MediaSnapshot } from "../port.ts";

export function media(change: Partial<MediaSnapshot> = {}): MediaSnapshot {
  return {
    connection: "up", microphone: "off", camera: "off", pressed: false, touched: true, speaking: [],
    pictures: new Map(), silenced: false, choices: DEFAULT_CHOICES, devices: NO_DEVICES, routesSound: true,
    ...change,
  };
}

/** A drawn face that breathes, as a stream. */
function face(i: number): MediaStream {
  const canvas = document.createElement("canvas");
  canvas.width = 320;
  canvas.height = 240;
  const draw = canvas.getContext("2d");
  const paint = (): void => {
    if (draw === null) return;
    const sway = Math.sin(performance.now() / 900 + i) * 4;
    const room = draw.createLinearGradient(0, 0, 320, 240);
    room.addColorStop(0, `hsl(${30 + i * 47} 28% 62%)`);
    room.addColorStop(1, `hsl(${60 + i * 47} 24% 36%)`);
    draw.fillStyle = room;
    draw.fillRect(0, 0, 320, 240);
    draw.fillStyle = `hsl(${210 + i * 31} 22% 32%)`;
    draw.beginPath();
    draw.ellipse(160 + sway / 2, 262, 92, 88, 0, 0, 7);
    draw.fill();
    draw.fillStyle = ["#e8c4a0", "#8d5a3b", "#c99770", "#f0d2b6", "#6b432c"][i % 5] ?? "#ccc";
    draw.beginPath();
    draw.ellipse(160 + sway, 118, 50, 62, 0, 0, 7);
    draw.fill();
    draw.fillStyle = ["#3a2a20", "#1b1512", "#7a5a36", "#8b8680", "#20160f"][i % 5] ?? "#333";
    draw.beginPath();
    draw.ellipse(160 + sway, 78, 54, 36, 0, 3.1, 6.3);
    draw.fill();
  };
  paint();
  setInterval(paint, 100);
  return canvas.captureStream(10);
}

const faces = (ids: readonly string[]): Map<string, MediaStream> =>
  new Map(ids.map((id) => [id, face(Number(id.slice(1)))]));

export const VOICES: Readonly<Record<string, () => MediaSnapshot>> = {
  fresh: () => media({ touched: false }),
  off: () => media(),
  on: () => media({ microphone: "on", speaking: ["m3", "m5"] }),
  asking: () => media({ microphone: "asking" }),
  waiting: () => media({ microphone: "waiting", speaking: ["m2"] }),
  ready: () => media({ microphone: "ready", choices: { ...DEFAULT_CHOICES, push: true } }),
  held: () => media({ microphone: "held", camera: "held" }),
  blocked: () => media({ microphone: "blocked" }),
  missing: () => media({ microphone: "missing", camera: "missing" }),
  silenced: () => media({ silenced: true }),
  lost: () => media({ connection: "lost" }),
  none: () => media({ connection: "none", touched: false }),
  unable: () => media({ connection: "unable" }),
  faces: () => media({ microphone: "on", camera: "on", speaking: ["m5"], pictures: faces(["m0", "m1", "m2", "m3", "m5", "m6"]) }),
  turn: () => media({ microphone: "waiting", camera: "on", speaking: ["m2"], pictures: faces(["m0", "m2", "m3", "m5"]) }),
};

const FIGURES: Digest = {
  down: { sound: 34, picture: 412, loss: 0.004 }, up: { sound: 31, picture: 220, loss: 0 },
  rtt: 38, jitter: 6, codecs: ["opus", "VP8"], way: "udp", relay: false,
};
const named = (kind: string): { id: string; name: string }[] => [1, 2].map((n) => ({ id: `${kind}${n}`, name: `${kind} ${n}` }));

export class FixtureMedia implements MediaPort {
  private listeners = new Set<() => void>();
  constructor(public snapshot: MediaSnapshot) {}
  change(change: Partial<MediaSnapshot>): void {
    this.snapshot = { ...this.snapshot, ...change };
    for (const tell of this.listeners) tell();
  }
  subscribe = (fn: () => void): (() => void) => {
    this.listeners.add(fn);
    return () => this.listeners.delete(fn);
  };
  private turn(kind: "microphone" | "camera", on: boolean): Promise<null> {
    const look: DeviceStatus = on ? "on" : "off";
    this.change({ [kind]: look, touched: true });
    return Promise.resolve(null);
  }
  microphone = (on: boolean): Promise<null> => this.turn("microphone", on);
  camera = (on: boolean): Promise<null> => this.turn("camera", on);
  press = (down: boolean): void => this.change({ pressed: down, microphone: down ? "on" : "ready", speaking: down ? ["m3"] : [] });
  choose = (change: Partial<Choices>): void => this.change({ choices: { ...this.snapshot.choices, ...change } });
  hear = (): void => this.change({ silenced: false });
  look = (): void => this.change({ devices: { microphone: named("Microphone"), camera: named("Camera"), speaker: named("Speaker") } });
  borrow: MediaPort["borrow"] = async (kind) => {
    if (kind === "camera") return face(3).getTracks()[0] as MediaStreamTrack;
    const context = new AudioContext();
    const tone = context.createOscillator();
    const gain = context.createGain();
    gain.gain.value = 0.05;
    const out = context.createMediaStreamDestination();
    tone.connect(gain).connect(out);
    tone.start();
    return out.stream.getTracks()[0] as MediaStreamTrack;
  };
  digest = (): Promise<Digest | null> => Promise.resolve(this.snapshot.connection === "up" ? FIGURES : null);
}
