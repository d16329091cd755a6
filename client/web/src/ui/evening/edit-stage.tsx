/** One part of the evening under a facilitator's hands: its words and times, and, folded away, what it sets. */
import { own } from "../../lib/index.ts";
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { GuestChoice } from "../guest/stage-choice.tsx";
import { Button } from "../parts/button.tsx";
import type { PlanHow, Stage } from "../port.ts";
import { evening } from "../words-evening.ts";
import { ROUNDS_MAX, withRounds, type Row } from "./edit.ts";
import { asMinutes, PROMPT_MAX, titleOf, TITLE_MAX, type Draft } from "./stages.ts";

const text = evening.dialog;
const SIZES = [2, 3, 4, 5, 6];

interface EditProps {
  readonly row: Row;
  readonly fresh: boolean;
  readonly first: boolean;
  readonly last: boolean;
  readonly onRow: (row: Row) => void;
  readonly onMove: (step: -1 | 1) => void;
  readonly onRemove: () => void;
}

export function EditStage({ row, fresh, first, last, onRow, onMove, onRemove }: EditProps): VNode {
  const { stage, draft } = row;
  const title = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (fresh) title.current?.focus();
  }, []);
  const type = (change: Draft): void => onRow({ ...row, draft: { ...draft, ...change } });
  const rounds = stage.floor === "round" ? (stage.rounds?.length ?? 1) : 0;
  return (
    <details class="evening-edit" open={fresh}>
      <summary>
        {text.change}
        <span class="unseen"> {titleOf(stage)}</span>
      </summary>
      <div class="field-row">
        <label class="field">
          <span>{text.title}</span>
          <input
            ref={title}
            type="text"
            maxLength={TITLE_MAX}
            autocomplete="off"
            placeholder={own(evening.kinds, stage.kind)}
            value={draft.title ?? stage.title ?? ""}
            onInput={(event) => type({ title: event.currentTarget.value })}
          />
        </label>
        <Minutes label={text.time} value={draft.minutes ?? asMinutes(stage.seconds)} onType={(minutes) => type({ minutes })} />
      </div>
      {rounds < 2 && <Words label={text.prompt} value={draft.prompt ?? stage.prompt ?? ""} onType={(prompt) => type({ prompt })} />}
      {rounds > 1 &&
        stage.rounds?.map((round, n) => (
          <Words
            key={n}
            label={text.roundPrompt(n + 1)}
            value={draft.rounds?.[n] ?? round.prompt}
            onType={(prompt) => type({ rounds: { ...draft.rounds, [n]: prompt } })}
          />
        ))}
      <details class="evening-more">
        <summary>
          {text.more}
          <span class="unseen"> {titleOf(stage)}</span>
        </summary>
        <Sets row={row} rounds={rounds} onRow={onRow} />
      </details>
      <div class="wrap">
        <Button local icon="up" about={titleOf(stage)} disabled={first} class={`move-up-${row.key}`} onClick={() => onMove(-1)}>
          {text.up}
        </Button>
        <Button local icon="down" about={titleOf(stage)} disabled={last} class={`move-down-${row.key}`} onClick={() => onMove(1)}>
          {text.down}
        </Button>
        <Button local look="quiet" icon="cross" about={titleOf(stage)} onClick={onRemove}>
          {text.remove}
        </Button>
      </div>
    </details>
  );
}

