/** What the library needs of the browser; tests provide it themselves. */

import type { StorageLike } from "../entry/store.ts";

export interface SocketLike {
  binaryType: string;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number): void;
}

export interface Host {
  /** Milliseconds since 1970 by a monotonic clock. */
  now(): number;
  /** In [0, 1). */
  random(): number;
  /** Runs `act` once after `ms`; the returned function cancels it. */
  timer(ms: number, act: () => void): () => void;
  openSocket(url: string, protocol: string): SocketLike;
  /** Calls `act` when the network is back or the page is visible again. */
  onWake(act: () => void): () => void;
  storage?: StorageLike | null;
}

export function browserHost(): Host {
  return {
    now: () => performance.timeOrigin + performance.now(),
    random: Math.random,
    timer(ms, act) {
      const id = setTimeout(act, ms);
      return () => clearTimeout(id);
    },
    openSocket: (url, protocol) => new WebSocket(url, protocol) as unknown as SocketLike,
    onWake(act) {
      // Node has neither event.
      const page = globalThis.document as Document | undefined;
      const seen = (): void => {
        if (page?.visibilityState === "visible") act();
      };
      globalThis.addEventListener?.("online", act);
      page?.addEventListener("visibilitychange", seen);
      return () => {
        globalThis.removeEventListener?.("online", act);
        page?.removeEventListener("visibilitychange", seen);
      };
    },
  };
}
