/** The page for everything outside the circle: logo, heading, card. */
import type { ComponentChildren, VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Mark } from "../parts/icon.tsx";
import { words } from "../words.ts";

interface FrameProps {
  readonly heading: string;
  readonly over?: string | undefined;
  readonly children: ComponentChildren;
  readonly wide?: boolean;
  /** The first page leaves the focus where the browser puts it. */
  readonly focus?: boolean;
}

export function Frame({ heading, over, children, wide = false, focus = true }: FrameProps): VNode {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // A new view puts the focus on its heading, for screen readers and keyboards.
    if (focus) title.current?.focus();
  }, []);
  return (
    <div class="door">
      <header class="door-brand">
        <Mark />
        <span>{words.app}</span>
      </header>
      <main class={`door-card ${wide ? "door-wide" : ""}`} id="stage" tabIndex={-1}>
        {over !== undefined && over !== "" && <p class="door-over">{over}</p>}
        <h1 ref={title} tabIndex={-1}>
          {heading}
        </h1>
        {children}
      </main>
      <footer class="door-foot">
        <p>{words.join.crisis}</p>
      </footer>
    </div>
  );
}
