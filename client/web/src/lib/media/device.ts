/** A microphone or a camera: carries out what `capture.ts` decides. */

import { holds, sends, step, UNTOUCHED, type Source, type SourceEvent } from "./capture.ts";
import type { Choices } from "./choices.ts";
import { deviceErrorOf, type MediaHost } from "./host.ts";

export class Device {
  private source: Source = UNTOUCHED;
  private taken: MediaStreamTrack | null = null;
  private cancelTimer: (() => void) | null = null;

  constructor(
    private readonly host: MediaHost,
    private readonly kind: "microphone" | "camera",
    private readonly choices: () => Choices,
    private readonly changed: () => void,
  ) {}

  get state(): Source {
    return this.source;
  }

  /** The open track, whether or not it is sent. */
  get track(): MediaStreamTrack | null {
    return this.taken;
  }

  step(event: SourceEvent): void {
    const before = this.source;
    this.source = step(before, event);
    if (this.source === before) return;
    this.follow(before);
    this.changed();
  }

  private follow(before: Source): void {
    const { capture } = this.source;
    // Silences at once; asynchronous changes follow.
    if (this.taken !== null) this.taken.enabled = sends(this.source);
    if (!holds(this.source)) this.letGo();
    if (capture === before.capture) return;
    this.cancelTimer?.();
    this.cancelTimer = null;
    if (capture.is === "asking") void this.ask(capture.ask);
    if (capture.is === "lingering") {
      const { until } = capture;
      this.cancelTimer = this.host.timer(Math.max(0, until - this.host.now()), () =>
        this.step({ kind: "timer", now: Math.max(until, this.host.now()) }),
      );
    }
  }

  private async ask(ask: number): Promise<void> {
    let track: MediaStreamTrack;
    try {
      track = await this.host.take(this.kind, this.choices());
    } catch (wrong) {
      this.step({ kind: "failed", ask, why: deviceErrorOf(wrong) });
      return;
    }
    const { capture } = this.source;
    if (capture.is !== "asking" || capture.ask !== ask) {
      track.stop();
      return;
    }
    this.taken = track;
    track.onended = () => {
      if (this.taken === track) this.step({ kind: "ended", now: this.host.now() });
    };
    this.step({ kind: "got", ask, now: this.host.now() });
  }

  /** Stops the track, so that the device's light goes out. */
  private letGo(): void {
    if (this.taken === null) return;
    this.taken.onended = null;
    this.taken.stop();
    this.taken = null;
  }
}