/** Floor, turns, rounds, chat, microphones, groups, breathing, and whether the stage ends by itself. */
function Sets({ row, rounds, onRow }: { row: Row; rounds: number; onRow: (row: Row) => void }): VNode {
  const { stage, draft } = row;
  /** An empty choice removes the field: then the stage changes nothing there. */
  const set = (change: Partial<Record<keyof Stage, unknown>>): void => {
    const next: Record<string, unknown> = { ...stage, ...change };
    for (const [field, value] of Object.entries(next)) if (value === "" || value === undefined) Reflect.deleteProperty(next, field);
    onRow({ ...row, stage: next as unknown as Stage });
  };
  const { pairs } = stage;
  return (
    <div class="evening-sets">
      <Choice label={text.floor} words={text.floors} value={stage.floor ?? ""} onChoose={(floor) => set({ floor })} />
      {(stage.floor === "round" || stage.floor === "stick") && (
        <Minutes
          label={text.turn}
          hint={own(text.turnHint, stage.floor)}
          value={draft.turn ?? (stage.turn_seconds === undefined ? "" : asMinutes(stage.turn_seconds))}
          onType={(turn) => onRow({ ...row, draft: { ...draft, turn } })}
        />
      )}
      {rounds > 0 && (
        <Choice
          label={text.rounds}
          words={Object.fromEntries(Array.from({ length: ROUNDS_MAX }, (_, i) => [String(i + 1), String(i + 1)]))}
          value={String(rounds)}
          onChoose={(count) => onRow(withRounds(row, Number(count)))}
        />
      )}
      <Choice label={text.chat} words={text.chats} value={stage.chat ?? ""} onChoose={(chat) => set({ chat })} />
      <Choice label={text.mics} words={text.mic} value={stage.mics ?? ""} onChoose={(mics) => set({ mics })} />
      {stage.kind !== "debrief" && (
        <Choice
          label={text.groupsLabel}
          words={{ "": text.groupsNone, ...text.how }}
          value={pairs?.how ?? ""}
          onChoose={(how) => set({ pairs: how === "" ? undefined : { size: pairs?.size ?? 2, how: how as PlanHow } })}
        />
      )}
      {pairs !== undefined && (
        <Choice
          label={text.groupSize}
          words={Object.fromEntries([...new Set([...SIZES, pairs.size])].map((n) => [String(n), String(n)]))}
          value={String(pairs.size)}
          onChoose={(size) => set({ pairs: { ...pairs, size: Number(size) } })}
        />
      )}
      <Choice
        label={text.breathe}
        words={{ "": text.breatheNone, ...known(stage.breathe?.pattern) }}
        value={stage.breathe?.pattern.join(",") ?? ""}
        onChoose={(pattern) => set({ breathe: pattern === "" ? undefined : { pattern: pattern.split(",").map(Number) } })}
      />
      <GuestChoice stage={stage} onChoose={(guest) => set({ guest })} />
      <label class="choice">
        <input type="checkbox" checked={stage.auto === true} onChange={() => set({ auto: stage.auto !== true })} />
        <span>
          {text.auto}
          <small>{text.autoHint}</small>
        </span>
      </label>
    </div>
  );
}

/** The usual patterns, and the one of the stage. */
function known(pattern: readonly number[] | undefined): Record<string, string> {
  const usual = evening.breathe.patterns;
  const chosen = pattern?.join(",");
  return chosen === undefined || Object.hasOwn(usual, chosen) ? usual : { ...usual, [chosen]: chosen };
}

interface ChoiceProps {
  readonly label: string;
  readonly words: Readonly<Record<string, string>>;
  readonly value: string;
  readonly onChoose: (value: string) => void;
}

function Choice({ label, words, value, onChoose }: ChoiceProps): VNode {
  return (
    <label class="field">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChoose(event.currentTarget.value)}>
        {Object.entries(words).map(([one, name]) => (
          <option key={one} value={one}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

interface TypedProps {
  readonly label: string;
  readonly value: string;
  readonly hint?: string;
  readonly onType: (value: string) => void;
}

function Minutes({ label, value, hint, onType }: TypedProps): VNode {
  return (
    <label class="field evening-minutes">
      <span>{label}</span>
      <input type="text" inputMode="decimal" autocomplete="off" value={value} onInput={(event) => onType(event.currentTarget.value)} />
      {hint !== undefined && <small>{hint}</small>}
    </label>
  );
}

function Words({ label, value, onType }: TypedProps): VNode {
  return (
    <label class="field">
      <span>{label}</span>
      <textarea rows={3} maxLength={PROMPT_MAX} value={value} onInput={(event) => onType(event.currentTarget.value)} />
    </label>
  );
}
