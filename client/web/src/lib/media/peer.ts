/**
 * The connection to the room's media node, with all its slots from the start: the microphone, the
 * camera, and places to receive on. It is offered once; who is on which place comes by `media.map`.
 * Mostly it is one peer connection; some nodes want one for each direction.
 */

export const AUDIO_SLOTS = 11;
export const VIDEO_SLOTS = 6;
const WEAK_VIDEO_SLOTS = 4;
/** For a browser that names every codec on every slot: more would be a longer offer than is taken. */
const FEW = { audio: 7, video: 2 };

export type SendKind = "audio" | "video";

/** Small to large, so that a node can drop from the end. Bits per second. */
const LAYERS: RTCRtpEncodingParameters[] = [
  { rid: "q", scaleResolutionDownBy: 4, maxBitrate: 80_000 },
  { rid: "h", scaleResolutionDownBy: 2, maxBitrate: 220_000 },
  { rid: "f", scaleResolutionDownBy: 1, maxBitrate: 600_000 },
];
const SINGLE: RTCRtpEncodingParameters[] = [{ maxBitrate: 250_000, scaleResolutionDownBy: 2 }];

/** All that a node forwards. Without this the offer would name every codec on every slot: 46 kB. */
const CODECS: Readonly<Record<SendKind, readonly string[]>> = {
  audio: ["audio/opus", "audio/red"],
  video: ["video/vp8", "video/rtx"],
};

function prefer(transceiver: RTCRtpTransceiver, kind: SendKind): void {
  const known = globalThis.RTCRtpReceiver?.getCapabilities?.(kind)?.codecs ?? [];
  const [main, other] = CODECS[kind];
  const first = known.filter((codec) => codec.mimeType.toLowerCase() === main);
  // The browser names one `rtx` for any codec's.
  const second = known.filter((codec) => codec.mimeType.toLowerCase() === other).slice(0, 1);
  if (first.length === 0) return;
  try {
    transceiver.setCodecPreferences?.([...first, ...second]);
  } catch {
    // An older browser that knows its own order only: its offer is longer.
  }
}

/** Whether an answer continues the session of an earlier one (RFC 8866, 5.2; RFC 8842, 5.5). Pure. */
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
  /** Only the smallest layer. */
  small: boolean;
  /** Changes of one sender follow one another: `setParameters` takes no second one meanwhile. */
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

  /** The worst of the connections': up only when all are. */
  get state(): RTCPeerConnectionState {
    const states = this.connections.map((connection) => connection.connectionState);
    return WORST.find((one) => states.includes(one)) ?? "new";
  }

  /** The tracks of the receive slots by mid; mids are known once an offer was made. */
  tracks(kind: SendKind): Map<string, MediaStreamTrack> {
    const found = new Map<string, MediaStreamTrack>();
    for (const { mid, receiver } of this.receivers) {
      if (mid !== null && receiver.track.kind === kind) found.set(mid, receiver.track);
    }
    return found;
  }

  /**
   * Offers connection by connection; with `restart` the same transports on new ICE credentials. `ask` gets an offer's
   * text and gives the answer's, or null, which ends it: then false comes back. Rejects where an answer
   * can't be taken, and one to a restart that is of another transport than before (a node that had lost
   * ours, or another node): the connection would stay up and dumb.
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
      // The node answers to whoever asks with the right credentials: our addresses are none of its business.
      const offer = connection.localDescription?.sdp ?? "";
      const sdp = await ask(offer.replace(/^a=(candidate|end-of-candidates).*\r?\n/gm, ""));
      if (sdp === null) return false;
      const before = connection.remoteDescription;
      if (before !== null && !continuesSession(before.sdp, sdp)) throw new Error("the transport is another");
      await connection.setRemoteDescription({ type: "answer", sdp });
    }
    return true;
  }

  /** What leaves by this connection from now on: `track` while `active`, else nothing. */
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
        // A browser that can't turn an encoding off sends nothing by having no track.
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
