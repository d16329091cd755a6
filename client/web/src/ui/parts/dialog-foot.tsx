/** The bottom of most dialogs: the error, a cancel button and the main button. */
import type { VNode } from "preact";
import { Button } from "./button.tsx";
import { useSession } from "../session.tsx";
import { words } from "../words.ts";

/** An error, announced as soon as it is there. */
export function Trouble({ text }: { text: string | null }): VNode | null {
  if (text === null) return null;
  return (
    <p class="trouble" role="alert">
      {text}
    </p>
  );
}

export interface DialogFootProps {
  readonly trouble: string | null;
  /** Names the button that does it. */
  readonly go: string;
  readonly onGo: () => void;
  readonly disabled?: boolean;
}

export function DialogFoot({ trouble, go, onGo, disabled = false }: DialogFootProps): VNode {
  const session = useSession();
  return (
    <>
      <Trouble text={trouble} />
      <Button local onClick={() => session.shut()}>
        {words.cancel}
      </Button>
      <Button look="main" disabled={disabled} onClick={onGo}>
        {go}
      </Button>
    </>
  );
}
