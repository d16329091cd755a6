/** For facilitators: the present stage, with buttons for more time, next and back. */
import type { VNode } from "preact";
import { Button } from "../parts/button.tsx";
import { clock } from "../model.ts";
import type { Agenda, Stage } from "../port.ts";
import { useNow } from "../clock.ts";
import { useSession } from "../session.tsx";
import { evening } from "../words-evening.ts";
import { current, following, stageLeft, titleOf, wholeLength } from "./stages.ts";

const MORE = [2, 5];

export function EveningPanel(): VNode {
  const session = useSession();
  const { agenda } = session.snap.value.room;
  const stage = current(agenda);
  return (
    <section class="panel" aria-labelledby="evening-heading">
      <h3 id="evening-heading">{evening.guide.heading}</h3>
      {agenda === null ? <None /> : stage === null ? <Ready agenda={agenda} /> : <Running agenda={agenda} stage={stage} />}
    </section>
  );
}

function None(): VNode {
  const session = useSession();
  return (
    <>
      <p class="hint">{evening.guide.none}</p>
      <Button local icon="list" class="wide" onClick={() => session.open({ is: "templates" })}>
        {evening.guide.choose}
      </Button>
      <Button local look="row" icon="plus" onClick={() => session.open({ is: "evening" })}>
        {evening.guide.own}
      </Button>
    </>
  );
}

function Ready({ agenda }: { agenda: Agenda }): VNode {
  const session = useSession();
  const first = following(agenda);
  return (
    <>
      <p class="hint">
        {evening.guide.readyPlain(agenda.stages.length, evening.length(wholeLength(agenda.stages)))}
      </p>
      {first !== null && (
        <Button look="main" icon="play" class="wide" onClick={() => void session.act("agenda.start", {})}>
          {evening.guide.begin(titleOf(first))}
        </Button>
      )}
      <div class="wrap">
        <Button local onClick={() => session.open({ is: "evening" })}>
          {evening.guide.all}
        </Button>
        <Button local onClick={() => session.open({ is: "templates" })}>
          {evening.guide.another}
        </Button>
      </div>
    </>
  );
}

function Running({ agenda, stage }: { agenda: Agenda; stage: Stage }): VNode {
  const session = useSession();
  const now = useNow();
  const left = stageLeft(agenda, now) ?? 0;
  const next = following(agenda);
  const at = agenda.at ?? 0;
  const before = agenda.stages[at - 1];
  const over = left <= 0;
  return (
    <>
      <p class="evening-now">
        <strong>{titleOf(stage)}</strong>
        <span class={over ? "is-over" : ""} role="timer">
          {over ? evening.guide.over(clock(-left)) : evening.guide.left(clock(left))}
        </span>
      </p>
      <p class="hint">{next === null ? evening.stage.last : stage.auto === true ? evening.guide.auto : evening.guide.hold}</p>
      {next !== null && (
        // Names the stage in view, so that of two simultaneous presses only one counts.
        <Button look="main" icon="next" class="wide" onClick={() => void session.act("agenda.next", { at })}>
          {evening.guide.next(titleOf(next))}
        </Button>
      )}
      <div class="wrap">
        {MORE.map((n) => (
          <Button
            key={n}
            about={evening.guide.extendFor}
            onClick={() => void session.act("agenda.extend", { seconds: n * 60 })}
          >
            {evening.guide.extend(n)}
          </Button>
        ))}
        <Button
          label={before === undefined ? evening.guide.again : evening.guide.backLabel(titleOf(before))}
          onClick={() => void session.act("agenda.back", { at })}
        >
          {before === undefined ? evening.guide.again : evening.guide.back}
        </Button>
        <Button local onClick={() => session.open({ is: "evening" })}>
          {evening.guide.all}
        </Button>
      </div>
    </>
  );
}
