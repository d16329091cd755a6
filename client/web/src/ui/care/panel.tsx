/** For facilitators: flags and worries, who has taken them, and side rooms. */
import { own } from "../../lib/index.ts";
import type { VNode } from "preact";
import { Button } from "../parts/button.tsx";
import { Icon } from "../parts/icon.tsx";
import { person } from "../model.ts";
import type { Card, CareEntry, Snapshot } from "../port.ts";
import { useSession } from "../session.tsx";
import { care } from "../words-care.ts";
import { Who } from "../parts/who.tsx";

const panel = care.panel;

export function CarePanel(): VNode | null {
  const session = useSession();
  const { care: entries } = session.snap.value.room;
  // Urgent ones first; otherwise in the room's order.
  const list = Object.entries(entries).sort(([, a], [, b]) => Number(b.level === "urgent") - Number(a.level === "urgent"));
  if (list.length === 0) return null;
  return (
    <section class="panel panel-call" aria-labelledby="care-heading">
      <h3 id="care-heading">{panel.heading}</h3>
      <ul class="care-list">
        {list.map(([id, entry]) => (
          <Entry key={id} id={id} entry={entry} />
        ))}
      </ul>
    </section>
  );
}

/** Whether another facilitator has taken it: then it can't be taken (rule CL4). */
export function heldByOther(snap: Snapshot, entry: CareEntry): boolean {
  const by = person(snap, entry.taken_by);
  return by !== null && by.id !== snap.me && by.role === "facilitator" && by.here !== "away";
}

/** The calls in the strip above the ring: flags that nobody has taken, and people who are gone and whom I follow up. */
export function callsOf(snap: Snapshot): string[] {
  return Object.entries(snap.room.care)
    .filter(([id, entry]) => id !== snap.me && !heldByOther(snap, entry) && (entry.taken_by !== snap.me || entry.gone === true))
    .map(([id]) => id);
}

function useOpenCard(id: string, name: string): () => void {
  const session = useSession();
  return () => {
    void session.act("care.open", { member: id }).then((answer) => {
      if (answer.ok) session.open({ is: "card", name, card: (answer.fields as { card: Card | null }).card });
    });
  };
}

function Entry({ id, entry }: { id: string; entry: CareEntry }): VNode {
  const session = useSession();
  const snap = session.snap.value;
  const name = entry.name ?? session.name(id);
  const worried = Object.keys(entry.worried ?? {}).map((one) => session.name(one));
  const mine = entry.taken_by === snap.me;
  const self = id === snap.me;
  const aside = entry.aside ?? [];
  const gone = entry.gone === true;
  const member = { member: id };
  const open = useOpenCard(id, name);
  return (
    <li class={entry.level === "urgent" ? "is-urgent" : ""}>
      <p>
        <Icon name={entry.level === "urgent" ? "bell" : "heart"} />
        <strong><Who id={id} name={name} /></strong> {entry.own !== false && <span class="chip">{own(panel, entry.level)}</span>}
      </p>
      {worried.length > 0 && <small>{panel.worried(worried)}</small>}
      {gone && <small>{panel.gone}</small>}
      {entry.taken_by !== null && <small>{mine ? panel.takenByMe : panel.takenBy(session.name(entry.taken_by))}</small>}
      {aside.length > 0 && <small>{panel.inAside(aside.filter((one) => one !== id).map((one) => session.name(one)))}</small>}
      {!self && (
        <div class="wrap">
          {!mine && !heldByOther(snap, entry) && (
            <Button look="main" about={name} onClick={() => void session.act("care.take", member)}>
              {panel.take}
            </Button>
          )}
          {aside.length > 0 ? (
            <Button about={name} onClick={() => void session.act("care.back", member)}>
              {panel.back}
            </Button>
          ) : (
            !gone && (
              <Button about={name} onClick={() => void session.act("care.aside", member)}>
                {panel.aside}
              </Button>
            )
          )}
          {entry.card === true && mine && entry.own !== false && (
            <Button about={name} title={panel.openHint} onClick={open}>
              {panel.open}
            </Button>
          )}
          <Button about={name} onClick={() => void session.act("care.done", member)}>
            {gone ? panel.followed : panel.done}
          </Button>
        </div>
      )}
    </li>
  );
}

/** In the strip above the ring: a flag that nobody has taken, or a person who is gone and to be followed up. */
export function CareCalls({ ids }: { ids: readonly string[] }): VNode {
  return (
    <section class="stage-note is-call" aria-label={panel.calls}>
      <ul class="help-calls">
        {ids.map((id) => (
          <Call key={id} id={id} />
        ))}
      </ul>
    </section>
  );
}

function Call({ id }: { id: string }): VNode {
  const session = useSession();
  const { me, room } = session.snap.value;
  const entry = own(room.care, id);
  const name = entry?.name ?? session.name(id);
  const urgent = entry?.level === "urgent";
  const mine = entry?.taken_by === me;
  const open = useOpenCard(id, name);
  const text = entry?.gone === true ? panel.goneNote(name) : urgent ? care.say.urgent(name) : panel.note([name]);
  return (
    <li>
      <Icon name={urgent ? "bell" : "heart"} />
      <strong>{text}</strong>
      {!mine && (
        <Button look="main" about={name} onClick={() => void session.act("care.take", { member: id })}>
          {panel.take}
        </Button>
      )}
      {mine && entry?.card === true && entry.own !== false && (
        <Button look="main" about={name} title={panel.openHint} onClick={open}>
          {panel.open}
        </Button>
      )}
      {mine && (
        <Button about={name} onClick={() => void session.act("care.done", { member: id })}>
          {panel.followed}
        </Button>
      )}
    </li>
  );
}
