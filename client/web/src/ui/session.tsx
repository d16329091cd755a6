/**
 * The page's own state around one room client: the latest snapshot as a signal, what is in view, short
 * notes about failures, and announcements for the screen reader.
 */
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { batch, computed, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { announce } from "./announce.ts";
import { amHolder, isolated } from "./model.ts";
import { NO_MOOD, remember } from "./moments/memory.ts";
import { TROUBLES, Voice, type VoiceKind } from "./media/voice.ts";
import { uploadMaterial, downloadMaterial, loadCrisisLines, loadTemplates, type CrisisLines, own } from "../lib/index.ts";
import type { Answer, Card, CommandFields, CommandName, DeviceStatus, MediaPort, Port, Snapshot, Template } from "./port.ts";
import { words } from "./words.ts";
import { voice } from "./words-media.ts";
import { moments } from "./words-moments.ts";

export type Tab = "circle" | "talk" | "turns";

export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly kind: "note" | "trouble";
}

/** The open dialog and its subject. One at a time. */
export type Dialog =
  | { readonly is: "person"; readonly id: string }
  | { readonly is: "me" }
  | { readonly is: "series" }
  | { readonly is: "leave" }
  | { readonly is: "round" }
  | { readonly is: "pairs" }
  | { readonly is: "evening" }
  | { readonly is: "templates" }
  | { readonly is: "concerns" }
  | { readonly is: "offer" }
  | { readonly is: "care"; readonly id?: string }
  | { readonly is: "card-entry" }
  | { readonly is: "mood" }
  | { readonly is: "milestone" }
  | { readonly is: "card"; readonly name: string; readonly card: Card | null }
  | { readonly is: "material"; readonly id: string }
  | { readonly is: "show" }
  | { readonly is: "guest"; readonly id: string }
  | { readonly is: "mute-all" }
  | { readonly is: "settings" }
  | { readonly is: "sound" }
  | { readonly is: "end" }
  | { readonly is: "decline-all"; readonly count: number }
  | { readonly is: "link"; readonly id: string | null; readonly now: boolean }
  | { readonly is: "decline"; readonly id: string; readonly name: string }
  | { readonly is: "remove"; readonly id: string }
  | { readonly is: "make"; readonly id: string }
  | { readonly is: "delete"; readonly to: string; readonly n: number };

const TOAST_MS = 9000;

export class Session {
  readonly snap: Signal<Snapshot>;
  readonly tab = signal<Tab>("circle");
  readonly dialog = signal<Dialog | null>(null);
  readonly toasts = signal<readonly Toast[]>([]);
  readonly polite = signal("");
  readonly urgent = signal("");
  /** The conversation in view, by its full name. */
  readonly talk = signal("circle");
  /** Whether the conversation in view is visible, so that it counts as read. */
  readonly chatVisible = signal(false);
  readonly drafts = signal<Readonly<Record<string, string>>>({});
  /** Whether this page has been inside: then 4404 means that the room has ended, else a dead link. */
  readonly wasInside = signal(false);
  /** Our own answer, which the room shows to nobody, and the counts that were shown. */
  readonly mood = signal(NO_MOOD);
  /** Whether the row of reactions is open. */
  readonly signs = signal(false);
  /** Members whom we nudged, and when on the room's clock. */
  readonly nudged = signal<ReadonlyMap<string, number>>(new Map());
  /** The person code sent with the agreement. */
  person: Uint8Array | null = null;
  /** The latest link made here; the server doesn't know it. */
  readonly newLink = signal<string | null>(null);
  /** The warning about the room's end that was dismissed. */
  readonly endingSeen = signal<number | null>(null);
  /** Whether this page has asked for the contact card that the room wants. */
  readonly cardAsked = signal(false);
  readonly online: ReadonlySignal<boolean>;
  readonly voice: Voice;
  /** Loads the agenda templates; fixtures replace it. */
  templates: () => Promise<readonly Template[]> = loadTemplates;
  crisisLines: () => Promise<CrisisLines> = loadCrisisLines;
  /** Uploads and downloads of materials; fixtures replace them. */
  files = {
    bring: (kind: "picture" | "pdf", file: Blob, title: string) =>
      uploadMaterial(this.client, this.snap.value.room.room, kind, file, title),
    get: (material: string) => downloadMaterial(this.client, this.snap.value.room.room, material),
  };
  /** Opens the page again with the link that was used, which leaving has removed. */
  openAgain: () => void = () => location.reload();
  private readonly busy = new Set<string>();
  private nextToast = 1;

