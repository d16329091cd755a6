/** The agenda templates of the server. Only before the agenda has begun. */
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import type { Template } from "../port.ts";
import { useSession } from "../session.tsx";
import { evening } from "../words-evening.ts";
import { asMinutes, titleOf } from "./stages.ts";

export function TemplatesDialog(): VNode {
  const session = useSession();
  const [list, setList] = useState<readonly Template[] | "loading" | "failed">("loading");
  const fetchList = (): void => {
    setList("loading");
    session.templates().then(setList, () => setList("failed"));
  };
  useEffect(fetchList, []);
  const take = (template: Template): void => {
    void session.act("agenda.edit", { stages: template.stages }, { done: evening.templates.taken }).then((answer) => {
      if (!answer.ok) return;
      session.shut();
      // Concerns that facilitators offer already stay.
      const offered = session.snap.value.room.concerns?.length ?? 0;
      const concerns = template.concerns ?? [];
      if (offered === 0 && concerns.length > 0) void session.act("concerns.offer", { concerns }, { quiet: true });
    });
  };
  return (
    <Dialog title={evening.templates.heading} onClose={() => session.shut()}>
      <p class="hint">{evening.templates.intro}</p>
      {list === "loading" && <p role="status">{evening.templates.loading}</p>}
      {list === "failed" && (
        <>
          <p class="trouble" role="alert">
            {evening.templates.failed}
          </p>
          <Button onClick={fetchList}>{evening.templates.retry}</Button>
        </>
      )}
      {typeof list !== "string" && (
        <ul class="templates">
          {list.map((one) => (
            <li key={one.name} class="group">
              <h3>{one.title}</h3>
              <p>{one.about}</p>
              <p class="hint">{evening.templates.facts(one.stages.length, evening.length(one.seconds))}</p>
              <details>
                <summary>
                  {evening.stage.allLabel}
                  <span class="unseen"> {one.title}</span>
                </summary>
                <ol>
                  {one.stages.map((stage, i) => (
                    <li key={i} class="evening-row">
                      <span>{titleOf(stage)}</span>
                      <span>{evening.dialog.minutes(asMinutes(stage.seconds))}</span>
                    </li>
                  ))}
                </ol>
              </details>
              <Button look="main" about={one.title} onClick={() => take(one)}>
                {evening.templates.take}
              </Button>
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  );
}
