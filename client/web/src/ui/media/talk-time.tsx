/** For facilitators: who has been heard how long. In the order of seats, never as a ranking. */
import type { VNode } from "preact";
import { bySeat } from "../model.ts";
import { useSession } from "../session.tsx";
import { voice as words } from "../words-media.ts";

export function TalkTimes(): VNode {
  const session = useSession();
  const snap = session.snap.value;
  const most = Math.max(1, ...Object.values(snap.room.talk));
  const people = bySeat(snap);
  return (
    <section class="panel" aria-label={words.talk.heading}>
      <details class="talk-times">
        <summary>{words.talk.heading}</summary>
        <p class="hint">{words.talk.hint}</p>
        <ul>
          {people.map((who) => {
            const seconds = snap.room.talk[who.id] ?? 0;
            return (
              <li key={who.id}>
                <span class="talk-name">{who.name}</span>
                <span class="talk-bar" aria-hidden="true">
                  <span style={{ width: `${((seconds / most) * 100).toFixed(1)}%` }} />
                </span>
                <small>{words.talk.time(seconds)}</small>
              </li>
            );
          })}
        </ul>
      </details>
    </section>
  );
}

export function TalkTime({ id }: { id: string }): VNode {
  const seconds = useSession().snap.value.room.talk[id] ?? 0;
  return <p class="hint">{words.talk.person(seconds)}</p>;
}
