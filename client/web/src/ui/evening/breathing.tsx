/** The circle to breathe with, moved by the room's clock; still if the person wants less motion. */
import { own } from "../../lib/index.ts";
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useSession } from "../session.tsx";
import { evening } from "../words-evening.ts";
import { breathAt, type Breath } from "./breath.ts";

const STILL = "(prefers-reduced-motion: reduce)";
const LEAST = 0.42;

/** Where the breath is, drawn at each frame; renders only when the words change. */
function useBreath(disc: { readonly current: HTMLElement | null }): Breath | null {
  const session = useSession();
  const { breathe } = session.snap.value.room;
  const look = (): Breath | null => breathAt(breathe, session.snap.peek().serverNow());
  const [shown, setShown] = useState(look);
  useEffect(() => {
    const still = matchMedia(STILL);
    let frame = 0;
    let last: Breath | null = null;
    const draw = (): void => {
      const at = look();
      if (at?.phase !== last?.phase || at?.count !== last?.count) setShown(at);
      last = at;
      if (disc.current !== null) {
        const size = still.matches ? 0.8 : LEAST + (1 - LEAST) * (at?.size ?? 0);
        disc.current.style.transform = `scale(${size.toFixed(4)})`;
      }
      if (at !== null) frame = requestAnimationFrame(draw);
    };
    setShown(look());
    draw();
    return () => cancelAnimationFrame(frame);
  }, [breathe]);
  return shown;
}

/** In the middle of the ring, or small in a strip. */
export function Breathing({ small = false }: { small?: boolean }): VNode | null {
  const disc = useRef<HTMLSpanElement>(null);
  const at = useBreath(disc);
  if (at === null) return null;
  return (
    <section class={`breath ${small ? "is-small" : ""}`} aria-label={evening.breathe.label} data-phase={at.phase}>
      <span class="breath-ground" />
      <span ref={disc} class="breath-disc" />
      <span class="breath-words">
        <strong>{at.phase === "soon" ? evening.breathe.soon : own(evening.breathe, at.phase)}</strong>
        <span class="breath-count" role="timer">
          {at.count}
        </span>
      </span>
    </section>
  );
}
