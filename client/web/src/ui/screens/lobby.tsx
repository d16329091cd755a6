/** The waiting room: nothing to do but wait, and that is said. */
import type { VNode } from "preact";
import { Button } from "../parts/button.tsx";
import { Mark } from "../parts/icon.tsx";
import { useSession } from "../session.tsx";
import { words } from "../words.ts";
import { Frame } from "./frame.tsx";

export function LobbyScreen(): VNode {
  const session = useSession();
  return (
    <Frame over={session.snap.value.room.title} heading={words.lobby.heading}>
      <div class="waiting-mark" aria-hidden="true">
        <Mark />
      </div>
      <p class="lead" role="status">
        {words.lobby.body}
      </p>
      <p class="hint">{words.lobby.stay}</p>
      <Button look="quiet" onClick={() => void session.act("leave", {})}>
        {words.lobby.leave}
      </Button>
    </Frame>
  );
}
