/** The strip above the ring while we are in a group: its members, time and visitors. */
import { own } from "../../lib/index.ts";
import type { VNode } from "preact";
import { clock, groupInView, groupNumber, myGroup } from "../model.ts";
import { useNow } from "../clock.ts";
import { useSession } from "../session.tsx";
import { guide } from "../words-guide.ts";

export function MyGroup(): VNode | null {
  const session = useSession();
  const snap = session.snap.value;
  const pairs = snap.room.pairs;
  const group = groupInView(snap);
  const now = useNow(group !== null);
  if (pairs === null || group === null) return null;
  const others = (own(pairs.groups, group) ?? []).filter((id) => id !== snap.me).map((id) => session.name(id));
  const left = pairs.ends_at === null ? null : Math.max(0, pairs.ends_at - now);
  const visitors = (own(pairs.visitors, group) ?? []).filter((id) => id !== snap.me);
  return (
    <section class={`stage-note ${pairs.closing ? "is-closing" : ""}`} aria-label={guide.mine.heading}>
      <p>
        {myGroup(snap) === null
          ? guide.mine.visiting(groupNumber(pairs, group))
          : guide.mine.with(others)}{" "}
        {visitors.map((id) => (
          <strong key={id}>{guide.mine.visitor(session.name(id))} </strong>
        ))}
      </p>
      {left !== null && (
        <p class="stage-note-time" role="timer">
          {pairs.closing ? guide.mine.closing(clock(left)) : guide.mine.closes(clock(left))}
        </p>
      )}
    </section>
  );
}
