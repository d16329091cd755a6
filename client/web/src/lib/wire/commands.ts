/** Every command with its fields, and what comes back. */

import type { CommandFields } from "./command-fields.ts";
import type { Card, ConversationId, MemberId } from "./slices.ts";

type Empty = Record<never, never>;

/** What pictures a connection takes. */
export type Pictures = "none" | "low" | "high";

/** For `RTCConfiguration.iceServers`; good for `ttl` seconds and this seat alone. */
export interface TurnServer {
  urls: string[];
  username: string;
  credential: string;
}

export type { CommandFields };
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
