import { describe, expect, it } from "vitest";
import { APART, hearSpeech, NOTHING_TOLD, SETTLED, spaceIsTalk, type Told } from "../../src/ui/media/speech.ts";
import { voice } from "../../src/ui/words-media.ts";

/** Who is named in the course of [milliseconds, who speaks], looked at every 200 ms. */
function named(story: readonly (readonly [number, readonly string[]])[]): string[] {
  const said: string[] = [];
  let told: Told = NOTHING_TOLD;
  const end = (story.at(-1)?.[0] ?? 0) + 20_000;
  for (let now = 0; now <= end; now += 200) {
    const speaking = story.filter(([at]) => at <= now).at(-1)?.[1] ?? [];
    const heard = hearSpeech(told, speaking, "me", now);
    told = heard.told;
    if (heard.say !== null) said.push(heard.say);
  }
  return said;
}

describe("who begins to speak", () => {
  it("is named once they go on for a moment, and once only", () => {
    expect(named([[0, ["a"]]])).toEqual(["a"]);
    expect(named([[0, ["a"]], [SETTLED - 400, []]])).toEqual([]);
    expect(named([[0, ["a"]], [3_000, []], [9_000, ["a"]]])).toEqual(["a"]);
  });
  it("is never oneself, and nobody while several speak", () => {
    expect(named([[0, ["me"]]])).toEqual([]);
    expect(named([[0, ["a", "b"]]])).toEqual([]);
    expect(named([[0, ["me", "a"]]])).toEqual(["a"]);
  });
  it("is not named more often than a listener can bear", () => {
    const quick = Array.from({ length: 10 }, (_, i) => [i * 2_000, [i % 2 === 0 ? "a" : "b"]] as const);
    const said = named(quick);
    expect(said.length).toBeGreaterThan(1);
    expect(said.length).toBeLessThanOrEqual(1 + 40_000 / APART);
  });
  it("is said in words", () => {
    expect(voice.speaks(["Ann"])).toBe("Ann is speaking");
    expect(voice.speaks(["Ann", "Ben"])).toBe("Ann and Ben are speaking");
    expect(voice.talk.person(0)).toBe("Has not spoken yet.");
    expect(voice.talk.person(200)).toBe("Has spoken for 3 min 20 s in all.");
  });
});

describe("the space bar", () => {
  const on = (tag: string, more: { editable?: boolean; byKeyboard?: boolean; talks?: boolean } = {}): boolean =>
    spaceIsTalk({ tag, editable: false, byKeyboard: false, talks: false, ...more });
  it("is push-to-talk's but for what is being written and what goes by keyboard", () => {
    expect(on("BODY")).toBe(true);
    expect(on("SECTION", { byKeyboard: true })).toBe(true);
    for (const tag of ["INPUT", "TEXTAREA", "SELECT"]) expect(on(tag)).toBe(false);
    expect(on("DIV", { editable: true })).toBe(false);
    expect(on("BUTTON", { byKeyboard: true })).toBe(false);
    expect(on("BUTTON")).toBe(true);
    expect(on("BUTTON", { byKeyboard: true, talks: true })).toBe(true);
  });
});
