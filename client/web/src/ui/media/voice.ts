/** The page's state of sound and picture: the latest snapshot as signals, and announcements. */
import { batch, computed, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import type { DeviceStatus, MediaPort, MediaSnapshot } from "../port.ts";
import { voice as words } from "../words-media.ts";
import { hearSpeech, NOTHING_TOLD, SETTLED, type Told } from "./speech.ts";

export type VoiceKind = "microphone" | "camera";

/** What the page around it does with words. */
export interface Teller {
  note(text: string, kind: "note" | "trouble"): void;
  say(text: string): void;
  name(id: string): string;
  me(): string | null;
  /** Whether our seat is muted. */
  muted(kind: VoiceKind): boolean;
}

export const TROUBLES: readonly DeviceStatus[] = ["blocked", "missing", "busy", "other"];
const LASTING: readonly DeviceStatus[] = ["off", "on", "waiting", "ready", "held"];

export class Voice {
  readonly snap: Signal<MediaSnapshot>;
  readonly speaking: ReadonlySignal<ReadonlySet<string>>;
  readonly pictures: ReadonlySignal<MediaSnapshot["pictures"]>;
  /** Whether the introduction to microphones was read. */
  readonly greeted = signal(false);
  /** The devices that we switch off ourselves, which need no announcement. */
  readonly closing = new Set<VoiceKind>();
  private told: Told = NOTHING_TOLD;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly media: MediaPort,
    private readonly teller: Teller,
  ) {
    this.snap = signal(media.snapshot);
    let set: ReadonlySet<string> = new Set();
    this.speaking = computed(() => {
      const { speaking } = this.snap.value;
      if (speaking.length !== set.size || speaking.some((id) => !set.has(id))) set = new Set(speaking);
      return set;
    });
    let shown: MediaSnapshot["pictures"] = new Map();
    this.pictures = computed(() => {
      const { pictures } = this.snap.value;
      const same = pictures.size === shown.size && [...pictures].every(([id, stream]) => shown.get(id) === stream);
      if (!same) shown = pictures;
      return shown;
    });
    media.subscribe(() => batch(() => this.take()));
  }

  private take(): void {
    const before = this.snap.value;
    const after = this.media.snapshot;
    this.snap.value = after;
    for (const kind of ["microphone", "camera"] as const) this.tell(kind, before[kind], after[kind]);
    this.hear();
  }

  private tell(kind: VoiceKind, before: DeviceStatus, after: DeviceStatus): void {
    if (before === after) return;
    const trouble = words.note[kind][after];
    if (trouble !== undefined) return this.teller.note(trouble, "trouble");
    const open = before === "on" || before === "waiting" || before === "ready";
    const mine = this.closing.delete(kind);
    if (after === "off" && open && !mine && this.teller.muted(kind)) return this.teller.note(words.switchedOff[kind], "note");
    // Push-to-talk switches it all the time, which needs no announcement.
    const keyed = this.snap.value.choices.push && after !== "held";
    const was = before === "asking" || LASTING.includes(before) || TROUBLES.includes(before);
    const text = words.say[kind][after];
    if (was && !keyed && text !== undefined) this.teller.say(text);
  }

  private hear(): void {
    clearTimeout(this.timer);
    if (!this.snap.value.choices.sayWho) return;
    const now = performance.now();
    const { told, say } = hearSpeech(this.told, this.snap.value.speaking, this.teller.me(), now);
    this.told = told;
    if (say !== null) this.teller.say(words.speaks([this.teller.name(say)]));
    // No event comes while somebody goes on speaking, so check again later.
    if (told.who !== null && told.who !== told.said) this.timer = setTimeout(() => this.hear(), SETTLED);
  }
}
