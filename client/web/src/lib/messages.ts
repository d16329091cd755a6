/**
 * Every frame of `sitwith.v1` as types. Ids and positions are opaque; times are unix seconds on the
 * server's clock. Slices are what a `room` frame replaces whole.
 */

export type MemberId = string;
export type GroupId = string;
/** A conversation in full: `circle`, `pair:<group>`, `staff:<member>`, `facilitators`, `direct:<member>`. */
export type ConversationId = string;
/** Given back on resume, never looked into. */
export type Position = Uint8Array;

export type Role = "member" | "facilitator";
export type Kind = "audio" | "video" | "chat";
export type Here = "here" | "reconnecting" | "away";
export type ServerPhase = "agreement" | "lobby" | "inside";

// ---------------------------------------------------------------- slices

export interface Agreement {
  version: number | string;
  text: string;
}

export interface Member {
  name: string;
  role: Role;
  /** Place in the circle, rising in the order of entry. */
  seat: number;
  here: Here;
  muted: Kind[];
  /** Those of `muted` that only a facilitator may lift. */
  held: Kind[];
  /** Place in the queue, from 1. */
  hand: number | null;
}

export interface Round {
  order: MemberId[];
  done: MemberId[];
  seconds: number | null;
}

export type PauseReason = "facilitator" | "holder" | "unattended" | "frozen";

export interface Floor {
  mode: "open" | "stick" | "quiet";
  holder: MemberId | null;
  /** Rises with every grant. */
  turn: number;
  ends_at: number | null;
  paused: boolean;
  /** Remaining seconds while paused, else null. */
  left: number | null;
  why_paused: PauseReason[];
  queue: MemberId[];
  round: Round | null;
}

export interface Pairs {
  groups: Record<GroupId, MemberId[]>;
  mine: GroupId | null;
  ends_at: number | null;
  visitors: Record<GroupId, MemberId[]>;
  /** I asked for help and nobody has come yet. */
  asked: boolean;
  closing: boolean;
}

export interface LobbyPerson {
  id: string;
  name: string;
  at: number;
}

export interface CareEntry {
  level: "quiet" | "urgent";
  taken_by: MemberId | null;
}

export type StageKind =
  | "arrival"
  | "agreement"
  | "breath"
  | "round"
  | "topic"
  | "open"
  | "pairs"
  | "sharing"
  | "break"
  | "closing"
  | "debrief";

export interface Stage {
  kind: StageKind;
  title?: string;
  seconds: number;
  auto?: boolean;
  floor?: "open" | "quiet" | "stick" | "round";
  chat?: "all" | "staff" | "off";
  prompt?: string;
  pairs?: { size: number; how: PlanHow };
}

export interface Agenda {
  stages: Stage[];
  at: number | null;
  ends_at: number | null;
}

export interface Settings {
  chat: "all" | "staff" | "off";
  direct: boolean;
  slow_seconds: number;
  grace_seconds: number;
  lobby: boolean;
  facilitators_wait: boolean;
  sealed: boolean;
}

export interface Mood {
  open: boolean;
  answers: number;
  result: null | { counts: Record<"1" | "2" | "3" | "4" | "5", number> };
}

export interface Breathe {
  pattern: number[];
  starts_at: number;
  ends_at: number;
}

export type Notice = "no_facilitator";

/** All slices of a view; before `inside` only `title` and `agreement` are ever present on the wire. */
export interface Slices {
  room: string;
  title: string;
  agreement: Agreement | null;
  members: Record<MemberId, Member>;
  floor: Floor | null;
  pairs: Pairs | null;
  lobby: LobbyPerson[];
  help: MemberId[];
  care: Record<MemberId, CareEntry>;
  agenda: Agenda | null;
  locked: boolean;
  settings: Settings | null;
  mood: Mood | null;
  breathe: Breathe | null;
  notice: Notice | null;
}

// ---------------------------------------------------------------- commands

export type PlanHow = "random" | "fresh" | "linked";
type Empty = Record<never, never>;

/** The fields of each command beside `t` and `id`. */
export interface CommandFields {
  "agreement.accept": { version: number | string };
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
  "pairs.plan": { size?: number; how: PlanHow; avoid?: [MemberId, MemberId][]; facilitators?: boolean };
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
  "lobby.return": { member: MemberId };
  "room.lock": Empty;
  "room.unlock": Empty;
  "room.end": Empty;
  "room.settings": Partial<Settings>;
  "member.remove": { member: MemberId };
  "role.give": { member: MemberId; role: Role };
  "self.rename": { name: string };
  "self.away": { away: boolean };
  leave: Empty;
  "care.flag": { level: "quiet" | "urgent" };
  "care.take": { member: MemberId };
  "care.done": { member: MemberId };
  "agenda.start": Empty;
  "agenda.next": Empty;
  "agenda.back": Empty;
  "agenda.extend": { seconds: number };
  "mood.ask": Empty;
  "mood.answer": { value: 1 | 2 | 3 | 4 | 5 };
  "mood.close": Empty;
  "breathe.start": { pattern: number[]; seconds: number };
  "breathe.stop": Empty;
  "topics.set": { tags: Uint8Array[] };
  "media.offer": { sdp: string };
}

