/**
 * One person in one room: the connection, the view, the unanswered commands and what is kept across a
 * reload, behind one object with immutable snapshots.
 */

import { own } from "./own.ts";
import { serverSeconds } from "./connection/clock.ts";
import { CodecError, FrameTooLarge } from "./wire/codec.ts";
import { Connection } from "./connection/connection.ts";
import { browserHost, type Host } from "./connection/host.ts";
import type {
  Answer,
  AnswerFields,
  ClientFrame,
  CommandFields,
  CommandName,
  ConversationId,
  FailureCode,
  MemberId,
  Role,
  ServerFrame,
} from "./wire/messages.ts";
import {
  conversations,
  dropReactions,
  EMPTY_ROOM,
  fold,
  seenForHello,
  markRead,
  outsideView,
  REACTION_MS,
  type Conversation,
  type Gap,
  type ReactionSeen,
  type RoomState,
  type RoomView,
} from "./room.ts";
import { linkStore, seatStore, type SeatStore, type StorageLike, type JoinData } from "./entry/store.ts";

export type Phase = "idle" | "connecting" | "agreement" | "lobby" | "inside" | "closed";

/** What to show. Immutable: each change makes a new one, in which unchanged parts keep their identity. */
export interface Snapshot {
  readonly phase: Phase;
  /** `reconnecting`: the view may be old, and commands wait for the connection. */
  readonly connection: "ok" | "reconnecting";
  readonly me: MemberId | null;
  readonly role: Role | null;
  readonly room: RoomView;
  /** By the full name of the conversation; present from its first message on. */
  readonly chats: Record<ConversationId, Conversation>;
  /** The reactions of the last seconds. */
  readonly reactions: readonly ReactionSeen[];
  readonly closed: { readonly code: number } | null;
  readonly gaps: readonly Gap[];
  /** The last known name of everybody ever seen, also of those who have left. */
  readonly names: Readonly<Record<MemberId, string>>;
  /** How often the room has forgotten and we joined again, without anything of before. */
  readonly forgotten: number;
  /** Unix seconds by the server's clock, to compare with `ends_at` and the like. */
  serverNow(): number;
}

export interface RoomClientOptions {
  /** The socket's address: `ws://…/ws`. */
  url: string;
  room: string;
  /** From the link's fragment; null if only a stored seat can be resumed. */
  token: string | null;
  /** Default: the tab's `sessionStorage`; null keeps nothing across a reload. */
  storage?: StorageLike | null;
  host?: Host;
}

interface Pending {
  readonly frame: { t: string; id: number } & Record<string, unknown>;
  readonly answer: (answer: Answer) => void;
}

const LEFT = 1000;
const NOWHERE = 4404;
const DECLINED = 4405;
/** After these the seat can't be resumed: removed, ended, declined. */
const SEAT_GONE = new Set([4403, NOWHERE, DECLINED]);

const CLOSED_TEXT = "The connection has ended.";
const LOST_TEXT = "The connection dropped for a moment.";

function failure(code: FailureCode, message: string): Answer<never> {
  return { ok: false, code, message };
}

export class RoomClient {
  private readonly host: Host;
  private readonly store: SeatStore;
  private readonly listeners = new Set<() => void>();
  private readonly frameListeners = new Set<(frame: ServerFrame) => void>();
  private readonly pending = new Map<number, Pending>();

  private connection: Connection | null = null;
  private resumeValue: string | null;
  private way: JoinData | null;
  /** A resume value of before the room forgot: shows who was a facilitator (rule RE15). */
  private was: string | null = null;
  /** Whether the server has welcomed us on the current socket. */
  private welcomed = false;
  private forgotten = 0;
  private nextId: number;
  private room: RoomState;
  private phase: Phase = "idle";
  private status: Snapshot["connection"] = "ok";
  private closed: Snapshot["closed"] = null;
  private shown: Snapshot | null = null;
  private chats: Record<ConversationId, Conversation> = {};

  constructor(private readonly options: RoomClientOptions) {
    this.host = options.host ?? browserHost();
    this.store = seatStore(options.room, options.storage);
    const seat = this.store.load();
    this.resumeValue = seat?.resume ?? null;
    this.way = seat?.way ?? null;
    // A duplicated tab has the same stored id; the time makes them differ.
    this.nextId = Math.max(seat?.nextId ?? 1, Math.floor(this.host.now()));
    this.room = { ...EMPTY_ROOM, read: seat?.read ?? {} };
  }

