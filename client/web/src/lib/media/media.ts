/**
 * One person's sound and picture in a room. Once inside it receives by itself; it opens microphone and
 * camera only when the person asks. Works beside a `RoomClient`; immutable snapshots, no UI.
 */

import { own } from "../own.ts";
import type { RoomClient, Snapshot } from "../client.ts";
import type { Answer, MemberId, ServerFrame } from "../wire/messages.ts";
import { deviceStatus, sends, type DeviceStatus } from "./capture.ts";
import { choiceStore, type Choices } from "./choices.ts";
import { Device } from "./device.ts";
import { browserMediaHost, NO_DEVICES, type Devices, type MediaHost, type Playing } from "./host.ts";
import type { Peer, SendKind } from "./peer.ts";
import { mutedAs, mayBeHeard } from "./route.ts";
import { isSilent, NEW_WATCH, watchPackets, type PacketWatch } from "./packet-watch.ts";
import { digest, packetsIn, type Digest, type Look as StatsLook } from "./stats.ts";
import { MediaConnection } from "./connection.ts";

export type MediaStatus = "off" | "connecting" | "up" | "lost" | "unable" | "none";

export interface MediaSnapshot {
  /** `unable`: this browser has no WebRTC. `none`: this server has no media plane. */
  readonly connection: MediaStatus;
  readonly microphone: DeviceStatus;
  readonly camera: DeviceStatus;
  /** Whether the push-to-talk key is down. */
  readonly pressed: boolean;
  /** Whether the person has switched a device on; before that nothing was open. */
  readonly touched: boolean;
  /** Whom we hear just now; includes us while others hear us. */
  readonly speaking: readonly MemberId[];
  /** Video streams by member; our own is from the camera. */
  readonly pictures: ReadonlyMap<MemberId, MediaStream>;
  /** The browser plays sound only after a gesture. */
  readonly silenced: boolean;
  readonly choices: Choices;
  readonly devices: Devices;
  readonly routesSound: boolean;
}

type Client = Pick<RoomClient, "subscribe" | "send" | "listen"> & { readonly snapshot: Snapshot };

/** Milliseconds between checks for packets while somebody speaks. */
const WATCH_EVERY = 500;

export class Media {
  private readonly listeners = new Set<() => void>();
  private readonly store: ReturnType<typeof choiceStore>;
  private readonly devicesOf: Record<SendKind, Device>;
  private readonly connection: MediaConnection;
  private readonly undo: (() => void)[];
  private readonly own: Record<SendKind, Promise<unknown>> = { audio: Promise.resolve(), video: Promise.resolve() };
  private readonly inFlight: Record<SendKind, number> = { audio: 0, video: 0 };

  private choices: Choices;
  private devices: Devices = NO_DEVICES;
  private slots: Readonly<Record<string, MemberId | null>> = {};
  private speaking: readonly MemberId[] = [];
  private sounds: Playing[] = [];
  private streams = new Map<string, { readonly track: MediaStreamTrack; readonly stream: MediaStream }>();
  private ownStream: { readonly track: MediaStreamTrack; readonly stream: MediaStream } | null = null;
  private touched = false;
  private silenced = false;
  private watched: PacketWatch = NEW_WATCH;
  private cancelWatch: (() => void) | null = null;
  private lastStats: StatsLook | null = null;
  private shown: MediaSnapshot | null = null;

  constructor(
    private readonly client: Client,
    private readonly host: MediaHost = browserMediaHost(),
  ) {
    this.store = choiceStore(host.storage);
    this.choices = this.store.load();
    const device = (kind: "microphone" | "camera"): Device =>
      new Device(host, kind, () => this.choices, () => this.changed());
    this.devicesOf = { audio: device("microphone"), video: device("camera") };
    this.connection = new MediaConnection(
      host,
      (t, fields) => client.send(t, fields),
      () => client.snapshot.connection === "ok",
      { changed: () => this.connectionChanged(), opened: (peer) => this.opened(peer), closed: () => this.closed() },
    );
    if (this.choices.push) this.devicesOf.audio.step({ kind: "talk", talk: "ready", now: host.now() });
    this.undo = [
      client.subscribe(() => this.follow()),
      client.listen((frame) => this.receive(frame)),
      host.onDevices(() => this.deviceNews(false)),
      host.onNetwork(() => this.connection.network()),
    ];
    this.follow();
  }

  // ---- snapshots

  /** Calls `listener` after each change; the returned function unsubscribes it. */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  get snapshot(): MediaSnapshot {
    this.shown ??= Object.freeze({
      connection: this.status(),
      microphone: deviceStatus(this.devicesOf.audio.state),
      camera: deviceStatus(this.devicesOf.video.state),
      pressed: this.devicesOf.audio.state.talk === "pressed",
      touched: this.touched,
      speaking: this.speaking,
      pictures: this.pictures(),
      silenced: this.silenced,
      choices: this.choices,
      devices: this.devices,
      routesSound: this.host.routesSound,
    });
    return this.shown;
  }

