/** People who read the agreement, and what to do about a crowded door. */
import type { VNode } from "preact";
import { Button } from "../parts/button.tsx";
import type { LinkUse, RoomView } from "../port.ts";
import { useSession } from "../session.tsx";
import { guide } from "../words-guide.ts";

/** Links of which something should be said: those that crowd the door, else the one that has filled the room. */
export function loudLinks(room: RoomView): readonly LinkUse[] {
  const links = room.door?.links ?? [];
  const floods = links.filter((one) => one.floods);
  if (floods.length > 0) return floods;
  const inside = Object.keys(room.members).length;
  return links.filter((one) => one.reading + one.waiting === 0 && one.inside > inside / 2);
}

/** Shown above the lobby, so that it is found first in a crowd, also by keyboard. */
export function Floods(): VNode {
  const loud = loudLinks(useSession().snap.value.room);
  return <>{loud.map((one) => (one.floods ? <Flood key={one.link} use={one} /> : null))}</>;
}

export function DoorLines(): VNode {
  const session = useSession();
  const { room } = session.snap.value;
  return (
    <>
      <p class="hint">{guide.door.reading(room.door?.reading ?? 0)}</p>
      {loudLinks(room).map((one) => (one.floods ? null : <Full key={one.link} use={one} />))}
      {session.newLink.value !== null && (
        <Button local look="quiet" onClick={() => session.open({ is: "link", id: null, now: false })}>
          {guide.door.again}
        </Button>
      )}
    </>
  );
}

function Flood({ use }: { use: LinkUse }): VNode {
  const session = useSession();
  return (
    <div class="flood">
      <strong>{guide.door.flood}</strong>
      <p>{guide.door.floodBody(use.reading + use.waiting, guide.door.which(use.role))}</p>
      <Button look="danger" class="wide" onClick={() => session.open({ is: "link", id: use.link, now: true })}>
        {guide.door.replace}
      </Button>
      {use.waiting > 1 && (
        <Button class="wide" onClick={() => void session.act("lobby.decline_all", { link: use.link })}>
          {guide.door.declineLink(use.waiting)}
        </Button>
      )}
    </div>
  );
}

function Full({ use }: { use: LinkUse }): VNode {
  const session = useSession();
  return (
    <div class="flood">
      <strong>{guide.door.full}</strong>
      <p>{guide.door.fullBody(use.inside, guide.door.which(use.role))}</p>
      <Button local look="quiet" onClick={() => session.open({ is: "link", id: use.link, now: false })}>
        {guide.door.replaceAsk}
      </Button>
    </div>
  );
}
