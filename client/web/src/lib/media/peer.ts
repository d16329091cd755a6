/**
 * The connection to the room's media node, with all its slots from the start: microphone, camera and
 * receive slots. `media.map` says which member is on which slot. It is one peer connection; for some
 * nodes one for each direction.
 */

export const AUDIO_SLOTS = 11;
export const VIDEO_SLOTS = 6;
const WEAK_VIDEO_SLOTS = 4;
/** For a browser that lists every codec on every slot: more slots would exceed the limit of an offer. */
const FEW = { audio: 7, video: 2 };

export type SendKind = "audio" | "video";

/** Small to large, so that a node can drop the last ones. Bits per second. */
const LAYERS: RTCRtpEncodingParameters[] = [
  { rid: "q", scaleResolutionDownBy: 4, maxBitrate: 80_000 },
  { rid: "h", scaleResolutionDownBy: 2, maxBitrate: 220_000 },
  { rid: "f", scaleResolutionDownBy: 1, maxBitrate: 600_000 },
];
const SINGLE: RTCRtpEncodingParameters[] = [{ maxBitrate: 250_000, scaleResolutionDownBy: 2 }];

/** The codecs that a node forwards. With all codecs on every slot an offer would have 46 kB. */
const CODECS: Readonly<Record<SendKind, readonly string[]>> = {
  audio: ["audio/opus", "audio/red"],
  video: ["video/vp8", "video/rtx"],
};

function prefer(transceiver: RTCRtpTransceiver, kind: SendKind): void {
  const known = globalThis.RTCRtpReceiver?.getCapabilities?.(kind)?.codecs ?? [];
  const [main, other] = CODECS[kind];
  const first = known.filter((codec) => codec.mimeType.toLowerCase() === main);
  // Browsers list one `rtx` for all codecs.
  const second = known.filter((codec) => codec.mimeType.toLowerCase() === other).slice(0, 1);
  if (first.length === 0) return;
  try {
    transceiver.setCodecPreferences?.([...first, ...second]);
  } catch {
    // An older browser keeps its own list: the offer is longer.
  }
}

/** Whether an answer continues the session of an earlier answer (RFC 8866, 5.2; RFC 8842, 5.5). Pure. */
export function continuesSession(before: string, after: string): boolean {
  const origin = /^o=\S+ (\S+) (\d+) /m;
  const prints = (sdp: string): string => [...new Set(sdp.match(/^a=fingerprint:.*$/gm) ?? [])].join();
  const [, id, version] = origin.exec(before) ?? [];
  const [, sameId, newer] = origin.exec(after) ?? [];
  return id === sameId && Number(newer) > Number(version) && prints(before) === prints(after);
}

const WORST = ["closed", "failed", "disconnected", "new", "connecting", "connected"] as const;

interface Outgoing {
  readonly sender: RTCRtpSender;
  track: MediaStreamTrack | null;
  active: boolean;
  /** Sends only the smallest layer. */
  small: boolean;
  /** Queues the changes of a sender: `setParameters` takes one at a time. */
  work: Promise<void>;
}

export class Peer {
  private readonly out: Record<SendKind, Outgoing>;
  private readonly receivers: RTCRtpTransceiver[] = [];
  private readonly connections: readonly RTCPeerConnection[];
  private closed = false;

  /** `split`: a peer connection that only sends and one that only receives. */
  constructor(
    make: () => RTCPeerConnection,
    shape: { readonly weak: boolean; readonly split: boolean },
    private readonly onState: (state: RTCPeerConnectionState) => void,
  ) {
    const up = make();
    const down = shape.split ? make() : up;
    this.connections = shape.split ? [up, down] : [up];
    this.out = {
      audio: this.outgoing(up, "audio", [{ maxBitrate: 32_000 }]),
      video: this.outgoing(up, "video", shape.weak ? SINGLE : LAYERS),
    };
    const all = { audio: AUDIO_SLOTS, video: shape.weak ? WEAK_VIDEO_SLOTS : VIDEO_SLOTS };
    const slots = up.getTransceivers().every((each) => "setCodecPreferences" in each) ? all : FEW;
    for (let i = 0; i < slots.audio; i++) this.incoming(down, "audio");
    for (let i = 0; i < slots.video; i++) this.incoming(down, "video");
    for (const connection of this.connections) {
      connection.onconnectionstatechange = () => {
        if (!this.closed) this.onState(this.state);
      };
    }
  }

