/** Every command with its fields, and what comes back. */

import type {
  Card,
  CareLevel,
  ConversationId,
  GroupId,
  Kind,
  MemberId,
  PlanHow,
  Role,
  Settings,
  Stage,
} from "./slices.ts";

type Empty = Record<never, never>;

/** What pictures a connection takes. */
export type Pictures = "none" | "low" | "high";

/** For `RTCConfiguration.iceServers`; good for `ttl` seconds and this seat alone. */
export interface TurnServer {
  urls: string[];
  username: string;
  credential: string;
}

/** The fields of each command beside `t` and `id`. */
export interface CommandFields {
  "agreement.accept": { version: number | string; person?: Uint8Array };
  "chat.say": { to: string; body: string | Uint8Array };
  "chat.delete": { to: string; n: number };
  react: { kind: string; to?: "circle" | "pair" };
  "hand.raise": Empty;
  "hand.lower": { member?: MemberId };
  "floor.open": Empty;
  "floor.quiet": Empty;
  "floor.round": { order?: MemberId[]; seconds?: number; starter?: MemberId };
  "floor.stick": { to?: MemberId; seconds?: number };
  "floor.pass": { to?: MemberId };
  "floor.later": { last?: boolean };
  "floor.extend": { seconds: number };
  "floor.pause": Empty;
  "floor.resume": Empty;
  mute: { member: MemberId; kinds: Kind[] };
  unmute: { member: MemberId; kinds: Kind[] };
  "mute.all": { kinds: Kind[]; except?: MemberId[]; hold?: boolean };
  "pairs.plan": {
    size?: number;
    how: PlanHow;
    avoid?: [MemberId, MemberId][];
    facilitators?: boolean;
    pins?: [MemberId, MemberId][];
  };
  "pairs.open": { groups: MemberId[][]; seconds?: number };
  "pairs.move": { member: MemberId; group: GroupId | null };
  "pairs.extend": { seconds: number };
  "pairs.say": { body: string | Uint8Array };
  "pairs.close": { grace?: number };
  "pairs.visit": { group: GroupId };
  "pairs.return": Empty;
  "help.ask": Empty;
  "help.done": { member: MemberId };
  "lobby.admit": { person: string };
  "lobby.admit_all": Empty;
  "lobby.decline": { person: string };
  /** With `link` those alone who came by it. */
  "lobby.decline_all": { link?: string };
  "lobby.return": { member: MemberId };
  /** `digest` is of the new link's token: see `newLink`. */
  "link.replace": { link: string; digest: Uint8Array; inside?: boolean };
  /** A sign of a person at the agreement. */
  "agreement.reading": Empty;
  "room.lock": Empty;
  "room.unlock": Empty;
  "room.end": Empty;
  "room.extend": { seconds: number };
  "room.settings": Partial<Settings>;
  "member.remove": { member: MemberId };
  "role.give": { member: MemberId; role: Role };
  "self.rename": { name: string };
  "self.away": { away: boolean };
  leave: Empty;
  "care.flag": { level: CareLevel };
  "care.withdraw": Empty;
  /** Null takes one's worry back. */
  "care.worry": { member: MemberId; level: CareLevel | null };
  "care.take": { member: MemberId };
  "care.done": { member: MemberId };
  "care.aside": { member: MemberId };
  "care.back": { member: MemberId };
  /** None of the three takes the card back. */
  "care.card": { location?: string; phone?: string; note?: string };
  "care.open": { member: MemberId };
  "staff.claim": { member: MemberId };
  "staff.release": { member: MemberId };
  "agenda.start": Empty;
  "agenda.next": { at?: number };
  "agenda.back": { at?: number };
  "agenda.extend": { seconds: number };
  "agenda.edit": { stages: Stage[]; at?: number };
  "mood.ask": Empty;
  "mood.answer": { value: 1 | 2 | 3 | 4 | 5 };
  "mood.close": Empty;
  "milestone.share": { text: string | Uint8Array };
  "milestone.clear": { n: number };
  "voice.nudge": { member: MemberId };
  "voice.dismiss": Empty;
  "material.link": { url: string; title?: string };
  "material.text": { text: string; title?: string };
  "material.upload": { kind: "picture" | "pdf"; title?: string };
  "material.open": { material: string };
  "material.hide": { material: string };
  "guest.bring": Empty;
  "guest.rest": Empty;
  "breathe.start": { pattern: number[]; seconds: number };
  "breathe.stop": Empty;
  "topics.set": { tags: Uint8Array[] };
  "concerns.offer": { concerns: string[] };
  "media.offer": { sdp: string };
  "media.servers": Empty;
  "media.take": { pictures: Pictures };
}

export type CommandName = keyof CommandFields;

/**
 * What facilitators are told of a plan, in counts: of each group the concerns that at least two share
 * and the pairs that have met, and of all pairs those that share a concern or have met, beside what
 * is to be expected by lot.
 */
export interface Plan {
  groups: MemberId[][];
  why: { shared: number; met: number }[];
  report: {
    pairs: number;
    linked: number;
    repeats: number;
    random: { linked: number; repeats: number };
  };
}

/** What one brings or fetches a file with, until then (unix seconds) and for that file alone. */
export interface Ticket {
  material: string;
  ticket: string;
  until: number;
}

/** What an `ok` carries beside `t` and `id`; a command that is not named here carries nothing. */
interface CarriedByOk {
  "chat.say": { to: ConversationId; n: number };
  "pairs.plan": Plan;
  /** How many facilitators are connected just now: with 0, show the crisis lines. */
  "care.flag": { facilitators: number };
  /** Null where it may not be read any more. */
  "care.open": { card: Card | null };
  "link.replace": { link: string };
  "material.link": { material: string };
  "material.text": { material: string };
  "material.upload": Ticket;
  "material.open": Ticket;
  "media.offer": { sdp: string };
  "media.servers": { servers: TurnServer[]; ttl: number; relay: boolean };
}
export type AnswerFields<T extends CommandName> = T extends keyof CarriedByOk
  ? CarriedByOk[T]
  : Empty;

export type RefusalCode =
  | "bad_request"
  | "not_allowed"
  | "no_plan"
  | "not_holder"
  | "not_inside"
  | "muted"
  | "locked"
  | "full"
  | "no_such_member"
  | "no_such_group"
  | "too_fast"
  | "too_long"
  | "stale"
  | "frozen";

/**
 * `closed` and `lost` are the client's own: the connection ended for good before an answer came
 * (what became of the command is unknown), or a reaction was not worth sending again.
 */
export type FailureCode = RefusalCode | "closed" | "lost";

export type Answer<T extends CommandName = CommandName> =
  { ok: true; fields: AnswerFields<T> } | { ok: false; code: FailureCode; message: string };

/** What the server takes; a page can say so before it asks. */
export const LIMITS = {
  name: 40,
  body: 2000,
  reaction: 24,
  seconds: 7200,
  location: 200,
  phone: 40,
  note: 500,
  url: 2000,
  words: 2000,
  title: 120,
  materials: 5,
  milestone: 80,
} as const;
