/** A timer of a quarter second for all countdowns; runs only while one is mounted. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { useSession } from "./session.tsx";

const beat = signal(0);
let watchers = 0;
let timer: ReturnType<typeof setInterval> | undefined;

/** The room's clock in unix seconds, updated four times a second while mounted and `running`. */
export function useNow(running = true): number {
  const session = useSession();
  useEffect(() => {
    if (!running) return undefined;
    watchers += 1;
    timer ??= setInterval(() => (beat.value += 1), 250);
    return () => {
      watchers -= 1;
      if (watchers === 0) {
        clearInterval(timer);
        timer = undefined;
      }
    };
  }, [running]);
  if (running) void beat.value;
  return session.snap.value.serverNow();
}

/**
 * The full length of a turn, which the wire does not carry for every kind of turn: the longest that
 * was ever seen left of it. An extension makes it longer.
 */
const longest = new Map<number, number>();
export function turnLength(turn: number, left: number, declared: number | null): number {
  const known = Math.max(longest.get(turn) ?? 0, left, declared ?? 0);
  if (longest.size > 50) longest.clear();
  longest.set(turn, known);
  return known;
}
