import { describe, expect, it } from "vitest";
import { announce } from "../../src/ui/announce.ts";
import { loudLinks } from "../../src/ui/guide/door-panel.tsx";
import { STATES } from "../../src/ui/harness/fixtures.ts";
import { ending } from "../../src/ui/screens/closed.tsx";
import { SIGN_EVERY, watchForSigns } from "../../src/ui/screens/signs.ts";
import { guide } from "../../src/ui/words-guide.ts";
import type { Snapshot } from "../../src/ui/port.ts";

const state = (name: string): Snapshot => STATES[name]!();

describe("who crowds the door", () => {
  it("[DO9] is said of the link that floods, and of the one that has filled the circle", () => {
    expect(loudLinks(state("flood").room).map((one) => one.link)).toEqual(["i1"]);
    expect(loudLinks(state("full").room).map((one) => one.inside)).toEqual([27]);
    expect(loudLinks(state("guidereading").room)).toEqual([]);
    expect(loudLinks(state("guide").room)).toEqual([]);
  });

  it("is announced once, and by no name but those with links of their own", () => {
    const { polite } = announce(state("guidereading"), state("flood"), () => "", "");
    expect(polite).toContain(guide.door.said);
    expect(polite.filter((words) => words.includes("waiting room"))).toEqual([]);
    const before = state("flood");
    const later = { ...before, room: { ...before.room, lobby: [
      ...before.room.lobby,
      { id: "x90", name: "Someone", at: 0, link: "i1" },
      { id: "p9", name: "Zoe", at: 0, link: null },
    ] } };
    expect(announce(before, later, () => "", "").polite.join()).toContain("Zoe");
    expect(announce(before, later, () => "", "").polite.join()).not.toContain("Someone");
  });
});

describe("who gave up a place at the door", () => {
  it("[CC7] comes back by one press", () => {
    expect(ending(4010, false).next?.does).toBe("resume");
  });

  it("[DO6] keeps it by reading: a sign a minute and no more", () => {
    let now = 0;
    let told = 0;
    const page = new EventTarget();
    const stop = watchForSigns(() => (told += 1), page, () => now);
    expect(told).toBe(1);
    for (now = 1; now < 10 * SIGN_EVERY; now += 997) page.dispatchEvent(new Event("scroll"));
    expect(told).toBe(10);
    now += SIGN_EVERY;
    page.dispatchEvent(new Event("keydown"));
    expect(told).toBe(11);
    stop();
    now += SIGN_EVERY;
    page.dispatchEvent(new Event("keydown"));
    expect(told).toBe(11);
  });
});
