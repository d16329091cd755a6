/** All parts of the evening. Facilitators change those that are still to come. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { isFacilitator } from "../model.ts";
import type { Stage } from "../port.ts";
import { useSession } from "../session.tsx";
import { words } from "../words.ts";
import { evening } from "../words-evening.ts";
import { asMinutes, PROMPT_MAX, rewrite, sameStages, titleOf, TITLE_MAX, type Draft } from "./stages.ts";

type Drafts = Readonly<Record<number, Draft>>;

export function EveningDialog(): VNode | null {
  const session = useSession();
  const snap = session.snap.value;
  const { agenda } = snap.room;
  const lead = isFacilitator(snap);
  const [based, setBased] = useState(agenda?.stages ?? []);
  const [drafts, setDrafts] = useState<Drafts>({});
  const [trouble, setTrouble] = useState<string | null>(null);
  if (agenda === null) return null;
  const at = agenda.at ?? -1;
  const changed = Object.keys(drafts).length > 0;

  const save = (): void => {
    if (!sameStages(based, agenda.stages)) {
      setBased(agenda.stages);
      setDrafts({});
      return setTrouble(evening.dialog.moved);
    }
    // What has begun meanwhile stays as it is.
    const coming = Object.fromEntries(Object.entries(drafts).filter(([i]) => Number(i) > at));
    const stages = rewrite(agenda.stages, coming);
    if (typeof stages === "number") {
      const bad = agenda.stages[stages];
      return setTrouble(evening.dialog.bad(bad === undefined ? "" : titleOf(bad)));
    }
    void session
      .act("agenda.edit", agenda.at === null ? { stages } : { stages, at: agenda.at }, { done: evening.dialog.saved })
      .then((answer) => {
        if (answer.ok) session.shut();
      });
  };

  return (
    <Dialog
      title={evening.dialog.heading}
      onClose={() => session.shut()}
      foot={
        lead && (changed || trouble !== null) ? (
          <>
            {trouble !== null && (
              <p class="trouble" role="alert">
                {trouble}
              </p>
            )}
            <Button local onClick={() => session.shut()}>
              {words.cancel}
            </Button>
            <Button look="main" disabled={!changed} onClick={save}>
              {evening.dialog.save}
            </Button>
          </>
        ) : undefined
      }
    >
      <p class="hint">{lead ? evening.dialog.introLead : evening.dialog.intro}</p>
      <ol class="evening-list">
        {agenda.stages.map((stage, i) => (
          <li key={i} class={i < at ? "is-past" : i === at ? "is-now" : ""} aria-current={i === at ? "step" : undefined}>
            <p class="evening-row">
              <strong>{titleOf(stage)}</strong>
              <span>{evening.dialog.minutes(asMinutes(stage.seconds))}</span>
              {i === at && <span class="chip">{evening.dialog.now}</span>}
              {i < at && <span class="unseen">{evening.dialog.done}</span>}
            </p>
            <StageFacts stage={stage} lead={lead} />
            {lead && i > at && (
              <EditStage stage={stage} draft={drafts[i] ?? {}} onDraft={(draft) => setDrafts({ ...drafts, [i]: draft })} />
            )}
          </li>
        ))}
      </ol>
    </Dialog>
  );
}

function StageFacts({ stage, lead }: { stage: Stage; lead: boolean }): VNode {
  return (
    <>
      {stage.prompt !== undefined && stage.prompt !== "" && <p class="evening-prompt">{stage.prompt}</p>}
      {stage.rounds?.map((round, i) => (
        <p key={i} class="evening-prompt">
          {round.prompt}
        </p>
      ))}
      {stage.pairs !== undefined && (
        <p class="hint">{evening.dialog.groups(stage.pairs.size, evening.dialog.how[stage.pairs.how])}</p>
      )}
      {lead && stage.kind === "debrief" && <p class="hint">{evening.dialog.leadOnly}</p>}
    </>
  );
}

interface EditProps {
  readonly stage: Stage;
  readonly draft: Draft;
  readonly onDraft: (draft: Draft) => void;
}

function EditStage({ stage, draft, onDraft }: EditProps): VNode {
  return (
    <details class="evening-edit">
      <summary>
        {evening.dialog.change}
        <span class="unseen"> {titleOf(stage)}</span>
      </summary>
      <div class="field-row">
        <label class="field">
          <span>{evening.dialog.title}</span>
          <input
            type="text"
            maxLength={TITLE_MAX}
            autocomplete="off"
            placeholder={evening.kinds[stage.kind]}
            value={draft.title ?? stage.title ?? ""}
            onInput={(event) => onDraft({ ...draft, title: event.currentTarget.value })}
          />
        </label>
        <label class="field evening-minutes">
          <span>{evening.dialog.time}</span>
          <input
            type="text"
            inputMode="decimal"
            autocomplete="off"
            value={draft.minutes ?? asMinutes(stage.seconds)}
            onInput={(event) => onDraft({ ...draft, minutes: event.currentTarget.value })}
          />
        </label>
      </div>
      <label class="field">
        <span>{evening.dialog.prompt}</span>
        <textarea
          rows={3}
          maxLength={PROMPT_MAX}
          value={draft.prompt ?? stage.prompt ?? ""}
          onInput={(event) => onDraft({ ...draft, prompt: event.currentTarget.value })}
        />
      </label>
      {stage.rounds?.map((round, n) => (
        <label key={n} class="field">
          <span>{evening.dialog.roundPrompt(n + 1)}</span>
          <textarea
            rows={2}
            maxLength={PROMPT_MAX}
            value={draft.rounds?.[n] ?? round.prompt}
            onInput={(event) => onDraft({ ...draft, rounds: { ...draft.rounds, [n]: event.currentTarget.value } })}
          />
        </label>
      ))}
    </details>
  );
}
