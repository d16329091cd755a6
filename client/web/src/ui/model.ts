/**
 * What the interface knows about the library: its types, and pure questions asked of a snapshot.
 * Nothing in this file touches the page.
 */
import { own } from "../lib/index.ts";
import type { Floor, Member, Pairs, Settings, Snapshot } from "./port.ts";

export type QueueOrder = NonNullable<Settings["queue_order"]>;

export type Person = Member & { readonly id: string };

const SEPARATES = /\s*[,;:·•|/\\()[\]{}<>«»‹›…–—]+\s*/gu;

/** A name within a sentence that lists what is true of somebody: it adds nothing to the list. */
export function spoken(name: string): string {
  return name.replaceAll(SEPARATES, " ").trim() || name;
}

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** A name within words of the page: its direction stays its own (UAX #9, first strong isolate). */
export function isolated(name: string): string {
  return RIGHT_TO_LEFT.test(name) ? `\u2068${name}\u2069` : name;
}

/** Everybody in the room by seat, the order of the circle. */
export function bySeat(snap: Snapshot): Person[] {
  return Object.entries(snap.room.members)
    .map(([id, member]) => ({ ...member, id }))
    .sort((a, b) => a.seat - b.seat || a.id.localeCompare(b.id));
}

export function person(snap: Snapshot, id: string | null | undefined): Person | null {
  const member = id == null ? undefined : own(snap.room.members, id);
  return id == null || member === undefined ? null : { ...member, id };
}

export function isFacilitator(snap: Snapshot): boolean {
  return snap.role === "facilitator";
}

export function facilitators(snap: Snapshot): Person[] {
  return bySeat(snap).filter((one) => one.role === "facilitator");
}

export function myGroup(snap: Snapshot): string | null {
  return snap.room.pairs?.mine ?? null;
}

/** The group that I visit as a facilitator, or null. */
export function visiting(snap: Snapshot): string | null {
  const visitors = snap.room.pairs?.visitors ?? {};
  for (const [group, people] of Object.entries(visitors)) {
    if (snap.me !== null && people.includes(snap.me)) return group;
  }
  return null;
}

/** The group whose ring I see: a side room, my own, or the one that I visit. */
export function groupInView(snap: Snapshot): string | null {
  return snap.room.aside?.group ?? myGroup(snap) ?? visiting(snap);
}

/** Groups in a steady order, so that "group 2" stays group 2 while the pairs are open. */
export function groupNames(pairs: Pairs): string[] {
  return Object.keys(pairs.groups).sort((a, b) =>
    a.localeCompare(b, undefined, { numeric: true }),
  );
}

export function groupNumber(pairs: Pairs | null | undefined, group: string): number {
  return pairs == null ? 0 : groupNames(pairs).indexOf(group) + 1;
}

/** Who sits in the ring that this viewer sees just now. */
export function ringPeople(snap: Snapshot): Person[] {
  const group = groupInView(snap);
  const { pairs, aside } = snap.room;
  if (aside != null) return bySeat(snap).filter((one) => aside.members.includes(one.id));
  if (group === null || pairs == null) return bySeat(snap);
  const inside = new Set([...(own(pairs.groups, group) ?? []), ...(own(pairs.visitors, group) ?? [])]);
  return bySeat(snap).filter((one) => inside.has(one.id));
}

/** Who has had the turn, who has it, and who is still to come. */
export interface RoundOrder {
  readonly done: string[];
  readonly now: string | null;
  readonly coming: string[];
}

export function roundOrder(floor: Floor): RoundOrder | null {
  if (floor.round === null) return null;
  const done = floor.round.done.filter((id) => id !== floor.holder);
  const gone = new Set(done);
  return {
    done,
    now: floor.holder,
    coming: floor.round.order.filter((id) => !gone.has(id) && id !== floor.holder),
  };
}

/** Who still waits for the stick, in the order in which that is shown. */
export function waitingLine(floor: Floor): string[] {
  const line = roundOrder(floor)?.coming ?? floor.queue;
  return line.filter((id) => id !== floor.holder);
}

/**
 * Who gets the stick after the holder, as far as that is known. By least heard (rule EQ2) nobody is told
 * which of several hands it will be.
 */
export function nextUp(floor: Floor, order: QueueOrder = "raised"): string | null {
  const line = waitingLine(floor);
  if (floor.round === null && order === "least_heard" && line.length > 1) return null;
  return line[0] ?? null;
}

export function queueOrder(snap: Snapshot): QueueOrder {
  return snap.room.settings?.queue_order ?? "raised";
}

/** Seconds left of the turn by the room's clock; null when the turn has no end. */
export function turnLeft(floor: Floor, now: number): number | null {
  if (floor.paused && floor.left != null) return Math.max(0, floor.left);
  if (floor.ends_at === null) return null;
  return Math.max(0, floor.ends_at - now);
}

export function amHolder(snap: Snapshot): boolean {
  return snap.phase === "inside" && snap.me !== null && snap.room.floor?.holder === snap.me;
}

export function stillToCome(snap: Snapshot): boolean {
  const floor = snap.room.floor;
  if (floor == null || snap.me === null) return false;
  return roundOrder(floor)?.coming.includes(snap.me) ?? false;
}

export function handUp(snap: Snapshot): boolean {
  return person(snap, snap.me)?.hand != null;
}

/** "1:05", or "0:07": minutes and seconds, rounded up so that zero means over. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds - 0.05));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** One or two letters for a seat. Graphemes, not code units: names may be in any script. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/u).filter(Boolean);
  const first = [...(words[0] ?? "?")][0] ?? "?";
  const last = words.length > 1 ? ([...(words[words.length - 1] ?? "")][0] ?? "") : "";
  return (first + (/\p{L}/u.test(last) ? last : "")).toLocaleUpperCase();
}
