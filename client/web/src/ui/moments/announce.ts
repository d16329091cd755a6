/** What the screen reader announces about moods and milestones. Pure. */
import { own } from "../../lib/index.ts";
import { isFacilitator } from "../model.ts";
import type { Snapshot } from "../port.ts";
import { moments } from "../words-moments.ts";
import { LEAST } from "./memory.ts";
import { milestoneText } from "./milestones.tsx";

export function momentWords(before: Snapshot, after: Snapshot, name: (id: string) => string): string[] {
  const said: string[] = [];
  const was = before.room;
  const is = after.room;
  const { mood, milestone, heard, inbox } = moments;
  if (is.mood?.open === true && was.mood?.open !== true) said.push(mood.say.asked);
  if (was.mood?.open === true && is.mood?.open === false) {
    const { answers, result } = is.mood;
    said.push(result !== null ? mood.say.shown : answers < LEAST ? mood.say.few : mood.say.held);
  }
  const shown = new Set(was.milestones.map((one) => one.n));
  for (const one of is.milestones) {
    if (!shown.has(one.n) && one.member !== after.me) said.push(milestone.say(name(one.member), milestoneText(one)));
  }
  if (is.nudge != null && was.nudge?.at !== is.nudge.at) said.push(heard.say);
  if (!isFacilitator(after)) return said;
  for (const [id, line] of Object.entries(is.inbox ?? {})) {
    const by = line.claimed_by;
    if (by !== null && by !== after.me && by !== own(was.inbox, id)?.claimed_by) said.push(inbox.say(name(id), name(by)));
  }
  return said;
}
