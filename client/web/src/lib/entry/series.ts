/**
 * Being known again in rooms that meet again (rules SE1, SE2, SE8, HT14, HT15).
 *
 * A person is 20 random bytes, made by this browser for one series and for no other, and kept in
 * `localStorage`: the one thing of Sitwith that outlives a tab. Whoever has them may be taken for that
 * person, so they are shown as a code to their owner alone.
 */

import type { StorageLike } from "./store.ts";

export const PERSON_BYTES = 20;

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
const LETTERS = 32;

/** Somebody whom no series knows yet. */
export function newPerson(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(PERSON_BYTES));
}

/** The code of a person: base32 (RFC 4648 §6) in groups of four. */
export function personCode(person: Uint8Array): string {
  if (person.length !== PERSON_BYTES) throw new RangeError("a person has 20 bytes");
  const bits = [...person].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const letters = bits.match(/.{5}/g)?.map((five) => ALPHABET[parseInt(five, 2)] ?? "") ?? [];
  return letters.join("").replace(/.{4}(?!$)/g, "$&-");
}

/** The person of a code, whatever its case, dashes and white space; null where it is none. */
export function readPerson(code: string): Uint8Array | null {
  const letters = code.replace(/[\s-]/g, "").toLowerCase();
  if (letters.length !== LETTERS || [...letters].some((one) => !ALPHABET.includes(one))) return null;
  const bits = [...letters].map((one) => ALPHABET.indexOf(one).toString(2).padStart(5, "0")).join("");
  return Uint8Array.from(bits.match(/.{8}/g) ?? [], (eight) => parseInt(eight, 2));
}

/** Reading `window.localStorage` itself throws where storage is blocked. */
function ownStorage(): StorageLike | null {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}

const keyOf = (series: string): string => `sitwith.series.${series}`;

/** Who one is in this series, or null: nobody yet, or a browser that keeps nothing. */
export function personOf(series: string, storage: StorageLike | null = ownStorage()): Uint8Array | null {
  try {
    return readPerson(storage?.getItem(keyOf(series)) ?? "");
  } catch {
    return null;
  }
}

/** Says whether this browser keeps it. */
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
    // Forbidden: what can't be removed could not be written either.
  }
}

/** Has all that the series keeps of this person erased; whether that was done. */
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

/** Where the meetings' times are, for a calendar. */
export function invitePath(series: string): string {
  return `/series/${encodeURIComponent(series)}/invite.ics`;
}