export type CommandName = keyof CommandFields;

/** What an `ok` carries beside `t` and `id`; a command that is not named here carries nothing. */
interface CarriedByOk {
  "chat.say": { to: ConversationId; n: number };
  "pairs.plan": { groups: MemberId[][] };
  "media.offer": { sdp: string };
}
export type AnswerFields<T extends CommandName> = T extends keyof CarriedByOk ? CarriedByOk[T] : Empty;

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
  | { ok: true; fields: AnswerFields<T> }
  | { ok: false; code: FailureCode; message: string };

// ---------------------------------------------------------------- frames

export type ClientFrame =
  | { t: "hello"; token: string; name: string }
  | { t: "hello"; resume: string; seen: Record<string, Position> }
  | ({ t: string; id: number } & Record<string, unknown>);

export interface WelcomeFrame {
  t: "welcome";
  me: MemberId;
  role: Role;
  phase: ServerPhase;
  resume: string;
  room: Partial<Slices>;
  resumed: boolean;
  pos?: Record<string, Position>;
  now?: number;
}
export interface LobbyFrame {
  t: "lobby";
}
export interface EnteredFrame {
  t: "entered";
  room: Partial<Slices>;
  pos: Record<string, Position>;
  now?: number;
}
export interface RoomFrame {
  t: "room";
  seq: number;
  pos: Position;
  why: string;
  by?: MemberId;
  set: Partial<Slices>;
}
export interface ChatFrame {
  t: "chat";
  to: ConversationId;
  n: number;
  pos: Position;
  from: MemberId;
  at: number;
  body: string | Uint8Array;
  deleted?: boolean;
  notice?: boolean;
}
export interface ChatDeletedFrame {
  t: "chat.deleted";
  to: ConversationId;
  n: number;
  pos: Position;
}
export interface ReactionFrame {
  t: "reaction";
  from: MemberId;
  kind: string;
}
export interface MediaMapFrame {
  t: "media.map";
  slots: Record<string, MemberId | null>;
}
export interface MediaLostFrame {
  t: "media.lost";
}
export interface ReconnectFrame {
  t: "reconnect";
  after_ms: number;
}
export interface GapFrame {
  t: "gap";
  stream: string;
  missed: [number, number] | null;
}
export interface ClosedFrame {
  t: "closed";
  code: number;
}
export interface OkFrame {
  t: "ok";
  id: number;
  [field: string]: unknown;
}
export interface RefusedFrame {
  t: "refused";
  id: number;
  code: RefusalCode;
  message: string;
}

export type ServerFrame =
  | WelcomeFrame
  | LobbyFrame
  | EnteredFrame
  | RoomFrame
  | ChatFrame
  | ChatDeletedFrame
  | ReactionFrame
  | MediaMapFrame
  | MediaLostFrame
  | ReconnectFrame
  | GapFrame
  | ClosedFrame
  | OkFrame
  | RefusedFrame;

// ---------------------------------------------------------------- reading a frame

type Shape = "string" | "number" | "boolean" | "bytes" | "map" | "body" | "pair?";

/** Required fields only: what a newer server adds is kept and ignored. */
const SHAPES: { [T in ServerFrame["t"]]: Record<string, Shape> } = {
  welcome: { me: "string", role: "string", phase: "string", resume: "string", room: "map", resumed: "boolean" },
  lobby: {},
  entered: { room: "map", pos: "map" },
  room: { seq: "number", pos: "bytes", why: "string", set: "map" },
  chat: { to: "string", n: "number", pos: "bytes", from: "string", at: "number", body: "body" },
  "chat.deleted": { to: "string", n: "number", pos: "bytes" },
  reaction: { from: "string", kind: "string" },
  "media.map": { slots: "map" },
  "media.lost": {},
  reconnect: { after_ms: "number" },
  gap: { stream: "string", missed: "pair?" },
  closed: { code: "number" },
  ok: { id: "number" },
  refused: { id: "number", code: "string", message: "string" },
};

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

function has(value: unknown, shape: Shape): boolean {
  switch (shape) {
    case "bytes":
      return value instanceof Uint8Array;
    case "map":
      return isMap(value);
    case "body":
      return typeof value === "string" || value instanceof Uint8Array;
    case "pair?":
      return value === null || value === undefined || (Array.isArray(value) && value.length === 2);
    default:
      return typeof value === shape;
  }
}

/** The frame as its type, `"unknown"` for one of a newer server, or null where a known one is malformed. */
export function readFrame(value: unknown): ServerFrame | "unknown" | null {
  if (!isMap(value) || typeof value["t"] !== "string") return null;
  if (!Object.hasOwn(SHAPES, value["t"])) return "unknown";
  const shape = SHAPES[value["t"] as ServerFrame["t"]];
  for (const [field, wanted] of Object.entries(shape)) {
    if (!has(value[field], wanted)) return null;
  }
  return value as unknown as ServerFrame;
}

/** What the server takes; a page can say so before it asks. */
export const LIMITS = { name: 40, body: 2000, reaction: 24, seconds: 7200 } as const;
