/** Sets up a round: time for each turn, order, and who begins. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { DialogFoot } from "../parts/dialog-foot.tsx";
import { bySeat } from "../model.ts";
import { useSession } from "../session.tsx";
import { guide } from "../words-guide.ts";
import { sharesTime } from "../evening/stages.ts";
import { evening } from "../words-evening.ts";
import { TimeSelect } from "./time-select.tsx";
import { Name } from "../parts/who.tsx";

export function RoundDialog(): VNode {
  const session = useSession();
  const everyone = bySeat(session.snap.value);
  const members = everyone.filter((one) => one.role === "member");
  const { agenda } = session.snap.value.room;
  const shares = sharesTime(agenda, session.snap.value.serverNow());
  const [seconds, setSeconds] = useState<number | null>(shares ? null : 120);
  const [own, setOwn] = useState(false);
  const [starter, setStarter] = useState("");
  const [order, setOrder] = useState<readonly string[]>(() => everyone.map((one) => one.id));
  const [chosen, setChosen] = useState<ReadonlySet<string>>(() => new Set(members.map((one) => one.id)));
  const [trouble, setTrouble] = useState<string | null>(null);
  const present = new Map(everyone.map((one) => [one.id, one]));
  const listed = [...order.filter((id) => present.has(id)), ...everyone.map((one) => one.id)];
  const rows = [...new Set(listed)];

  const go = (): void => {
    const picked = rows.filter((id) => chosen.has(id));
    if (own && picked.length === 0) return setTrouble(guide.round.nobody);
    const time = seconds === null ? {} : { seconds };
    const who = own ? { order: picked } : starter === "" ? {} : { starter };
    void session.act("floor.round", { ...time, ...who }).then((answer) => {
      if (answer.ok) session.shut();
    });
  };
  const move = (id: string, step: number): void => {
    const at = rows.indexOf(id);
    const next = rows.filter((one) => one !== id);
    next.splice(Math.max(0, at + step), 0, id);
    setOrder(next);
  };
  return (
    <Dialog
      title={guide.round.heading}
      onClose={() => session.shut()}
      foot={
        <DialogFoot trouble={trouble} go={guide.round.go} onGo={go} />
      }
    >
      <p class="hint">{guide.round.intro}</p>
      <TimeSelect
        label={guide.round.time}
        value={seconds}
        onChange={setSeconds}
        {...(shares ? { untimed: evening.signal.share } : {})}
      />
      <fieldset class="choices">
        <legend>{guide.round.order}</legend>
        <label class="choice">
          <input type="radio" name="order" checked={!own} onChange={() => setOwn(false)} />
          <span>{guide.round.seats}</span>
        </label>
        <label class="choice">
          <input type="radio" name="order" checked={own} onChange={() => setOwn(true)} />
          <span>{guide.round.custom}</span>
        </label>
      </fieldset>
      {!own && (
        <label class="field">
          <span>{guide.round.starter}</span>
          <select value={starter} onChange={(event) => setStarter(event.currentTarget.value)}>
            <option value="">{guide.round.starterAuto}</option>
            {members.map((one) => (
              <option key={one.id} value={one.id}>
                <Name name={one.name} />
              </option>
            ))}
          </select>
        </label>
      )}
      {own && (
        <ul class="arrange" aria-label={guide.round.who}>
          {rows.map((id, i) => {
            const name = session.name(id);
            return (
              <li key={id}>
                <label class="choice">
                  <input
                    type="checkbox"
                    checked={chosen.has(id)}
                    aria-label={guide.round.include(name)}
                    onChange={() => setChosen(toggled(chosen, id))}
                  />
                  <span>{name}</span>
                </label>
                <Button
                  local
                  look="quiet"
                  icon="up"
                  label={guide.round.up(name)}
                  disabled={i === 0}
                  onClick={() => move(id, -1)}
                />
                <Button
                  local
                  look="quiet"
                  icon="down"
                  label={guide.round.down(name)}
                  disabled={i === rows.length - 1}
                  onClick={() => move(id, 1)}
                />
              </li>
            );
          })}
        </ul>
      )}
    </Dialog>
  );
}

export function toggled<T>(set: ReadonlySet<T>, one: T): ReadonlySet<T> {
  const next = new Set(set);
  if (!next.delete(one)) next.add(one);
  return next;
}
