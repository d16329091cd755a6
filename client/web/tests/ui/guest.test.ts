import { describe, expect, it } from "vitest";
import { announce } from "../../src/ui/announce.ts";
import { conversations, whyClosed } from "../../src/ui/chat/audience.ts";
import { asksFor, homeTalk, isIn, waits } from "../../src/ui/guest/model.ts";
import { materialsOf, nameOf, sizeOf } from "../../src/ui/materials/model.ts";
import { room, snapshot } from "../../src/ui/harness/fixtures.ts";
import { GUESTS, MATERIALS } from "../../src/ui/harness/guests.ts";
import { guest, shown } from "../../src/ui/words-materials.ts";

const state = (name: string) => GUESTS[name]!();
const name = (id: string | null | undefined): string => id ?? "";

describe("a guest speaker", () => {
  it("[GU3] waits until they are with the circle, and reads when it will be", () => {
    expect(waits(state("guestwaits"))).toBe(true);
    expect(waits(state("guestin"))).toBe(false);
    expect(waits(state("guestmember"))).toBe(false);
    expect(isIn(state("guestguide"), "m3")).toBe(false);
    expect(asksFor(state("guestwaits"))).toBe("A doctor answers");
    expect(asksFor(snapshot())).toBeNull();
  });

  it("[GU5] has the line to the facilitators, and the circle's only where guests read it", () => {
    const waiting = state("guestwaits");
    expect(homeTalk(waiting)).toBe("staff:m3");
    expect(conversations(waiting, "staff:m3")).toEqual(["staff:m3"]);
    expect(whyClosed(waiting, "circle")).toBe(guest.why);
    expect(whyClosed(waiting, "staff:m3")).toBeNull();
    const inside = state("guestin");
    const reading = { ...inside, room: { ...inside.room, settings: { ...inside.room.settings!, guests_read: true } } };
    expect(whyClosed(reading, "circle")).toBeNull();
    expect(homeTalk(reading)).toBe("circle");
  });

  it("is told, and so is the circle", () => {
    const before = state("guestwaits");
    const after = { ...state("guestin"), room: { ...state("guestin").room, materials: [] } };
    expect(announce(before, after, name, "").polite).toEqual([guest.say.in]);
    expect(announce(after, { ...before, chats: {} }, name, "").polite).toEqual([guest.say.out]);
    expect(announce(snapshot(), before, name, "").polite[0]).toBe(guest.say.role);
    const member = state("guestmember");
    const without = { ...member, room: { ...member.room, guests: { brought: false, in: [] } } };
    expect(announce(without, member, name, "").polite).toEqual([guest.say.came]);
  });
});

describe("what is shown to all", () => {
  it("[MT2] has a name, whatever it is", () => {
    expect(MATERIALS.map(nameOf)).toEqual([
      "Somebody to talk to, at night as well", "What helped me this week?", "Our garden", "Sleep well", "For this round",
    ]);
    expect(nameOf({ id: "x", kind: "link", by: "m0", at: 0, url: "https://example.org/a" })).toBe("example.org");
    expect([sizeOf(900), sizeOf(310_000), sizeOf(1_240_000)]).toEqual(["1 KB", "310 KB", "1.2 MB"]);
    expect(materialsOf(snapshot())).toEqual([]);
  });

  it("is read out when it comes and when it goes", () => {
    const before = snapshot();
    const after = snapshot({ room: room({ materials: MATERIALS.slice(2, 3) }) });
    expect(announce(before, after, name, "").polite).toEqual([shown.say.new("Picture, Our garden")]);
    expect(announce(after, before, name, "").polite).toEqual([shown.say.gone]);
  });
});
