/** Who speaks, as words that don't flicker. Pure. */

/** Milliseconds for which one person must speak before it is worth saying. */
export const SETTLED = 1_200;
/** At most one such sentence in so many milliseconds. */
export const APART = 6_000;

export interface Told {
  /** Who speaks alone just now, and since when. */
  readonly who: string | null;
  readonly since: number;
  readonly said: string | null;
  readonly saidAt: number;
}

export const NOTHING_TOLD: Told = { who: null, since: 0, said: null, saidAt: Number.NEGATIVE_INFINITY };

/**
 * Takes note of who speaks at `now`; `say` is the member to name, or null. Somebody is named once they
 * have spoken alone for a moment, not twice in a row, and not too often.
 */
export function hearSpeech(
  told: Told,
  speaking: readonly string[],
  me: string | null,
  now: number,
): { readonly told: Told; readonly say: string | null } {
  const others = speaking.filter((id) => id !== me);
  const who = others.length === 1 ? (others[0] ?? null) : null;
  if (who !== told.who) return { told: { ...told, who, since: now }, say: null };
  const due = who !== null && who !== told.said && now - told.since >= SETTLED && now - told.saidAt >= APART;
  return due ? { told: { ...told, said: who, saidAt: now }, say: who } : { told, say: null };
}

/** Whether the space bar belongs to push-to-talk, or to what has the focus. */
export function spaceIsTalk(target: {
  readonly tag: string;
  readonly editable: boolean;
  readonly byKeyboard: boolean;
  /** It is the button that one holds to speak. */
  readonly talks: boolean;
}): boolean {
  if (target.talks) return true;
  if (target.editable || target.tag === "TEXTAREA" || target.tag === "SELECT" || target.tag === "INPUT") return false;
  // Who goes by keyboard presses buttons with it; a button that was clicked only keeps the focus.
  const pressable = target.tag === "BUTTON" || target.tag === "A" || target.tag === "SUMMARY";
  return !(pressable && target.byKeyboard);
}
