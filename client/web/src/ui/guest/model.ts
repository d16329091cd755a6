/** Guest speakers, as questions about a snapshot. Pure. */
import { titleOf } from "../evening/stages.ts";
import type { Snapshot } from "../port.ts";
import { guest } from "../words-materials.ts";

export function isGuest(snap: Snapshot): boolean {
  return snap.role === "guest";
}

export function isIn(snap: Snapshot, id: string | null): boolean {
  return id !== null && snap.room.guests?.in.includes(id) === true;
}

/** Whether the viewer is a guest who is not with the circle; in a side room one is with somebody. */
export function waits(snap: Snapshot): boolean {
  return snap.phase === "inside" && isGuest(snap) && !isIn(snap, snap.me) && snap.room.aside == null;
}

/** The title of the next part of the evening that asks for guests, if there is one. */
export function asksFor(snap: Snapshot): string | null {
  const agenda = snap.room.agenda;
  const next = agenda?.stages.slice((agenda.at ?? -1) + 1).find((stage) => stage.guest === true);
  return next === undefined ? null : titleOf(next);
}

export function guestWords(before: Snapshot, after: Snapshot): string[] {
  if (isGuest(after)) {
    const [was, is] = [isIn(before, before.me), isIn(after, after.me)];
    if (!isGuest(before) || was === is) return [];
    return [is ? guest.say.in : guest.say.out];
  }
  const [was, is] = [before.room.guests?.in.length ?? 0, after.room.guests?.in.length ?? 0];
  if ((was > 0) === (is > 0)) return [];
  return [is > 0 ? guest.say.came : guest.say.went];
}

/** The conversation that is in view first: a guest's is with the facilitators, unless guests read. */
export function homeTalk(snap: Snapshot): string {
  const reads = !isGuest(snap) || snap.room.settings?.guests_read === true;
  return reads || snap.me === null ? "circle" : `staff:${snap.me}`;
}
