/** For facilitators: who is not well or worried about, who looks after them, and the side room. */
import type { VNode } from "preact";
import { Button } from "../parts/button.tsx";
import { Icon } from "../parts/icon.tsx";
import type { Card, CareEntry } from "../port.ts";
import { useSession } from "../session.tsx";
import { care } from "../words-care.ts";

const panel = care.panel;

export function CarePanel(): VNode | null {
  const session = useSession();
  const { care: entries } = session.snap.value.room;
  // The urgent first; otherwise as the room has them.
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

function Entry({ id, entry }: { id: string; entry: CareEntry }): VNode {
  const session = useSession();
  const me = session.snap.value.me;
  const name = entry.name ?? session.name(id);
  const worried = Object.keys(entry.worried ?? {}).map((one) => session.name(one));
  const mine = entry.taken_by === me;
  const self = id === me;
  const aside = entry.aside ?? [];
  const member = { member: id };
  const open = (): void => {
    void session.act("care.open", member).then((answer) => {
      if (answer.ok) session.open({ is: "card", name, card: (answer.fields as { card: Card | null }).card });
    });
  };
  return (
    <li class={entry.level === "urgent" ? "is-urgent" : ""}>
      <p>
        <Icon name={entry.level === "urgent" ? "bell" : "heart"} />
        <strong>{name}</strong> {entry.own !== false && <span class="chip">{panel[entry.level]}</span>}
      </p>
      {worried.length > 0 && <small>{panel.worried(worried)}</small>}
      {entry.gone === true && <small>{panel.gone}</small>}
      {entry.taken_by !== null && <small>{mine ? panel.takenByMe : panel.takenBy(session.name(entry.taken_by))}</small>}
      {aside.length > 0 && <small>{panel.inAside(aside.filter((one) => one !== id).map((one) => session.name(one)))}</small>}
      {!self && (
        <div class="wrap">
          {!mine && (
            <Button look="main" about={name} onClick={() => void session.act("care.take", member)}>
              {panel.take}
            </Button>
          )}
          {aside.length > 0 ? (
            <Button about={name} onClick={() => void session.act("care.back", member)}>
              {panel.back}
            </Button>
          ) : (
            entry.gone !== true && (
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
            {panel.done}
          </Button>
        </div>
      )}
    </li>
  );
}

/** In the strip above the ring: somebody whom nobody has taken on yet. */
export function CareCalls({ ids }: { ids: readonly string[] }): VNode {
  const session = useSession();
  const { care: entries } = session.snap.value.room;
  return (
    <section class="stage-note is-call" aria-label={panel.calls}>
      <ul class="help-calls">
        {ids.map((id) => {
          const name = entries[id]?.name ?? session.name(id);
          const urgent = entries[id]?.level === "urgent";
          return (
            <li key={id}>
              <Icon name={urgent ? "bell" : "heart"} />
              <strong>{urgent ? care.say.urgent(name) : panel.note([name])}</strong>
              <Button look="main" about={name} onClick={() => void session.act("care.take", { member: id })}>
                {panel.take}
              </Button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
