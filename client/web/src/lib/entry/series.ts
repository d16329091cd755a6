/**
 * The person code, by which a series knows a person again (rules SE1, SE2, SE8, HT14, HT15).
 *
 * This browser makes 20 random bytes for each series and keeps them in `localStorage`; nothing else of
 * Sitwith outlives a tab. Who has the code passes for that person, so only they see it.
 */

import type { StorageLike } from "./store.ts";

export const PERSON_BYTES = 20;

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
const LETTERS = 32;

/** A new random person code. */
export function newPerson(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(PERSON_BYTES));
}

/** The written form of a person code: base32 (RFC 4648 §6) in groups of four. */
export function personCode(person: Uint8Array): string {
  if (person.length !== PERSON_BYTES) throw new RangeError("a person has 20 bytes");
  const bits = [...person].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const letters = bits.match(/.{5}/g)?.map((five) => ALPHABET[parseInt(five, 2)] ?? "") ?? [];
  return letters.join("").replace(/.{4}(?!$)/g, "$&-");
}

/** Reads a written person code; case, dashes and white space don't matter. null if it is none. */
export function readPerson(code: string): Uint8Array | null {
  const letters = code.replace(/[\s-]/g, "").toLowerCase();
  if (letters.length !== LETTERS || [...letters].some((one) => !ALPHABET.includes(one))) return null;
  const bits = [...letters].map((one) => ALPHABET.indexOf(one).toString(2).padStart(5, "0")).join("");
  return Uint8Array.from(bits.match(/.{8}/g) ?? [], (eight) => parseInt(eight, 2));
}

/** null if storage is blocked: then reading `window.localStorage` throws. */
function ownStorage(): StorageLike | null {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}

const keyOf = (series: string): string => `sitwith.series.${series}`;

/** The person code kept for this series; null if there is none. */
export function personOf(series: string, storage: StorageLike | null = ownStorage()): Uint8Array | null {
  try {
    return readPerson(storage?.getItem(keyOf(series)) ?? "");
  } catch {
    return null;
  }
}

/** Keeps a person code; false if this browser keeps nothing. */
export function keepPerson(
  series: string,
  person: Uint8Array,
  storage: StorageLike | null = ownStorage(),
): boolean {
  try {
    storage?.setItem(keyOf(series), personCode(person));
    return storage !== null;
  } catch {
    return false;
  }
}

export function dropPerson(series: string, storage: StorageLike | null = ownStorage()): void {
  try {
    storage?.removeItem(keyOf(series));
  } catch {
    // Storage is blocked, so nothing was written.
  }
}

/** Asks the server to erase what the series keeps of this person; whether it did. */
export async function forgetPerson(series: string, person: Uint8Array): Promise<boolean> {
  try {
    const answer = await fetch(`/series/${encodeURIComponent(series)}/forget`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ person: personCode(person) }),
      credentials: "omit",
      referrerPolicy: "no-referrer",
    });
    return answer.ok;
  } catch {
    return false;
  }
}

/** The path of the calendar file with the meetings' times. */
export function invitePath(series: string): string {
  return `/series/${encodeURIComponent(series)}/invite.ics`;
}
