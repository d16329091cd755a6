/** The present state of an agenda, and changes of one stage. Pure. */
import { own } from "../../lib/index.ts";
import type { Agenda, Stage } from "../port.ts";
import { evening } from "../words-evening.ts";

export const LONGEST = 7200;
export const TITLE_MAX = 120;
export const PROMPT_MAX = 2000;

export function current(agenda: Agenda | null): Stage | null {
  return agenda === null || agenda.at === null ? null : (agenda.stages[agenda.at] ?? null);
}

/** The stage after the present one; before the start the first one. */
export function following(agenda: Agenda | null): Stage | null {
  return agenda?.stages[agenda.at === null ? 0 : agenda.at + 1] ?? null;
}

export function titleOf(stage: Stage): string {
  return stage.title !== undefined && stage.title !== "" ? stage.title : own(evening.kinds, stage.kind);
}

/** The present prompt: the round's own, or else the stage's. */
export function promptOf(agenda: Agenda): string {
  const stage = current(agenda);
  const round = agenda.round == null ? undefined : stage?.rounds?.[agenda.round]?.prompt;
  return round ?? stage?.prompt ?? "";
}

/** "Round 2 of 3", or null if the stage has at most one. */
export function roundOf(agenda: Agenda): string | null {
  const rounds = current(agenda)?.rounds?.length ?? 0;
  return rounds < 2 || agenda.round == null ? null : evening.stage.round(agenda.round + 1, rounds);
}

/** Seconds until the stage ends, negative after that; null if there is no present stage. */
export function stageLeft(agenda: Agenda | null, now: number): number | null {
  return agenda === null || agenda.at === null || agenda.ends_at === null ? null : agenda.ends_at - now;
}

/** Whether the present stage has time left to share among turns. */
export function sharesTime(agenda: Agenda | null, now: number): boolean {
  return agenda?.over !== true && (stageLeft(agenda, now) ?? 0) > 0;
}

export function wholeLength(stages: readonly Stage[]): number {
  return stages.reduce((sum, one) => (one.kind === "debrief" ? sum : sum + one.seconds), 0);
}

/** Minutes as text: "5", "1.5". */
export function asMinutes(seconds: number): string {
  return String(Math.round((seconds / 60) * 100) / 100);
}

/** Changes of a stage; absent fields stay as they are. */
export interface Draft {
  readonly title?: string;
  readonly minutes?: string;
  readonly prompt?: string;
  readonly rounds?: Readonly<Record<number, string>>;
  /** Minutes of a turn; empty if turns share the time or have no limit. */
  readonly turn?: string;
}

/** The seconds of typed minutes, or null if they are no length. */
function secondsOf(minutes: string): number | null {
  const seconds = Math.round(Number(minutes.trim().replace(",", ".")) * 60);
  return minutes.trim() !== "" && seconds >= 1 && seconds <= LONGEST ? seconds : null;
}

/** Drops fields that need another field which the stage no longer has. */
export function fitting(stage: Stage): Stage {
  const next: Stage = { ...stage };
  if (next.floor !== "round") delete next.rounds;
  if (next.floor !== "round" && next.floor !== "stick") delete next.turn_seconds;
  if (next.kind === "debrief") delete next.pairs;
  // Guests need the circle, and there is none while everybody is in groups.
  if (next.pairs !== undefined || next.kind === "debrief") delete (next as { guest?: boolean }).guest;
  return next;
}

/** The stage with the draft's changes, or null if they don't fit. */
export function redraft(stage: Stage, draft: Draft): Stage | null {
  const next: Stage = { ...stage };
  if (draft.title !== undefined) {
    const title = draft.title.trim();
    if ([...title].length > TITLE_MAX) return null;
    if (title === "") delete next.title;
    else next.title = title;
  }
  if (draft.minutes !== undefined) {
    const seconds = secondsOf(draft.minutes);
    if (seconds === null) return null;
    next.seconds = seconds;
  }
  if (draft.turn !== undefined) {
    const seconds = secondsOf(draft.turn);
    if (draft.turn.trim() === "") delete next.turn_seconds;
    else if (seconds === null) return null;
    else next.turn_seconds = seconds;
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

export function sameStages(a: readonly Stage[], b: readonly Stage[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
