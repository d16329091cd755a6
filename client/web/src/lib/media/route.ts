/**
 * Whether anybody would hear us just now. The server decides; this is the same rule in the page, so
 * that it sends nothing in vain and can say why the person waits. Pure.
 */

import { own } from "../own.ts";
import type { MemberId } from "../wire/messages.ts";
import type { RoomView } from "../room.ts";

/** The group in which we are heard: our own, or the one that we visit. */
function group(room: RoomView, me: MemberId): string | null {
  if (room.pairs === null) return null;
  if (room.pairs.mine !== null) return room.pairs.mine;
  const visited = Object.entries(room.pairs.visitors).find(([, people]) => people.includes(me));
  return visited?.[0] ?? null;
}

/** Whether the present stage is a debrief, which is for facilitators only. */
function debriefs(room: RoomView): boolean {
  const { agenda } = room;
  return agenda !== null && agenda.at !== null && agenda.stages[agenda.at]?.kind === "debrief";
}

/** The same as the server's rule for routes, without mutes. */
export function mayBeHeard(room: RoomView, me: MemberId | null): boolean {
  const self = me === null ? undefined : own(room.members, me);
  if (me === null || self === undefined || room.floor === null) return false;
  // Neither the floor nor a stage's microphones apply to a side room.
  if (room.aside != null) return true;
  const leads = self.role === "facilitator";
  if ((room.notice === "no_facilitator" || room.floor.mics === "muted") && !leads) return false;
  if (leads && debriefs(room)) return true;
  if (group(room, me) !== null) return true;
  const { mode, holder } = room.floor;
  if (mode === "open" || holder === me) return true;
  return leads && room.settings?.facilitators_wait !== true;
}

/** `held`: only a facilitator lifts the mute; `self`: we may lift it. */
export type Muted = "no" | "self" | "held";

export function mutedAs(room: RoomView, me: MemberId | null, kind: "audio" | "video"): Muted {
  const self = me === null ? undefined : own(room.members, me);
  if (self === undefined || !self.muted.includes(kind)) return "no";
  return self.held.includes(kind) ? "held" : "self";
}