  private outgoing(
    connection: RTCPeerConnection,
    kind: SendKind,
    sendEncodings: RTCRtpEncodingParameters[],
  ): Outgoing {
    const transceiver = connection.addTransceiver(kind, { direction: "sendonly", sendEncodings });
    prefer(transceiver, kind);
    return { sender: transceiver.sender, track: null, active: true, small: false, work: Promise.resolve() };
  }

  private incoming(connection: RTCPeerConnection, kind: SendKind): void {
    const transceiver = connection.addTransceiver(kind, { direction: "recvonly" });
    prefer(transceiver, kind);
    this.receivers.push(transceiver);
  }

  /** The worst state of the connections. */
  get state(): RTCPeerConnectionState {
    const states = this.connections.map((connection) => connection.connectionState);
    return WORST.find((one) => states.includes(one)) ?? "new";
  }

  /** The tracks of the receive slots by mid; mids are known after an offer. */
  tracks(kind: SendKind): Map<string, MediaStreamTrack> {
    const found = new Map<string, MediaStreamTrack>();
    for (const { mid, receiver } of this.receivers) {
      if (mid !== null && receiver.track.kind === kind) found.set(mid, receiver.track);
    }
    return found;
  }

  /**
   * Offers each connection; with `restart` the same transports with new ICE credentials. `ask` sends the
   * SDP of an offer and returns that of its answer; if it returns null, this returns false. Rejects if
   * an answer can't be used, or if the answer to a restart is from another transport (the node has lost
   * ours, or is another one): the connection would stay up without sound.
   */
  async negotiate(
    restart: RTCConfiguration | null,
    ask: (sdp: string) => Promise<string | null>,
  ): Promise<boolean> {
    for (const connection of this.connections) {
      if (restart !== null) {
        connection.setConfiguration(restart);
        connection.restartIce();
      }
      await connection.setLocalDescription();
      // A node answers anybody with the right credentials, so it need not know our addresses.
      const offer = connection.localDescription?.sdp ?? "";
      const sdp = await ask(offer.replace(/^a=(candidate|end-of-candidates).*\r?\n/gm, ""));
      if (sdp === null) return false;
      const before = connection.remoteDescription;
      if (before !== null && !continuesSession(before.sdp, sdp)) throw new Error("the transport is another");
      await connection.setRemoteDescription({ type: "answer", sdp });
    }
    return true;
  }

  /** Sends `track` from now on while `active`, else nothing. */
  send(kind: SendKind, track: MediaStreamTrack | null, active: boolean, small = false): void {
    const out = this.out[kind];
    const other = out.track !== track;
    const turned = out.active !== active || out.small !== small;
    out.track = track;
    out.active = active;
    out.small = small;
    if (other) this.then(out, () => out.sender.replaceTrack(out.track));
    if (turned) this.then(out, () => this.turn(out));
  }

  private then(out: Outgoing, act: () => Promise<unknown>): void {
    out.work = out.work.then(async () => {
      if (this.closed) return;
      try {
        await act();
      } catch {
        // A browser that can't switch an encoding off gets no track.
        if (!out.active) await out.sender.replaceTrack(null).catch(() => undefined);
      }
    });
  }

  private async turn(out: Outgoing): Promise<void> {
    const parameters = out.sender.getParameters();
    for (const [i, encoding] of parameters.encodings.entries()) {
      encoding.active = out.active && (i === 0 || !out.small);
    }
    await out.sender.setParameters(parameters);
  }

  async stats(): Promise<RTCStats[]> {
    const found: RTCStats[] = [];
    if (this.closed) return found;
    for (const connection of this.connections) (await connection.getStats()).forEach((each: RTCStats) => found.push(each));
    return found;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const connection of this.connections) {
      connection.onconnectionstatechange = null;
      connection.close();
    }
  }
}
