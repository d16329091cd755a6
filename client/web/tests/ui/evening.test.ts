import { describe, expect, it } from "vitest";
import type { Agenda, Snapshot, Stage } from "../../src/ui/port.ts";
import { announce } from "../../src/ui/announce.ts";
import { breathAt, breathWords, phases } from "../../src/ui/evening/breath.ts";
import {
  asMinutes, following, promptOf, redraft, rewrite, roundOf, sharesTime, stageLeft, titleOf, wholeLength,
} from "../../src/ui/evening/stages.ts";
import { floor, NOW, room, snapshot } from "../../src/ui/harness/fixtures.ts";
import { evening } from "../../src/ui/words-evening.ts";

const STAGES: Stage[] = [
  { kind: "arrival", seconds: 300, prompt: "Hello." },
  { kind: "round", title: "Opening round", seconds: 900, floor: "round", rounds: [{ prompt: "How?" }, { prompt: "What?" }] },
  { kind: "debrief", title: "Good night", seconds: 600 },
];
const agenda = (change: Partial<Agenda> = {}): Agenda => ({ stages: STAGES, at: 1, ends_at: NOW + 60, over: false, round: 1, ...change });

describe("the evening's parts", () => {
  it("have a title, the prompt of their round, what follows and the time left", () => {
    expect(titleOf(STAGES[0]!)).toBe(evening.kinds.arrival);
    expect(promptOf(agenda())).toBe("What?");
    expect(promptOf(agenda({ at: 0, round: null }))).toBe("Hello.");
    expect(roundOf(agenda())).toBe("Round 2 of 2");
    expect(roundOf(agenda({ round: null }))).toBeNull();
    expect(following(agenda())?.title).toBe("Good night");
    expect(following(agenda({ at: null }))?.kind).toBe("arrival");
    expect(following(agenda({ at: 2 }))).toBeNull();
    expect(stageLeft(agenda({ ends_at: NOW - 5 }), NOW)).toBe(-5);
    expect(wholeLength(STAGES)).toBe(1200);
  });

  it("share their time only while there is some", () => {
    expect(sharesTime(agenda(), NOW)).toBe(true);
    expect(sharesTime(agenda({ ends_at: NOW }), NOW)).toBe(false);
    expect(sharesTime(agenda({ over: true }), NOW)).toBe(false);
    expect(sharesTime(null, NOW)).toBe(false);
  });

  it("are rewritten where the draft says so, and nowhere else", () => {
    const next = rewrite(STAGES, { 2: { title: " Bye ", minutes: "2,5" }, 1: { rounds: { 1: "Why? " } } });
    expect(next).toEqual([
      STAGES[0],
      { ...STAGES[1], rounds: [{ prompt: "How?" }, { prompt: "Why?" }] },
      { kind: "debrief", title: "Bye", seconds: 150 },
    ]);
    expect(redraft(STAGES[0]!, { prompt: " ", title: "" })).toEqual({ kind: "arrival", seconds: 300 });
    expect(rewrite(STAGES, Object.fromEntries(STAGES.map((one, i) => [i, { minutes: asMinutes(one.seconds) }])))).toEqual(STAGES);
  });

  it("are refused by their place where a length is none", () => {
    for (const minutes of ["", "soon", "0", "-1", "121", "NaN", "Infinity", "1e9"]) {
      expect(rewrite(STAGES, { 1: { minutes } }), minutes).toBe(1);
    }
    expect(redraft(STAGES[0]!, { title: "x".repeat(121) })).toBeNull();
    expect(redraft(STAGES[0]!, { prompt: "x".repeat(2001) })).toBeNull();
  });
});

describe("breathing together", () => {
  const breathe = { pattern: [4, 2, 6], starts_at: 1000, ends_at: 1060 };

  it("goes through its phases by the clock alone, again and again", () => {
    expect(breathAt(breathe, 998.5)).toEqual({ phase: "soon", count: 2, size: 0 });
    for (const lap of [0, 12, 48]) {
      expect(breathAt(breathe, 1000 + lap)).toEqual({ phase: "in", count: 4, size: 0 });
      expect(breathAt(breathe, 1002 + lap)?.size).toBeCloseTo(0.5);
      expect(breathAt(breathe, 1005 + lap)).toEqual({ phase: "hold", count: 1, size: 1 });
      expect(breathAt(breathe, 1006 + lap)).toEqual({ phase: "out", count: 6, size: 1 });
    }
    expect(breathAt(breathe, 1060)).toBeNull();
    expect(breathAt(null, 1000)).toBeNull();
  });

  it("never jumps, whatever the pattern", () => {
    for (const pattern of [[4, 6], [4, 2, 6], [4, 4, 4, 4], [8], [4, 0, 6, 0], [0.5, 0.25, 1]]) {
      const one = { pattern, starts_at: 0, ends_at: 60 };
      const sizes = Array.from({ length: 5990 }, (_, i) => breathAt(one, i / 100)?.size ?? 0);
      const steps = sizes.slice(1).map((size, i) => Math.abs(size - (sizes[i] ?? 0)));
      expect(Math.max(...steps), `${pattern}`).toBeLessThan(0.05);
      expect(Math.max(...sizes), `${pattern}`).toBeGreaterThan(0.9);
    }
    expect(breathAt({ pattern: [0], starts_at: 0, ends_at: 9 }, 1)).toBeNull();
  });

  it("is told in words with its lengths, without the phases of no length", () => {
    expect(phases([4, 0, 6])).toEqual([{ phase: "in", seconds: 4 }, { phase: "out", seconds: 6 }]);
    expect(breathWords([4, 6])).toContain("breathe in for 4 seconds, breathe out for 6 seconds");
  });
});

describe("what is said of the evening", () => {
  const name = (): string => "?";
  const said = (before: Snapshot, after: Snapshot): readonly string[] => announce(before, after, name, "circle").polite;
  const turn = (signal: 60 | 10 | null, holder = "m3"): Snapshot =>
    snapshot({ room: room({ floor: floor({ mode: "stick", holder, turn: 2, signal }) }) });

  it("is the new part and its prompt, once", () => {
    const first = snapshot({ room: room({ agenda: agenda({ at: 0, round: null }) }) });
    const second = snapshot({ room: room({ agenda: agenda({ round: 0 }) }) });
    expect(said(first, second)).toContain("Opening round. How?");
    expect(said(second, snapshot({ room: room({ agenda: agenda({ round: 0, ends_at: NOW + 400 }) }) }))).toEqual([]);
  });

  it("is each signal once, to whoever has the turn", () => {
    expect(said(turn(null), turn(60))).toEqual([evening.signal.say60]);
    expect(said(turn(60), turn(60))).toEqual([]);
    expect(said(turn(60), turn(10))).toEqual([evening.signal.say10]);
    expect(said(turn(10), turn(null))).toEqual([]);
    expect(said(turn(null, "m1"), turn(60, "m1"))).toEqual([]);
  });

  it("is the beginning and the end of breathing together", () => {
    const still = snapshot();
    const on = snapshot({ room: room({ breathe: { pattern: [4, 6], starts_at: NOW, ends_at: NOW + 60 } }) });
    expect(said(still, on)).toEqual([breathWords([4, 6])]);
    expect(said(on, still)).toEqual([evening.breathe.over]);
  });
});
