/**
 * One viewer's view of a room: an immutable state and `fold(state, frame, now)`. Pure. Slices are
 * folded by assignment, conversations by their message numbers.
 */

import { own, put } from "./own.ts";
import { resetClock, updateClock, UNSET_CLOCK, type Clock } from "./connection/clock.ts";
import type {
  ChatDeletedFrame,
  ChatFrame,
  ConversationId,
  EnteredFrame,
  Member,
  MemberId,
  Patch,
  Position,
  Role,
  RoomFrame,
  ServerFrame,
  ServerPhase,
  Slices,
  WelcomeFrame,
} from "./wire/messages.ts";

/** All slices; empty values for those that the wire has not sent. */
export type RoomView = Slices;

export interface ChatMessage {
  n: number;
  from: MemberId;
  /** Unix seconds. */
  at: number;
  /** "" if it is deleted or sealed. */
  body: string;
  sealed: Uint8Array | null;
  deleted: boolean;
  /** A facilitator's notice to all groups. */
  notice: boolean;
  mine: boolean;
}

export interface Conversation {
  to: ConversationId;
  /** In the order of `n`. */
  messages: readonly ChatMessage[];
  unread: number;
  /** Nobody can write in it any more: its group is over, or the other person has left. */
  closed: boolean;
}

export interface ReactionSeen {
  /** Unique, for lists. */
  key: number;
  from: MemberId;
  kind: string;
  /** Local milliseconds. */
  at: number;
}

export interface Gap {
  stream: string;
  missed: [number, number] | null;
  /** The number of the last message before the gap; 0 for none. */
  after: number;
}

export interface RoomState {
  readonly phase: ServerPhase | null;
  readonly me: MemberId | null;
  readonly role: Role | null;
  readonly view: RoomView;
  readonly messages: Readonly<Record<ConversationId, readonly ChatMessage[]>>;
  /** The highest `n` that was read, by conversation. */
  readonly read: Readonly<Record<ConversationId, number>>;
  readonly seen: Readonly<Record<string, Position>>;
  /** The last known name of everybody ever seen, also of those who have left. */
  readonly names: Readonly<Record<MemberId, string>>;
  readonly reactions: readonly ReactionSeen[];
  readonly reactionCount: number;
  readonly gaps: readonly Gap[];
  readonly clock: Clock;
}

export const REACTION_MS = 4_000;
const REACTIONS_KEPT = 30;

const EMPTY_VIEW: RoomView = {
  room: "",
  title: "",
  agreement: null,
  members: {},
  floor: null,
  pairs: null,
  lobby: [],
  door: null,
  help: [],
  care: {},
  talk: {},
  agenda: null,
  locked: false,
  settings: null,
  mood: null,
  milestones: [],
  breathe: null,
  notice: null,
  link_key: null,
  concerns: [],
  topics: [],
};

export const EMPTY_ROOM: RoomState = {
  phase: null,
  me: null,
  role: null,
  view: EMPTY_VIEW,
  messages: {},
  read: {},
  seen: {},
  names: {},
  reactions: [],
  reactionCount: 0,
  gaps: [],
  clock: UNSET_CLOCK,
};

export function fold(state: RoomState, frame: ServerFrame, now: number): RoomState {
  switch (frame.t) {
    case "welcome":
      return foldWelcome(state, frame, now);
    case "lobby":
      return { ...outsideView(state), phase: "lobby" };
    case "entered":
      return foldEntered(state, frame, now);
    case "room":
      return foldRoom(state, frame);
    case "chat":
      return foldChat(state, frame, now);
    case "chat.deleted":
      return foldDeleted(state, frame);
    case "reaction": {
      const reaction = { key: state.reactionCount, from: frame.from, kind: frame.kind, at: now };
      const reactions = [...state.reactions, reaction].slice(-REACTIONS_KEPT);
      return { ...state, reactions, reactionCount: state.reactionCount + 1 };
    }
    case "gap": {
      const after = own(state.messages, frame.stream)?.at(-1)?.n ?? 0;
      return {
        ...state,
        gaps: [...state.gaps, { stream: frame.stream, missed: frame.missed ?? null, after }],
      };
    }
    case "ok":
    case "refused":
    case "pong":
    case "reconnect":
    case "closed":
    case "media.map":
    case "media.lost":
    case "speaking":
      return state;
  }
}

// ---------------------------------------------------------------- the view

