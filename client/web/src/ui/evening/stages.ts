/** What an agenda says at a moment, and how it is rewritten by hand. Pure. */
import type { Agenda, Stage } from "../port.ts";
import { evening } from "../words-evening.ts";

export const LONGEST = 7200;
export const TITLE_MAX = 120;
export const PROMPT_MAX = 2000;

export function current(agenda: Agenda | null): Stage | null {
  return agenda === null || agenda.at === null ? null : (agenda.stages[agenda.at] ?? null);
}

/** The stage after the one under way; the first one before the start. */
export function following(agenda: Agenda | null): Stage | null {
  return agenda?.stages[agenda.at === null ? 0 : agenda.at + 1] ?? null;
}

export function titleOf(stage: Stage): string {
  return stage.title !== undefined && stage.title !== "" ? stage.title : evening.kinds[stage.kind];
}

/** What is asked just now: the round's own prompt where there are rounds, else the stage's. */
export function promptOf(agenda: Agenda): string {
  const stage = current(agenda);
  const round = agenda.round == null ? undefined : stage?.rounds?.[agenda.round]?.prompt;
  return round ?? stage?.prompt ?? "";
}

/** "Round 2 of 3", or null where the stage has one at most. */
export function roundOf(agenda: Agenda): string | null {
  const rounds = current(agenda)?.rounds?.length ?? 0;
  return rounds < 2 || agenda.round == null ? null : evening.stage.round(agenda.round + 1, rounds);
}

/** Seconds to the end of the stage, below zero once it is over; null while none is under way. */
export function stageLeft(agenda: Agenda | null, now: number): number | null {
  return agenda === null || agenda.at === null || agenda.ends_at === null ? null : agenda.ends_at - now;
}

/** Whether the stage under way has time left to share among turns. */
export function sharesTime(agenda: Agenda | null, now: number): boolean {
  return agenda?.over !== true && (stageLeft(agenda, now) ?? 0) > 0;
}

export function wholeLength(stages: readonly Stage[]): number {
  return stages.reduce((sum, one) => (one.kind === "debrief" ? sum : sum + one.seconds), 0);
}

/** Minutes as one would write them: "5", "1.5". */
export function asMinutes(seconds: number): string {
  return String(Math.round((seconds / 60) * 100) / 100);
}

/** What was typed over a stage; what is absent was left alone. */
export interface Draft {
  readonly title?: string;
  readonly minutes?: string;
  readonly prompt?: string;
  readonly rounds?: Readonly<Record<number, string>>;
}

/** The stage with the draft's changes, or null where they don't fit. */
export function redraft(stage: Stage, draft: Draft): Stage | null {
  const next: Stage = { ...stage };
  if (draft.title !== undefined) {
    const title = draft.title.trim();
    if ([...title].length > TITLE_MAX) return null;
    if (title === "") delete next.title;
    else next.title = title;
  }
  if (draft.minutes !== undefined) {
    const seconds = Math.round(Number(draft.minutes.trim().replace(",", ".")) * 60);
    if (draft.minutes.trim() === "" || !(seconds >= 1 && seconds <= LONGEST)) return null;
    next.seconds = seconds;
  }
  if (draft.prompt !== undefined) {
    if ([...draft.prompt].length > PROMPT_MAX) return null;
    if (draft.prompt.trim() === "") delete next.prompt;
    else next.prompt = draft.prompt.trim();
  }
  if (draft.rounds !== undefined && stage.rounds !== undefined) {
    const texts = draft.rounds;
    next.rounds = stage.rounds.map((round, i) => ({ prompt: texts[i]?.trim() ?? round.prompt }));
    if (next.rounds.some(({ prompt }) => [...prompt].length > PROMPT_MAX)) return null;
  }
  return next;
}

/** All stages with their drafts, or the place of the first that doesn't fit. */
export function rewrite(stages: readonly Stage[], drafts: Readonly<Record<number, Draft>>): Stage[] | number {
  const next: Stage[] = [];
  for (const [i, stage] of stages.entries()) {
    const draft = drafts[i];
    const made = draft === undefined ? stage : redraft(stage, draft);
    if (made === null) return i;
    next.push(made);
  }
  return next;
}

export function sameStages(a: readonly Stage[], b: readonly Stage[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
