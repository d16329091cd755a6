/** A browser in memory for the media part: devices, peer connections and sounds that a test moves. */

import { Media } from "../../src/lib/index.ts";
import type { MediaHost, Playing } from "../../src/lib/media/host.ts";
import { MemoryStorage, type World } from "./world.ts";

export class FakeTrack {
  enabled = true;
  stopped = false;
  muted = false;
  onmute: (() => void) | null = null;
  onunmute: (() => void) | null = null;
  onended: (() => void) | null = null;
  constructor(readonly kind: "audio" | "video") {}
  stop(): void {
    this.stopped = true;
  }
}

class FakeSender {
  track: FakeTrack | null = null;
  parameters: { encodings: { rid?: string; active?: boolean }[] };
  constructor(encodings: { rid?: string }[]) {
    this.parameters = { encodings: encodings.map((each) => ({ ...each, active: true })) };
  }
  getParameters(): unknown {
    return structuredClone(this.parameters);
  }
  async setParameters(parameters: FakeSender["parameters"]): Promise<void> {
    this.parameters = parameters;
  }
  async replaceTrack(track: FakeTrack | null): Promise<void> {
    this.track = track;
  }
  get sends(): boolean {
    return this.track !== null && this.track.enabled && this.parameters.encodings.some((each) => each.active);
  }
}

interface FakeTransceiver {
  mid: string | null;
  direction: string;
  kind: "audio" | "video";
  sender: FakeSender;
  receiver: { track: FakeTrack };
  setCodecPreferences?: () => void;
}

export class FakePeer {
  readonly transceivers: FakeTransceiver[] = [];
  connectionState = "new";
  onconnectionstatechange: (() => void) | null = null;
  localDescription: { sdp: string } | null = null;
  remoteDescription: { sdp: string } | null = null;
  static choosesCodecs = true;
  restarts = 0;
  packets = 0;
  closed = false;
  constructor(readonly config: RTCConfiguration) {}

  addTransceiver(kind: "audio" | "video", init: { direction: string; sendEncodings?: { rid?: string }[] }): FakeTransceiver {
    const made: FakeTransceiver = {
      mid: null,
      direction: init.direction,
      kind,
      sender: new FakeSender(init.sendEncodings ?? []),
      receiver: { track: new FakeTrack(kind) },
      ...(FakePeer.choosesCodecs ? { setCodecPreferences: () => undefined } : {}),
    };
    this.transceivers.push(made);
    return made;
  }
  getTransceivers(): FakeTransceiver[] {
    return this.transceivers;
  }
  setConfiguration(): void {}
  restartIce(): void {
    this.restarts += 1;
  }
  async setLocalDescription(): Promise<void> {
    for (const [i, each] of this.transceivers.entries()) each.mid = String(i);
    this.localDescription = { sdp: `v=0\r\na=candidate:1 1 udp 1 192.0.2.7 9 typ host\r\na=restart:${this.restarts}\r\n` };
  }
  async setRemoteDescription(description: { sdp: string }): Promise<void> {
    this.remoteDescription = description;
  }
  async getStats(): Promise<Map<string, unknown>> {
    return new Map([["in", { id: "in", type: "inbound-rtp", kind: "audio", packetsReceived: this.packets }]]);
  }
  close(): void {
    this.closed = true;
  }
  become(state: string): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
  sender(kind: "audio" | "video"): FakeSender {
    const found = this.transceivers.find((each) => each.kind === kind && each.direction === "sendonly");
    if (found === undefined) throw new Error("no sender");
    return found.sender;
  }
}

export class FakeBrowser {
  readonly storage = new MemoryStorage();
  readonly peers: FakePeer[] = [];
  readonly taken: FakeTrack[] = [];
  readonly sounds: { played: number; stopped: boolean }[] = [];
  refuseCapture: string | null = null;
  refuseSound = false;
  private readonly news = { devices: new Set<() => void>(), network: new Set<() => void>() };

  constructor(private readonly world: World) {}

  get peer(): FakePeer {
    const peer = this.peers.at(-1);
    if (peer === undefined) throw new Error("no peer connection was made");
    return peer;
  }

  devicesChange(): void {
    for (const act of this.news.devices) act();
  }

  networkChange(): void {
    for (const act of this.news.network) act();
  }

  host(): MediaHost {
    const watch = (set: Set<() => void>) => (act: () => void) => {
      set.add(act);
      return () => set.delete(act);
    };
    return {
      now: () => this.world.now(),
      random: () => this.world.random(),
      timer: (ms, act) => this.world.timer(ms, act),
      able: true,
      weak: false,
      routesSound: false,
      storage: this.storage,
      peer: (config) => {
        const peer = new FakePeer(config);
        this.peers.push(peer);
        return peer as unknown as RTCPeerConnection;
      },
      take: async (kind) => {
        if (this.refuseCapture !== null) throw new DOMException("no", this.refuseCapture);
        const track = new FakeTrack(kind === "microphone" ? "audio" : "video");
        this.taken.push(track);
        return track as unknown as MediaStreamTrack;
      },
      stream: (tracks) => ({ tracks }) as unknown as MediaStream,
      sound: (): Playing => {
        const sound = { played: 0, stopped: false };
        this.sounds.push(sound);
        return {
          play: async () => {
            sound.played += 1;
            if (this.refuseSound) throw new DOMException("no gesture", "NotAllowedError");
          },
          output: () => undefined,
          stop: () => (sound.stopped = true),
        };
      },
      devices: async () => ({ microphone: [{ id: "a", name: "Mic" }], camera: [], speaker: [] }),
      onDevices: watch(this.news.devices),
      onNetwork: watch(this.news.network),
    };
  }
}

/** Lets everything that waits for a promise go on. */
export async function soon(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

export function mediaFor(client: ConstructorParameters<typeof Media>[0], world: World): { media: Media; browser: FakeBrowser } {
  const browser = new FakeBrowser(world);
  return { media: new Media(client, browser.host()), browser };
}
