/**
 * What a page keeps across a reload, in `sessionStorage`, for each room: the seat (resume value, next
 * command id, read marks, and the token and name to join again if the room has forgotten) and the
 * link's fragment (rule IN5). No message is kept. If the browser refuses storage, the page works but
 * can't be reloaded.
 */

import { put } from "../own.ts";

export interface StorageLike {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export interface Seat {
  resume: string;
  /** The lowest unused command id of this seat. */
  nextId: number;
  /** The highest `n` that was read, by conversation. */
  read: Record<string, number>;
  /** The token and name of the join; null if unknown. */
  way: JoinData | null;
}

export interface JoinData {
  token: string;
  name: string;
}

export interface SeatStore {
  load(): Seat | null;
  save(seat: Seat): void;
  clear(): void;
}

export interface LinkStore {
  /** The fragment of the link that opened this tab, with `#`; null for none. */
  load(): string | null;
  /** False if the browser keeps nothing. */
  save(fragment: string): boolean;
  clear(): void;
}

function readSeat(text: string): Seat | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return null;
    const { v, resume, nextId, read, way } = value as Record<string, unknown>;
    if (v !== 1 || typeof resume !== "string" || !Number.isSafeInteger(nextId)) return null;
    const marks: Record<string, number> = {};
    if (typeof read === "object" && read !== null) {
      for (const [to, n] of Object.entries(read))
        if (Number.isSafeInteger(n)) put(marks, to, n as number);
    }
    return { resume, nextId: nextId as number, read: marks, way: readWay(way) };
  } catch {
    return null;
  }
}

function readWay(value: unknown): JoinData | null {
  if (typeof value !== "object" || value === null) return null;
  const { token, name } = value as Record<string, unknown>;
  return typeof token === "string" && typeof name === "string" ? { token, name } : null;
}

/** null if storage is blocked: then reading `window.sessionStorage` throws. */
function tabStorage(): StorageLike | null {
  try {
    return globalThis.sessionStorage ?? null;
  } catch {
    return null;
  }
}

export function seatStore(room: string, storage: StorageLike | null = tabStorage()): SeatStore {
  const key = `sitwith:${room}`;
  // The copy in memory is for a browser that refuses storage or runs out of it.
  let seat: Seat | null = null;
  try {
    const text = storage?.getItem(key) ?? null;
    seat = text === null ? null : readSeat(text);
  } catch {
    seat = null;
  }
  return {
    load: () => seat,
    save(next) {
      seat = next;
      try {
        storage?.setItem(key, JSON.stringify({ v: 1, ...next }));
      } catch {
        // Full or blocked: the copy in memory remains.
      }
    },
    clear() {
      seat = null;
      try {
        storage?.removeItem(key);
      } catch {
        // Storage is blocked, so nothing was written.
      }
    },
  };
}

export function linkStore(room: string, storage: StorageLike | null = tabStorage()): LinkStore {
  const key = `sitwith:${room}:link`;
  return {
    load() {
      try {
        return storage?.getItem(key) ?? null;
      } catch {
        return null;
      }
    },
    save(fragment) {
      try {
        storage?.setItem(key, fragment);
        return storage?.getItem(key) === fragment;
      } catch {
        return false;
      }
    },
    clear() {
      try {
        storage?.removeItem(key);
      } catch {
        // Storage is blocked, so nothing was written.
      }
    },
  };
}
