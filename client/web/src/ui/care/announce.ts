/** What the screen reader announces about care. Pure. */
import { own } from "../../lib/index.ts";
import { isFacilitator } from "../model.ts";
import type { Snapshot } from "../port.ts";
import { care } from "../words-care.ts";

export function careWords(before: Snapshot, after: Snapshot, name: (id: string) => string): string[] {
  const said: string[] = [];
  for (const [id, entry] of Object.entries(after.room.care)) {
    const was = own(before.room.care, id);
    if (id === after.me) {
      if (entry.taken_by !== null && entry.taken_by !== was?.taken_by) said.push(care.say.taken(name(entry.taken_by)));
      continue;
    }
    if (!isFacilitator(after)) continue;
    const who = entry.name ?? name(id);
    if (was === undefined || was.level !== entry.level || (was.own === false && entry.own !== false)) {
      said.push(entry.own === false ? care.say.worried(who) : own(care.say, entry.level)(who));
    }
    if (entry.gone === true && was?.gone !== true) said.push(care.say.gone(who));
  }
  const opened = after.room.care_opened ?? [];
  const last = opened.at(-1);
  if (last !== undefined && opened.length > (before.room.care_opened ?? []).length) said.push(care.say.opened(name(last.by)));
  return said;
}
