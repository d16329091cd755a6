/** Groups: asks for a plan, shows it, lets people be moved, then opens the groups. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { signal } from "@preact/signals";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Trouble } from "../parts/dialog-foot.tsx";
import { bySeat } from "../model.ts";
import { failure, useSession } from "../session.tsx";
import { words } from "../words.ts";
import { guide } from "../words-guide.ts";
import type { PlanHow } from "../port.ts";
import { evening } from "../words-evening.ts";
import { MemberPairs } from "./member-pairs.tsx";
import { forbiddenPair, presentPairs, planFrom, put, ready, pinsExceed, where, type MemberPair, type Plan } from "./plan.ts";
import { PlanReport, toldFrom, whyOf, type Told } from "./plan-report.tsx";
import { Name } from "../parts/who.tsx";

/** Kept while the page is open: the next plan starts from the same list. */
const never = signal<readonly MemberPair[]>([]);
/** Kept while the page is open; the room uses them for one plan only. */
const pinned = signal<readonly MemberPair[]>([]);
const SIZES = [2, 3, 4, 5, 6];
const MOST_MINUTES = 120;

export function PlanDialog(): VNode {
  const session = useSession();
  const everyone = bySeat(session.snap.value);
  const here = new Set(everyone.map((one) => one.id));
  const [size, setSize] = useState(2);
  const [how, setHow] = useState<PlanHow>("fresh");
  const [include, setInclude] = useState(false);
  const [plan, setPlan] = useState<Plan | null>(null);
  const [told, setTold] = useState<Told | null>(null);
  const [minutes, setMinutes] = useState("8");
  const [trouble, setTrouble] = useState<string | null>(null);

  const ask = (): void => {
    setTrouble(null);
    const avoid = presentPairs(never.value, here);
    const pins = presentPairs(pinned.value, here);
    if (pinsExceed(pins, size)) return setTrouble(guide.pairs.pinsMany);
    void session
      .act("pairs.plan", { size, how, avoid, facilitators: include, pins }, { quiet: true })
      .then((answer) => {
        if (!answer.ok) return setTrouble(pins.length > 0 && answer.code === "no_plan" ? guide.pairs.pinsFail : failure(answer.code));
        setPlan(planFrom(answer.fields) ?? []);
        setTold(toldFrom(answer.fields));
      });
  };
  const open = (): void => {
    const groups = ready(plan ?? [], here);
    const time = Number(minutes.replace(",", "."));
    const timed = minutes.trim() !== "";
    if (groups.length === 0) return setTrouble(guide.pairs.nobody);
    if (timed && !(time >= 0.1 && time <= MOST_MINUTES)) return setTrouble(guide.pairs.badMinutes);
    void session
      .act("pairs.open", timed ? { groups, seconds: Math.round(time * 60) } : { groups }, { quiet: true })
      .then((answer) => {
        if (answer.ok) session.shut();
        else setTrouble(failure(answer.code));
      });
  };
  const clash = plan === null ? null : forbiddenPair(plan, never.value);

  return (
    <Dialog
      wide
      title={guide.pairs.title}
      onClose={() => session.shut()}
      foot={
        <>
          <Trouble text={trouble} />
          {plan === null ? (
            <>
              <Button local onClick={() => setPlan([])}>
                {guide.pairs.byHand}
              </Button>
              <Button look="main" onClick={ask}>
                {guide.pairs.plan}
              </Button>
            </>
          ) : (
            <>
              <label class="field field-inline">
                <span>{guide.pairs.minutes}</span>
                <input
                  type="text"
                  inputMode="decimal"
                  size={4}
                  value={minutes}
                  onInput={(event) => setMinutes(event.currentTarget.value)}
                />
              </label>
              <Button look="main" onClick={open}>
                {guide.pairs.open}
              </Button>
            </>
          )}
        </>
      }
    >
      <p class="hint">{guide.pairs.intro}</p>
      <div class="plan-options">
        <label class="field">
          <span>{guide.pairs.size}</span>
          <select value={String(size)} onChange={(event) => setSize(Number(event.currentTarget.value))}>
            {SIZES.map((n) => (
              <option key={n} value={String(n)}>
                {n}
              </option>
            ))}
          </select>
        </label>
        <fieldset class="choices">
          <legend>{guide.pairs.how}</legend>
          <label class="choice">
            <input type="radio" name="how" checked={how === "fresh"} onChange={() => setHow("fresh")} />
            <span>
              {guide.pairs.fresh}
              <small>{guide.pairs.freshHint}</small>
            </span>
          </label>
          {session.snap.value.room.link_key !== null && (
            <label class="choice">
              <input type="radio" name="how" checked={how === "linked"} onChange={() => setHow("linked")} />
              <span>
                {evening.link.how}
                <small>{evening.link.howHint}</small>
              </span>
            </label>
          )}
          <label class="choice">
            <input type="radio" name="how" checked={how === "random"} onChange={() => setHow("random")} />
            <span>{guide.pairs.random}</span>
          </label>
        </fieldset>
        <label class="choice">
          <input type="checkbox" checked={include} onChange={() => setInclude(!include)} />
          <span>{guide.pairs.include}</span>
        </label>
      </div>
      <div class="plan-lists">
        <MemberPairs list={pinned} against={never} text={guide.pairs.pins} />
        <MemberPairs list={never} against={pinned} text={guide.pairs.never} />
      </div>
      {plan !== null && (
        <section class="plan" aria-labelledby="plan-heading" aria-live="polite">
          <header class="plan-head">
            <h3 id="plan-heading">{guide.pairs.preview}</h3>
            <Button onClick={ask}>{guide.pairs.again}</Button>
          </header>
          {told !== null && plan.every((group) => group.length === 0 || whyOf(told, group) !== null) && (
            <PlanReport told={told} />
          )}
          {clash !== null && (
            <p class="trouble">{guide.pairs.clash(session.name(clash[0]), session.name(clash[1]))}</p>
          )}
          <div class="plan-groups">
            {plan.map((group, i) =>
              group.length === 0 ? null : (
                <PlanGroup
                  key={i}
                  title={guide.person.group(i + 1)}
                  why={told === null ? null : (whyOf(told, group) ?? evening.link.moved)}
                  people={group}
                  plan={plan}
                  onPlan={setPlan}
                />
              ),
            )}
            <PlanGroup
              title={guide.pairs.stays}
              why={null}
              people={everyone.map((one) => one.id).filter((id) => where(plan, id) === null)}
              plan={plan}
              onPlan={setPlan}
            />
          </div>
        </section>
      )}
    </Dialog>
  );
}

