/**
 * Sitwith's browser library: everything that a page above it may use, and no UI.
 *
 * ```ts
 * const { link } = enterBy(browserAddress()); // its token is in no address from here on
 * const client = new RoomClient({ url: socketUrl(location.href), room: link!.room, token: link!.token });
 * client.subscribe(() => draw(client.snapshot));
 * if (client.hasSeat()) client.resume();
 * else client.join("Ada");
 * // … once the snapshot's phase is "agreement" and the person agrees:
 * await client.accept();
 * const answer = await client.send("chat.say", { to: "circle", body: "Good evening." });
 * if (!answer.ok) show(answer.message);
 * ```
 */

export { RoomClient, type Phase, type RoomClientOptions, type Snapshot } from "./client.ts";
export { Media, type MediaStatus, type MediaSnapshot } from "./media/media.ts";
export type { DeviceStatus, DeviceError } from "./media/capture.ts";
export { chime, echoTest, meter, type Meter } from "./media/check.ts";
export { DEFAULT_CHOICES, type Choices } from "./media/choices.ts";
export { browserMediaHost, NO_DEVICES, deviceErrorOf, type Device, type Devices, type MediaHost } from "./media/host.ts";
export type { Digest, Flow } from "./media/stats.ts";
export { browserAddress, enterBy, type AddressHost, type Entrance } from "./entry/address.ts";
export { newLink, parseLink, socketUrl, type InviteLink } from "./entry/link.ts";
export { own, put } from "./own.ts";
export { LIMITS } from "./wire/messages.ts";
export { blind, blindAll, CONCERN_MAX, normalConcern, TAGS_MAX } from "./linking.ts";
export { LINES_PATH, loadCrisisLines, reachesNobody, type CrisisLine, type CrisisLines } from "./http/care.ts";
export { loadTemplates, type Template } from "./http/templates.ts";
export {
  dropPerson,
  forgetPerson,
  invitePath,
  keepPerson,
  newPerson,
  personCode,
  personOf,
  readPerson,
} from "./entry/series.ts";
export { uploadMaterial, downloadMaterial, isWebLink, type Uploaded, type Downloaded } from "./http/materials.ts";
export type {
  Agenda,
  Agreement,
  Answer,
  AnswerFields,
  Breathe,
  Card,
  CareEntry,
  CareLevel,
  CommandFields,
  CommandName,
  ConversationId,
  FailureCode,
  Floor,
  GroupId,
  Guests,
  Here,
  InboxLine,
  Kind,
  LinkUse,
  LobbyPerson,
  Material,
  Member,
  MemberId,
  Milestone,
  Mood,
  Notice,
  Pairs,
  PauseReason,
  Pictures,
  Plan,
  PlanHow,
  RefusalCode,
  Role,
  Round,
  Settings,
  Slices,
  Stage,
  StageKind,
} from "./wire/messages.ts";
export type { ChatMessage, Conversation, Gap, ReactionSeen, RoomView } from "./room.ts";
export type { StorageLike } from "./entry/store.ts";