  // ---- snapshots

  /** Calls `listener` after each change; the returned function unsubscribes it. */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Calls `listener` with each folded frame that is no answer, for what is in no snapshot (media). */
  listen(listener: (frame: ServerFrame) => void): () => void {
    this.frameListeners.add(listener);
    return () => this.frameListeners.delete(listener);
  }

  get snapshot(): Snapshot {
    this.shown ??= this.show();
    return this.shown;
  }

  /** Whether a seat of this room is stored for `resume()`. */
  hasSeat(): boolean {
    return this.resumeValue !== null;
  }

  // ---- coming and going

  /** Joins with the link's token and takes a new seat. */
  join(name: string): void {
    if (this.connection !== null) return;
    this.store.clear();
    this.was = this.resumeValue ?? this.was;
    this.resumeValue = null;
    this.room = EMPTY_ROOM;
    const { token } = this.options;
    this.way = token === null ? null : { token, name };
    if (token === null) this.end(NOWHERE);
    else this.connect();
  }

  /** Resumes the stored seat. */
  resume(): void {
    if (this.connection !== null) return;
    if (this.resumeValue === null) this.end(NOWHERE);
    else this.connect();
  }

  /** Ends the connection and keeps the seat; `send("leave", {})` gives the seat up. */
  close(): void {
    this.connection?.stop(LEFT);
  }

  // ---- commands

  /** Accepts the agreement that is shown. `person` is the person code for the room's series. */
  accept(person: Uint8Array | null = null): Promise<Answer<"agreement.accept">> {
    const agreement = this.room.view.agreement;
    if (agreement === null)
      return Promise.resolve(failure("not_inside", "There is no agreement to accept yet."));
    const { version } = agreement;
    return this.send("agreement.accept", person === null ? { version } : { version, person });
  }

  /**
   * Sends a command and resolves to its answer; never rejects. While the connection is lost the
   * command waits; it is sent again under the same id, so it takes effect at most once.
   */
  send<T extends CommandName>(t: T, fields: CommandFields[T]): Promise<Answer<T>> {
    return new Promise((resolve) => {
      if (this.connection === null) return resolve(failure("closed", CLOSED_TEXT));
      const frame = { ...fields, t, id: this.takeId() };
      let sent: boolean;
      try {
        sent = this.connection.send(frame);
      } catch (wrong) {
        if (!(wrong instanceof CodecError)) throw wrong;
        return resolve(
          wrong instanceof FrameTooLarge
            ? failure("too_long", "That is too long.")
            : failure("bad_request", "This request was not understood."),
        );
      }
      // A late reaction would mislead.
      if (t === "react" && !sent) return resolve(failure("lost", LOST_TEXT));
      this.pending.set(frame.id, { frame, answer: resolve as (answer: Answer) => void });
    });
  }

  /** Marks a conversation as read; kept across a reload. */
  markRead(to: ConversationId): void {
    const room = markRead(this.room, to);
    if (room === this.room) return;
    this.room = room;
    this.save();
    this.changed();
  }

  /** Hides the notes about gaps. */
  dismissGaps(): void {
    if (this.room.gaps.length === 0) return;
    this.room = { ...this.room, gaps: [] };
    this.changed();
  }

  // ---- connection and frames

  private connect(): void {
    this.phase = "connecting";
    this.status = "ok";
    this.closed = null;
    this.connection = new Connection(this.host, this.options.url, {
      hello: () => this.hello(),
      probe: () => ({ t: "ping", id: this.takeId() }),
      frame: (frame) => this.receive(frame),
      lost: () => this.lost(),
      ended: (code) => this.end(code),
    });
    this.connection.start();
    this.changed();
  }

  private hello(): ClientFrame {
    this.welcomed = false;
    if (this.resumeValue !== null) {
      return { t: "hello", resume: this.resumeValue, seen: seenForHello(this.room.seen) };
    }
    const { token, name } = this.way ?? { token: "", name: "" };
    return { t: "hello", token, name, ...(this.was === null ? {} : { was: this.was }) };
  }

  private takeId(): number {
    const id = this.nextId++;
    this.save();
    return id;
  }

  private save(): void {
    if (this.resumeValue === null) return;
    const { resumeValue: resume, nextId, way } = this;
    this.store.save({ resume, nextId, read: { ...this.room.read }, way });
  }

