/** Small signs that float up from one's seat and are gone. */
import type { VNode } from "preact";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import type { IconName } from "../parts/icon.tsx";
import { useSession } from "../session.tsx";
import { words } from "../words.ts";

const KINDS: readonly IconName[] = ["heart", "with_you", "thanks", "same", "calm", "sun"];

export function ReactionsDialog(): VNode {
  const session = useSession();
  const send = (kind: string): void => {
    void session.act("react", { kind });
    session.shut();
  };
  return (
    <Dialog title={words.reactions.heading} onClose={() => session.shut()}>
      <p class="hint">{words.reactions.hint}</p>
      <div class="signs">
        {KINDS.map((kind) => (
          <Button key={kind} look="plain" icon={kind} class="sign-button" onClick={() => send(kind)}>
            {words.reactions.kinds[kind]}
          </Button>
        ))}
      </div>
    </Dialog>
  );
}
