/**
 * What a page keeps of its seat across a reload: the resume value, the next command id, how far each
 * conversation was read, and, for a room that has forgotten meanwhile, the link's token with one's
 * own name. No word of anyone. Beside it the link's fragment, which stays in no address (rule IN5).
 * Each is one entry a room, in `sessionStorage` (a tab's own) where there is one; a browser that
 * refuses storage costs the reload, never the page.
 */

import { put } from "../own.ts";

export interface StorageLike {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export interface Seat {
  resume: string;
  /** The lowest command id that was never used in this seat. */
  nextId: number;
  /** Conversation -> highest `n` that was read. */
  read: Record<string, number>;
  /** What one came by, and as whom; null where it is not known. */
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
  /** The fragment of the link that this tab was opened with, `#` included; null for none. */
  load(): string | null;
  /** False where the browser keeps nothing. */
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

/** Reading `window.sessionStorage` itself throws where storage is blocked. */
function tabStorage(): StorageLike | null {
  try {
    return globalThis.sessionStorage ?? null;
  } catch {
    return null;
  }
}

export function seatStore(room: string, storage: StorageLike | null = tabStorage()): SeatStore {
  const key = `sitwith:${room}`;
  // The copy in memory serves a browser that refuses storage, or runs out of it half-way.
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
        // Full or forbidden: this page goes on with the copy in memory.
      }
    },
    clear() {
      seat = null;
      try {
        storage?.removeItem(key);
      } catch {
        // Forbidden: what can't be removed could not be written either.
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
        // Forbidden: what can't be removed could not be written either.
      }
    },
  };
}