  /** Figures of the connection since the last call; null while there is none. */
  async digest(): Promise<Digest | null> {
    const peer = this.connection.peer;
    if (peer === null) return null;
    const now: StatsLook = { at: this.host.now(), rows: (await peer.stats()) as unknown as StatsLook["rows"] };
    const before = this.lastStats;
    this.lastStats = now;
    return digest(before, now);
  }

  // ---- actions of the person

  /** On opens the microphone (the browser may ask first); off mutes the seat and closes it. */
  microphone(on: boolean): Promise<Answer<"mute" | "unmute"> | null> {
    return this.turn("audio", on);
  }

  camera(on: boolean): Promise<Answer<"mute" | "unmute"> | null> {
    return this.turn("video", on);
  }

  /** Presses or releases the push-to-talk key. */
  press(down: boolean): void {
    if (!this.choices.push) return;
    this.devicesOf.audio.step({ kind: "talk", talk: down ? "pressed" : "ready", now: this.host.now() });
  }

  choose(change: Partial<Choices>): void {
    const before = this.choices;
    this.choices = { ...before, ...change };
    this.store.save(this.choices);
    const now = this.host.now();
    const differs = (keys: readonly (keyof Choices)[]): boolean =>
      keys.some((key) => before[key] !== this.choices[key]);
    if (differs(["push"]))
      this.devicesOf.audio.step({ kind: "talk", talk: this.choices.push ? "ready" : "always", now });
    if (differs(["microphone", "noise", "echo", "gain"]))
      this.devicesOf.audio.step({ kind: "changed", retake: true, now });
    if (differs(["camera"])) this.devicesOf.video.step({ kind: "changed", retake: true, now });
    if (differs(["speaker"])) for (const sound of this.sounds) sound.output(this.choices.speaker);
    if (differs(["pictures"])) this.takePictures();
    this.changed();
  }

  /** After a gesture: plays the sound that the browser held back. */
  hear(): void {
    this.silenced = false;
    for (const sound of this.sounds) this.play(sound);
    this.changed();
  }

  /** Lists the devices again; browsers tell their names after a permission. */
  look(): void {
    void this.host.devices().then((devices) => {
      this.devices = devices;
      this.changed();
    }, () => undefined);
  }

  /** Opens a device for a test by the person; the caller stops the track. */
  async borrow(kind: "microphone" | "camera"): Promise<MediaStreamTrack> {
    const track = await this.host.take(kind, this.choices);
    this.look();
    return track;
  }

  close(): void {
    for (const undo of this.undo) undo();
    this.leave();
  }

  // ---- devices and mutes

  private async turn(kind: SendKind, on: boolean): Promise<Answer<"mute" | "unmute"> | null> {
    const device = this.devicesOf[kind];
    const { me, role, phase } = this.client.snapshot;
    if (me === null || phase !== "inside" || !this.host.able || this.connection.unavailable) return null;
    // Only facilitators lift a held mute, also their own.
    if (device.state.muted === "held" && role !== "facilitator") return null;
    this.touched = true;
    const fields = { member: me, kinds: [kind] };
    if (!on) {
      device.step({ kind: "wish", on: false, now: this.host.now() });
      this.changed();
      // Mutes the seat too: the server forwards nothing, and everybody sees it.
      return this.say(kind, () => this.client.send("mute", fields));
    }
    device.step({ kind: "wish", on: true, now: this.host.now() });
    if (device.state.muted === "no" && this.inFlight[kind] === 0) return null;
    const answer = await this.say(kind, () => this.client.send("unmute", fields));
    if (!answer.ok) device.step({ kind: "wish", on: false, now: this.host.now() });
    return answer;
  }

  /** Sends our mutes and unmutes one after the other; until the last is answered, our wish counts. */
  private async say(
    kind: SendKind,
    act: () => Promise<Answer<"mute" | "unmute">>,
  ): Promise<Answer<"mute" | "unmute">> {
    this.inFlight[kind] += 1;
    const turn = this.own[kind].then(act);
    this.own[kind] = turn;
    const answer = await turn;
    this.inFlight[kind] -= 1;
    this.follow();
    return answer;
  }

  private deviceNews(retake: boolean): void {
    const now = this.host.now();
    for (const device of Object.values(this.devicesOf)) device.step({ kind: "changed", retake, now });
    this.look();
  }

  /** Follows a new snapshot of the room. */
  private follow(): void {
    const { phase, room, me, connection } = this.client.snapshot;
    if (phase !== "inside") {
      if (this.connection.state.is !== "off") this.leave();
      return;
    }
    const now = this.host.now();
    for (const kind of ["audio", "video"] as const) {
      const device = this.devicesOf[kind];
      const muted = mutedAs(room, me, kind);
      // The echo of our own mute must not undo a later press; a facilitator's mute does.
      if (muted === "held" || this.inFlight[kind] === 0 || (muted === "no" && device.state.muted !== "no"))
        device.step({ kind: "muted", muted, now });
      device.step({ kind: "way", open: kind === "video" || mayBeHeard(room, me) });
    }
    if (connection !== "ok") this.clearSpeaking();
    this.connection.start();
  }

