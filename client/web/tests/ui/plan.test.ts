import { describe, expect, it } from "vitest";
import { alsoIn, presentPairs, pinsExceed, forbiddenPair, planFrom, put, ready, where } from "../../src/ui/pairs/plan.ts";

const PLAN = [["a", "b"], ["c", "d"]];

describe("a plan moved by hand", () => {
  it("puts one person into another group, a new one or the circle", () => {
    expect(put(PLAN, "a", 1)).toEqual([["b"], ["c", "d", "a"]]);
    expect(put(PLAN, "a", 2)).toEqual([["b"], ["c", "d"], ["a"]]);
    expect(put(PLAN, "a", null)).toEqual([["b"], ["c", "d"]]);
    expect(put(PLAN, "e", 0)).toEqual([["a", "b", "e"], ["c", "d"]]);
    expect(where(put(PLAN, "a", null), "a")).toBeNull();
  });

  it("sends only who is here, and no empty group", () => {
    expect(ready([["a"], [], ["b", "gone"], ["gone"]], new Set(["a", "b"]))).toEqual([["a"], ["b"]]);
  });

  it("warns of two who must not be together", () => {
    expect(forbiddenPair(PLAN, [["a", "c"], ["d", "c"]])).toEqual(["d", "c"]);
    expect(forbiddenPair(PLAN, [["a", "c"]])).toBeNull();
  });

  it("takes nothing but lists of ids from an answer", () => {
    expect(planFrom({ groups: [["a", 3], "x"] })).toEqual([["a"], []]);
    expect(planFrom({})).toBeNull();
    expect(planFrom(null)).toBeNull();
  });
});

describe("pins", () => {
  it("are sent for those who are here", () => {
    const here = new Set(["a", "b", "c"]);
    expect(presentPairs([["a", "b"], ["a", "x"]], here)).toEqual([["a", "b"]]);
    expect(alsoIn([["a", "b"]], ["b", "a"])).toBe(true);
    expect(alsoIn([["a", "b"]], ["b", "c"])).toBe(false);
  });

  it("may join people of several pins into one group, as far as it has places", () => {
    expect(pinsExceed([["a", "b"], ["b", "c"]], 2)).toBe(false);
    expect(pinsExceed([["a", "b"], ["b", "c"], ["c", "d"]], 2)).toBe(true);
    expect(pinsExceed([["a", "b"], ["c", "d"], ["b", "c"]], 2)).toBe(true);
    expect(pinsExceed([["a", "b"], ["c", "d"]], 2)).toBe(false);
    expect(pinsExceed([], 2)).toBe(false);
  });
});
