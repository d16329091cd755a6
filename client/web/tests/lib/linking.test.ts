import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { blind, blindAll, normalConcern, TAGS_MAX } from "../../src/lib/linking.ts";

/** Examples that the Python side reads too. */
const content = JSON.parse(
  readFileSync(new URL("../../../../protocol/vectors/linking.json", import.meta.url), "utf8"),
) as {
  keys: string[];
  same: { words: string[]; normal: string; tags: string[] }[];
  refused: string[];
};
const keys = content.keys.map((key) => new Uint8Array(Buffer.from(key, "hex")));
const key = keys[0]!;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

describe("blinded concerns", () => {
  it.each(content.same.map((entry) => [entry.normal.slice(0, 12), entry] as const))(
    "[LK2] one concern has one tag: %s",
    async (_, { words, normal, tags }) => {
      for (const word of words) {
        expect(normalConcern(word)).toBe(normal);
        expect(await Promise.all(keys.map(async (key) => hex(await blind(key, word))))).toEqual(tags);
      }
    },
  );

  it("[LK2] what is no concern is refused without its words", () => {
    for (const word of [...content.refused, "\ud800"]) {
      expect(() => normalConcern(word)).toThrow(/^a concern is (empty|too long|not proper text)$/);
    }
  });

  it("[LK2] tags of several have no order and no doubles", async () => {
    const tags = (await blindAll(key, ["Sleep", "Grief", "sleep ", "Work"])).map(hex);
    expect(tags).toEqual((await blindAll(key, ["work", "GRIEF", "sleep"])).map(hex));
    expect(tags).toEqual([...tags].sort());
    expect(tags).toHaveLength(3);
    const many = Array.from({ length: TAGS_MAX + 1 }, (_, n) => String(n));
    expect(await blindAll(key, many.slice(1))).toHaveLength(TAGS_MAX);
    await expect(blindAll(key, many)).rejects.toThrow("too many");
    await expect(blind(new Uint8Array(), "sleep")).rejects.toThrow("no key");
  });

  it("[LK2] a key that is a view of a longer buffer counts alone", async () => {
    const frame = new Uint8Array([9, 9, ...key, 9]);
    expect(hex(await blind(frame.subarray(2, 34), "sleep"))).toBe(hex(await blind(key, "sleep")));
  });
});
