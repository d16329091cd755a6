import { describe, expect, it } from "vitest";
import {
  BASE,
  CAP,
  shouldReconnect,
  delay,
  FIRST_JITTER,
  LATE_GREETING,
  STABLE,
  IDLE,
  step,
  type ConnectionState,
  WAKE_SPACING,
} from "../../src/lib/connection/reconnect.ts";
import { seeded } from "../support/world.ts";

const lose = (link: ConnectionState, now: number, code = 1006, chance = 0.5): ConnectionState =>
  step(link, { kind: "lost", now, code, chance, greeted: true });

describe("close codes", () => {
  it("[CC1] come back after 4000-4399 and after accidents of the layer", () => {
    for (const code of [4000, 4001, 4002, 4003, 4004, 4399, 1001, 1005, 1006, 1011, 1012]) {
      expect(shouldReconnect(code), String(code)).toBe(true);
    }
  });

  it("[CC1] stay away after 4400-4799, a good-bye and the layer's own too-large", () => {
    for (const code of [4400, 4403, 4404, 4405, 4408, 4409, 4413, 4423, 4429, 4799, 1000, 1009]) {
      expect(shouldReconnect(code), String(code)).toBe(false);
    }
  });
});

describe("a place at the door", () => {
  it("[CC7] is asked for again by no timer and no wake-up", () => {
    const open = step(step(IDLE, { kind: "start", now: 0 }), { kind: "welcomed", now: 1 });
    const link = lose(open, 10, 4010);
    expect(link).toEqual({ kind: "done", code: 4010 });
    expect(step(link, { kind: "woke", now: 60_000 })).toBe(link);
  });
});

describe("delay", () => {
  it("[RE5] is nearly nothing the first time, and not the same for everybody", () => {
    const chance = seeded(7);
    const first = Array.from({ length: 200 }, () => delay(0, chance()));
    expect(Math.max(...first)).toBeLessThan(FIRST_JITTER);
    expect(new Set(first).size).toBeGreaterThan(190);
  });

  it("[RE5] doubles, between half and all of its time, up to the cap", () => {
    for (let attempt = 1; attempt < 200; attempt++) {
      const whole = Math.min(CAP, BASE * 2 ** attempt);
      expect(delay(attempt, 0)).toBe(whole / 2);
      expect(delay(attempt, 0.999_999)).toBeLessThan(whole);
      expect(delay(attempt, 0.999_999)).toBeGreaterThan(whole * 0.99);
    }
    expect(delay(50, 0)).toBe(CAP / 2);
  });
});

describe("policy", () => {
  it("tries, waits longer each time, and starts anew after a link that lasted", () => {
    let link = step(IDLE, { kind: "start", now: 0 });
    const waits: number[] = [];
    let now = 0;
    for (let i = 0; i < 6; i++) {
      link = lose(link, now);
      if (link.kind !== "waiting") throw new Error(link.kind);
      waits.push(link.until - now);
      now = link.until;
      expect(step(link, { kind: "timer", now: now - 1 })).toBe(link);
      link = step(link, { kind: "timer", now });
      expect(link.kind).toBe("trying");
    }
    expect(waits).toEqual([125, 750, 1500, 3000, 6000, 6000]);

    link = step(link, { kind: "welcomed", now });
    link = lose(link, now + STABLE);
    expect(link).toMatchObject({ kind: "waiting", attempt: 0 });
  });

  it("does not hammer a server that welcomes and drops at once", () => {
    let link = step(IDLE, { kind: "start", now: 0 });
    let now = 0;
    for (let i = 0; i < 4; i++) {
      link = step(link, { kind: "welcomed", now });
      link = lose(link, now + 10, 4003);
      if (link.kind !== "waiting") throw new Error(link.kind);
      now = link.until;
      link = step(link, { kind: "timer", now });
    }
    expect(link).toMatchObject({ kind: "trying", attempt: 4 });
  });

  it("tries at once when woken, but twice within a second only once", () => {
    const waiting: ConnectionState = {
      kind: "waiting",
      attempt: 5,
      since: 1000,
      until: 9000,
      lateUntil: 0,
    };
    const early = step(waiting, { kind: "woke", now: 1000 + WAKE_SPACING - 1 });
    expect(early).toMatchObject({ kind: "waiting", until: 1000 + WAKE_SPACING });
    const late = step(waiting, { kind: "woke", now: 1000 + WAKE_SPACING });
    expect(late).toMatchObject({ kind: "trying" });
    // The network that failed before is another one: its failures don't count any more.
    const next = lose(late, 2001);
    expect(next).toMatchObject({ kind: "waiting", attempt: 1 });
  });

  it("is not moved by a wake-up while it tries, is open or done", () => {
    const trying = step(IDLE, { kind: "start", now: 0 });
    const open = step(trying, { kind: "welcomed", now: 1 });
    const done = lose(open, 2, 4403);
    for (const link of [IDLE, trying, open, done])
      expect(step(link, { kind: "woke", now: 9999 })).toBe(link);
  });

  describe("a greeting that was given up may be taken late", () => {
    const start = step(IDLE, { kind: "start", now: 0 });
    const reopened = (link: ConnectionState, now: number): ConnectionState =>
      step(step(link, { kind: "timer", now }), { kind: "welcomed", now });

    it("[RE11] so 'connected elsewhere' soon after is no reason to stay away", () => {
      const open = reopened(lose(start, 100), 1_000);
      expect(lose(open, 100 + LATE_GREETING - 1, 4409)).toMatchObject({ kind: "waiting" });
      expect(lose(open, 100 + LATE_GREETING, 4409)).toEqual({ kind: "done", code: 4409 });
    });

    it("[RE11] but other final codes are, and so is it after a link that was welcomed", () => {
      const open = reopened(lose(start, 100), 1_000);
      expect(lose(open, 2_000, 4403)).toEqual({ kind: "done", code: 4403 });
      const welcomed = step(start, { kind: "welcomed", now: 1 });
      const back = reopened(lose(welcomed, 100), 1_000);
      expect(lose(back, 2_000, 4409)).toEqual({ kind: "done", code: 4409 });
    });

    it("[RE11] and where nothing was said none can be", () => {
      const shut = step(start, { kind: "lost", now: 1, code: 1006, chance: 0, greeted: false });
      expect(lose(reopened(shut, 1_000), 2_000, 4409)).toEqual({ kind: "done", code: 4409 });
    });

    it("[RE11] and two tabs of one seat don't take it from each other for ever", () => {
      let link = reopened(lose(start, 100), 1_000);
      for (let now = 2_000; link.kind !== "done"; now += 10_000) {
        expect(now).toBeLessThan(60_000);
        link = lose(link, now, 4409);
        if (link.kind === "waiting") link = reopened(link, link.until);
      }
    });
  });

  it("ends for good at a code that says so, and nothing but a new start revives it", () => {
    const open = step(step(IDLE, { kind: "start", now: 0 }), { kind: "welcomed", now: 1 });
    const done = lose(open, 2, 4409);
    expect(done).toEqual({ kind: "done", code: 4409 });
    expect(lose(done, 3, 1006)).toBe(done);
    expect(step(done, { kind: "timer", now: 99_999 })).toBe(done);
    expect(step(done, { kind: "start", now: 4 }).kind).toBe("trying");
  });
});
