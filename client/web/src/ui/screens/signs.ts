/** Signs that a person is reading, which keep their place at the door (rule DO6). */

/** Least milliseconds between two signs that are sent. */
export const SIGN_EVERY = 60_000;

const SIGNS = ["pointermove", "pointerdown", "keydown", "wheel", "touchstart", "focusin"] as const;

/** Sends a sign at once, then further ones at most every so often. Returns a function to stop. */
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
  // Scroll events don't bubble, so they are caught in the capture phase.
  for (const kind of SIGNS) target.addEventListener(kind, seen, { passive: true });
  target.addEventListener("scroll", seen, { capture: true, passive: true });
  tell();
  return () => {
    for (const kind of SIGNS) target.removeEventListener(kind, seen);
    target.removeEventListener("scroll", seen, { capture: true });
  };
}
