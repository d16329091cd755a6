/**
 * Ids and the slices of a view, which `room` frames replace, whole or by entries. Times are unix
 * seconds on the server's clock.
 */

export type MemberId = string;
export type GroupId = string;
/**
 * A conversation in full: `circle`, `pair:<group>`, `staff:<member>`, `facilitators` or
 * `direct:<member>`.
 */
export type ConversationId = string;
/** Given back on resume, never looked into. */
export type Position = Uint8Array;

export type Role = "member" | "facilitator" | "guest";
export type Kind = "audio" | "video" | "chat";
export type Here = "here" | "reconnecting" | "away";
export type ServerPhase = "agreement" | "lobby" | "inside";

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

export type PauseReason = "facilitator" | "holder" | "unattended" | "groups" | "frozen";

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
  /** Seconds before the turn's end of the latest signal, once it has come. */
  signal?: 60 | 10 | null;
  /** Muted: a stage has closed every member's microphone. */
  mics?: "open" | "muted";
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
  /** The shared link that they came by, by its id; null: one for themselves. */
  link?: string | null;
}

/** A link of more than one use, and how many are where by it. */
export interface LinkUse {
  link: string;
  role: Role;
  reading: number;
  waiting: number;
  inside: number;
  /** Much of a crowded door is by this link. */
  floods: boolean;
}

/** Who stands at the door, in numbers. */
export interface DoorLook {
  /** At the agreement. */
  reading: number;
  waiting: number;
  places: number;
  crowded: boolean;
  links: LinkUse[];
}

export type CareLevel = "quiet" | "urgent";

/** What is not so is not there; one's own entry has `level` and `taken_by` alone. */
export interface CareEntry {
  level: CareLevel;
  taken_by: MemberId | null;
  /** False where only others have spoken. */
  own?: boolean;
  /** Who worries, and how much. */
  worried?: Record<MemberId, CareLevel>;
  /** They have left or lost the connection: somebody follows up. */
  gone?: boolean;
  /** Of somebody who is gone. */
  name?: string;
  /** Who is with them in a side room. */
  aside?: MemberId[];
  /** They have left a contact card. */
  card?: boolean;
}

/** How somebody is to be reached, in their words. */
export interface Card {
  location: string | null;
  phone: string | null;
  note: string | null;
}

export interface InboxLine {
  claimed_by: MemberId | null;
  /** The latest word is the member's. */
  waiting: boolean;
}

export type PlanHow = "random" | "fresh" | "linked";

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
  turn_seconds?: number;
  rounds?: { prompt: string }[];
  chat?: "all" | "staff" | "off";
  mics?: "open" | "muted";
  prompt?: string;
  pairs?: { size: number; how: PlanHow };
  breathe?: { pattern: number[] };
  /** Guest speakers are with the circle. */
  guest?: boolean;
  /** What everybody is shown beside it: one of `url` and `text`. */
  material?: { url?: string; text?: string; title?: string };
}

export interface Agenda {
  stages: Stage[];
  at: number | null;
  ends_at: number | null;
  over?: boolean;
  round?: number | null;
}

export interface Settings {
  chat: "all" | "staff" | "off";
  direct: boolean;
  slow_seconds: number;
  grace_seconds: number;
  lobby: boolean;
  facilitators_wait: boolean;
  sealed: boolean;
  /** The room asks for contact cards. */
  cards?: boolean;
  /** Whose raised hand gets the stick next; hands are shown in the order of raising either way. */
  queue_order?: "raised" | "least_heard";
  /** Guests who are with the circle read its words, and write there. */
  guests_read?: boolean;
  /** Of how everybody is only what can't be subtracted from what was shown before. */
  mood_strict?: boolean;
}

export interface Mood {
  open: boolean;
  answers: number;
  result: null | { counts: Record<"1" | "2" | "3" | "4" | "5", number> };
}

/** What somebody has shared with all, until `ends_at` in unix seconds; bytes where it is sealed. */
export interface Milestone {
  n: number;
  member: MemberId;
  text: string | Uint8Array;
  ends_at: number;
}

/** What everybody is shown. A file's bytes are fetched apart: see `downloadMaterial`. */
export interface Material {
  id: string;
  kind: "link" | "text" | "picture" | "pdf";
  /** Null where a stage of the agenda shows it. */
  by: MemberId | null;
  at: number;
  title?: string;
  url?: string;
  text?: string;
  type?: string;
  bytes?: number;
  width?: number;
  height?: number;
  pages?: number;
}

/** Guest speakers, where there are any: who of them is with the circle just now. */
export interface Guests {
  brought: boolean;
  in: MemberId[];
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
  /** Facilitators alone have it. */
  door?: DoorLook | null;
  help: MemberId[];
  care: Record<MemberId, CareEntry>;
  /** Seconds of speech that others heard; facilitators alone have it. */
  talk: Record<MemberId, number>;
  /** Members of whom nothing to speak of was heard yet; facilitators alone have it. */
  unheard?: MemberId[] | null;
  /** A facilitator has asked one in private whether one likes to speak. */
  nudge?: { at: number } | null;
  agenda: Agenda | null;
  /** When the room's time is over. */
  expires_at?: number | null;
  /** How near that is, in seconds, once it is told; 0: over, and the room ends once nobody is here. */
  closing?: 3600 | 600 | 60 | 0 | null;
  locked: boolean;
  settings: Settings | null;
  mood: Mood | null;
  milestones: Milestone[];
  breathe: Breathe | null;
  notice: Notice | null;
  /** What `blind` wants; the server knows it too for now. */
  link_key: Uint8Array | null;
  /** What the facilitators offer to tick. */
  concerns: string[];
  /** One's own tags. */
  topics: Uint8Array[];
  /** What is shown to all, in the order in which it came. */
  materials?: Material[] | null;
  /** Null where no guest is inside. */
  guests?: Guests | null;
  /** Where rooms meet again; before one is inside its id alone. */
  series?: { id: string; remembered?: boolean; times?: boolean } | null;
  /** Lines to the facilitators; they alone have it. */
  inbox?: Record<MemberId, InboxLine> | null;
  /** The side room that one is in. */
  aside?: { group: GroupId; members: MemberId[] } | null;
  /** One's own card. */
  card?: Card | null;
  /** Who has read one's card, and when. */
  care_opened?: { by: MemberId; at: number }[] | null;
  /** About whom one has said that one worries. */
  worries?: Record<MemberId, CareLevel> | null;
}
