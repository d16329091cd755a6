import { describe, expect, it } from "vitest";
import { sortedLines } from "../../src/ui/care/inbox.tsx";
import { callsOf } from "../../src/ui/care/panel.tsx";
import { announce } from "../../src/ui/announce.ts";
import { mayNudge } from "../../src/ui/guide/heard-panel.tsx";
import { floor, members, NOW, room, snapshot } from "../../src/ui/harness/fixtures.ts";
import { person } from "../../src/ui/model.ts";
import { NO_MOOD, remember, shares, sum, type MoodMemory } from "../../src/ui/moments/memory.ts";
import { milestonesNow, whyNoMilestone } from "../../src/ui/moments/milestones.tsx";
import { whyHidden } from "../../src/ui/moments/mood-parts.tsx";
import type { Milestone, Mood, RoomView, Settings, Snapshot } from "../../src/ui/port.ts";
import { wantsCard } from "../../src/ui/session.tsx";
import { moments } from "../../src/ui/words-moments.ts";

const guide = { me: "m0", role: "facilitator" } as const;
const shown = (change: Partial<RoomView>, who: Partial<Snapshot> = {}): Snapshot => snapshot({ ...who, room: room(change) });
const named = (snap: Snapshot) => (id: string | null | undefined): string => snap.names[id ?? ""] ?? "?";
const said = (before: Snapshot, after: Snapshot): readonly string[] => announce(before, after, named(after), "circle").polite;
const settings = (change: Partial<Settings>): Settings => ({ ...(room().settings as Settings), ...change });

const open = (answers: number): Mood => ({ open: true, answers, result: null });
const counts = (...n: [number, number, number, number, number]) => ({ 1: n[0], 2: n[1], 3: n[2], 4: n[3], 5: n[4] });
const shut = (result: Mood["result"] = null): Mood => ({ open: false, answers: 6, result });
const after = (...moods: (Mood | null)[]): MoodMemory => moods.reduce(remember, NO_MOOD);

describe("what the page remembers of moods", () => {
  it("is one's own answer for as long as the question is open", () => {
    const mine = { ...after(open(0)), mine: 4 as const };
    expect(remember(mine, open(1)).mine).toBe(4);
    expect(remember(mine, null).mine).toBe(4);
    // Another question: answers never become fewer in one.
    expect(remember({ ...after(open(3)), mine: 4 }, open(0)).mine).toBeNull();
    expect(remember(remember(mine, shut()), open(0)).mine).toBeNull();
  });

  it("is the counts that were shown before, beside those of now", () => {
    const first = counts(3, 2, 1, 0, 0);
    const second = counts(0, 0, 1, 2, 3);
    const memory = after(open(0), shut({ counts: first }), open(0), open(6), shut({ counts: second }));
    expect([memory.earlier, memory.latest]).toEqual([first, second]);
    // A question of which nothing could be shown takes away nothing.
    expect(after(open(0), shut({ counts: first }), open(0), shut(), open(0), shut({ counts: second })).earlier).toEqual(first);
  });

  it("brings what was put away back with the next news", () => {
    const put = { ...after(open(2)), put: true };
    expect(remember(put, open(3)).put).toBe(true);
    expect(remember(put, shut()).put).toBe(false);
    const gone = { ...after(open(2), shut({ counts: counts(1, 1, 1, 1, 1) })), put: true };
    expect(remember(gone, shut({ counts: counts(1, 1, 1, 1, 1) })).put).toBe(true);
  });

  it("is drawn in shares of the largest count", () => {
    expect(sum(counts(1, 0, 2, 5, 1))).toBe(9);
    expect(shares(counts(1, 0, 2, 4, 1))).toEqual(counts(0.25, 0, 0.5, 1, 0.25));
    expect(shares(counts(0, 0, 0, 0, 0))).toEqual(counts(0, 0, 0, 0, 0));
  });
});

describe("why nothing is shown", () => {
  it("is that there are too few, or that the room is strict", () => {
    expect(whyHidden({ ...shut(), answers: 4 })).toBe(moments.mood.few);
    expect(whyHidden({ ...shut(), answers: 5 })).toBe(moments.mood.held);
  });
});

