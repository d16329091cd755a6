/** What facilitators are told of a plan: counts, and nothing about who ticked what. */
import type { VNode } from "preact";
import type { PlanAnswer } from "../port.ts";
import { evening } from "../words-evening.ts";

export type Told = Pick<PlanAnswer, "groups" | "why" | "report">;

/** The counts that came with the plan of an answer, or null where it has none. */
export function toldFrom(fields: unknown): Told | null {
  const answer = fields as Partial<Told> | null;
  return Array.isArray(answer?.groups) && Array.isArray(answer.why) && answer.report !== undefined
    ? { groups: answer.groups, why: answer.why, report: answer.report }
    : null;
}

/** What is known of one group: nothing once somebody was put in or out by hand. */
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
