/** All stages of the agenda. Facilitators edit those that are still to come. */
import { own } from "../../lib/index.ts";
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { DialogFoot } from "../parts/dialog-foot.tsx";
import { isFacilitator } from "../model.ts";
import type { Stage, StageKind } from "../port.ts";
import { useSession } from "../session.tsx";
import { evening } from "../words-evening.ts";
import { added, changed, moved, editedStages, removed, rowsOf, STAGES_MAX, isEdited, type Row } from "./edit.ts";
import { EditStage } from "./edit-stage.tsx";
import { asMinutes, sameStages, titleOf } from "./stages.ts";

const text = evening.dialog;
const KINDS = Object.keys(evening.kinds) as StageKind[];

export function EveningDialog(): VNode | null {
  const session = useSession();
  const snap = session.snap.value;
  const { agenda } = snap.room;
  const lead = isFacilitator(snap);
  const stages = agenda?.stages ?? [];
  const [based, setBased] = useState(stages);
  const [rows, setRows] = useState<readonly Row[]>(() => rowsOf(stages));
  const [fresh, setFresh] = useState<number | null>(null);
  const [kind, setKind] = useState<StageKind>("round");
  const [trouble, setTrouble] = useState<string | null>(null);
  if (agenda === null && !lead) return null;
  const at = agenda?.at ?? -1;
  const dirty = isEdited(based, rows);
  // Changes by others show at once, unless there are unsaved changes here.
  if (!dirty && !sameStages(based, stages)) {
    setBased(stages);
    setRows(rowsOf(stages));
  }
  const titled = (row: Row): string => row.draft.title?.trim() || titleOf(row.stage);

  const save = (): void => {
    if (!sameStages(based, stages)) {
      setBased(stages);
      setRows(rowsOf(stages));
      return setTrouble(text.moved);
    }
    const made = editedStages(agenda, rows);
    if (!Array.isArray(made)) return setTrouble(text.bad(titled(made as Row)));
    if (made.length === 0) return setTrouble(text.empty);
    const now = agenda?.at == null ? {} : { at: agenda.at };
    void session.act("agenda.edit", { stages: made, ...now }, { done: text.saved }).then((answer) => {
      if (answer.ok) session.shut();
    });
  };
  const add = (): void => {
    if (rows.length >= STAGES_MAX) return setTrouble(text.full);
    const next = added(rows, kind);
    setFresh(next.at(-1)?.key ?? null);
    setRows(next);
  };
  const move = (row: Row, step: -1 | 1): void => {
    const next = moved(rows, row.key, step, at + 1);
    setRows(next);
    session.say(text.place(titled(row), next.findIndex((one) => one.key === row.key) + 1, next.length));
    const way = step < 0 ? "up" : "down";
    requestAnimationFrame(() => document.querySelector<HTMLElement>(`.move-${way}-${row.key}`)?.focus());
  };
  const remove = (row: Row): void => {
    setRows(removed(rows, row.key));
    session.say(text.out(titled(row)));
    requestAnimationFrame(() => document.getElementById("evening-add")?.focus());
  };

  return (
    <Dialog
      title={text.heading}
      onClose={() => session.shut()}
      foot={
        lead && (dirty || trouble !== null) ? (
          <DialogFoot trouble={trouble} go={text.save} onGo={save} disabled={!dirty} />
        ) : undefined
      }
    >
      <p class="hint">{lead ? text.introLead : text.intro}</p>
      {rows.length === 0 && <p>{text.none}</p>}
      <ol class="evening-list">
        {rows.map((row, i) => (
          <li key={row.key} class={i < at ? "is-past" : i === at ? "is-now" : ""} aria-current={i === at ? "step" : undefined}>
            <p class="evening-row">
              <strong>{titled(row)}</strong>
              <span>{text.minutes(row.draft.minutes?.trim() || asMinutes(row.stage.seconds))}</span>
              {i === at && <span class="chip">{text.now}</span>}
              {i < at && <span class="unseen">{text.done}</span>}
            </p>
            <StageFacts stage={row.stage} lead={lead} />
            {lead && i > at && (
              <EditStage
                row={row}
                fresh={row.key === fresh}
                first={i === at + 1}
                last={i === rows.length - 1}
                onRow={(next) => setRows((now) => changed(now, row.key, next))}
                onMove={(step) => move(row, step)}
                onRemove={() => remove(row)}
              />
            )}
          </li>
        ))}
      </ol>
      {lead && (
        <form
          class="field-row"
          onSubmit={(event) => {
            event.preventDefault();
            add();
          }}
        >
          <label class="field">
            <span>{text.add}</span>
            <select id="evening-add" value={kind} onChange={(event) => setKind(event.currentTarget.value as StageKind)}>
              {KINDS.map((one) => (
                <option key={one} value={one}>
                  {own(evening.kinds, one)}
                </option>
              ))}
            </select>
          </label>
          <Button local icon="plus" about={own(evening.kinds, kind)} onClick={add}>
            {text.addGo}
          </Button>
        </form>
      )}
    </Dialog>
  );
}

function StageFacts({ stage, lead }: { stage: Stage; lead: boolean }): VNode {
  const facts = lead ? factsOf(stage) : [];
  return (
    <>
      {stage.prompt !== undefined && stage.prompt !== "" && <p class="evening-prompt">{stage.prompt}</p>}
      {stage.rounds?.map((round, i) => (
        <p key={i} class="evening-prompt">
          {round.prompt}
        </p>
      ))}
      {stage.pairs !== undefined && <p class="hint">{text.groups(stage.pairs.size, own(text.how, stage.pairs.how))}</p>}
      {facts.length > 0 && <p class="hint evening-facts">{facts.join(" · ")}</p>}
      {lead && stage.kind === "debrief" && <p class="hint">{text.leadOnly}</p>}
    </>
  );
}

/** What a part sets, in a few words. */
function factsOf(stage: Stage): string[] {
  const { facts } = text;
  const turns = stage.turn_seconds === undefined ? (stage.floor === "round" ? facts.shares : "") : facts.turns(asMinutes(stage.turn_seconds));
  return [
    stage.floor === undefined ? "" : facts.floor(own(text.floors, stage.floor) ?? ""),
    turns,
    stage.chat === undefined ? "" : facts.chat(own(text.chats, stage.chat) ?? ""),
    stage.mics === "muted" ? facts.muted : "",
    stage.breathe === undefined ? "" : facts.breathe,
    stage.auto === true ? facts.auto : "",
  ].filter((one) => one !== "");
}
