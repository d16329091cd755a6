/** What the screen reader announces about the agenda. Pure. */
import { amHolder } from "../model.ts";
import type { Snapshot } from "../port.ts";
import { evening } from "../words-evening.ts";
import { breathWords } from "./breath.ts";
import { current, promptOf, titleOf } from "./stages.ts";

/** New stages, the signals of our own turn, breathing, and offered concerns. */
export function eveningWords(before: Snapshot, after: Snapshot): string[] {
  const said: string[] = [];
  const was = before.room;
  const is = after.room;
  const stage = current(is.agenda);
  if (is.agenda !== null && stage !== null) {
    const moved = was.agenda?.at !== is.agenda.at || was.agenda?.round !== is.agenda.round;
    if (moved) said.push(evening.stage.say(titleOf(stage), promptOf(is.agenda)));
  }
  const signal = is.floor?.signal ?? null;
  const fresh = signal !== (was.floor?.signal ?? null) || was.floor?.turn !== is.floor?.turn;
  if (amHolder(after) && fresh && signal !== null) {
    said.push(signal === 60 ? evening.signal.say60 : evening.signal.say10);
  }
  if (is.breathe !== null && was.breathe?.starts_at !== is.breathe.starts_at) said.push(breathWords(is.breathe.pattern));
  if (was.breathe !== null && is.breathe === null) said.push(evening.breathe.over);
  if (was.concerns.length === 0 && is.concerns.length > 0) said.push(evening.link.offered);
  return said;
}
