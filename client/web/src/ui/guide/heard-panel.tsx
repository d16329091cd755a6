/**
 * For facilitators: how long each has been heard, who not yet, and who gets the stick next. In the order
 * of seats, never as a ranking.
 */
import { own } from "../../lib/index.ts";
import type { VNode } from "preact";
import { bySeat, person, queueOrder, type Person, type QueueOrder } from "../model.ts";
import { Button } from "../parts/button.tsx";
import { Fold } from "../parts/fold.tsx";
import type { Snapshot } from "../port.ts";
import { useNow } from "../clock.ts";
import { useSession, type Session } from "../session.tsx";
import { voice } from "../words-media.ts";
import { moments } from "../words-moments.ts";
import { Name } from "../parts/who.tsx";

const text = moments.heard;
/** Nobody is asked again within ten minutes (rule EQ6). */
const AGAIN_S = 600;
const ORDERS: readonly QueueOrder[] = ["raised", "least_heard"];

/** Whether a nudge to them makes sense just now (rule EQ5). */
export function mayNudge(snap: Snapshot, who: Person): boolean {
  return who.role === "member" && who.here !== "away" && who.hand === null && snap.room.floor?.holder !== who.id;
}

export function nudge(session: Session, id: string): void {
  const name = session.name(id);
  void session.act("voice.nudge", { member: id }, { quiet: true }).then((answer) => {
    if (answer.ok || answer.code === "too_fast") {
      session.nudged.value = new Map([...session.nudged.value, [id, session.snap.value.serverNow()]]);
    }
    if (answer.ok) session.note(text.nudgeSent(name));
    else if (answer.code === "too_fast") session.note(text.nudgeFast(name));
    else session.note(text.nudgeStale(name), "trouble");
  });
}

export function NudgeButton({ id, row = false }: { id: string; row?: boolean }): VNode {
  const session = useSession();
  const now = useNow(session.nudged.value.size > 0);
  const asked = now - (session.nudged.value.get(id) ?? -AGAIN_S) < AGAIN_S;
  if (row) {
    return (
      <Button look="row" icon="wave" disabled={asked} onClick={() => nudge(session, id)}>
        {asked ? text.nudged : text.nudgeRow} <small>{text.nudgeHint}</small>
      </Button>
    );
  }
  return (
    <Button disabled={asked} about={text.nudgeFor(session.name(id))} onClick={() => nudge(session, id)}>
      {asked ? text.nudged : text.nudge}
    </Button>
  );
}

export function HeardPanel(): VNode {
  const session = useSession();
  const snap = session.snap.value;
  const { talk, unheard } = snap.room;
  const most = Math.max(1, ...Object.values(talk));
  const quiet = (unheard ?? []).map((id) => person(snap, id)).filter((one): one is Person => one !== null);
  const known = new Set(quiet.map((one) => one.id));
  return (
    <Fold title={text.heading} note={quiet.length === 0 ? "" : text.unheardCount(quiet.length)}>
      <p class="hint">{text.hint}</p>
      {quiet.length > 0 && (
        <section aria-label={text.unheard}>
          <h4>{text.unheard}</h4>
          <ul class="unheard">
            {quiet.map((who) => (
              <li key={who.id}>
                <span class="talk-name">
                  <Name name={who.name} />
                </span>
                {mayNudge(snap, who) && <NudgeButton id={who.id} />}
              </li>
            ))}
          </ul>
        </section>
      )}
      <ul class="talk-times" aria-label={voice.talk.heading}>
        {bySeat(snap)
          .filter((who) => !known.has(who.id))
          .map((who) => (
            <li key={who.id}>
              <span class="talk-name">
                  <Name name={who.name} />
                </span>
              <span class="talk-bar" aria-hidden="true">
                <span style={{ width: `${(((own(talk, who.id) ?? 0) / most) * 100).toFixed(1)}%` }} />
              </span>
              <small>{voice.talk.time(own(talk, who.id) ?? 0)}</small>
            </li>
          ))}
      </ul>
      <QueueOrderSelect />
    </Fold>
  );
}

function QueueOrderSelect(): VNode {
  const session = useSession();
  const order = queueOrder(session.snap.value);
  return (
    <>
      <label class="field">
        <span>{text.order}</span>
        <select
          value={order}
          onChange={(event) => void session.act("room.settings", { queue_order: event.currentTarget.value as QueueOrder })}
        >
          {ORDERS.map((one) => (
            <option key={one} value={one}>
              {own(text.orders, one)}
            </option>
          ))}
        </select>
      </label>
      <p class="hint">{own(text.orderHint, order)}</p>
    </>
  );
}

/** In the strip above the ring, for the member who was nudged. Nobody learns what they do. */
export function NudgeNote(): VNode {
  const session = useSession();
  const hand = session.snap.value.room.pairs?.mine == null;
  return (
    <section class="stage-note is-gentle" aria-label={text.askLabel}>
      <p>
        <strong>{text.ask}</strong> {text.askHint}
      </p>
      <span class="note-buttons">
        {hand && (
          <Button look="main" icon="hand" onClick={() => void session.act("hand.raise", {})}>
            {text.raise}
          </Button>
        )}
        <Button look="quiet" about={text.ask} onClick={() => void session.act("voice.dismiss", {})}>
          {text.later}
        </Button>
      </span>
    </section>
  );
}
