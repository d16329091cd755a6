/**
 * Ids and the slices of a view, which `room` frames replace or patch. Times are unix seconds on the
 * server's clock.
 */

export type MemberId = string;
export type GroupId = string;
/**
 * The full name of a conversation: `circle`, `pair:<group>`, `staff:<member>`, `facilitators` or
 * `direct:<member>`.
 */
export type ConversationId = string;
/** Opaque; given back on resume. */
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
  /** Rises with every turn. */
  turn: number;
  ends_at: number | null;
  paused: boolean;
  /** Remaining seconds while paused, else null. */
  left: number | null;
  why_paused: PauseReason[];
  /** How many seconds before the turn's end the latest signal came. */
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
  /** Whether we asked for help and nobody has come yet. */
  asked: boolean;
  closing: boolean;
}

export interface LobbyPerson {
  id: string;
  name: string;
  at: number;
  /** The id of the shared link that they came by; null for a one-use link. */
  link?: string | null;
}

/** A shared link, and how many people who came by it are in each phase. */
export interface LinkUse {
  link: string;
  role: Role;
  reading: number;
  waiting: number;
  inside: number;
  /** Whether many of a crowded door came by this link. */
  floods: boolean;
}

/** How many people are at the door. */
export interface DoorLook {
  /** People who read the agreement. */
  reading: number;
  waiting: number;
  places: number;
  crowded: boolean;
  links: LinkUse[];
}

export type CareLevel = "quiet" | "urgent";

/** Absent fields don't apply; our own entry has only `level` and `taken_by`. */
export interface CareEntry {
  level: CareLevel;
  taken_by: MemberId | null;
  /** False if there are only worries of others. */
  own?: boolean;
  /** Who worries, and how much. */
  worried?: Record<MemberId, CareLevel>;
  /** They have left or lost the connection, and somebody has to follow up. */
  gone?: boolean;
  /** The name of a person who is gone. */
  name?: string;
  /** The facilitator with them in a side room. */
  aside?: MemberId[];
  /** They have left a contact card. */
  card?: boolean;
}

/** A contact card. */
export interface Card {
  location: string | null;
  phone: string | null;
  note: string | null;
}

export interface InboxLine {
  claimed_by: MemberId | null;
  /** The latest message is the member's. */
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
  /** Guest speakers are in the circle. */
  guest?: boolean;
  /** A material shown with the stage: `url` or `text`. */
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
  /** Whose raised hand gets the stick next. The queue is shown in the order of raising in any case. */
  queue_order?: "raised" | "least_heard";
  /** Guests in the circle read and write its messages. */
  guests_read?: boolean;
  /** Shows mood counts only if they can't be subtracted from earlier ones. */
  mood_strict?: boolean;
}

export interface Mood {
  open: boolean;
  answers: number;
  result: null | { counts: Record<"1" | "2" | "3" | "4" | "5", number> };
}

/** A milestone, shown until `ends_at` in unix seconds; its text is bytes if the room is sealed. */
export interface Milestone {
  n: number;
  member: MemberId;
  text: string | Uint8Array;
  ends_at: number;
}

/** A material. The bytes of a file are loaded by `downloadMaterial`. */
export interface Material {
  id: string;
  kind: "link" | "text" | "picture" | "pdf";
  /** Null if a stage of the agenda shows it. */
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

/** Guest speakers, and who of them is in the circle just now. */
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

/** All slices of a view; most are on the wire only for people inside. */
export interface Slices {
  room: string;
  title: string;
  agreement: Agreement | null;
  members: Record<MemberId, Member>;
  floor: Floor | null;
  pairs: Pairs | null;
  lobby: LobbyPerson[];
  /** Only for facilitators. */
  door?: DoorLook | null;
  help: MemberId[];
  care: Record<MemberId, CareEntry>;
  /** Seconds of speech that others heard, by member; only for facilitators. */
  talk: Record<MemberId, number>;
  /** Members who have not been heard yet; only for facilitators. */
  unheard?: MemberId[] | null;
  /** A facilitator asked us in private whether we want to speak. */
  nudge?: { at: number } | null;
  agenda: Agenda | null;
  /** When the room's time ends. */
  expires_at?: number | null;
  /** The seconds until then at the latest warning; 0: over, and the room ends once nobody is here. */
  closing?: 3600 | 600 | 60 | 0 | null;
  locked: boolean;
  settings: Settings | null;
  mood: Mood | null;
  milestones: Milestone[];
  breathe: Breathe | null;
  notice: Notice | null;
  /** The key for `blind`; the server knows it too for now. */
  link_key: Uint8Array | null;
  /** The concerns that the facilitators offer to tick. */
  concerns: string[];
  /** Our own tags. */
  topics: Uint8Array[];
  /** In the order in which they were shown. */
  materials?: Material[] | null;
  /** Null if no guest is inside. */
  guests?: Guests | null;
  /** The series of the room; only its id for people outside. */
  series?: { id: string; remembered?: boolean; times?: boolean } | null;
  /** Members' lines to the facilitators; only for facilitators. */
  inbox?: Record<MemberId, InboxLine> | null;
  /** The side room that we are in. */
  aside?: { group: GroupId; members: MemberId[] } | null;
  /** Our own contact card. */
  card?: Card | null;
  /** Who has read our card, and when. */
  care_opened?: { by: MemberId; at: number }[] | null;
  /** The members about whom we told a worry. */
  worries?: Record<MemberId, CareLevel> | null;
}
