/** The frames of client and server, and the check of received ones. Times are unix seconds. */

import { own } from "../own.ts";
import type { RefusalCode } from "./commands.ts";
import type { ConversationId, MemberId, Position, Role, ServerPhase, Slices } from "./slices.ts";

export type ClientFrame =
  | { t: "hello"; token: string; name: string; was?: string }
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
export type Patch = readonly [slice: string, key: string, value?: unknown];
export interface RoomFrame {
  t: "room";
  seq: number;
  pos: Position;
  why: string;
  by?: MemberId;
  /** Slices to replace. */
  set?: Partial<Slices>;
  /** Then changes of entries of slices that are maps; no value removes the entry. */
  patch?: readonly Patch[];
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
export interface SpeakingFrame {
  t: "speaking";
  members: MemberId[];
}
/** The answer to a `ping` with this id. */
export interface PongFrame {
  t: "pong";
  id: number;
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
  | SpeakingFrame
  | PongFrame
  | ReconnectFrame
  | GapFrame
  | ClosedFrame
  | OkFrame
  | RefusedFrame;

type Shape =
  | "string"
  | "number"
  | "boolean"
  | "bytes"
  | "map"
  | "map?"
  | "body"
  | "pair?"
  | "list"
  | "patches?";

/** The fields that this client reads; others are ignored. */
const SHAPES: { [T in ServerFrame["t"]]: Record<string, Shape> } = {
  welcome: {
    me: "string",
    role: "string",
    phase: "string",
    resume: "string",
    room: "map",
    resumed: "boolean",
  },
  lobby: {},
  entered: { room: "map", pos: "map" },
  room: { seq: "number", pos: "bytes", why: "string", set: "map?", patch: "patches?" },
  chat: { to: "string", n: "number", pos: "bytes", from: "string", at: "number", body: "body" },
  "chat.deleted": { to: "string", n: "number", pos: "bytes" },
  reaction: { from: "string", kind: "string" },
  "media.map": { slots: "map" },
  "media.lost": {},
  speaking: { members: "list" },
  pong: { id: "number" },
  reconnect: { after_ms: "number" },
  gap: { stream: "string", missed: "pair?" },
  closed: { code: "number" },
  ok: { id: "number" },
  refused: { id: "number", code: "string", message: "string" },
};

function isMap(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array)
  );
}

function isPatch(value: unknown): boolean {
  if (!Array.isArray(value) || value.length < 2 || value.length > 3) return false;
  return typeof value[0] === "string" && typeof value[1] === "string";
}

function has(value: unknown, shape: Shape): boolean {
  switch (shape) {
    case "bytes":
      return value instanceof Uint8Array;
    case "map":
      return isMap(value);
    case "map?":
      return value === null || value === undefined || isMap(value);
    case "patches?":
      return value === null || value === undefined || (Array.isArray(value) && value.every(isPatch));
    case "list":
      return Array.isArray(value);
    case "body":
      return typeof value === "string" || value instanceof Uint8Array;
    case "pair?":
      return value === null || value === undefined || (Array.isArray(value) && value.length === 2);
    default:
      return typeof value === shape;
  }
}

/** Checks a frame: `"unknown"` if its type is unknown, null if it is malformed. */
export function readFrame(value: unknown): ServerFrame | "unknown" | null {
  if (!isMap(value) || typeof value["t"] !== "string") return null;
  if (!Object.hasOwn(SHAPES, value["t"])) return "unknown";
  const shape = own(SHAPES, value["t"] as ServerFrame["t"]);
  for (const [field, wanted] of Object.entries(shape)) {
    if (!has(own(value, field), wanted)) return null;
  }
  return value as unknown as ServerFrame;
}
