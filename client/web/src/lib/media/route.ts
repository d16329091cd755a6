/**
 * Whether what one says would go to anybody just now. The server alone decides; this is the same rule
 * on our side of the wire, so that a page sends nothing in vain and can say what one waits for. Pure.
 */

import { own } from "../own.ts";
import type { MemberId } from "../wire/messages.ts";
import type { RoomView } from "../room.ts";

/** The group in whose hearing somebody is: their own, or the one that they visit. */
function group(room: RoomView, me: MemberId): string | null {
  if (room.pairs === null) return null;
  if (room.pairs.mine !== null) return room.pairs.mine;
  const visited = Object.entries(room.pairs.visitors).find(([, people]) => people.includes(me));
  return visited?.[0] ?? null;
}

/** Facilitators are among themselves in a debrief. */
function debriefs(room: RoomView): boolean {
  const { agenda } = room;
  return agenda !== null && agenda.at !== null && agenda.stages[agenda.at]?.kind === "debrief";
}

/** As `may_be_heard` of the server's routes, without the mutes. */
export function mayBeHeard(room: RoomView, me: MemberId | null): boolean {
  const self = me === null ? undefined : own(room.members, me);
  if (me === null || self === undefined || room.floor === null) return false;
  // A side room is out of reach of the floor and of a stage's microphones.
  if (room.aside != null) return true;
  const leads = self.role === "facilitator";
  if ((room.notice === "no_facilitator" || room.floor.mics === "muted") && !leads) return false;
  if (leads && debriefs(room)) return true;
  if (group(room, me) !== null) return true;
  const { mode, holder } = room.floor;
  if (mode === "open" || holder === me) return true;
  return leads && room.settings?.facilitators_wait !== true;
}

/** How a mute stands: `held` is a facilitator's, `self` is one's own to lift. */
export type Muted = "no" | "self" | "held";

export function mutedAs(room: RoomView, me: MemberId | null, kind: "audio" | "video"): Muted {
  const self = me === null ? undefined : own(room.members, me);
  if (self === undefined || !self.muted.includes(kind)) return "no";
  return self.held.includes(kind) ? "held" : "self";
}