/** Assigns slices to a view; null makes a slice empty. */
function assignSlices(view: RoomView, set: Partial<Slices>): RoomView {
  const next: Record<string, unknown> = { ...view };
  for (const [slice, value] of Object.entries(set)) {
    put(next, slice, value ?? own(EMPTY_VIEW as unknown as Record<string, unknown>, slice) ?? null);
  }
  return next as unknown as RoomView;
}

/** Sets or removes entries of slices that are maps. Copies each slice once. */
function applyPatches(view: RoomView, patches: readonly Patch[]): RoomView {
  const next = { ...view } as unknown as Record<string, Record<string, unknown>>;
  const copied = new Set<string>();
  for (const patch of patches) {
    const [slice, key, value] = patch;
    if (!copied.has(slice)) put(next, slice, { ...own(next, slice) });
    copied.add(slice);
    const entries = own(next, slice) ?? {};
    if (patch.length > 2) put(entries, key, value);
    else Reflect.deleteProperty(entries, key);
  }
  return next as unknown as RoomView;
}

/** Sets each hand's place by the queue: the entries of members may be older. */
function placeHands(view: RoomView): RoomView {
  let members: Record<MemberId, Member> | null = null;
  view.floor?.queue.forEach((id, at) => {
    const member = own(view.members, id);
    if (member === undefined || member.hand === at + 1) return;
    members ??= { ...view.members };
    put(members, id, { ...member, hand: at + 1 });
  });
  return members === null ? view : { ...view, members };
}

function withView(state: RoomState, folded: RoomView): RoomState {
  const { floor, members } = state.view;
  const next = folded.floor === floor && folded.members === members ? folded : placeHands(folded);
  const mine = state.me === null ? undefined : own(next.members, state.me);
  const role = mine?.role ?? state.role;
  // Who is no longer a facilitator keeps nothing that only facilitators may see.
  const view =
    role === "facilitator" ? next : { ...next, lobby: EMPTY_VIEW.lobby, door: null, help: EMPTY_VIEW.help, talk: EMPTY_VIEW.talk };
  if (view.members === state.view.members) return { ...state, view, role };
  let names = state.names;
  for (const [id, { name }] of Object.entries(view.members)) {
    if (own(names, id) !== name) names = { ...names, [id]: name };
  }
  return { ...state, view, names, role };
}

function foldWelcome(state: RoomState, frame: WelcomeFrame, now: number): RoomState {
  const clock = frame.now === undefined ? UNSET_CLOCK : resetClock(frame.now, now);
  const same = frame.resumed && (state.me === null || state.me === frame.me);
  const kept =
    same && frame.phase === "inside" ? state : outsideView({ ...state, read: same ? state.read : {} });
  // After a resume the missed messages follow, so only they move a conversation's position. The view
  // is complete, so the room's position is that of the welcome.
  const here = frame.pos ?? {};
  const room = here["room"];
  const seen = frame.resumed
    ? { ...kept.seen, ...(room === undefined ? {} : { room }) }
    : { ...here };
  const next: RoomState = {
    ...kept,
    clock,
    seen,
    phase: frame.phase,
    me: frame.me,
    role: frame.role,
  };
  return withView(next, assignSlices(EMPTY_VIEW, frame.room));
}

function foldEntered(state: RoomState, frame: EnteredFrame, now: number): RoomState {
  const clock = frame.now === undefined ? state.clock : resetClock(frame.now, now);
  const next: RoomState = { ...state, clock, phase: "inside", seen: { ...frame.pos } };
  return withView(next, assignSlices(EMPTY_VIEW, frame.room));
}

/** Reduces the state to what a person outside may know: title, agreement and series. */
export function outsideView(state: RoomState): RoomState {
  const { room, title, agreement, series = null } = state.view;
  return {
    ...state,
    view: { ...EMPTY_VIEW, room, title, agreement, series: series && { id: series.id } },
    messages: {},
    seen: {},
    names: {},
    reactions: [],
    gaps: [],
  };
}

function foldRoom(state: RoomState, frame: RoomFrame): RoomState {
  const next = { ...state, seen: { ...state.seen, room: frame.pos } };
  return withView(next, applyPatches(assignSlices(state.view, frame.set ?? {}), frame.patch ?? []));
}

// ---------------------------------------------------------------- conversations