interface GroupProps {
  readonly title: string;
  readonly why: string | null;
  readonly people: readonly string[];
  readonly plan: Plan;
  readonly onPlan: (plan: Plan) => void;
}

function PlanGroup({ title, why, people, plan, onPlan }: GroupProps): VNode {
  const session = useSession();
  return (
    <section class="plan-group" aria-label={title}>
      <h4>{title}</h4>
      {why !== null && <p class="plan-why">{why}</p>}
      {people.length === 0 && <p class="hint">{words.turns.none}</p>}
      <ul>
        {people.map((id) => (
          <li key={id}>
            <span class="plan-name">
              <Name name={session.name(id)} />
            </span>
            <select
              aria-label={guide.pairs.place(session.name(id))}
              value={String(where(plan, id) ?? "circle")}
              onChange={(event) => {
                const to = event.currentTarget.value;
                onPlan(put(plan, id, to === "circle" ? null : Number(to)));
              }}
            >
              <option value="circle">{guide.pairs.stayCircle}</option>
              {plan.map((group, i) =>
                group.length === 0 ? null : (
                  <option key={i} value={String(i)}>
                    {guide.person.group(i + 1)}
                  </option>
                ),
              )}
              <option value={String(plan.length)}>{guide.pairs.newGroup}</option>
            </select>
          </li>
        ))}
      </ul>
    </section>
  );
}
