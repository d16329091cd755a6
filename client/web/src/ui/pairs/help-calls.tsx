/**
 * For facilitators: who asks for help, in the strip above the ring. The strip always has its place, so
 * that a call moves no button.
 */
import { own } from "../../lib/index.ts";
import type { VNode } from "preact";
import { Button } from "../parts/button.tsx";
import { Icon } from "../parts/icon.tsx";
import { groupNames, visiting } from "../model.ts";
import { useSession } from "../session.tsx";
import { guide } from "../words-guide.ts";

export function HelpCalls(): VNode {
  const session = useSession();
  const snap = session.snap.value;
  const pairs = snap.room.pairs;
  const names = pairs === null ? [] : groupNames(pairs);
  return (
    <section class="stage-note is-call" aria-label={guide.pairs.helpHeading}>
      <ul class="help-calls">
        {snap.room.help.map((id) => {
          const group = names.find((one) => own(pairs?.groups, one)?.includes(id));
          const there = group !== undefined && group === visiting(snap);
          const away = group !== undefined && !there && pairs?.mine === null;
          const called = guide.pairs.helpCalled(session.name(id));
          return (
            <li key={id}>
              <Icon name="bell" />
              <strong>
                {there ? guide.mine.visitingFor(names.indexOf(group) + 1, called) : called}
              </strong>
              {away && (
                <Button
                  look="main"
                  about={guide.person.group(names.indexOf(group) + 1)}
                  onClick={() => void session.act("pairs.visit", { group })}
                >
                  {guide.pairs.visit}
                </Button>
              )}
              <Button
                about={session.name(id)}
                onClick={() => void session.act("help.done", { member: id })}
              >
                {guide.pairs.helpDone}
              </Button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
