/** The part of the client library that the interface stands on. */
import type { Media, MediaSnapshot, RoomClient, Snapshot } from "../lib/index.ts";

export type {
  Agenda,
  Breathe,
  Card,
  CareEntry,
  CareLevel,
  ChatMessage,
  Choices,
  CommandFields,
  CommandName,
  Conversation,
  DeviceStatus,
  Digest,
  Floor,
  Gap,
  InboxLine,
  Kind,
  Guests,
  LinkUse,
  LobbyPerson,
  Material,
  MediaSnapshot,
  Member,
  Milestone,
  Mood,
  Pairs,
  Pictures,
  Plan as PlanAnswer,
  PlanHow,
  ReactionSeen,
  Role,
  RoomView,
  Settings,
  Snapshot,
  Stage,
  StageKind,
  Template,
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

/** What the page needs of sound and picture. */
export type MediaPort = Pick<
  Media,
  "subscribe" | "microphone" | "camera" | "press" | "choose" | "hear" | "look" | "borrow" | "digest"
> & { readonly snapshot: MediaSnapshot };
