import { beforeEach, describe, expect, it, vi } from "vitest";
import { keepPerson, newPerson, personCode, personOf } from "../../src/lib/index.ts";
import { chosen, firstChoice } from "../../src/ui/series/choice.tsx";
import { series as words } from "../../src/ui/words-series.ts";

beforeEach(() => {
  const kept = new Map<string, string>();
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  });
});

describe("the choice before one comes in", () => {
  it("[SE2] is nobody's but one's own: nothing is chosen at first, and nothing kept for a no", () => {
    const first = firstChoice("s1");
    expect(first.wish).toBeNull();
    expect(chosen("s1", first)).toMatchObject({ trouble: words.choose });
    expect(chosen("s1", { ...first, wish: "no" })).toEqual({ person: null, unkept: false });
    expect(personOf("s1")).toBeNull();
  });

  it("keeps who one is, and knows it the next time", () => {
    const made = chosen("s1", { wish: "yes", code: "", trouble: null });
    if ("wish" in made) throw new Error("it was refused");
    expect(made.person).toHaveLength(20);
    expect(personOf("s1")).toEqual(made.person);
    expect(firstChoice("s1").wish).toBe("yes");
    expect(chosen("s1", firstChoice("s1"))).toEqual({ person: made.person, unkept: false });
    expect(firstChoice("s2").wish).toBeNull();
  });

  it("takes the code of another device, and says what is none", () => {
    const other = newPerson();
    keepPerson("s1", newPerson());
    const choice = { wish: "yes", code: "not a code", trouble: null } as const;
    expect(chosen("s1", choice)).toMatchObject({ trouble: words.badCode });
    expect(chosen("s1", { ...choice, code: personCode(other) })).toEqual({ person: other, unkept: false });
    expect(personOf("s1")).toEqual(other);
  });

  it("a no of today leaves the code of before where it is, unused", () => {
    const before = newPerson();
    keepPerson("s1", before);
    expect(chosen("s1", { ...firstChoice("s1"), wish: "no" })).toEqual({ person: null, unkept: false });
    expect(personOf("s1")).toEqual(before);
  });
});