  private receive(frame: ServerFrame): void {
    const before = this.room;
    this.room = fold(before, frame, this.host.now());
    if (frame.t === "ok" || frame.t === "refused") return this.answered(frame);
    if (this.room.phase !== null) this.phase = this.room.phase;
    if (frame.t === "welcome") {
      this.status = "ok";
      this.welcomed = true;
      this.was = null;
      this.resumeValue = frame.resume;
      this.save();
      for (const { frame: command } of this.pending.values()) this.connection?.send(command);
    }
    if (frame.t === "reaction") this.host.timer(REACTION_MS + 10, () => this.dropOldReactions());
    if (this.room !== before) this.changed();
    for (const listener of [...this.frameListeners]) listener(frame);
  }

  private answered(frame: Extract<ServerFrame, { t: "ok" | "refused" }>): void {
    const waiting = this.pending.get(frame.id);
    // Nobody waits for a second answer to a command that was sent twice.
    if (waiting === undefined) return;
    this.pending.delete(frame.id);
    if (frame.t === "refused") return waiting.answer(failure(frame.code, frame.message));
    const { t: _, id: __, ...fields } = frame;
    waiting.answer({ ok: true, fields: fields as AnswerFields<CommandName> });
    if (waiting.frame.t === "leave") {
      this.forgetSeat(LEFT);
      this.connection?.stop(LEFT);
    }
  }

  private lost(): void {
    for (const [id, waiting] of this.pending) {
      if (waiting.frame.t !== "react") continue;
      this.pending.delete(id);
      waiting.answer(failure("lost", LOST_TEXT));
    }
    if (this.status === "reconnecting") return;
    this.status = "reconnecting";
    this.changed();
  }

  private end(code: number): void {
    this.connection = null;
    // We gave the seat up, and only the answer was lost.
    const left =
      code === NOWHERE && [...this.pending.values()].some(({ frame }) => frame.t === "leave");
    if (code === NOWHERE && !left && this.beginAgain()) return;
    if (SEAT_GONE.has(code)) this.forgetSeat(code);
    // Without a seat, nothing of the room is kept.
    if (this.resumeValue === null) this.room = outsideView(this.room);
    this.phase = "closed";
    this.status = "ok";
    this.closed = { code: left ? LEFT : code };
    this.failPending(failure("closed", CLOSED_TEXT));
    this.changed();
  }

  /**
   * The seat is gone, perhaps because the room has forgotten: joins again, once, with the token that
   * we came by (rule RE14). Returns false if that is not possible.
   */
  private beginAgain(): boolean {
    if (this.resumeValue === null || this.welcomed || this.way === null) return false;
    // Stored data stays until the welcome, for a reload in between.
    this.was = this.resumeValue;
    this.resumeValue = null;
    this.room = EMPTY_ROOM;
    this.forgotten += 1;
    this.failPending(failure("lost", LOST_TEXT));
    this.connect();
    return true;
  }

  private failPending(answer: Answer<never>): void {
    const unanswered = [...this.pending.values()];
    this.pending.clear();
    for (const waiting of unanswered) waiting.answer(answer);
  }

  private forgetSeat(code: number): void {
    this.resumeValue = null;
    this.was = null;
    this.store.clear();
    // After `declined` the same link may be used again.
    if (code !== DECLINED) linkStore(this.options.room, this.options.storage).clear();
  }

  private dropOldReactions(): void {
    const room = dropReactions(this.room, this.host.now());
    if (room === this.room) return;
    this.room = room;
    this.changed();
  }

  private changed(): void {
    this.shown = null;
    for (const listener of [...this.listeners]) listener();
  }

  private show(): Snapshot {
    const { me, role, view, reactions, gaps, names } = this.room;
    this.chats = this.sameChats(conversations(this.room, this.chats));
    return Object.freeze({
      phase: this.phase,
      connection: this.status,
      me,
      role,
      room: view,
      chats: this.chats,
      reactions,
      closed: this.closed,
      gaps,
      names,
      forgotten: this.forgotten,
      serverNow: () => serverSeconds(this.room.clock, this.host.now()),
    });
  }

  private sameChats(
    next: Record<ConversationId, Conversation>,
  ): Record<ConversationId, Conversation> {
    const keys = Object.keys(next);
    const same =
      keys.length === Object.keys(this.chats).length &&
      keys.every((to) => own(next, to) === own(this.chats, to));
    return same ? this.chats : next;
  }
}
