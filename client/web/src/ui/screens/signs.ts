/** Signs of a person who reads: the place at the door is then nobody else's (rule DO6). */

/** Milliseconds between two signs that are told. */
export const SIGN_EVERY = 60_000;

const SIGNS = ["pointermove", "pointerdown", "keydown", "wheel", "touchstart", "focusin"] as const;

/** Tells at once, for somebody has just come here, and then of each sign, seldom. Returns how to stop. */
export function watchForSigns(
  tell: () => void,
  target: Pick<EventTarget, "addEventListener" | "removeEventListener"> = document,
  now: () => number = () => performance.now(),
): () => void {
  let told = now();
  const seen = (): void => {
    if (now() - told < SIGN_EVERY) return;
    told = now();
    tell();
  };
  // Scrolling bubbles from no element, so it is caught on its way down.
  for (const kind of SIGNS) target.addEventListener(kind, seen, { passive: true });
  target.addEventListener("scroll", seen, { capture: true, passive: true });
  tell();
  return () => {
    for (const kind of SIGNS) target.removeEventListener(kind, seen);
    target.removeEventListener("scroll", seen, { capture: true });
  };
}
