/** The order of turns in words: who had one, who has it, who comes, whose hand is up, who is here. */
import type { VNode } from "preact";
import { Fold } from "../parts/fold.tsx";
import { Icon } from "../parts/icon.tsx";
import { bySeat, groupInView, queueOrder, roundOrder, type Person } from "../model.ts";
import { useSession } from "../session.tsx";
import { words } from "../words.ts";
import { moments } from "../words-moments.ts";
import { describe } from "./seat.tsx";
import { Name, RoleBadge, Who } from "../parts/who.tsx";

export function TurnOrder(): VNode | null {
  const session = useSession();
  const floor = session.snap.value.room.floor;
  if (floor === null) return null;
  const order = roundOrder(floor);
  return (
    <>
      {order !== null && (
        <section class="panel" aria-labelledby="round-heading">
          <h3 id="round-heading">{words.turns.round}</h3>
          <ol class="order">
            {order.done.map((id) => (
              <li key={id} class="order-done">
                <Icon name="check" />
                <Who id={id} />
                <small>{words.turns.done}</small>
              </li>
            ))}
            {order.now !== null && (
              <li key={order.now} class="order-now" aria-current="true">
                <Icon name="stick" />
                <Who id={order.now} />
                <small>{words.turns.now}</small>
              </li>
            )}
            {order.coming.map((id, i) => (
              <li key={id} class="order-coming">
                <span class="order-number">{i + 1}</span>
                <Who id={id} />
                {i === 0 && <small>{words.turns.next}</small>}
              </li>
            ))}
          </ol>
        </section>
      )}
      <section class="panel" aria-labelledby="hands-heading">
        <h3 id="hands-heading">{words.turns.hands}</h3>
        {floor.queue.length === 0 ? (
          <p class="hint">{words.turns.noHands}</p>
        ) : (
          <>
            {queueOrder(session.snap.value) === "least_heard" && floor.queue.length > 1 && (
              <p class="hint">{moments.heard.queueHint}</p>
            )}
            <ol class="order">
              {floor.queue.map((id, i) => (
                <li key={id} class="order-hand">
                  <span class="order-number">{i + 1}</span>
                  <Who id={id} />
                  <Icon name="hand" />
                </li>
              ))}
            </ol>
          </>
        )}
      </section>
    </>
  );
}

export function Everyone({ folded = false }: { folded?: boolean }): VNode {
  const session = useSession();
  const snap = session.snap.value;
  const holder = groupInView(snap) === null ? (snap.room.floor?.holder ?? null) : null;
  const people = bySeat(snap);
  const list = (
    <ul class="everyone">
      {people.map((who) => (
        <li key={who.id}>
          <PersonRow who={who} holder={who.id === holder} />
        </li>
      ))}
    </ul>
  );
  if (folded) {
    return (
      <Fold title={words.turns.everyone} note={words.people(people.length)}>
        {list}
      </Fold>
    );
  }
  return (
    <section class="panel" aria-labelledby="everyone-heading">
      <h3 id="everyone-heading">{words.turns.everyone}</h3>
      {list}
    </section>
  );
}

function PersonRow({ who, holder }: { who: Person; holder: boolean }): VNode {
  const session = useSession();
  const me = session.isMe(who.id);
  return (
    <button
      type="button"
      class="person-row"
      aria-haspopup="dialog"
      onClick={() => session.open(me ? { is: "me" } : { is: "person", id: who.id })}
    >
      <span class="dot" data-tint={who.seat % 8} />
      <span class="person-name" aria-hidden="true">
        <Name name={who.name} />
        {me && <span class="chip chip-you">{words.seat.you}</span>}
      </span>
      <span class="unseen">{describe(who, me, holder, false)}</span>
      <span aria-hidden="true">
        <RoleBadge role={who.role} />
      </span>
      {who.here !== "here" && (
        <small aria-hidden="true">
          {who.here === "away" ? words.seat.awayShort : words.seat.reconnecting}
        </small>
      )}
      {who.muted.map((kind) => (
        <span key={kind} class={`row-mark ${who.held.includes(kind) ? "is-held" : ""}`}>
          <Icon name={kind} struck />
        </span>
      ))}
    </button>
  );
}
