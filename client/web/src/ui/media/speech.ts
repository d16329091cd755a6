/** Who speaks, as words that don't flicker. Pure. */

/** Milliseconds that one person must speak before it is announced. */
export const SETTLED = 1_200;
/** The least time in milliseconds between such announcements. */
export const APART = 6_000;

export interface Told {
  /** Who speaks alone, and since when. */
  readonly who: string | null;
  readonly since: number;
  readonly said: string | null;
  readonly saidAt: number;
}

export const NOTHING_TOLD: Told = { who: null, since: 0, said: null, saidAt: Number.NEGATIVE_INFINITY };

/**
 * Notes who speaks at `now`. `say` is the member to announce, or null: somebody who has spoken alone for
 * a moment, not twice in a row, and not too often.
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

/** Whether the space bar is for push-to-talk and not for the focused element. */
export function spaceIsTalk(target: {
  readonly tag: string;
  readonly editable: boolean;
  readonly byKeyboard: boolean;
  /** It is the push-to-talk button. */
  readonly talks: boolean;
}): boolean {
  if (target.talks) return true;
  if (target.editable || target.tag === "TEXTAREA" || target.tag === "SELECT" || target.tag === "INPUT") return false;
  // Keyboard users press buttons with it; a clicked button only keeps the focus.
  const pressable = target.tag === "BUTTON" || target.tag === "A" || target.tag === "SUMMARY";
  return !(pressable && target.byKeyboard);
}
