/**
 * What this page remembers of the questions how everybody is: one's own answer, which the room tells
 * nobody, and the counts that were shown before. Gone with the page. Pure.
 */
import type { Mood } from "../port.ts";

export type Value = 1 | 2 | 3 | 4 | 5;
export const VALUES: readonly Value[] = [1, 2, 3, 4, 5];
/** The fewest answers that are shown. */
export const LEAST = 5;
export type Counts = NonNullable<Mood["result"]>["counts"];

export interface MoodMemory {
  /** The question that is open, as far as it can be told from another: answers never become fewer. */
  readonly answers: number | null;
  /** My answer to it. */
  readonly mine: Value | null;
  /** I put the question, or what came of it, out of my sight. */
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

/** The memory after the room has said `mood`. */
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

/** The share of the largest count that each value has, for bars: 0 to 1. */
export function shares(counts: Counts): Record<Value, number> {
  const most = Math.max(1, ...VALUES.map((value) => counts[value]));
  return Object.fromEntries(VALUES.map((value) => [value, counts[value] / most])) as Record<Value, number>;
}