describe("milestones", () => {
  const one: Milestone = { n: 1, member: "m5", text: "A year.", ends_at: NOW + 5 };

  it("are shown until their moment is over", () => {
    expect(milestonesNow(shown({ milestones: [one] }), NOW + 4)).toEqual([one]);
    expect(milestonesNow(shown({ milestones: [one] }), NOW + 5)).toEqual([]);
  });

  it("say why one can't be shared", () => {
    const why = moments.milestone.why;
    expect(whyNoMilestone(shown({ milestones: [one] }))).toBeNull();
    expect(whyNoMilestone(shown({ milestones: [{ ...one, member: "m3" }] }))).toBe(why.one);
    expect(whyNoMilestone(shown({ settings: settings({ chat: "staff" }) }))).toBe(why.chat);
    expect(whyNoMilestone(shown({ settings: settings({ chat: "off" }) }, guide))).toBeNull();
    expect(whyNoMilestone(shown({ settings: settings({ sealed: true }) }))).toBe(why.sealed);
    expect(whyNoMilestone(shown({ members: members(8, { m3: { muted: ["chat"] } }) }))).toBe(why.muted);
    const pairs = { groups: { g1: ["m3", "m4"] }, mine: "g1", ends_at: null, visitors: {}, asked: false, closing: false };
    expect(whyNoMilestone(shown({ pairs }))).toBe(why.group);
  });

  it("are said once, and not to whoever shares them", () => {
    const words = moments.milestone.say("Rosalind", "A year.");
    const before = shown({});
    const now = shown({ milestones: [one] });
    expect(said(before, now)).toEqual([words]);
    expect(said(now, now)).toEqual([]);
    expect(said(shown({}, { me: "m5" }), shown({ milestones: [one] }, { me: "m5" }))).toEqual([]);
  });
});

describe("what is said of moods, nudges and the inbox", () => {
  it("is that it is asked, and what came of it", () => {
    const asked = shown({ mood: open(0) });
    expect(said(shown({}), asked)).toEqual([moments.mood.say.asked]);
    expect(said(asked, shown({ mood: open(1) }))).toEqual([]);
    expect(said(asked, shown({ mood: { ...shut(), answers: 4 } }))).toEqual([moments.mood.say.few]);
    expect(said(asked, shown({ mood: shut() }))).toEqual([moments.mood.say.held]);
    expect(said(asked, shown({ mood: shut({ counts: counts(1, 1, 1, 1, 1) }) }))).toEqual([moments.mood.say.shown]);
    expect(said(shown({}), shown({ nudge: { at: NOW } }))).toEqual([moments.heard.say]);
  });

  it("is who took a line, to the other facilitators alone", () => {
    const free = { m4: { claimed_by: null, waiting: true } };
    const taken = { m4: { claimed_by: "m8", waiting: true } };
    const people = { members: members(9, { m8: { role: "facilitator" } }) };
    expect(said(shown({ ...people, inbox: free }, guide), shown({ ...people, inbox: taken }, guide))).toEqual([moments.inbox.say("Li Wei", "Old Joe")]);
    const mine = { m4: { claimed_by: "m0", waiting: true } };
    expect(said(shown({ ...people, inbox: free }, guide), shown({ ...people, inbox: mine }, guide))).toEqual([]);
  });

  it("puts the lines that nobody is on first", () => {
    const inbox = {
      m2: { claimed_by: null, waiting: false }, m6: { claimed_by: "m0", waiting: true },
      m4: { claimed_by: null, waiting: true }, m5: { claimed_by: null, waiting: true },
    };
    expect(sortedLines(shown({ inbox }, guide)).map(([id]) => id)).toEqual(["m4", "m5", "m6", "m2"]);
  });
});

describe("care that calls", () => {
  const flag = { level: "quiet" as const, own: true };

  it("is what nobody has, and whoever is gone and mine to follow up", () => {
    const of = (entry: object, who: Partial<Snapshot> = guide, people = members(9, { m8: { role: "facilitator" } })): string[] =>
      callsOf(shown({ members: people, care: { m4: { ...flag, taken_by: null, ...entry } } }, who));
    expect(of({})).toEqual(["m4"]);
    expect(of({ taken_by: "m8" })).toEqual([]);
    expect(of({ taken_by: "m8", gone: true })).toEqual([]);
    expect(of({ taken_by: "m0" })).toEqual([]);
    expect(of({ taken_by: "m0", gone: true })).toEqual(["m4"]);
    // Whoever had it has left, or facilitates no more: it is open again.
    expect(of({ taken_by: "m9" })).toEqual(["m4"]);
    expect(of({ taken_by: "m8" }, guide, members(9))).toEqual(["m4"]);
    expect(of({}, { ...guide, me: "m4" })).toEqual([]);
  });
});

describe("a gentle question", () => {
  it("is for members who neither hold the stick, have a hand up nor are away", () => {
    const snap = shown({
      floor: floor({ mode: "stick", holder: "m1" }), members: members(8, { m2: { hand: 1 }, m4: { here: "away" }, m5: { here: "reconnecting" } }),
    });
    const may = ["m0", "m1", "m2", "m3", "m4", "m5"].filter((id) => mayNudge(snap, person(snap, id)!));
    expect(may).toEqual(["m3", "m5"]);
  });
});

describe("the contact card", () => {
  it("is asked of members who have none, where the room wants it", () => {
    const cards = { settings: settings({ cards: true }) };
    expect(wantsCard(shown(cards))).toBe(true);
    expect(wantsCard(shown(cards, guide))).toBe(false);
    expect(wantsCard(shown({}))).toBe(false);
    expect(wantsCard(shown({ ...cards, card: { location: null, phone: "1", note: null } }))).toBe(false);
  });
});
