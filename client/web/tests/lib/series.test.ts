import { afterEach, describe, expect, it, vi } from "vitest";
import {
  dropPerson,
  forgetPerson,
  invitePath,
  keepPerson,
  newPerson,
  personCode,
  personOf,
  readPerson,
} from "../../src/lib/index.ts";

const COUNTED = Uint8Array.from({ length: 20 }, (_, at) => at);
/** As `sitwith_protocol.person` writes it. */
const CODE = "aaaq-eaye-auda-ocaj-bifq-ydio-b4ib-ceqt";

function shelf(): Storage {
  const kept = new Map<string, string>();
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  } as unknown as Storage;
}

const forbidden = {
  getItem: () => {
    throw new Error("blocked");
  },
  setItem: () => {
    throw new Error("blocked");
  },
  removeItem: () => {
    throw new Error("blocked");
  },
} as unknown as Storage;

afterEach(() => vi.unstubAllGlobals());

describe("a person of a series", () => {
  it("[SE2] has the code that the Python side reads and writes", () => {
    expect(personCode(COUNTED)).toBe(CODE);
    expect(readPerson(` ${CODE.toUpperCase().replaceAll("-", "\n")}`)).toEqual(COUNTED);
    for (let n = 0; n < 50; n++) {
      const person = newPerson();
      expect(readPerson(personCode(person))).toEqual(person);
    }
    for (const bad of ["", "x", CODE.slice(1), `${CODE}a`, CODE.replace("a", "1"), "ä".repeat(32)])
      expect(readPerson(bad)).toBeNull();
    expect(() => personCode(new Uint8Array(19))).toThrow(RangeError);
  });

  it("[SE7] is another one in each series, and kept by this browser alone", () => {
    const storage = shelf();
    expect(personOf("s1", storage)).toBeNull();
    const person = newPerson();
    expect(keepPerson("s1", person, storage)).toBe(true);
    expect(personOf("s1", storage)).toEqual(person);
    expect(personOf("s2", storage)).toBeNull();
    dropPerson("s1", storage);
    expect(personOf("s1", storage)).toBeNull();
  });

  it("goes on in a browser that keeps nothing", () => {
    expect(keepPerson("s1", COUNTED, forbidden)).toBe(false);
    expect(keepPerson("s1", COUNTED, null)).toBe(false);
    expect(personOf("s1", forbidden)).toBeNull();
    dropPerson("s1", forbidden);
  });

  it("[SE8] is forgotten by its own code, with nothing else sent", async () => {
    const asked: [string, RequestInit][] = [];
    vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
      asked.push([path, init]);
      return Promise.resolve({ ok: asked.length === 1 });
    });
    expect(await forgetPerson("s/1", COUNTED)).toBe(true);
    expect(await forgetPerson("s/1", COUNTED)).toBe(false);
    vi.stubGlobal("fetch", () => Promise.reject(new Error("offline")));
    expect(await forgetPerson("s/1", COUNTED)).toBe(false);
    const [path, init] = asked[0]!;
    expect(path).toBe("/series/s%2F1/forget");
    expect(init).toMatchObject({ method: "POST", credentials: "omit", referrerPolicy: "no-referrer" });
    expect(JSON.parse(String(init.body))).toEqual({ person: CODE });
    expect(invitePath("s1")).toBe("/series/s1/invite.ics");
  });
});