  private leave(): void {
    this.connection.stop();
    for (const device of Object.values(this.devicesOf)) device.step({ kind: "stop" });
    this.clearSpeaking();
    this.touched = false;
    this.changed();
  }

  // ---- the connection

  private connectionChanged(): void {
    this.watch();
    this.changed();
  }

  private receive(frame: ServerFrame): void {
    if (frame.t === "media.map") {
      this.slots = frame.slots;
      this.changed();
    } else if (frame.t === "media.lost") this.connection.lost();
    else if (frame.t === "speaking") {
      this.speaking = frame.members;
      this.watch();
      this.changed();
    }
  }

  private opened(peer: Peer): void {
    this.sounds = [...peer.tracks("audio").values()].map((track) => this.host.sound(track));
    for (const sound of this.sounds) {
      if (this.choices.speaker !== null) sound.output(this.choices.speaker);
      this.play(sound);
    }
    this.streams.clear();
    for (const [mid, track] of peer.tracks("video")) {
      // A slot is given to who may be seen; `mute` shows whether their camera sends.
      track.onmute = track.onunmute = () => this.changed();
      this.streams.set(mid, { track, stream: this.host.stream([track]) });
    }
    if (this.choices.pictures !== "high") this.takePictures();
    this.changed();
  }

  private closed(): void {
    for (const sound of this.sounds) sound.stop();
    this.sounds = [];
    for (const { track } of this.streams.values()) track.onmute = track.onunmute = null;
    this.streams.clear();
    this.slots = {};
    this.lastStats = null;
    this.silenced = false;
    this.clearSpeaking();
  }

  private play(sound: Playing): void {
    sound.play().catch((wrong: unknown) => {
      if (!(wrong instanceof Error) || wrong.name !== "NotAllowedError") return;
      this.silenced = true;
      this.changed();
    });
  }

  private takePictures(): void {
    if (this.connection.peer === null) return;
    void this.client.send("media.take", { pictures: this.choices.pictures });
  }

  private clearSpeaking(): void {
    this.watched = NEW_WATCH;
    this.cancelWatch?.();
    this.cancelWatch = null;
    if (this.speaking.length === 0) return;
    this.speaking = [];
    this.changed();
  }

  /** Checks that packets come while others speak. */
  private watch(): void {
    const others = this.speaking.some((id) => id !== this.client.snapshot.me);
    if (!others || this.connection.state.is !== "up") {
      this.watched = NEW_WATCH;
      return;
    }
    this.cancelWatch ??= this.host.timer(WATCH_EVERY, () => {
      this.cancelWatch = null;
      void this.checkPackets();
    });
  }

  private async checkPackets(): Promise<void> {
    const { peer } = this.connection;
    if (peer === null) return;
    const rows = (await peer.stats()) as unknown as StatsLook["rows"];
    if (this.connection.peer !== peer) return;
    const others = this.speaking.some((id) => id !== this.client.snapshot.me);
    const now = this.host.now();
    this.watched = watchPackets(this.watched, packetsIn(rows), others, now);
    if (others && isSilent(this.watched, now)) {
      this.watched = NEW_WATCH;
      this.connection.lost();
    } else this.watch();
  }

  // ---- making snapshots

  private status(): MediaStatus {
    if (!this.host.able) return "unable";
    if (this.connection.unavailable) return "none";
    const { state } = this.connection;
    if (state.is === "off" || state.is === "up") return state.is;
    if (state.is === "disconnected") return "up";
    return state.is === "waiting" || state.attempt > 0 ? "lost" : "connecting";
  }

  private pictures(): ReadonlyMap<MemberId, MediaStream> {
    const found = new Map<MemberId, MediaStream>();
    for (const [mid, { track, stream }] of this.streams) {
      const who = own(this.slots, mid);
      if (who != null && !track.muted) found.set(who, stream);
    }
    const { me } = this.client.snapshot;
    const camera = this.devicesOf.video;
    if (me !== null && camera.track !== null && sends(camera.state)) {
      if (this.ownStream?.track !== camera.track)
        this.ownStream = { track: camera.track, stream: this.host.stream([camera.track]) };
      found.set(me, this.ownStream.stream);
    }
    return found;
  }

  private changed(): void {
    const { peer } = this.connection;
    if (peer !== null) {
      const { audio, video } = this.devicesOf;
      peer.send("audio", audio.track, sends(audio.state));
      peer.send("video", video.track, sends(video.state), this.choices.pictures === "low");
    }
    if (this.devices === NO_DEVICES && (this.devicesOf.audio.track ?? this.devicesOf.video.track) !== null) this.look();
    this.shown = null;
    for (const listener of [...this.listeners]) listener();
  }
}
