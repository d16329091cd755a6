/** The media connection, over one peer connection after another: carries out what `state.ts` decides. */

import type { Answer, CommandFields, CommandName, TurnServer } from "../wire/messages.ts";
import type { MediaHost } from "./host.ts";
import { OFF, step, type MediaState, type MediaEvent } from "./state.ts";
import { Peer } from "./peer.ts";

export type Send = <T extends CommandName>(t: T, fields: CommandFields[T]) => Promise<Answer<T>>;

export interface MediaConnectionListener {
  /** The state has changed. */
  changed(): void;
  /** An offer was answered; the receive slots have their mids. */
  opened(peer: Peer): void;
  /** The peer connection is closed. */
  closed(): void;
}

/** After these refusals the same offer would soon be refused again. */
const SLOW: ReadonlySet<string> = new Set(["bad_request", "stale", "not_allowed", "too_long", "not_inside"]);
const NEVER = "not_allowed";
/** The reason of a node that wants a transport for each direction. */
const TWO_TRANSPORTS = "two_transports";
/** The part of their lifetime after which relay credentials are renewed. */
const OLD = 0.8;

export class MediaConnection {
  private line: MediaState = OFF;
  private current: Peer | null = null;
  private cancelTimer: (() => void) | null = null;
  /** The server has no media plane. */
  unavailable = false;
  private servers: { readonly config: RTCConfiguration; readonly until: number } | null = null;

  constructor(
    private readonly host: MediaHost,
    private readonly send: Send,
    private readonly signal: () => boolean,
    private readonly user: MediaConnectionListener,
  ) {}

  get state(): MediaState {
    return this.line;
  }

  get peer(): Peer | null {
    return this.current;
  }

  start(): void {
    if (this.host.able) this.step({ kind: "start", now: this.host.now() });
  }

  stop(): void {
    this.step({ kind: "stop" });
  }

  lost(): void {
    this.step({ kind: "lost", now: this.host.now(), chance: this.host.random() });
  }

  network(): void {
    this.step({ kind: "network", now: this.host.now() });
  }

  private step(event: MediaEvent): void {
    const before = this.line;
    this.line = step(before, event);
    if (this.line === before) return;
    this.cancelTimer?.();
    this.cancelTimer = null;
    if (this.line.is === "waiting" || this.line.is === "off") this.drop();
    if ("due" in this.line) this.wait(this.line.due);
    if (this.line.is === "offering" && (before.is === "off" || before.offer !== this.line.offer)) {
      void this.offer(this.line.offer, this.line.restart);
    }
    this.user.changed();
  }

  private wait(due: number): void {
    this.cancelTimer = this.host.timer(Math.max(0, due - this.host.now()), () =>
      this.step({
        kind: "timer",
        now: Math.max(due, this.host.now()),
        chance: this.host.random(),
        signal: this.signal(),
      }),
    );
  }

  private isCurrent(offer: number): boolean {
    return this.line.is === "offering" && this.line.offer === offer;
  }

  private async offer(offer: number, restart: boolean): Promise<void> {
    const refused = (slow: boolean): void =>
      this.step({ kind: "refused", offer, slow, now: this.host.now(), chance: this.host.random() });
    try {
      const config = await this.config();
      if (!this.isCurrent(offer)) return;
      if (config === null) return refused(this.unavailable);
      const same = restart ? this.current : null;
      let peer = same ?? this.open(config, false);
      let slow = false;
      let wantsTwo = false;
      const ask = async (sdp: string): Promise<string | null> => {
        const answer = this.isCurrent(offer) ? await this.send("media.offer", { sdp }) : null;
        if (answer === null || answer.ok) return this.isCurrent(offer) ? (answer?.fields.sdp ?? null) : null;
        if (answer.code === NEVER) this.unavailable = true;
        wantsTwo = answer.message.includes(TWO_TRANSPORTS);
        slow = SLOW.has(answer.code);
        return null;
      };
      let done = await peer.negotiate(same === null ? null : config, ask);
      // Each new connection tries one transport first: another node may take only that.
      if (wantsTwo && same === null && this.isCurrent(offer)) {
        peer = this.open(config, true);
        slow = false;
        done = await peer.negotiate(null, ask);
      }
      if (!this.isCurrent(offer)) return;
      if (!done) return refused(slow);
      this.step({ kind: "answered", offer, now: this.host.now() });
      if (same === null) this.user.opened(peer);
      // After a restart the state may be `connected` all along, without an event.
      if (peer.state === "connected") this.step({ kind: "connected", now: this.host.now() });
    } catch {
      refused(false);
    }
  }

  private open(config: RTCConfiguration, split: boolean): Peer {
    this.drop();
    const shape = { weak: this.host.weak, split };
    const peer = new Peer(() => this.host.peer(config), shape, (state) => {
      if (this.current !== peer) return;
      const now = this.host.now();
      if (state === "connected") this.step({ kind: "connected", now });
      if (state === "disconnected") this.step({ kind: "disconnected", now });
      if (state === "failed") this.lost();
    });
    this.current = peer;
    return peer;
  }

  private drop(): void {
    if (this.current === null) return;
    this.current.close();
    this.current = null;
    this.user.closed();
  }

  /** The configuration with relays; null if the room gave none, because nothing may bypass a relay. */
  private async config(): Promise<RTCConfiguration | null> {
    if (this.servers !== null && this.host.now() < this.servers.until) return this.servers.config;
    const answer = await this.send("media.servers", {});
    const base: RTCConfiguration = { bundlePolicy: "max-bundle", rtcpMuxPolicy: "require", iceServers: [] };
    // A server of an earlier version has no relays.
    if (!answer.ok) {
      if (answer.code === NEVER) this.unavailable = true;
      return answer.code === "bad_request" ? base : null;
    }
    this.unavailable = false;
    const { servers, ttl, relay } = answer.fields;
    const config: RTCConfiguration = {
      ...base,
      iceServers: servers.map(({ urls, username, credential }: TurnServer) => ({ urls, username, credential })),
      iceTransportPolicy: relay ? "relay" : "all",
    };
    this.servers = { config, until: this.host.now() + ttl * 1000 * OLD };
    return config;
  }
}