  constructor(
    readonly client: Port,
    media: MediaPort,
  ) {
    this.voice = new Voice(media, {
      note: (text, kind) => this.note(text, kind),
      say: (text) => this.say(text),
      name: (id) => this.name(id),
      me: () => this.snap.value.me,
      muted: (kind) => {
        const { phase, room, me } = client.snapshot;
        const muted = phase === "inside" && me !== null ? own(room.members, me)?.muted : undefined;
        return muted?.includes(kind === "microphone" ? "audio" : "video") ?? false;
      },
    });
    this.snap = signal(client.snapshot);
    this.online = computed(() => this.snap.value.connection === "ok");
    this.take();
    client.subscribe(() => this.take());
  }

  private take(): void {
    const before = this.snap.value;
    const snap = this.client.snapshot;
    batch(() => {
      if (snap.phase === "inside") this.wasInside.value = true;
      if (snap.forgotten !== before.forgotten) this.clearMemory();
      this.snap.value = snap;
      this.mood.value = remember(this.mood.value, snap.room.mood);
      if (snap !== before) {
        this.tell(before, snap);
        this.pointTo(before, snap);
      }
      // The test of devices stays open in the lobby.
      const trying = this.dialog.value?.is === "sound" && snap.phase === "lobby" && before.phase === "lobby";
      const entering = snap.phase === "inside" && before.phase !== "inside";
      const asks = entering && !this.cardAsked.value && wantsCard(snap);
      if (entering || (snap.phase !== "inside" && !trying)) this.dialog.value = null;
      if (asks) {
        this.cardAsked.value = true;
        this.dialog.value = { is: "card-entry" };
      }
    });
  }

  /** The room has forgotten, so this page forgets too. */
  private clearMemory(): void {
    this.drafts.value = {};
    this.talk.value = "circle";
    this.tab.value = "circle";
    this.mood.value = NO_MOOD;
    this.nudged.value = new Map();
    this.endingSeen.value = null;
    this.cardAsked.value = false;
  }

  private tell(before: Snapshot, after: Snapshot): void {
    const inView = this.chatVisible.value ? this.talk.value : "";
    const { polite, urgent } = announce(before, after, (id) => this.name(id), inView);
    if (polite.length > 0) this.say(polite.join(" "));
    // Emptied after the turn, so that the same words are announced again next time.
    if (urgent !== null) {
      const silent = this.voice.snap.value.microphone === "off";
      this.urgent.value = silent ? `${urgent} ${voice.say.turnSilent}` : urgent;
    } else if (!amHolder(after)) this.urgent.value = "";
  }

  /** Notes about a mood question or nudge for people whose view is not the circle. */
  private pointTo(before: Snapshot, after: Snapshot): void {
    if (after.phase !== "inside" || before.phase !== "inside" || this.tab.value === "circle") return;
    if (after.room.mood?.open === true && before.room.mood?.open !== true) this.note(moments.mood.toast);
    if (after.room.nudge != null && before.room.nudge == null) this.note(moments.heard.toast);
  }

  name(id: string | null | undefined): string {
    if (id == null) return words.unknown;
    const snap = this.snap.value;
    return isolated(own(snap.room.members, id)?.name ?? own(snap.names, id) ?? words.unknown);
  }

  isMe(id: string | null | undefined): boolean {
    return id != null && id === this.snap.value.me;
  }

