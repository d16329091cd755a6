/**
 * Who reads what: the one place that says in words which people a message reaches, and whether the
 * viewer may write there just now. Pure; the server decides again for itself.
 */
import { own } from "../../lib/index.ts";
import { bySeat, facilitators, groupInView, groupNumber, isFacilitator, myGroup, person } from "../model.ts";
import { isGuest, isIn } from "../guest/model.ts";
import type { Snapshot } from "../port.ts";
import { care } from "../words-care.ts";
import { words } from "../words.ts";
import { guest } from "../words-materials.ts";

type Names = (id: string | null | undefined) => string;

export type ConversationKind = "circle" | "pair" | "staff" | "facilitators" | "direct";

/** `"staff:m3"` is the kind `staff` about `m3`; `"circle"` is about nobody in particular. */
export function parse(to: string): { kind: ConversationKind; about: string | null } {
  const at = to.indexOf(":");
  const kind = (at < 0 ? to : to.slice(0, at)) as ConversationKind;
  return { kind, about: at < 0 ? null : to.slice(at + 1) };
}

/** The viewer's conversations, most common first. */
export function conversations(snap: Snapshot, inView: string): string[] {
  const list = readsCircle(snap) ? ["circle"] : [];
  const group = groupInView(snap);
  if (group !== null) list.push(`pair:${group}`);
  if (isFacilitator(snap)) list.push("facilitators");
  else if (snap.me !== null) list.push(`staff:${snap.me}`);
  const written = Object.keys(snap.chats).filter((to) => (own(snap.chats, to)?.messages.length ?? 0) > 0);
  for (const to of written.sort()) {
    const { kind, about } = parse(to);
    if (kind === "staff" && (isFacilitator(snap) || about === snap.me)) list.push(to);
    if (kind === "direct") list.push(to);
  }
  // The conversation in view stays, also after its group has closed.
  list.push(inView);
  return [...new Set(list)];
}

export function conversationName(snap: Snapshot, to: string, name: Names): string {
  const { kind, about } = parse(to);
  switch (kind) {
    case "circle":
      return words.talk.circle;
    case "facilitators":
      return words.talk.facilitators;
    case "staff":
      return about === snap.me ? words.talk.staffMine : words.talk.staff(name(about));
    case "direct":
      return name(about);
    case "pair": {
      if (about !== null && about === snap.room.aside?.group) return care.asideName;
      if (about === myGroup(snap)) return words.talk.pair;
      const number = groupNumber(snap.room.pairs, about ?? "");
      return number === 0 ? words.talk.closedPair : words.talk.pairNumber(number);
    }
  }
}

/** One sentence: who will read it. */
export function readers(snap: Snapshot, to: string, name: Names): string {
  const { kind, about } = parse(to);
  const others = (ids: readonly string[]): string[] => ids.filter((id) => id !== snap.me).map(name);
  const staff = facilitators(snap).map((one) => one.id);
  switch (kind) {
    case "circle":
      return words.talk.toCircle(bySeat(snap).length);
    case "facilitators":
      return words.talk.toFacilitators(others(staff));
    case "staff":
      return about === snap.me
        ? words.talk.toStaff(others(staff))
        : words.talk.toStaffOf(name(about));
    case "direct":
      return words.talk.toDirect(name(about));
    case "pair": {
      const { pairs, aside } = snap.room;
      if (aside?.group === about) return words.talk.toPair(others(aside?.members ?? []));
      const inside = [...(own(pairs?.groups, about ?? "") ?? []), ...(own(pairs?.visitors, about ?? "") ?? [])];
      return words.talk.toPair(others(inside));
    }
  }
}

/** Guests read the circle if the room allows it; messages that they have stay. */
function readsCircle(snap: Snapshot): boolean {
  return !isGuest(snap) || snap.room.settings?.guests_read === true || (snap.chats["circle"]?.messages.length ?? 0) > 0;
}

/** Why the viewer can't write there just now, in words; null where it is open. */
export function whyClosed(snap: Snapshot, to: string): string | null {
  const { kind, about } = parse(to);
  const why = words.talk.why;
  const settings = snap.room.settings;
  const guide = isFacilitator(snap);
  if (kind === "pair" && about !== groupInView(snap)) return why.groupClosed;
  const gone = (kind === "staff" || kind === "direct") && person(snap, about) === null;
  if (gone && about !== snap.me) return why.gone;
  if (person(snap, snap.me)?.muted.includes("chat") === true) return why.muted;
  const reading = snap.room.settings?.guests_read === true && isIn(snap, snap.me);
  if (isGuest(snap) && kind === "circle" && !reading) return guest.why;
  if (kind === "direct" && (isGuest(snap) || person(snap, about)?.role === "guest")) return why.noDirect;
  if (kind === "circle" && !guide && myGroup(snap) !== null) return why.inGroup;
  if (kind === "direct" && settings?.direct !== true) return why.noDirect;
  if (kind === "direct" && apart(snap, about)) return why.apart;
  if (guide || settings?.chat === "all" || settings == null) return null;
  if (settings.chat === "off") return why.off;
  return kind === "staff" ? null : why.staffOnly;
}

/** No direct messages between open groups; facilitators who are in none can be reached from all. */
function apart(snap: Snapshot, other: string | null): boolean {
  const groups = snap.room.pairs?.groups;
  if (groups === undefined) return false;
  const groupOf = (id: string | null): string | null =>
    Object.keys(groups).find((group) => id !== null && own(groups, group)?.includes(id)) ?? null;
  if (groupOf(snap.me) === groupOf(other)) return false;
  return ![snap.me, other].some(
    (id) => person(snap, id)?.role === "facilitator" && groupOf(id) === null,
  );
}
