/** The buttons for microphone and camera in the dock. */
import type { VNode } from "preact";
import { Button } from "../parts/button.tsx";
import { useSession } from "../session.tsx";
import { voice as words } from "../words-media.ts";
import { TROUBLES, type VoiceKind } from "./voice.ts";

const ICONS = { microphone: "audio", camera: "video" } as const;
/** The states with a crossed-out icon. */
const SHUT = ["off", "held", "blocked", "missing", "busy", "other"];

export function VoiceButton({ kind }: { kind: VoiceKind }): VNode | null {
  const session = useSession();
  const { [kind]: look, connection } = session.voice.snap.value;
  if (connection === "none") return null;
  const trouble = TROUBLES.includes(look);
  const about = words.press[kind][trouble ? "other" : look] ?? words.press[kind]["on"] ?? "";
  const speaking = kind === "microphone" && look === "on" && session.voice.speaking.value.has(session.snap.value.me ?? "");
  const shown = look === "on" ? "on" : look === "waiting" || look === "ready" || look === "asking" ? "soon" : look === "off" ? "off" : "shut";
  return (
    <div
      class={`voice-button is-${shown} ${speaking ? "is-heard" : ""}`}
      {...(kind === "microphone" && (look === "ready" || session.voice.snap.value.pressed)
        ? { "data-talks": "", ...holding((down) => session.voice.media.press(down)) }
        : {})}
    >
      <Button
        local
        look="quiet"
        icon={ICONS[kind]}
        struck={SHUT.includes(look)}
        class="dock-small"
        about={about}
        onClick={() => session.turn(kind)}
      >
        {words[kind][look]}
      </Button>
    </div>
  );
}

type Press = (down: boolean) => void;

/** Handlers for holding the button down with a finger or mouse, wherever it is released. */
function holding(press: Press): Record<string, (event: PointerEvent) => void> {
  return {
    onPointerDown: (event) => {
      if (event.target instanceof Element) event.target.setPointerCapture?.(event.pointerId);
      press(true);
    },
    onPointerUp: () => press(false),
    onPointerCancel: () => press(false),
    onContextMenu: (event) => event.preventDefault(),
  };
}
