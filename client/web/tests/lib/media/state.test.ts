import { describe, expect, it } from "vitest";
import {
  ANSWER_WITHIN,
  BASE,
  CAP,
  delay,
  FIRST_JITTER,
  JOIN_WITHIN,
  OFF,
  DISCONNECTED_FOR,
  STABLE,
  step,
  type MediaState,
  type MediaEvent,
} from "../../../src/lib/media/state.ts";
import { isSilent, NEW_WATCH, watchPackets, SILENT_FOR } from "../../../src/lib/media/packet-watch.ts";

const START: MediaEvent = { kind: "start", now: 0 };
const timer = (now: number, signal = true): MediaEvent => ({ kind: "timer", now, chance: 0.5, signal });
const lost = (now: number, chance = 0.5): MediaEvent => ({ kind: "lost", now, chance });
const play = (...events: MediaEvent[]): MediaState => events.reduce(step, OFF);
const UP = play(START, { kind: "answered", offer: 1, now: 10 }, { kind: "connected", now: 100 });

describe("the media line", () => {
  it("offers once, is answered and comes up", () => {
    expect(play(START)).toMatchObject({ is: "offering", offer: 1, restart: false });
    expect(step(play(START), START)).toEqual(play(START));
    expect(UP).toMatchObject({ is: "up", offer: 1 });
  });

  it("offers anew by itself, soon but not everybody's at once, after media.lost", () => {
    const soon = step(UP, lost(STABLE + 200, 0));
    const later = step(UP, lost(STABLE + 200, 0.99));
    if (soon.is !== "waiting" || later.is !== "waiting") throw new Error("no wait");
    expect(soon.due).toBe(STABLE + 200);
    expect(later.due - soon.due).toBeLessThan(FIRST_JITTER);
    expect(step(later, timer(later.due))).toMatchObject({ is: "offering", offer: 2, restart: false });
  });

  it("waits longer each time for what never lasts, up to a cap", () => {
    let line: MediaState = UP;
    let now = 200;
    const waits: number[] = [];
    for (let i = 0; i < 12; i++) {
      line = step(line, lost(now));
      if (line.is !== "waiting") throw new Error("no wait");
      waits.push(line.due - now);
      now = line.due;
      line = step(line, timer(now));
      line = step(line, { kind: "answered", offer: i + 2, now });
      line = step(line, { kind: "connected", now });
    }
    expect([...waits].sort((a, b) => a - b)).toEqual(waits);
    expect(waits.at(-1)).toBe(0.75 * CAP);
    const lasted = step(line, lost(now + STABLE));
    expect(lasted).toMatchObject({ is: "waiting", attempt: 0 });
  });

  it("restarts ICE on another network, and after a moment without a way", () => {
    expect(step(UP, { kind: "network", now: 500 })).toMatchObject({ is: "offering", offer: 2, restart: true });
    const shaky = step(UP, { kind: "disconnected", now: 500 });
    expect(step(shaky, { kind: "connected", now: 600 })).toMatchObject({ is: "up", offer: 1 });
    expect(step(shaky, timer(500 + DISCONNECTED_FOR))).toMatchObject({ is: "offering", restart: true });
  });

  it("gives a restart up for a new connection", () => {
    const restart = step(UP, { kind: "network", now: 500 });
    const refused = step(restart, { kind: "refused", offer: 2, slow: false, now: 510, chance: 0 });
    expect(refused.is).toBe("waiting");
    expect(step(refused, timer(9_000))).toMatchObject({ is: "offering", offer: 3, restart: false });
    const silent = step(restart, { kind: "answered", offer: 2, now: 520 });
    expect(step(silent, timer(520 + JOIN_WITHIN)).is).toBe("waiting");
  });

  it("takes no answer to an earlier offer", () => {
    const second = step(step(play(START), timer(ANSWER_WITHIN)), timer(60_000));
    expect(second).toMatchObject({ is: "offering", offer: 2 });
    expect(step(second, { kind: "answered", offer: 1, now: 60_001 })).toBe(second);
  });

  it("waits for the room's line before it offers or gives an offer up", () => {
    const offering = play(START);
    expect(step(offering, timer(ANSWER_WITHIN, false))).toMatchObject({ is: "offering", offer: 1 });
    const waiting = step(UP, lost(5_000));
    const still = step(waiting, timer(60_000, false));
    expect(still).toMatchObject({ is: "waiting", due: 60_000 + BASE });
    expect(step(still, timer(60_000 + BASE))).toMatchObject({ is: "offering" });
  });

  it("asks rarely where asking again is of no use", () => {
    const slow = step(play(START), { kind: "refused", offer: 1, slow: true, now: 100, chance: 0 });
    expect(slow).toMatchObject({ is: "waiting" });
    if (slow.is === "waiting") expect(slow.due).toBeGreaterThan(10_000);
  });

  it("ends with the room from any state", () => {
    for (const line of [OFF, play(START), UP, step(UP, lost(1))]) expect(step(line, { kind: "stop" })).toBe(OFF);
  });

  it("spreads every wait", () => {
    for (let attempt = 1; attempt < 20; attempt++) {
      expect(delay(attempt, 0)).toBeLessThan(delay(attempt, 0.5));
      expect(delay(attempt, 0.999)).toBeLessThanOrEqual(CAP);
    }
  });
});

describe("silence where somebody speaks", () => {
  it("is noticed after a second without any packet", () => {
    const ear = watchPackets(NEW_WATCH, 10, true, 0);
    expect(isSilent(watchPackets(ear, 10, true, SILENT_FOR - 1), SILENT_FOR - 1)).toBe(false);
    expect(isSilent(watchPackets(ear, 10, true, SILENT_FOR), SILENT_FOR)).toBe(true);
  });

  it("is none while packets come or nobody speaks", () => {
    let ear = NEW_WATCH;
    for (let i = 0; i < 10; i++) {
      ear = watchPackets(ear, i, true, i * 900);
      expect(isSilent(ear, i * 900)).toBe(false);
    }
    for (let i = 10; i < 20; i++) {
      ear = watchPackets(ear, 9, false, i * 900);
      expect(isSilent(ear, i * 900)).toBe(false);
    }
  });
});
