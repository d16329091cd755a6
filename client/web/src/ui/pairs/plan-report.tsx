/** The counts of a plan, for facilitators; they don't say who ticked what. */
import type { VNode } from "preact";
import type { PlanAnswer } from "../port.ts";
import { evening } from "../words-evening.ts";

export type Told = Pick<PlanAnswer, "groups" | "why" | "report">;

/** The counts of the plan in an answer, or null. */
export function toldFrom(fields: unknown): Told | null {
  const answer = fields as Partial<Told> | null;
  return Array.isArray(answer?.groups) && Array.isArray(answer.why) && answer.report !== undefined
    ? { groups: answer.groups, why: answer.why, report: answer.report }
    : null;
}

/** The counts of one group; null after somebody was moved by hand. */
export function whyOf(told: Told, group: readonly string[]): string | null {
  const mine = new Set(group);
  const at = told.groups.findIndex((one) => one.length === mine.size && one.every((id) => mine.has(id)));
  const why = told.why[at];
  return why === undefined ? null : evening.link.why(why.shared, why.met);
}

export function PlanReport({ told }: { told: Told }): VNode | null {
  const { pairs, linked, repeats, random } = told.report;
  if (pairs === 0) return null;
  return (
    <p class="plan-report">
      {evening.link.report(pairs, linked, repeats)} <small>{evening.link.lot(random.linked, random.repeats)}</small>
    </p>
  );
}
