/** The ring around the holder's seat: the time left of the turn. */
import type { VNode } from "preact";
import { turnLeft, clock } from "../model.ts";
import { turnLength, useNow } from "../clock.ts";
import { useSession } from "../session.tsx";
import { words } from "../words.ts";

const R = 46;
const AROUND = 2 * Math.PI * R;

/** Seconds left, and as a part of the turn; nulls without a limit. */
export function useTurn(): { left: number | null; share: number; paused: boolean } {
  const session = useSession();
  const now = useNow();
  const floor = session.snap.value.room.floor;
  if (floor === null || floor.holder === null) return { left: null, share: 1, paused: false };
  const left = turnLeft(floor, now);
  if (left === null) return { left: null, share: 1, paused: floor.paused };
  const whole = turnLength(floor.turn, left, floor.round?.seconds ?? null);
  return { left, share: whole > 0 ? left / whole : 0, paused: floor.paused };
}

export function TurnRing(): VNode {
  const { left, share, paused } = useTurn();
  const signal = useSession().snap.value.room.floor?.signal ?? undefined;
  return (
    <>
      <svg data-signal={signal} class={`turn-ring ${paused ? "is-paused" : ""}`} viewBox="0 0 100 100" aria-hidden="true" focusable="false">
        <circle class="turn-ring-ground" cx="50" cy="50" r={R} />
        <circle
          class="turn-ring-left"
          cx="50"
          cy="50"
          r={R}
          stroke-dasharray={AROUND.toFixed(2)}
          stroke-dashoffset={(AROUND * (1 - share)).toFixed(2)}
        />
      </svg>
      {left !== null && <span class="seat-clock">{clock(left)}</span>}
    </>
  );
}

/** The time in words for the middle of the ring and for the dock. */
export function TurnTime(): VNode {
  const { left, paused } = useTurn();
  const signal = useSession().snap.value.room.floor?.signal ?? undefined;
  const time = left === null ? words.floor.noTime : left <= 0 ? words.floor.over : clock(left);
  return (
    <span data-signal={signal} class={`turn-time ${paused ? "is-paused" : ""} ${left === null ? "is-untimed" : ""}`} role="timer">
      {time}
    </span>
  );
}
