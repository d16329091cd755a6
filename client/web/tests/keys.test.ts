import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { lookupsByWord } from "./support/keys.ts";

const home = fileURLToPath(new URL("..", import.meta.url));
const src = join(home, "src");

/** The page of fixtures is for whoever works on the UI; no peer's word comes there. */
const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .filter((name) => /\.tsx?$/.test(name) && !name.startsWith("ui/harness") && name !== "lib/own.ts")
  .map((name) => join(src, name));

/** Types of words that the page itself chooses; none of their values ever comes over the wire. */
const OWN = new Set([
  "VoiceKind",
  "SendKind",
  "DeviceStatus",
  "MediaStatus",
  "DeviceError",
  "Phase",
  "Flag",
  "Value",
  "keyof Choices",
  '"audio" | "video"',
  '"camera" | "microphone"',
  '"location" | "note" | "phone"',
  '"pdf" | "picture"',
  '"high" | "low" | "none"',
  '"grace_seconds" | "slow_seconds"',
  '"failed" | "heard" | "idle" | "playing" | "recording"',
]);

describe("keys", () => {
  it("nothing looks into an object by a word that may be a peer's but through `own`", () => {
    const found = lookupsByWord(join(home, "tsconfig.json"), files, OWN, (file) => relative(src, file));
    expect(found).toEqual([]);
  }, 60_000);
});
