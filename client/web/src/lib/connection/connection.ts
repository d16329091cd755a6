/**
 * A connection to the server, over one socket after another. It says hello on each socket, gives up
 * a dead one, and reconnects by the policy of `reconnect.ts`. It knows frames, not rooms.
 */

import { CodecError, decode, encode } from "../wire/codec.ts";
import type { Host, SocketLike } from "./host.ts";
import { readFrame, type ClientFrame, type ServerFrame } from "../wire/messages.ts";
import { IDLE, step, type ConnectionState, type ConnectionEvent } from "./reconnect.ts";

export const SUBPROTOCOL = "sitwith.v1";
/** Milliseconds from opening a socket to its welcome. */
export const WELCOME_WITHIN = 10_000;
/** Milliseconds within which some frame must arrive after a probe. */
export const ANSWER_WITHIN = 5_000;
/**
 * Milliseconds of silence after a command until a probe is sent. An answer may take longer than a
 * dead socket is given: a media offer waits up to 8 s for a media node.
 */
export const ASK_AFTER = 2_500;
/** Milliseconds of silence until a probe is sent. A page can't see the server's pings. */
export const SILENCE = 25_000;

const DEAD = 1006;
const GOODBYE = 1000;
/** Our code for an unreadable frame; browsers don't allow 1002 or 1007. */
const UNREADABLE = 4003;

export interface ConnectionListener {
  /** The greeting for a new socket. */
  hello(): ClientFrame;
  /** A ping, which the server answers. */
  probe(): ClientFrame;
  frame(frame: ServerFrame): void;
  /** The connection is lost until the next welcome. Called again after each failed attempt. */
  lost(): void;
  /** The connection has ended for good. */
  ended(code: number): void;
}

export class Connection {
  private link: ConnectionState = IDLE;
  private socket: SocketLike | null = null;
  private cancelTimer: (() => void) | null = null;
  private cancelWatch: (() => void) | null = null;
  private cancelWake: (() => void) | null = null;
  /** A frame was sent and none has arrived since. */
  private asking = false;
  private greeted = false;
  /** The code of a `closed` frame: the socket's own close may get lost. */
  private named: number | null = null;

  constructor(
    private readonly host: Host,
    private readonly url: string,
    private readonly user: ConnectionListener,
  ) {}

  start(): void {
    this.cancelWake ??= this.host.onWake(() => this.woke());
    this.step({ kind: "start", now: this.host.now() });
  }

  /** Ends the connection with a closing handshake. */
  stop(code = GOODBYE): void {
    if (this.link.kind === "done") return;
    this.drop(GOODBYE);
    this.step({ kind: "stop", code });
  }

  /**
   * Sends a frame; returns false and sends nothing if no socket is welcomed. Throws `CodecError` if
   * the frame can't be encoded.
   */
  send(frame: ClientFrame): boolean {
    const bytes = encode(frame);
    if (this.link.kind !== "open" || this.socket === null) return false;
    this.socket.send(bytes);
    if (!this.asking) {
      this.asking = true;
      this.unlessHeard(ASK_AFTER, () => this.ask(ANSWER_WITHIN - ASK_AFTER));
    }
    return true;
  }

  private step(event: ConnectionEvent): void {
    const before = this.link;
    this.link = step(before, event);
    if (this.link === before) return;
    this.cancelTimer?.();
    this.cancelTimer = null;
    switch (this.link.kind) {
      case "trying":
        this.open();
        break;
      case "waiting": {
        const { until } = this.link;
        this.after(Math.max(0, until - this.host.now()), () =>
          // A timer may fire slightly early, but the policy compares with `until`.
          this.step({ kind: "timer", now: Math.max(until, this.host.now()) }),
        );
        break;
      }
      case "done":
        this.cancelWake?.();
        this.cancelWake = null;
        this.user.ended(this.link.code);
        break;
      case "open":
      case "idle":
        break;
    }
  }

  private after(ms: number, act: () => void): void {
    this.cancelTimer = this.host.timer(ms, act);
  }

  private open(): void {
    this.named = null;
    this.greeted = false;
    let socket: SocketLike;
    try {
      socket = this.host.openSocket(this.url, SUBPROTOCOL);
    } catch {
      this.lose(DEAD);
      return;
    }
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      if (this.socket !== socket) return;
      socket.send(encode(this.user.hello()));
      this.greeted = true;
    };
    socket.onmessage = (event) => {
      if (this.socket === socket) this.receive(event.data);
    };
    socket.onclose = (event) => {
      if (this.socket === socket) this.lose(event.code);
    };
    this.after(WELCOME_WITHIN, () => this.lose(DEAD));
  }

  private receive(data: unknown): void {
    let frame: ServerFrame | "unknown" | null = null;
    try {
      if (data instanceof ArrayBuffer) frame = readFrame(decode(data));
    } catch (wrong) {
      if (!(wrong instanceof CodecError)) throw wrong;
    }
    if (frame === null) {
      this.lose(DEAD, UNREADABLE);
      return;
    }
    this.asking = false;
    this.watch();
    if (frame === "unknown") return;
    if (frame.t === "welcome") this.step({ kind: "welcomed", now: this.host.now() });
    if (frame.t === "closed") this.named = frame.code;
    if (frame.t === "reconnect") this.moveWithin(frame.after_ms);
    this.user.frame(frame);
  }

  /** The server stops: all clients move elsewhere, at random moments within `ms`. */
  private moveWithin(ms: number): void {
    if (this.link.kind !== "open") return;
    this.cancelTimer?.();
    this.after(this.host.random() * Math.max(0, ms) * 0.9, () => this.lose(DEAD, GOODBYE));
  }

  /** Gives up the current socket, without waiting for its close event: that may take minutes. */
  private lose(code: number, say = GOODBYE): void {
    this.drop(say);
    this.step({
      kind: "lost",
      now: this.host.now(),
      code: this.named ?? code,
      chance: this.host.random(),
      greeted: this.greeted,
    });
    if (this.link.kind === "waiting") this.user.lost();
  }

  private drop(say: number): void {
    const socket = this.socket;
    this.socket = null;
    this.asking = false;
    this.cancelWatch?.();
    this.cancelWatch = null;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
    try {
      socket.close(say);
    } catch {
      // Already closed.
    }
  }

  // ---- half-open sockets

  private woke(): void {
    if (this.link.kind !== "open") this.step({ kind: "woke", now: this.host.now() });
    else if (!this.asking) this.ask();
  }

  /** Sends a probe. Any frame shows that the socket is alive; without one it is given up. */
  private ask(within = ANSWER_WITHIN): void {
    this.asking = true;
    this.socket?.send(encode(this.user.probe()));
    this.unlessHeard(within, () => this.lose(DEAD));
  }

  private unlessHeard(ms: number, act: () => void): void {
    const due = this.host.now() + ms;
    this.watchFor(ms, () => {
      // After a sleep, timers fire before the frames that came meanwhile: probe once more.
      if (this.host.now() - due > ANSWER_WITHIN) this.ask();
      else act();
    });
  }

  private watch(): void {
    this.watchFor(SILENCE, () => this.ask());
  }

  private watchFor(ms: number, act: () => void): void {
    this.cancelWatch?.();
    this.cancelWatch = this.host.timer(ms, () => {
      this.cancelWatch = null;
      if (this.link.kind === "open") act();
    });
  }
}
