/**
 * A world in memory: time that a test moves, and socket pairs whose two directions are queues that a
 * test empties when it likes. No real timer, no network.
 */

import { decode, encode, CLIENT_LIMITS, SERVER_LIMITS } from "../../src/lib/wire/codec.ts";
import type { Host, SocketLike } from "../../src/lib/connection/host.ts";
import type { StorageLike } from "../../src/lib/entry/store.ts";

export type Frame = Record<string, unknown> & { t: string };

/** The client's end is a `SocketLike`; the test plays the server through the rest. */
export class SocketPair implements SocketLike {
  binaryType = "blob";
  onopen: SocketLike["onopen"] = null;
  onmessage: SocketLike["onmessage"] = null;
  onclose: SocketLike["onclose"] = null;
  onerror: SocketLike["onerror"] = null;
  /** Frames on their way to the server, oldest first. */
  readonly up: Frame[] = [];
  /** Bytes on their way to the client. */
  readonly down: Uint8Array<ArrayBuffer>[] = [];
  closedByClient: number | null = null;

  constructor(
    readonly url: string,
    readonly protocol: string,
  ) {}

  send(data: Uint8Array<ArrayBuffer>): void {
    this.up.push(decode(data, CLIENT_LIMITS));
  }

  close(code = 1000): void {
    this.closedByClient = code;
  }

  // ---- the server's side

  open(): void {
    this.onopen?.(undefined as never);
  }

  /** Puts frames on their way and lets them arrive. */
  say(...frames: Frame[]): void {
    this.queue(...frames);
    this.arrive();
  }

  queue(...frames: Frame[]): void {
    for (const frame of frames) this.down.push(encode(frame, SERVER_LIMITS));
  }

  arrive(count = this.down.length): void {
    for (const bytes of this.down.splice(0, count)) this.onmessage?.({ data: bytes.buffer });
  }

  sayRaw(data: unknown): void {
    this.onmessage?.({ data });
  }

  end(code: number): void {
    this.onclose?.({ code });
  }

  /** Takes the frames that have come from the client so far. */
  heard(): Frame[] {
    return this.up.splice(0);
  }
}

interface Timer {
  due: number;
  act: () => void;
}

/** Numbers in [0, 1) from a seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = state;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class World implements Host {
  time = 1_000_000;
  readonly sockets: SocketPair[] = [];
  readonly random: () => number;
  private timers: Timer[] = [];
  private wakers = new Set<() => void>();

  constructor(seed = 1) {
    this.random = seeded(seed);
  }

  now(): number {
    return this.time;
  }

  timer(ms: number, act: () => void): () => void {
    const timer = { due: this.time + ms, act };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((each) => each !== timer);
    };
  }

  openSocket(url: string, protocol: string): SocketPair {
    const socket = new SocketPair(url, protocol);
    this.sockets.push(socket);
    return socket;
  }

  onWake(act: () => void): () => void {
    this.wakers.add(act);
    return () => this.wakers.delete(act);
  }

  // ---- the test's side

  get wakersLeft(): number {
    return this.wakers.size;
  }

  /** The newest socket. */
  get socket(): SocketPair {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error("no socket was opened");
    return socket;
  }

  wake(): void {
    for (const act of [...this.wakers]) act();
  }

  /** Lets time pass; timers run in the order in which they are due. */
  pass(ms: number): void {
    const until = this.time + ms;
    for (;;) {
      const next = this.timers.filter((each) => each.due <= until).sort((a, b) => a.due - b.due)[0];
      if (next === undefined) break;
      this.timers = this.timers.filter((each) => each !== next);
      this.time = Math.max(this.time, next.due);
      next.act();
    }
    this.time = until;
  }

  /** A device that sleeps: time passes and timers run late, all at the waking. */
  sleep(ms: number): void {
    this.time += ms;
    this.pass(0);
  }
}

export class MemoryStorage implements StorageLike {
  readonly items = new Map<string, string>();
  getItem(key: string): string | null {
    return this.items.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.items.set(key, value);
  }
  removeItem(key: string): void {
    this.items.delete(key);
  }
}
