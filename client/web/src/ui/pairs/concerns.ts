/** Concerns as lists of words and of tags, before anything is sent. Pure. */
import { CONCERN_MAX, normalConcern } from "../../lib/index.ts";

/** Concerns that facilitators may offer. */
export const OFFER_MAX = 40;

/** Text with white space trimmed and collapsed. */
export function tidy(text: string): string {
  return text.replace(/\s+/gu, " ").trim();
}

export type Offer =
  | { readonly concerns: string[] }
  | { readonly wrong: "most" }
  | { readonly wrong: "long" | "twice"; readonly line: number };

/** The typed list, one concern a line; empty lines are skipped. */
export function readOffer(text: string): Offer {
  const concerns: string[] = [];
  const seen = new Set<string>();
  for (const [i, line] of text.split("\n").entries()) {
    // Control characters are no words, and the room takes none.
    const concern = tidy(line.replace(/\p{Cc}/gu, " "));
    if (concern === "") continue;
    const normal = normalOf(concern);
    if (normal === null) return { wrong: "long", line: i + 1 };
    if (seen.has(normal)) return { wrong: "twice", line: i + 1 };
    seen.add(normal);
    concerns.push(concern);
  }
  return concerns.length > OFFER_MAX ? { wrong: "most" } : { concerns };
}

/** The normal form; null if the concern is empty, too long or has lone surrogates. */
export function normalOf(concern: string): string | null {
  if ([...concern].length > CONCERN_MAX) return null;
  try {
    return normalConcern(concern);
  } catch {
    return null;
  }
}

/** The entry of `list` with the same normal form as `concern`, or null. */
export function alike(list: readonly string[], concern: string): string | null {
  const normal = normalOf(concern);
  return list.find((one) => normalOf(one) === normal) ?? null;
}

const hex = (tag: Uint8Array): string => [...tag].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** Which of `words` (with their `tags`, in the same order) are among `topics`, and the topics that are none of them. */
export function matched(
  words: readonly string[],
  tags: readonly Uint8Array[],
  topics: readonly Uint8Array[],
): { readonly ticked: ReadonlySet<string>; readonly kept: readonly Uint8Array[] } {
  const mine = new Set(topics.map(hex));
  const known = new Set(tags.map(hex));
  return {
    ticked: new Set(words.filter((_, i) => tags[i] !== undefined && mine.has(hex(tags[i])))),
    kept: topics.filter((tag) => !known.has(hex(tag))),
  };
}

/** Each once, in the order of their bytes, so that the order reveals nothing. */
export function inOrder(tags: readonly Uint8Array[]): Uint8Array[] {
  const byText = new Map(tags.map((tag) => [hex(tag), tag]));
  return [...byText.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, tag]) => tag);
}
