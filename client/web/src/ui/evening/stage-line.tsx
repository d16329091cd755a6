/** Above the ring: the present stage, its prompt, and the time left. */
import type { VNode } from "preact";
import { Button } from "../parts/button.tsx";
import { clock } from "../model.ts";
import { useNow } from "../clock.ts";
import { useSession } from "../session.tsx";
import { evening } from "../words-evening.ts";
import { current, following, promptOf, roundOf, stageLeft, titleOf } from "./stages.ts";

export function StageLine(): VNode | null {
  const session = useSession();
  const { agenda } = session.snap.value.room;
  const now = useNow(agenda?.at != null);
  if (agenda === null) return null;
  const stage = current(agenda);
  const next = following(agenda);
  const left = stageLeft(agenda, now);
  const round = roundOf(agenda);
  const prompt = promptOf(agenda);
  const over = agenda.over === true || (left !== null && left <= 0);
  return (
    <section class="stage-line" aria-label={evening.stage.label}>
      <div class="stage-line-words">
        <p class="stage-line-head">
          {stage === null ? (
            <strong>{next === null ? evening.stage.label : evening.stage.waits(titleOf(next))}</strong>
          ) : (
            <strong>{titleOf(stage)}</strong>
          )}
          {round !== null && <span class="chip">{round}</span>}
          {left !== null && (
            <span class="stage-line-time" role="timer">
              {over
                ? stage?.auto === true && next !== null
                  ? evening.stage.soon
                  : evening.stage.ended
                : evening.stage.left(clock(left))}
            </span>
          )}
          {stage !== null && (
            <span class="stage-line-next">{next === null ? evening.stage.last : evening.stage.next(titleOf(next))}</span>
          )}
        </p>
        {prompt !== "" && <p class="stage-line-prompt">{prompt}</p>}
      </div>
      <Button
        local
        look="quiet"
        icon="list"
        class="stage-line-all btn-icon"
        label={evening.stage.allLabel}
        title={evening.stage.allLabel}
        onClick={() => session.open({ is: "evening" })}
      />
    </section>
  );
}
