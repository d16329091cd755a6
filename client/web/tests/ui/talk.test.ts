import { describe, expect, it } from "vitest";
import { announce } from "../../src/ui/announce.ts";
import { conversations, readers, whyClosed } from "../../src/ui/chat/audience.ts";
import { floor, members, room, snapshot, talk } from "../../src/ui/harness/fixtures.ts";
import type { Snapshot } from "../../src/ui/port.ts";
import { ending } from "../../src/ui/screens/closed.tsx";
import { words } from "../../src/ui/words.ts";

const PAIRS = {
  groups: { g1: ["m1", "m2"], g2: ["m3", "m5"] },
  mine: "g2",
  ends_at: null,
  visitors: {},
  asked: false,
  closing: false,
};
const named = (snap: Snapshot) => (id: string | null | undefined): string => snap.names[id ?? ""] ?? "?";
const SETTINGS = room().settings;

describe("who reads it", () => {
  const open = snapshot();
  const inGroup = snapshot({ room: room({ pairs: PAIRS }) });

  it("is said for every conversation by name", () => {
    const say = (snap: Snapshot, to: string): string => readers(snap, to, named(snap));
    expect(say(open, "circle")).toBe("Everyone in the circle reads this (8 people).");
    expect(say(open, "staff:m3")).toBe("Only the facilitators read this: Mara.");
    expect(say(inGroup, "pair:g2")).toBe("Only Rosalind and you read this.");
    const guide = snapshot({ me: "m0", role: "facilitator" });
    expect(say(guide, "staff:m4")).toBe("Only Li Wei and the facilitators read this.");
    expect(say(guide, "facilitators")).toContain("You are the only one");
  });

  it("names the visitor in a group", () => {
    const visited = snapshot({ room: room({ pairs: { ...PAIRS, visitors: { g2: ["m0"] } } }) });
    expect(readers(visited, "pair:g2", named(visited))).toBe("Only Rosalind, Mara and you read this.");
  });

  it("keeps a closed group in view and takes nothing there", () => {
    expect(conversations(open, "pair:g2")).toContain("pair:g2");
    expect(whyClosed(open, "pair:g2")).toBe(words.talk.why.groupClosed);
    expect(whyClosed(inGroup, "pair:g2")).toBeNull();
    expect(whyClosed(inGroup, "pair:g1")).toBe(words.talk.why.groupClosed);
  });

  it("closes the circle to members in a group, and never to facilitators", () => {
    expect(whyClosed(inGroup, "circle")).toBe(words.talk.why.inGroup);
    const guide = snapshot({ me: "m0", role: "facilitator", room: room({ pairs: { ...PAIRS, mine: null } }) });
    expect(whyClosed(guide, "circle")).toBeNull();
  });

  it("follows the room's settings and a facilitator's mute", () => {
    const but = (change: Partial<NonNullable<typeof SETTINGS>>): Snapshot =>
      snapshot({ room: room({ settings: SETTINGS === null ? null : { ...SETTINGS, ...change } }) });
    expect(whyClosed(but({ chat: "staff" }), "circle")).toBe(words.talk.why.staffOnly);
    expect(whyClosed(but({ chat: "staff" }), "staff:m3")).toBeNull();
    expect(whyClosed(but({ chat: "off" }), "staff:m3")).toBe(words.talk.why.off);
    expect(whyClosed(but({ direct: true }), "direct:m5")).toBeNull();
    expect(whyClosed(but({ direct: false }), "direct:m5")).toBe(words.talk.why.noDirect);
    expect(whyClosed(but({ direct: true }), "direct:m99")).toBe(words.talk.why.gone);
    const muted = snapshot({ room: room({ members: members(8, { m3: { muted: ["chat"], held: ["chat"] } }) }) });
    expect(whyClosed(muted, "circle")).toBe(words.talk.why.muted);
  });
});

describe("what is said to those who listen to the page", () => {
  const said = (before: Snapshot, after: Snapshot, inView = "circle") =>
    announce(before, after, named(after), inView);
  const stick = (holder: string | null, turn: number): Snapshot =>
    snapshot({ room: room({ floor: floor({ mode: "stick", holder, turn }) }) });

  it("is urgent for one's own turn alone", () => {
    expect(said(stick("m1", 1), stick("m3", 2)).urgent).toBe(words.say.turn);
    expect(said(stick("m3", 1), stick("m1", 2)).urgent).toBeNull();
    expect(said(stick("m3", 1), stick("m1", 2)).polite).toContain(words.say.holder("Ben"));
    expect(said(stick("m3", 2), stick("m3", 2)).urgent).toBeNull();
  });

  it("names new messages elsewhere, and leaves the open conversation to its log", () => {
    const before = snapshot({ chats: {} });
    const after = snapshot({ chats: { circle: talk("circle", [["m1", "hello"]]) } });
    expect(said(before, after, "circle").polite).toEqual([]);
    expect(said(before, after, "staff:m3").polite).toEqual([words.talk.announce("Ben", words.talk.circle)]);
  });

  it("tells of the line, of groups and of visitors", () => {
    const open = snapshot();
    const group = snapshot({ room: room({ pairs: PAIRS }) });
    const visited = snapshot({ room: room({ pairs: { ...PAIRS, visitors: { g2: ["m0"] } } }) });
    expect(said(open, snapshot({ connection: "reconnecting" })).polite).toContain(words.say.lost);
    expect(said(open, group).polite).toContain(words.say.groups(["Rosalind"]));
    expect(said(group, visited).polite).toContain(words.say.visitor("Mara"));
    expect(said(visited, open).polite).toContain(words.say.groupsOver);
  });
});

describe("endings", () => {
  it("have words of their own for every close code of the wire", () => {
    const codes = [1000, 4010, 4400, 4403, 4404, 4405, 4408, 4409, 4413, 4423, 4429];
    const headings = codes.map((code) => ending(code, false).heading);
    expect(new Set(headings).size).toBe(codes.length);
    expect(ending(4404, true).heading).not.toBe(ending(4404, false).heading);
    expect(ending(4999, false).next?.does).toBe("resume");
    // A greeting that is refused had nothing in it but a name.
    expect(ending(4400, false, false).heading).toBe(words.closed.name.heading);
    expect(ending(4400, false, true).heading).toBe(words.closed[4400].heading);
  });

  it("offer no way back to who was removed or declined, nor after the end", () => {
    for (const [code, inside] of [[4403, true], [4405, false], [4404, true]] as const) {
      expect(ending(code, inside).next).toBeNull();
    }
  });
});
