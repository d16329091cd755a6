/** What changed between two snapshots, in words for the screen reader. Pure. */
import { own } from "../lib/index.ts";
import { amHolder, bySeat, clock, groupInView, isFacilitator, nextUp, queueOrder, turnLeft } from "./model.ts";
import type { Snapshot } from "./port.ts";
import { conversationName } from "./chat/audience.ts";
import { careWords } from "./care/announce.ts";
import { endingWords } from "./ending/model.ts";
import { eveningWords } from "./evening/announce.ts";
import { momentWords } from "./moments/announce.ts";
import { words } from "./words.ts";
import { guide } from "./words-guide.ts";
import { guest } from "./words-materials.ts";
import { guestWords, isGuest, isIn, waits } from "./guest/model.ts";
import { materialWords } from "./materials/model.ts";

export interface Announcement {
  readonly polite: readonly string[];
  readonly urgent: string | null;
}

type Names = (id: string | null | undefined) => string;

/** The most messages of other conversations that are announced one by one. */
const SPOKEN_MESSAGES = 2;

export function announce(before: Snapshot, after: Snapshot, name: Names, inView: string): Announcement {
  const polite: string[] = [];
  const say = words.say;
  if (before.connection !== after.connection) polite.push(after.connection === "ok" ? say.back : say.lost);
  if (after.phase !== "inside") return { polite, urgent: null };
  if (before.phase !== "inside") {
    polite.push(say.inside);
    return { polite, urgent: amHolder(after) ? turnWords(after) : null };
  }
  if (isGuest(after) && (waits(after) || isIn(before, before.me) !== isIn(after, after.me))) {
    // What a guest comes to or goes from is not news: that they do is.
    polite.push(...(before.role === after.role ? guestWords(before, after) : [guest.say.role]));
    polite.push(...chatWords(before, after, name, inView));
    return { polite, urgent: amHolder(after) && !amHolder(before) ? turnWords(after) : null };
  }
  polite.push(...comings(before, after, name));
  polite.push(...floorWords(before, after, name));
  polite.push(...eveningWords(before, after));
  polite.push(...careWords(before, after, name));
  polite.push(...momentWords(before, after, name));
  polite.push(...endingWords(before, after));
  polite.push(...groupWords(before, after, name));
  if (before.role !== after.role && after.role !== null) {
    polite.push(after.role === "guest" ? guest.say.role : own(say, after.role));
  }
  polite.push(...guestWords(before, after));
  polite.push(...materialWords(before, after));
  if (isFacilitator(after)) polite.push(...guideWords(before, after, name));
  polite.push(...chatWords(before, after, name, inView));
  const mine = amHolder(after) && before.room.floor?.turn !== after.room.floor?.turn;
  return { polite, urgent: mine ? turnWords(after) : null };
}

function turnWords(snap: Snapshot): string {
  const floor = snap.room.floor;
  const left = floor === null ? null : turnLeft(floor, snap.serverNow());
  return left === null ? words.say.turn : words.say.turnTimed(clock(left));
}

function comings(before: Snapshot, after: Snapshot, name: Names): string[] {
  const was = before.room.members;
  const is = after.room.members;
  const came = bySeat(after).filter((one) => own(was, one.id) === undefined && one.id !== after.me);
  const went = bySeat(before).filter((one) => own(is, one.id) === undefined);
  return [
    ...came.map((one) => words.say.joined(one.name)),
    ...went.map((one) => words.say.left(name(one.id))),
  ];
}

function floorWords(before: Snapshot, after: Snapshot, name: Names): string[] {
  const was = before.room.floor;
  const is = after.room.floor;
  if (was === null || is === null) return [];
  const said: string[] = [];
  const say = words.say;
  if (was.round === null && is.round !== null) said.push(say.roundBegins);
  if (was.round !== null && is.round === null && is.holder === null) said.push(say.roundDone);
  if (is.turn !== was.turn && is.holder !== null && is.holder !== after.me) {
    said.push(say.holder(name(is.holder)));
  } else if (was.holder !== null && is.holder === null && is.mode === "stick") said.push(say.rest);
  if (was.mode !== is.mode && is.mode === "open") said.push(say.open);
  if (was.mode !== is.mode && is.mode === "quiet") said.push(say.quiet);
  if (was.turn === is.turn && is.holder !== null && was.paused !== is.paused) {
    said.push(is.paused ? say.paused : say.resumed);
  }
  if (after.me !== null && nextUp(is, queueOrder(after)) === after.me && nextUp(was, queueOrder(before)) !== after.me && is.holder !== null) {
    said.push(say.nextYou);
  }
  return said;
}

function groupWords(before: Snapshot, after: Snapshot, name: Names): string[] {
  const said: string[] = [];
  const was = before.room.pairs;
  const is = after.room.pairs;
  const mine = groupInView(after);
  if (mine !== null && mine !== groupInView(before) && is !== null) {
    const others = (own(is.groups, mine) ?? []).filter((id) => id !== after.me);
    said.push(words.say.groups(others.map(name)));
  }
  if (groupInView(before) !== null && mine === null) said.push(words.say.groupsOver);
  if (is?.closing === true && was?.closing !== true) said.push(words.say.closing);
  if (mine !== null && is !== null && was !== null && mine === groupInView(before)) {
    const old = new Set(own(was.visitors, mine) ?? []);
    const now = new Set(own(is.visitors, mine) ?? []);
    for (const id of now) if (!old.has(id) && id !== after.me) said.push(words.say.visitor(name(id)));
    for (const id of old) if (!now.has(id) && id !== after.me) said.push(words.say.visitorGone(name(id)));
  }
  return said;
}

function guideWords(before: Snapshot, after: Snapshot, name: Names): string[] {
  const waited = new Set(before.room.lobby.map((one) => one.id));
  const asked = new Set(before.room.help);
  return [
    ...(floods(after) && !floods(before) ? [guide.door.said] : []),
    // Not every name of an unexpected crowd is announced.
    ...after.room.lobby
      .filter((one) => !waited.has(one.id) && !(floods(after) && one.link != null))
      .map((one) => words.say.lobby(one.name)),
    ...after.room.help.filter((id) => !asked.has(id)).map((id) => words.say.help(name(id))),
  ];
}

function floods(snap: Snapshot): boolean {
  return snap.room.door?.links.some((one) => one.floods) ?? false;
}

function chatWords(before: Snapshot, after: Snapshot, name: Names, inView: string): string[] {
  const fresh: string[] = [];
  for (const [to, talk] of Object.entries(after.chats)) {
    // The conversation in view is a live region itself.
    if (to === inView) continue;
    const last = own(before.chats, to)?.messages.at(-1)?.n ?? 0;
    for (const one of talk.messages) {
      if (one.n > last && one.from !== after.me && one.deleted !== true) {
        fresh.push(words.talk.announce(name(one.from), conversationName(after, to, name)));
      }
    }
  }
  if (fresh.length > SPOKEN_MESSAGES) return [words.talk.otherCount(fresh.length)];
  return fresh;
}
