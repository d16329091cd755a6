/** The lobby. */
import type { VNode } from "preact";
import { SoundDialog } from "../media/sound-dialog.tsx";
import { Button } from "../parts/button.tsx";
import { Mark } from "../parts/icon.tsx";
import { useSession } from "../session.tsx";
import { words } from "../words.ts";
import { voice } from "../words-media.ts";
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
      <p class="hint">{voice.lobby}</p>
      <Button local icon="audio" onClick={() => session.open({ is: "sound" })}>
        {voice.check}
      </Button>
      {session.dialog.value?.is === "sound" && <SoundDialog />}
      <Button look="quiet" onClick={() => void session.act("leave", {})}>
        {words.lobby.leave}
      </Button>
    </Frame>
  );
}
