/** Commands and their answers. */

import type { CommandFields } from "./command-fields.ts";
import type { Card, ConversationId, MemberId } from "./slices.ts";

type Empty = Record<never, never>;

/** Which pictures a connection receives. */
export type Pictures = "none" | "low" | "high";

/** For `RTCConfiguration.iceServers`; valid for `ttl` seconds and this seat only. */
export interface TurnServer {
  urls: string[];
  username: string;
  credential: string;
}

export type { CommandFields };
export type CommandName = keyof CommandFields;

/**
 * A plan of groups with counts: `why` has for each group the shared concerns and the pairs that have
 * met; `report` has for all pairs how many share a concern or have met, and what a random plan would
 * give.
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

/** Allows the upload or download of one file, until a moment in unix seconds. */
export interface Ticket {
  material: string;
  ticket: string;
  until: number;
}

/** The fields of an `ok` beside `t` and `id`; none for commands that are not listed. */
interface CarriedByOk {
  "chat.say": { to: ConversationId; n: number };
  "pairs.plan": Plan;
  /** How many facilitators are connected; with 0, show the crisis lines. */
  "care.flag": { facilitators: number };
  /** Null if it can no longer be read. */
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
 * `closed` and `lost` are the client's own. `closed`: the connection ended for good before the answer,
 * and the command may have taken effect. `lost`: a reaction that was not sent again.
 */
export type FailureCode = RefusalCode | "closed" | "lost";

export type Answer<T extends CommandName = CommandName> =
  { ok: true; fields: AnswerFields<T> } | { ok: false; code: FailureCode; message: string };

/** Limits of the server, which a page can check before it sends. */
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
