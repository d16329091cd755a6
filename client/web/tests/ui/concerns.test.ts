import { describe, expect, it } from "vitest";
import { blind, blindAll } from "../../src/lib/index.ts";
import { PLAN } from "../../src/ui/harness/evening.ts";
import { alike, inOrder, matched, OFFER_MAX, readOffer } from "../../src/ui/pairs/concerns.ts";
import { toldFrom, whyOf, type Told } from "../../src/ui/pairs/plan-report.tsx";

const KEY = new Uint8Array(32).fill(3);

describe("a list of concerns", () => {
  it("is read line by line, without what says nothing", () => {
    expect(readOffer("  Losing   somebody \n\n\tSleeping badly\r\n")).toEqual({ concerns: ["Losing somebody", "Sleeping badly"] });
    expect(readOffer("")).toEqual({ concerns: [] });
  });

  it("is refused by the line that is there twice or too long, and where there are too many", () => {
    expect(readOffer("Grief\n\n grief ")).toEqual({ wrong: "twice", line: 3 });
    expect(readOffer(`a\n${"x".repeat(121)}`)).toEqual({ wrong: "long", line: 2 });
    const many = Array.from({ length: OFFER_MAX + 1 }, (_, i) => `concern ${i}`);
    expect(readOffer(many.join("\n"))).toEqual({ wrong: "most" });
    expect(readOffer(many.slice(1).join("\n"))).toHaveProperty("concerns.length", OFFER_MAX);
  });

  it("finds what is alike by the form that tags are made of", () => {
    expect(alike(["Losing somebody"], "LOSING  somebody")).toBe("Losing somebody");
    expect(alike(["Losing somebody"], "losing")).toBeNull();
  });
});

describe("one's ticks", () => {
  it("are known again by their tags after a reload, and other tags are kept", async () => {
    const words = ["Grief", "Sleep", "Work"];
    const tags = await Promise.all(words.map((one) => blind(KEY, one)));
    const topics = await blindAll(KEY, ["sleep", "something of my own"]);
    const found = matched(words, tags, topics);
    expect([...found.ticked]).toEqual(["Sleep"]);
    expect(found.kept).toEqual([await blind(KEY, "something of my own")]);
  });

  it("go out each once and in an order that tells nothing", async () => {
    const [a, b] = [await blind(KEY, "a"), await blind(KEY, "b")];
    expect(inOrder([b, a, b])).toEqual(inOrder([a, b]));
    expect(inOrder([a, b])).toHaveLength(2);
  });
});

describe("what is told of a plan", () => {
  it("belongs to its groups, in whatever order, until somebody is moved", () => {
    const told = toldFrom(PLAN) as Told;
    expect(whyOf(told, ["m2", "m1"])).toBe("2 shared topics");
    expect(whyOf(told, ["m7", "m5", "m6"])).toBe("1 shared topic, met before");
    expect(whyOf(told, ["m1"])).toBeNull();
    expect(whyOf(told, ["m1", "m2", "m3"])).toBeNull();
    expect(toldFrom({ groups: [] })).toBeNull();
  });
});
