import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const home = fileURLToPath(new URL("..", import.meta.url));
const src = join(home, "src");

function files(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(ts|tsx)$/.test(name))
    .map((name) => join(folder, name));
}

/** What a file imports: bare names as they are, relative ones as paths below `src`. */
function imports(file: string): string[] {
  const text = readFileSync(file, "utf8");
  const found = text.matchAll(
    /(?:^|[\s;])(?:import|export)\s[^;'"]*?from\s*["']([^"']+)["']|\bimport\s*\(?\s*["']([^"']+)["']/g,
  );
  return [...found].map((match) => {
    const name = match[1] ?? match[2] ?? "";
    return name.startsWith(".") ? relative(src, resolve(file, "..", name)) : name;
  });
}

const crossing = (folder: string, allowed: (name: string) => boolean): string[] =>
  files(join(src, folder)).flatMap((file) =>
    imports(file)
      .filter((name) => !allowed(name))
      .map((name) => `${relative(src, file)} imports ${name}`),
  );

describe("layers", () => {
  it("the library knows no UI and no framework; MessagePack is known to its codec alone", () => {
    expect(files(join(src, "lib")).length).toBeGreaterThan(8);
    expect(
      crossing("lib", (name) => name.startsWith("lib/") || name === "@msgpack/msgpack"),
    ).toEqual([]);
    const msgpack = files(src).filter((file) => imports(file).includes("@msgpack/msgpack"));
    expect(msgpack.map((file) => relative(src, file))).toEqual(["lib/wire/codec.ts"]);
  });

  it("the UI enters the library by its front door", () => {
    const inner = (name: string): boolean => name.startsWith("lib/") && name !== "lib/index.ts";
    expect(crossing("ui", (name) => !inner(name))).toEqual([]);
  });

  it("nothing shipped writes markup, evaluates text or sends anything past the connection", () => {
    const forbidden = new RegExp(
      [
        String.raw`\binnerHTML\b`,
        String.raw`\bouterHTML\b`,
        String.raw`insertAdjacentHTML`,
        String.raw`dangerouslySetInnerHTML`,
        String.raw`document\.write`,
        String.raw`\beval\s*\(`,
        String.raw`new Function\b`,
        String.raw`XMLHttpRequest`,
        String.raw`sendBeacon`,
        String.raw`localStorage`,
        String.raw`console\.`,
      ].join("|"),
    );
    // The page of fixtures is for whoever works on the UI; it is no part of the build.
    const shipped = files(src).filter((file) => !relative(src, file).startsWith("ui/harness/"));
    const guilty = shipped.filter((file) => forbidden.test(readFileSync(file, "utf8")));
    // What a circle that meets again knows somebody by is all that outlives a tab.
    expect(guilty.map((file) => relative(src, file))).toEqual(["lib/entry/series.ts"]);
  });

  it("public lists and files of the room are all that is fetched, and nothing else is sent with it", () => {
    const asking = files(src).filter((file) => /\bfetch\b/.test(readFileSync(file, "utf8")));
    expect(asking.map((file) => relative(src, file))).toEqual([
      "lib/entry/series.ts",
      "lib/http/materials.ts",
      "lib/http/public.ts",
    ]);
    const forgetting = readFileSync(asking[0] ?? "", "utf8");
    expect(forgetting.match(/\bfetch\b/g)).toHaveLength(1);
    expect(forgetting).toContain('credentials: "omit"');
    const files_ = readFileSync(asking[1] ?? "", "utf8");
    expect(files_.match(/\bfetch\b/g)).toHaveLength(1);
    expect(files_).toContain('credentials: "omit"');
    expect(files_).toContain('cache: "no-store"');
    const text = readFileSync(asking[2] ?? "", "utf8");
    expect(text.match(/\bfetch\b/g)).toHaveLength(1);
    expect(text).toContain('fetch(path, { credentials: "omit", referrerPolicy: "no-referrer" })');
  });

  it("no source file is longer than 400 lines", () => {
    const long = files(src).filter((file) => readFileSync(file, "utf8").split("\n").length > 401);
    expect(long.map((file) => relative(src, file))).toEqual([]);
  });
});

describe("tool chain", () => {
  it("the lock file names no host to download from", () => {
    const lock = readFileSync(join(home, "package-lock.json"), "utf8");
    expect(lock).not.toContain('"resolved"');
    expect(lock).toContain('"integrity"');
    expect(lock).not.toContain("://");
  });

  it("the page has no inline script or style", () => {
    const page = readFileSync(join(home, "index.html"), "utf8");
    expect(page).not.toMatch(/<script(?![^>]*\ssrc=)[^>]*>/);
    expect(page).not.toMatch(/<style|\sstyle=|\son[a-z]+=|javascript:/);
  });
});