function foldChat(state: RoomState, frame: ChatFrame, now: number): RoomState {
  const seen = { ...state.seen, [frame.to]: frame.pos };
  const clock = updateClock(state.clock, frame.at, now);
  const gone = frame.deleted === true;
  const message: ChatMessage = {
    n: frame.n,
    from: frame.from,
    at: frame.at,
    body: gone || typeof frame.body !== "string" ? "" : frame.body,
    sealed: gone || typeof frame.body === "string" ? null : frame.body,
    deleted: gone,
    notice: frame.notice === true,
    mine: frame.from === state.me,
  };
  const before = own(state.messages, frame.to) ?? [];
  const after = insert(before, message);
  if (after === before) return { ...state, seen, clock };
  return { ...state, seen, clock, messages: { ...state.messages, [frame.to]: after } };
}

/** Inserts by `n`, each once. A deleted copy replaces one that is not. */
function insert(messages: readonly ChatMessage[], message: ChatMessage): readonly ChatMessage[] {
  const last = messages.at(-1);
  if (last === undefined || last.n < message.n) return [...messages, message];
  const at = messages.findIndex((each) => each.n >= message.n);
  const there = messages[at];
  if (there?.n !== message.n) return messages.toSpliced(at, 0, message);
  return message.deleted && !there.deleted ? messages.with(at, message) : messages;
}

function foldDeleted(state: RoomState, frame: ChatDeletedFrame): RoomState {
  const seen = { ...state.seen, [frame.to]: frame.pos };
  const before = own(state.messages, frame.to) ?? [];
  const at = before.findIndex((each) => each.n === frame.n);
  const there = before[at];
  if (there === undefined || there.deleted) return { ...state, seen };
  const after = before.with(at, { ...there, body: "", sealed: null, deleted: true });
  return { ...state, seen, messages: { ...state.messages, [frame.to]: after } };
}

/** Marks all messages of a conversation as read. */
export function markRead(state: RoomState, to: ConversationId): RoomState {
  const last = own(state.messages, to)?.at(-1)?.n ?? 0;
  if (last <= (own(state.read, to) ?? 0)) return state;
  return { ...state, read: { ...state.read, [to]: last } };
}

/** Drops the reactions that are older than `REACTION_MS`. */
export function dropReactions(state: RoomState, now: number): RoomState {
  const reactions = state.reactions.filter((each) => now - each.at < REACTION_MS);
  return reactions.length === state.reactions.length ? state : { ...state, reactions };
}

function isClosed(state: RoomState, to: ConversationId): boolean {
  const { members, pairs, settings } = state.view;
  const cut = to.indexOf(":");
  const kind = cut < 0 ? to : to.slice(0, cut);
  const rest = to.slice(cut + 1);
  switch (kind) {
    case "pair":
      return (
        state.view.aside?.group !== rest &&
        (pairs === null ||
        !(pairs.mine === rest || (own(pairs.visitors, rest) ?? []).includes(state.me ?? "")))
      );
    case "staff":
      return own(members, rest) === undefined || (rest !== state.me && state.role !== "facilitator");
    case "direct":
      return own(members, rest) === undefined || settings?.direct === false;
    case "facilitators":
      return state.role !== "facilitator";
    default:
      return false;
  }
}

/** The conversations for a snapshot; unchanged ones of `before` keep their identity. */
export function conversations(
  state: RoomState,
  before: Readonly<Record<ConversationId, Conversation>> = {},
): Record<ConversationId, Conversation> {
  const made: Record<ConversationId, Conversation> = {};
  for (const [to, messages] of Object.entries(state.messages)) {
    const read = own(state.read, to) ?? 0;
    const unread = messages.filter((each) => each.n > read && !each.mine && !each.deleted).length;
    const closed = isClosed(state, to);
    const old = own(before, to);
    const same =
      old !== undefined &&
      old.messages === messages &&
      old.unread === unread &&
      old.closed === closed;
    put(made, to, same ? old : { to, messages, unread, closed });
  }
  return made;
}

/** Bytes of all positions in a greeting; its frame may have 32 KiB. */
const GREETING_BYTES = 28_000;
const GREETING_ENTRIES = 1_000;

/**
 * The positions for `seen` of a greeting, as many as fit: the room's own, then those of the latest
 * conversations. The server replays a stream that is missing from our entry on; messages that we have
 * are not shown twice.
 */
export function seenForHello(seen: RoomState["seen"]): Record<string, Position> {
  const { room, ...others } = seen;
  const made: Record<string, Position> = room === undefined ? {} : { room };
  let left = GREETING_BYTES;
  let entries = GREETING_ENTRIES;
  for (const [to, position] of Object.entries(others).reverse()) {
    left -= 3 * to.length + position.length + 8;
    entries -= 1;
    if (left < 0 || entries < 0) break;
    put(made, to, position);
  }
  return made;
}
