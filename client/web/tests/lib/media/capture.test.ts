import { describe, expect, it } from "vitest";
import {
  holds,
  LINGER,
  deviceStatus,
  PRESS_LINGER,
  sends,
  step,
  UNTOUCHED,
  type Source,
  type SourceEvent,
} from "../../../src/lib/media/capture.ts";
import { seeded } from "../../support/world.ts";

const NOW = 1_000;
const play = (...events: SourceEvent[]): Source => events.reduce(step, UNTOUCHED);
const ON: SourceEvent = { kind: "wish", on: true, now: NOW };
const OFF: SourceEvent = { kind: "wish", on: false, now: NOW };
const WAY: SourceEvent = { kind: "way", open: true };
const got = (ask: number): SourceEvent => ({ kind: "got", ask, now: NOW });
const muted = (how: "no" | "self" | "held"): SourceEvent => ({ kind: "muted", muted: how, now: NOW });

describe("a microphone", () => {
  it("is asked for by a press, is on with a way and waits without one", () => {
    expect(deviceStatus(play(WAY))).toBe("off");
    expect(deviceStatus(play(WAY, ON))).toBe("asking");
    expect(deviceStatus(play(WAY, ON, got(1)))).toBe("on");
    const waiting = play(ON, got(1));
    expect(deviceStatus(waiting)).toBe("waiting");
    expect(holds(waiting)).toBe(true);
    expect(sends(waiting)).toBe(false);
    expect(sends(step(waiting, WAY))).toBe(true);
  });

  it("is let go a moment after it was switched off, and taken up again by a slip of the finger", () => {
    const off = play(WAY, ON, got(1), OFF);
    expect(sends(off)).toBe(false);
    expect(deviceStatus(off)).toBe("off");
    expect(deviceStatus(step(off, ON))).toBe("on");
    expect(holds(step(off, { kind: "timer", now: NOW + LINGER - 1 }))).toBe(true);
    expect(holds(step(off, { kind: "timer", now: NOW + LINGER }))).toBe(false);
  });

  it("is let go at once where a facilitator holds it, and no lifted mute brings it back", () => {
    const held = play(WAY, ON, got(1), muted("held"));
    expect(held.capture.is).toBe("none");
    expect(deviceStatus(held)).toBe("held");
    const lifted = step(held, muted("no"));
    expect(deviceStatus(lifted)).toBe("off");
    expect(deviceStatus(step(step(lifted, ON), got(2)))).toBe("on");
  });

  it("falls silent with a mute of one's own kind, too", () => {
    const all = play(WAY, ON, got(1), muted("self"));
    expect(sends(all)).toBe(false);
    expect(deviceStatus(step(all, muted("no")))).toBe("off");
  });

  it("lets go of what comes too late", () => {
    const gone = play(WAY, ON, OFF);
    expect(gone.capture.is).toBe("none");
    expect(step(gone, got(1))).toBe(gone);
    expect(step(step(gone, ON), got(1)).capture.is).toBe("asking");
  });

  it("says what is wrong, and asks again at the next press or when devices change", () => {
    const blocked = play(WAY, ON, { kind: "failed", ask: 1, why: "blocked" });
    expect(deviceStatus(blocked)).toBe("blocked");
    expect(step(blocked, ON).capture).toEqual({ is: "asking", ask: 2 });
    const changed = step(blocked, { kind: "changed", retake: false, now: NOW });
    expect(changed.capture).toEqual({ is: "asking", ask: 2 });
    expect(deviceStatus(step(blocked, OFF))).toBe("off");
  });

  it("moves to another device when its own is pulled out, but not while it is off", () => {
    const ended: SourceEvent = { kind: "ended", now: NOW };
    expect(step(play(WAY, ON, got(1)), ended).capture).toEqual({ is: "asking", ask: 2 });
    expect(step(play(WAY, ON, got(1), OFF), ended).capture).toEqual({ is: "none" });
  });

  it("is heard only while the key is down, and kept between two presses", () => {
    const key = (talk: "ready" | "pressed"): SourceEvent => ({ kind: "talk", talk, now: NOW });
    const ready = play(WAY, key("ready"), ON);
    expect(ready.capture.is).toBe("none");
    expect(deviceStatus(ready)).toBe("ready");
    const down = step(step(ready, key("pressed")), got(1));
    expect(deviceStatus(down)).toBe("on");
    const up = step(down, key("ready"));
    expect(sends(up)).toBe(false);
    expect(holds(step(up, { kind: "timer", now: NOW + PRESS_LINGER - 1 }))).toBe(true);
    expect(holds(step(up, { kind: "timer", now: NOW + PRESS_LINGER }))).toBe(false);
    expect(deviceStatus(step(up, key("pressed")))).toBe("on");
  });

  it("keeps its laws through any story", () => {
    const random = seeded(7);
    const any = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
    for (let story = 0; story < 300; story++) {
      let source = UNTOUCHED;
      let pressed = false;
      for (let i = 0; i < 40; i++) {
        const now = NOW + i * 300;
        const event = any<SourceEvent>([
          { kind: "wish", on: random() < 0.6, now },
          { kind: "muted", muted: any(["no", "self", "held"] as const), now },
          { kind: "way", open: random() < 0.7 },
          { kind: "talk", talk: any(["always", "ready", "pressed"] as const), now },
          { kind: "got", ask: source.asks, now },
          { kind: "failed", ask: source.asks, why: "busy" },
          { kind: "ended", now },
          { kind: "changed", retake: random() < 0.5, now },
          { kind: "timer", now },
        ]);
        const before = source;
        source = step(before, event);
        if (event.kind === "wish") pressed = event.on;
        if (event.kind === "muted" && event.muted !== "no" && event.muted !== before.muted) pressed = false;
        // Nothing is taken, asked for or sent without the person's own word for it.
        expect(source.wish).toBe(pressed);
        if (source.capture.is === "asking" && before.capture.is !== "asking") expect(pressed).toBe(true);
        if (sends(source)) expect(pressed && source.muted === "no" && source.way).toBe(true);
        if (source.muted === "held") expect(source.capture.is).toBe("none");
        if (!holds(before) && holds(source)) expect(event.kind).toBe("got");
        // What is held without being wanted is on its way out.
        if (holds(source) && !source.wish) expect(source.capture.is).toBe("lingering");
      }
    }
  });
});
