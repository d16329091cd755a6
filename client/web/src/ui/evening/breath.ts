/** The phase of the present breath, by the room's clock: the same on every page. Pure. */
import type { Breathe } from "../port.ts";
import { sayLength } from "../words-evening.ts";
import { evening } from "../words-evening.ts";

export type Phase = "soon" | "in" | "hold" | "out" | "rest" | "flow";

export interface Breath {
  readonly phase: Phase;
  /** Whole seconds left in the phase, from its length down to 1. */
  readonly count: number;
  /** The size of the circle, from 0 (breathed out) to 1 (breathed in). */
  readonly size: number;
}

const CYCLE = ["in", "hold", "out", "rest"] as const;

/** The named phases of one breath, without those of 0 seconds. */
export function phases(pattern: readonly number[]): { phase: Phase; seconds: number }[] {
  const names: readonly Phase[] =
    pattern.length === 1
      ? ["flow"]
      : pattern.length === 2
        ? ["in", "out"]
        : pattern.map((_, i) => CYCLE[i % 4] ?? "rest");
  return pattern
    .map((seconds, i) => ({ phase: names[i] ?? "rest", seconds }))
    .filter(({ seconds }) => seconds > 0);
}

/** The phase at `now`; null if nobody breathes together. */
export function breathAt(breathe: Breathe | null, now: number): Breath | null {
  if (breathe === null || now >= breathe.ends_at) return null;
  if (now < breathe.starts_at) return { phase: "soon", count: Math.ceil(breathe.starts_at - now), size: 0 };
  const parts = phases(breathe.pattern);
  const whole = parts.reduce((sum, { seconds }) => sum + seconds, 0);
  if (whole <= 0) return null;
  let within = (now - breathe.starts_at) % whole;
  for (const { phase, seconds } of parts) {
    if (within < seconds) {
      return { phase, count: Math.max(1, Math.ceil(seconds - within)), size: sizeOf(phase, within / seconds) };
    }
    within -= seconds;
  }
  return { phase: "rest", count: 1, size: 0 };
}

function sizeOf(phase: Phase, share: number): number {
  const eased = (1 - Math.cos(Math.PI * share)) / 2;
  switch (phase) {
    case "in":
      return eased;
    case "hold":
      return 1;
    case "out":
      return 1 - eased;
    case "flow":
      return (1 - Math.cos(2 * Math.PI * share)) / 2;
    default:
      return 0;
  }
}

/** "Breathing together: breathe in for 4 seconds, breathe out for 6 seconds." */
export function breathWords(pattern: readonly number[]): string {
  const said = phases(pattern).map(({ phase, seconds }) =>
    evening.breathe.part(evening.breathe[phase], sayLength(seconds)),
  );
  return evening.breathe.say(said);
}