  /**
   * Sends a command and shows a note if it failed. Ignores a second press while the first is under way.
   * Returns the answer.
   */
  async act<T extends CommandName>(
    t: T,
    fields: CommandFields[T],
    options: { readonly done?: string; readonly quiet?: boolean } = {},
  ): Promise<Answer> {
    const key = `${t} ${JSON.stringify(fields)}`;
    if (!this.online.value) {
      if (options.quiet !== true) this.note(words.link.inert);
      return { ok: false, code: "frozen", message: "" };
    }
    if (this.busy.has(key)) return { ok: false, code: "too_fast", message: "" };
    this.busy.add(key);
    try {
      const answer = await this.client.send(t, fields);
      if (!answer.ok && options.quiet !== true) this.note(failure(answer.code), "trouble");
      if (answer.ok && options.done !== undefined) this.note(options.done);
      return answer;
    } finally {
      this.busy.delete(key);
    }
  }

  /** A press on microphone or camera: switches it, or opens help if it can't be opened. */
  turn(kind: VoiceKind): void {
    const { [kind]: look, connection } = this.voice.snap.value;
    if (look === "held" && this.snap.value.role !== "facilitator") return this.note(words.dock.heldHint);
    // With push-to-talk the button is held down; the switch is in More.
    if (look === "ready" || this.voice.snap.value.pressed) return;
    if (TROUBLES.includes(look) || connection === "unable") return this.open({ is: "sound" });
    this.switchTo(kind, look === "off" || look === "held");
  }

  switchTo(kind: VoiceKind, on: boolean): void {
    const { media, closing } = this.voice;
    if (!on) closing.add(kind);
    else closing.delete(kind);
    void (kind === "microphone" ? media.microphone(on) : media.camera(on)).then((answer) => {
      if (answer !== null && !answer.ok) this.note(failure(answer.code), "trouble");
    });
  }

  /** Also switches microphone and camera off. */
  async stepAway(away: boolean): Promise<Answer> {
    if (away && this.online.value) {
      const { microphone, camera } = this.voice.snap.value;
      if (isOpen(microphone)) this.switchTo("microphone", false);
      if (isOpen(camera)) this.switchTo("camera", false);
    }
    return this.act("self.away", { away });
  }

  note(text: string, kind: Toast["kind"] = "note"): void {
    const toast = { id: this.nextToast++, text, kind };
    this.toasts.value = [...this.toasts.value.filter((one) => one.text !== text).slice(-2), toast];
    setTimeout(() => this.dismiss(toast.id), TOAST_MS);
  }

  dismiss(id: number): void {
    this.toasts.value = this.toasts.value.filter((one) => one.id !== id);
  }

  /** Announces politely; joins announcements of the same moment. */
  say(text: string): void {
    this.polite.value = this.saidAt === now10() ? `${this.polite.value} ${text}` : text;
    this.saidAt = now10();
  }
  private saidAt = 0;

  open(dialog: Dialog): void {
    this.dialog.value = dialog;
  }

  shut(): void {
    this.dialog.value = null;
  }

  show(conversation: string): void {
    this.talk.value = conversation;
    this.tab.value = "talk";
  }

  draft(to: string, text: string): void {
    this.drafts.value = { ...this.drafts.value, [to]: text };
  }
}

/** Whether the room asks this member for a contact card and has none. */
export function wantsCard(snap: Snapshot): boolean {
  const { settings, card } = snap.room;
  return snap.phase === "inside" && snap.role === "member" && settings?.cards === true && card == null;
}

function isOpen(look: DeviceStatus): boolean {
  return look !== "off" && look !== "held";
}

/** Tenths of a second, to tell "in the same moment". */
function now10(): number {
  return Math.floor(performance.now() / 100);
}

export function failure(code: string): string {
  return own(words.failed, code) ?? words.failed["other"] ?? "";
}

const Context = createContext<Session | null>(null);
export const SessionProvider = Context.Provider;

export function useSession(): Session {
  const session = useContext(Context);
  if (session === null) throw new Error("no session above this component");
  return session;
}
