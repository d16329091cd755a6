/** Editing an agenda: stages are added, removed, moved and changed. Pure. */
import { own } from "../../lib/index.ts";
import type { Agenda, Stage, StageKind } from "../port.ts";
import { fitting, redraft, type Draft } from "./stages.ts";

export const STAGES_MAX = 50;
export const ROUNDS_MAX = 12;

/** One stage while it is edited. */
export interface Row {
  readonly key: number;
  /** Its place when editing began; null for a new stage. */
  readonly origin: number | null;
  readonly stage: Stage;
  /** What was typed. */
  readonly draft: Draft;
}

let keys = 0;

export function rowsOf(stages: readonly Stage[]): Row[] {
  return stages.map((stage, origin) => ({ key: ++keys, origin, stage, draft: {} }));
}

/** A new stage: short, with only the required fields. */
const USUAL: Readonly<Record<StageKind, Omit<Stage, "kind">>> = {
  arrival: { seconds: 300, floor: "open" },
  agreement: { seconds: 300, floor: "open" },
  breath: { seconds: 120, auto: true, floor: "quiet", mics: "muted", breathe: { pattern: [4, 6] } },
  round: { seconds: 900, floor: "round" },
  topic: { seconds: 600, floor: "quiet" },
  open: { seconds: 900, floor: "open" },
  pairs: { seconds: 720, floor: "quiet", pairs: { size: 2, how: "fresh" } },
  sharing: { seconds: 900, floor: "stick", turn_seconds: 180 },
  break: { seconds: 600, floor: "open" },
  closing: { seconds: 600, floor: "round" },
  debrief: { seconds: 600 },
};

export function added(rows: readonly Row[], kind: StageKind): Row[] {
  return [...rows, { key: ++keys, origin: null, stage: { kind, ...own(USUAL, kind) }, draft: {} }];
}

export function removed(rows: readonly Row[], key: number): Row[] {
  return rows.filter((row) => row.key !== key);
}

/** One place up or down, among those from `first` on. */
export function moved(rows: readonly Row[], key: number, step: -1 | 1, first: number): Row[] {
  const at = rows.findIndex((row) => row.key === key);
  const to = at + step;
  const row = rows[at];
  if (row === undefined || at < first || to < first || to >= rows.length) return [...rows];
  return rows.toSpliced(at, 1).toSpliced(to, 0, row);
}

export function changed(rows: readonly Row[], key: number, change: Partial<Pick<Row, "stage" | "draft">>): Row[] {
  return rows.map((row) => (row.key === key ? { ...row, ...change } : row));
}

/** Adds or removes a round; a single round is the stage's own prompt. */
export function withRounds(row: Row, count: number): Row {
  const now = row.stage.rounds ?? [{ prompt: row.draft.prompt ?? row.stage.prompt ?? "" }];
  const rounds = Array.from({ length: Math.min(count, ROUNDS_MAX) }, (_, i) => ({
    prompt: row.draft.rounds?.[i] ?? now[i]?.prompt ?? "",
  }));
  const { rounds: _, ...draft } = row.draft;
  if (rounds.length > 1) return { ...row, stage: { ...row.stage, rounds }, draft };
  const { rounds: __, ...stage } = row.stage;
  return { ...row, stage, draft: { ...draft, prompt: rounds[0]?.prompt ?? "" } };
}

/**
 * The agenda of the rows, or the row that doesn't fit. Stages that have begun meanwhile stay as the room
 * has them, and come first.
 */
export function editedStages(agenda: Agenda | null, rows: readonly Row[]): Stage[] | Row {
  const begun = agenda?.at == null ? 0 : agenda.at + 1;
  const stages: Stage[] = agenda === null ? [] : agenda.stages.slice(0, begun);
  for (const row of rows) {
    if (row.origin !== null && row.origin < begun) continue;
    const stage = redraft(row.stage, row.draft);
    if (stage === null) return row;
    stages.push(fitting(stage));
  }
  return stages;
}

/** Whether anything was changed. */
export function isEdited(stages: readonly Stage[], rows: readonly Row[]): boolean {
  return (
    rows.length !== stages.length ||
    rows.some((row, i) => row.origin !== i || row.stage !== stages[i] || Object.keys(row.draft).length > 0)
  );
}
