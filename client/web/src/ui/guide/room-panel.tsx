/** The room as a whole: lock, settings, mute for everybody, end. */
import type { VNode } from "preact";
import { EndingRow } from "../ending/parts.tsx";
import { Button } from "../parts/button.tsx";
import { useSession } from "../session.tsx";
import { guide } from "../words-guide.ts";

export function RoomPanel(): VNode {
  const session = useSession();
  const locked = session.snap.value.room.locked;
  return (
    <section class="panel" aria-labelledby="room-heading">
      <h3 id="room-heading">{guide.room.heading}</h3>
      <Button
        look="row"
        icon={locked ? "unlock" : "lock"}
        onClick={() => void (locked ? session.act("room.unlock", {}) : session.act("room.lock", {}))}
      >
        {locked ? guide.room.unlock : guide.room.lock}
      </Button>
      <Button local look="row" icon="audio" struck onClick={() => session.open({ is: "mute-all" })}>
        {guide.room.muteAll}
      </Button>
      <Button local look="row" icon="gear" onClick={() => session.open({ is: "settings" })}>
        {guide.room.settings}
      </Button>
      <EndingRow />
      <Button local look="row" icon="leave" class="is-danger" onClick={() => session.open({ is: "end" })}>
        {guide.room.end}
      </Button>
    </section>
  );
}
