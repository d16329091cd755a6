/**
 * What this page remembers of mood questions: our own answer, which the room shows to nobody, and the
 * counts that were shown before. Not kept across a reload. Pure.
 */
import type { Mood } from "../port.ts";

export type Value = 1 | 2 | 3 | 4 | 5;
export const VALUES: readonly Value[] = [1, 2, 3, 4, 5];
/** The fewest answers that are shown. */
export const LEAST = 5;
export type Counts = NonNullable<Mood["result"]>["counts"];

export interface MoodMemory {
  /** The answers to the open question so far; fewer answers mean a new question. */
  readonly answers: number | null;
  /** Our answer to it. */
  readonly mine: Value | null;
  /** Whether the question or its result was dismissed. */
  readonly put: boolean;
  /** The latest counts that were shown, and those before. */
  readonly latest: Counts | null;
  readonly earlier: Counts | null;
  /** Whether the page saw the question that is closed now while it was open. */
  readonly followed: boolean;
}

export const NO_MOOD: MoodMemory = {
  answers: null, mine: null, put: false, latest: null, earlier: null, followed: false,
};

/** The memory after a new slice `mood`. */
export function remember(memory: MoodMemory, mood: Mood | null): MoodMemory {
  if (mood === null) return memory;
  if (mood.open) {
    if (memory.answers !== null && mood.answers >= memory.answers) {
      return mood.answers === memory.answers ? memory : { ...memory, answers: mood.answers };
    }
    const earlier = memory.latest ?? memory.earlier;
    return { ...NO_MOOD, answers: mood.answers, earlier };
  }
  const latest = mood.result?.counts ?? null;
  const closing = memory.answers !== null;
  if (!closing && sameCounts(latest, memory.latest)) return memory;
  return { ...memory, answers: null, latest, put: closing ? false : memory.put, followed: memory.followed || closing };
}

function sameCounts(a: Counts | null, b: Counts | null): boolean {
  if (a === null || b === null) return a === b;
  return VALUES.every((value) => a[value] === b[value]);
}

export function sum(counts: Counts): number {
  return VALUES.reduce((all, value) => all + counts[value], 0);
}

/** The length of each value's bar: 0 to 1, relative to the largest count. */
export function shares(counts: Counts): Record<Value, number> {
  const most = Math.max(1, ...VALUES.map((value) => counts[value]));
  return Object.fromEntries(VALUES.map((value) => [value, counts[value] / most])) as Record<Value, number>;
}
