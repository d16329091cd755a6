/** The part of the client library that the interface stands on. */
import type { RoomClient, Snapshot } from "../lib/index.ts";

export type {
  ChatMessage,
  CommandFields,
  CommandName,
  Conversation,
  Floor,
  Gap,
  Kind,
  LobbyPerson,
  Member,
  Pairs,
  ReactionSeen,
  Role,
  RoomView,
  Settings,
  Snapshot,
} from "../lib/index.ts";

/** What came of a command, whichever it was. */
export type Answer =
  | { readonly ok: true; readonly fields: unknown }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** What the page needs of a room client; fixtures stand in for it on the harness page. */
export type Port = Pick<
  RoomClient,
  "subscribe" | "hasSeat" | "join" | "resume" | "accept" | "send" | "markRead" | "close"
> & { readonly snapshot: Snapshot };
