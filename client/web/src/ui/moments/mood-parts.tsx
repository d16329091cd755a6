/** The mood question: the strip that asks and shows the result, the dialog, and the facilitators' part. */
import type { VNode } from "preact";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import type { Mood } from "../port.ts";
import { useSession } from "../session.tsx";
import { words } from "../words.ts";
import { MOODS, moments } from "../words-moments.ts";
import { LEAST, shares, sum, VALUES, type Counts, type Value } from "./memory.ts";

const text = moments.mood;

/** Why a closed question has no result to show. */
export function whyHidden(mood: Mood): string {
  return mood.answers < LEAST ? text.few : text.held;
}

/** Whether the strip above the ring shows it. */
export function useMoodNote(): boolean {
  const session = useSession();
  const { mood } = session.snap.value.room;
  const memory = session.mood.value;
  if (mood === null || memory.put) return false;
  return mood.open ? memory.mine === null : memory.followed || mood.result !== null;
}

export function MoodNote(): VNode | null {
  const session = useSession();
  const { mood } = session.snap.value.room;
  if (mood === null) return null;
  const put = (): void => {
    session.mood.value = { ...session.mood.value, put: true };
  };
  const look = (): void => session.open({ is: "mood" });
  const shown = mood.result !== null;
  return (
    <section class="stage-note" aria-label={text.label}>
      <p>
        {mood.open ? (
          <>
            <strong>{text.ask}</strong> {text.hint}
          </>
        ) : shown ? (
          <strong>{text.shown}</strong>
        ) : (
          <>
            {text.closedNow} {whyHidden(mood)}
          </>
        )}
      </p>
      <span class="note-buttons">
        {(mood.open || shown) && (
          <Button local look="main" about={text.label} onClick={look}>
            {mood.open ? text.go : text.look}
          </Button>
        )}
        {mood.open ? (
          <Button local look="quiet" about={text.ask} onClick={put}>
            {text.later}
          </Button>
        ) : (
          <Button local look="quiet" icon="cross" class="btn-icon" label={words.dismiss} onClick={put} />
        )}
      </span>
    </section>
  );
}

/** The entry in "More", while there is a question or result. */
export function MoodRow(): VNode | null {
  const session = useSession();
  const { mood } = session.snap.value.room;
  const { mine } = session.mood.value;
  if (mood === null || (!mood.open && mood.result === null)) return null;
  return (
    <Button local look="row" icon="wave" onClick={() => session.open({ is: "mood" })}>
      {mood.open ? (
        <>
          {text.row} <small>{mine === null ? text.rowNone : text.rowMine(mine)}</small>
        </>
      ) : (
        text.rowResult
      )}
    </Button>
  );
}

export function MoodDialog(): VNode {
  const session = useSession();
  const { mood } = session.snap.value.room;
  return (
    <Dialog title={mood?.open === true ? text.ask : text.label} onClose={() => session.shut()} foot={foot()}>
      {mood === null ? (
        <p>{words.failed["stale"]}</p>
      ) : mood.open ? (
        <Choices answers={mood.answers} />
      ) : mood.result !== null ? (
        <MoodResult counts={mood.result.counts} answers={mood.answers} earlier={session.mood.value.earlier} />
      ) : (
        <p>
          {whyHidden(mood)} {mood.answers < LEAST ? text.fewHint : text.heldHint}
        </p>
      )}
    </Dialog>
  );

  function foot(): VNode {
    const answered = session.mood.value.mine !== null;
    const open = mood?.open === true && !answered;
    return (
      <Button
        local
        look={open ? "quiet" : "main"}
        onClick={() => {
          if (open) session.mood.value = { ...session.mood.value, put: true };
          session.shut();
        }}
      >
        {open ? text.later : words.close}
      </Button>
    );
  }
}

function Choices({ answers }: { answers: number }): VNode {
  const session = useSession();
  const { mine } = session.mood.value;
  const choose = (value: Value): void => {
    void session.act("mood.answer", { value }).then((answer) => {
      if (answer.ok) session.mood.value = { ...session.mood.value, mine: value };
    });
  };
  return (
    <>
      <p class="hint">{text.intro}</p>
      <div class="mood-choices" role="group" aria-label={text.ask}>
        {VALUES.map((value) => (
          <Button key={value} class="mood-choice" pressed={mine === value} onClick={() => choose(value)}>
            <b>{value}</b>
            <span>{MOODS[value - 1]}</span>
          </Button>
        ))}
      </div>
      <p role="status" class="mood-mine">
        {mine === null ? "" : text.mine}
      </p>
      <p class="hint">
        {text.who} {session.snap.value.room.settings?.mood_strict === true ? text.strict : text.twice}
      </p>
      <p class="hint">{text.count(answers)}</p>
    </>
  );
}

export function MoodResult({ counts, answers, earlier }: { counts: Counts; answers: number; earlier: Counts | null }): VNode {
  const counted = sum(counts);
  const now = shares(counts);
  const was = earlier === null ? null : shares(earlier);
  return (
    <>
      <table class={`mood-table ${earlier === null ? "" : "has-two"}`}>
        <thead class={earlier === null ? "unseen" : ""}>
          <tr>
            <th scope="col">{text.level}</th>
            {earlier !== null && <th scope="col">{text.earlier}</th>}
            <th scope="col">{text.now}</th>
          </tr>
        </thead>
        <tbody>
          {[...VALUES].reverse().map((value) => (
            <tr key={value}>
              <th scope="row">
                <b>{value}</b> {MOODS[value - 1]}
              </th>
              {earlier !== null && was !== null && <Bar n={earlier[value]} share={was[value]} past />}
              <Bar n={counts[value]} share={now[value]} />
            </tr>
          ))}
        </tbody>
      </table>
      <p class="hint">
        {counted < answers ? text.partly(counted, answers) : text.people(counted)}. {earlier !== null && text.earlierHint}
      </p>
    </>
  );
}

function Bar({ n, share, past = false }: { n: number; share: number; past?: boolean }): VNode {
  return (
    <td>
      <span class={`mood-bar ${past ? "is-past" : ""}`} aria-hidden="true">
        <span style={{ width: `${(share * 100).toFixed(1)}%` }} />
      </span>
      <span class="mood-n">{n}</span>
    </td>
  );
}

/** The facilitators' part. */
export function MoodControls(): VNode {
  const session = useSession();
  const { mood } = session.snap.value.room;
  const guide = text.guide;
  if (mood?.open === true) {
    return (
      <div class="together-part">
        <p>
          {guide.open} <strong>{text.count(mood.answers)}</strong>
        </p>
        <Button look="main" class="wide" onClick={() => void session.act("mood.close", {})}>
          {mood.answers < LEAST ? guide.closeFew : guide.close}
        </Button>
        <p class="hint">{guide.few}</p>
      </div>
    );
  }
  return (
    <div class="together-part">
      {mood !== null && <p>{mood.result === null ? whyHidden(mood) : text.shown}</p>}
      <div class="wrap">
        <Button icon="wave" onClick={() => void session.act("mood.ask", {})}>
          {mood === null ? guide.ask : guide.askAgain}
        </Button>
        {mood !== null && mood.result !== null && (
          <Button local about={text.label} onClick={() => session.open({ is: "mood" })}>
            {text.look}
          </Button>
        )}
      </div>
      <p class="hint">{mood !== null && mood.result !== null ? guide.againHint : guide.askHint}</p>
    </div>
  );
}
