import { describe, expect, it } from "vitest";
import type { Agenda, Snapshot, Stage, StageKind } from "../../src/ui/port.ts";
import { announce } from "../../src/ui/announce.ts";
import { breathAt, breathWords, phases } from "../../src/ui/evening/breath.ts";
import {
  asMinutes, fitting, following, promptOf, redraft, roundOf, sharesTime, stageLeft, titleOf, wholeLength,
} from "../../src/ui/evening/stages.ts";
import { added, changed, moved, editedStages, removed, rowsOf, isEdited, withRounds, type Row } from "../../src/ui/evening/edit.ts";
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

  it("are redrafted where something was typed, and nowhere else", () => {
    expect(redraft(STAGES[1]!, { rounds: { 1: "Why? " } })).toEqual({ ...STAGES[1], rounds: [{ prompt: "How?" }, { prompt: "Why?" }] });
    expect(redraft(STAGES[2]!, { title: " Bye ", minutes: "2,5" })).toEqual({ kind: "debrief", title: "Bye", seconds: 150 });
    expect(redraft(STAGES[0]!, { prompt: " ", title: "" })).toEqual({ kind: "arrival", seconds: 300 });
    expect(redraft(STAGES[1]!, { turn: "1,5" })?.turn_seconds).toBe(90);
    expect(redraft({ ...STAGES[1]!, turn_seconds: 60 }, { turn: " " })).toEqual(STAGES[1]);
    for (const one of STAGES) expect(redraft(one, { minutes: asMinutes(one.seconds) })).toEqual(one);
  });

  it("are refused where a length is none or words are too long", () => {
    for (const minutes of ["", "soon", "0", "-1", "121", "NaN", "Infinity", "1e9"]) {
      expect(redraft(STAGES[1]!, { minutes }), minutes).toBeNull();
      if (minutes !== "") expect(redraft(STAGES[1]!, { turn: minutes }), minutes).toBeNull();
    }
    expect(redraft(STAGES[0]!, { title: "x".repeat(121) })).toBeNull();
    expect(redraft(STAGES[0]!, { prompt: "x".repeat(2001) })).toBeNull();
  });
});

describe("an agenda under a facilitator's hands", () => {
  const stages = (agenda: Agenda | null, rows: readonly Row[]): Stage[] => {
    const made = editedStages(agenda, rows);
    expect(Array.isArray(made)).toBe(true);
    return made as Stage[];
  };

  it("is the same where nothing was touched", () => {
    const rows = rowsOf(STAGES);
    expect(isEdited(STAGES, rows)).toBe(false);
    expect(stages(agenda({ at: null }), rows)).toEqual(STAGES);
  });

  it("takes parts in, out and to another place, among those that are to come", () => {
    const rows = rowsOf(STAGES);
    const more = added(rows, "break");
    expect(isEdited(STAGES, more)).toBe(true);
    const last = more.at(-1)!;
    expect(stages(agenda(), moved(more, last.key, -1, 2)).map(({ kind }) => kind)).toEqual(["arrival", "round", "break", "debrief"]);
    // Nothing goes before what has begun.
    expect(moved(more, more[2]!.key, -1, 2)).toEqual(more);
    expect(moved(more, last.key, 1, 2)).toEqual(more);
    expect(stages(agenda(), removed(rows, rows[2]!.key))).toHaveLength(2);
  });

  it("keeps what has begun meanwhile as the room has it", () => {
    const rows = changed(rowsOf(STAGES), 0, {});
    const typed = rows.map((row, i) => (i === 1 ? { ...row, draft: { title: "Other" } } : row));
    expect(stages(agenda({ at: 0 }), typed)[1]!.title).toBe("Other");
    expect(stages(agenda({ at: 1 }), typed)[1]!.title).toBe("Opening round");
    expect(stages(agenda({ at: 1 }), removed(typed, typed[1]!.key))).toEqual(STAGES);
  });

  it("names the part that does not fit", () => {
    const rows = rowsOf(STAGES).map((row, i) => (i === 2 ? { ...row, draft: { minutes: "soon" } } : row));
    expect(editedStages(agenda(), rows)).toBe(rows[2]);
  });

  it("has only fields that go together, whatever was chosen before", () => {
    for (const kind of Object.keys(evening.kinds) as StageKind[]) {
      const one = added([], kind)[0]!.stage;
      expect(fitting(one), kind).toEqual(one);
    }
    const round: Stage = { kind: "round", seconds: 60, floor: "round", turn_seconds: 30, rounds: [{ prompt: "a" }, { prompt: "b" }] };
    expect(fitting({ ...round, floor: "open" })).toEqual({ kind: "round", seconds: 60, floor: "open" });
    expect(fitting({ ...round, floor: "stick" })).toEqual({ kind: "round", seconds: 60, floor: "stick", turn_seconds: 30 });
    expect(fitting({ kind: "debrief", seconds: 60, pairs: { size: 2, how: "fresh" } })).toEqual({ kind: "debrief", seconds: 60 });
  });

  it("makes rounds of a prompt and a prompt of rounds", () => {
    const row: Row = { key: 1, origin: null, stage: { kind: "round", seconds: 60, floor: "round", prompt: "How?" }, draft: { prompt: "How so?" } };
    const two = withRounds(row, 2);
    expect(two.stage.rounds).toEqual([{ prompt: "How so?" }, { prompt: "" }]);
    const typed = { ...two, draft: { ...two.draft, rounds: { 1: "What?" } } };
    expect(withRounds(typed, 3).stage.rounds).toEqual([{ prompt: "How so?" }, { prompt: "What?" }, { prompt: "" }]);
    const one = withRounds(typed, 1);
    expect(one.stage.rounds).toBeUndefined();
    expect(redraft(one.stage, one.draft)?.prompt).toBe("How so?");
    expect(withRounds(row, 99).stage.rounds).toHaveLength(12);
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
