/**
 * Small signs that interrupt nobody: a row above the dock, reached by the button or the keyboard. Each
 * shows at one's own seat for a moment, without a sound.
 */
import { own } from "../../lib/index.ts";
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Icon, type IconName } from "../parts/icon.tsx";
import { Button } from "../parts/button.tsx";
import { useSession } from "../session.tsx";
import { words } from "../words.ts";
import { moments } from "../words-moments.ts";

/** Those with words, which every client knows (rule MS6). */
export const SUPPORT = ["hear_you", "me_too", "thank_you"] as const;
const SIGNS = ["heart", "with_you", "calm", "sun"] as const;
const ALL: readonly string[] = [...SUPPORT, ...SIGNS];
/** Kinds of older pages, which are still drawn. */
const ICONS: Readonly<Record<string, IconName>> = {
  hear_you: "ear", me_too: "same", thank_you: "thanks",
  heart: "heart", with_you: "with_you", calm: "calm", sun: "sun", thanks: "thanks", same: "same",
};

/** In words; a sign that this page does not know is a bit of light. */
export function signWords(kind: string): string {
  return own(words.reactions.kinds, kind) ?? words.reactions.kinds["sun"] ?? "";
}

export function Sign({ kind }: { kind: string }): VNode {
  const spoken = SUPPORT.some((one) => one === kind);
  return (
    <span class={`sign sign-${own(ICONS, kind) ?? "sun"} ${spoken ? "sign-spoken" : ""}`}>
      <Icon name={own(ICONS, kind) ?? "sun"} />
      {spoken && <span>{signWords(kind)}</span>}
    </span>
  );
}

export function SignsButton(): VNode {
  const session = useSession();
  const open = session.signs.value;
  return (
    <Button
      local
      look="quiet"
      icon="heart"
      class="dock-small signs-button"
      expanded={open}
      onClick={() => (session.signs.value = !open)}
    >
      {words.reactions.open}
    </Button>
  );
}

/** The row, which lies over the bottom of the ring while it is open. */
export function SignsRow(): VNode | null {
  return useSession().signs.value ? <Row /> : null;
}

function Row(): VNode {
  const session = useSession();
  const row = useRef<HTMLDivElement>(null);
  const shut = (): void => {
    session.signs.value = false;
    document.querySelector<HTMLElement>(".signs-button")?.focus();
  };
  useEffect(() => {
    row.current?.querySelector("button")?.focus();
    const outside = (event: Event): void => {
      const at = event.target as Element | null;
      if (at?.closest(".signs-row, .signs-button") == null) session.signs.value = false;
    };
    document.addEventListener("pointerdown", outside);
    document.addEventListener("focusin", outside);
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("focusin", outside);
    };
  }, []);
  const send = (kind: string): void => {
    void session.act("react", { kind });
    session.say(moments.signs.sent(signWords(kind)));
    shut();
  };
  return (
    <div
      ref={row}
      class="signs-row"
      role="group"
      aria-label={moments.signs.heading}
      aria-describedby="signs-hint"
      onKeyDown={(event) => {
        const kind = ALL[Number(event.key) - 1];
        if (event.key === "Escape") shut();
        else if (kind !== undefined && !event.ctrlKey && !event.altKey && !event.metaKey) send(kind);
        else return;
        event.preventDefault();
        event.stopPropagation();
      }}
    >
      <div class="signs-spoken">
        {SUPPORT.map((kind, i) => (
          <Button key={kind} icon={own(ICONS, kind) ?? "sun"} title={moments.signs.key(i + 1)} onClick={() => send(kind)}>
            {signWords(kind)}
          </Button>
        ))}
      </div>
      <div class="signs-small">
        {SIGNS.map((kind, i) => (
          <Button
            key={kind}
            look="quiet"
            icon={kind}
            class="btn-icon"
            label={signWords(kind)}
            title={`${signWords(kind)} · ${moments.signs.key(i + 1 + SUPPORT.length)}`}
            onClick={() => send(kind)}
          />
        ))}
        <p id="signs-hint" class="hint">
          {moments.signs.hint}
        </p>
      </div>
    </div>
  );
}
