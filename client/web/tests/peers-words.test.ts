/** Words that a peer chose are names like any other, also those that every object inherits (EV13). */
import { describe, expect, it } from "vitest";
import { EMPTY_ROOM, conversations, fold, seenForHello, markRead, type RoomState } from "../src/lib/room.ts";
import { parseLink } from "../src/lib/entry/link.ts";
import { own, put } from "../src/lib/own.ts";
import { seatStore } from "../src/lib/entry/store.ts";
import { readFrame, type ServerFrame, type StageKind } from "../src/lib/wire/messages.ts";
import { Sign, signWords } from "../src/ui/circle/signs.tsx";
import { titleOf } from "../src/ui/evening/stages.ts";
import { isolated, person, spoken } from "../src/ui/model.ts";
import { failure } from "../src/ui/session.tsx";
import { words } from "../src/ui/words.ts";
import { inside, member, pos, welcome } from "./support/frames.ts";
import { setupInside } from "./support/client.ts";
import { MemoryStorage, seeded, type Frame } from "./support/world.ts";

const INHERITED = Object.getOwnPropertyNames(Object.prototype);
const WORDS = [...INHERITED, "prototype", "name", "length", "then", "toJSON", "0", "m1"];

const record = <V>(...entries: [string, V][]): Record<string, V> => Object.fromEntries(entries);

/** What happens in a room whose ids, groups, conversations and slices are called by `word(0…)`. */
function evening(word: (n: number) => string, random: () => number): Frame[] {
  const some = (): string => word(Math.floor(random() * 6));
  const list: Frame[] = [
    welcome({ me: word(0) }),
    { t: "entered", room: inside({ members: record([word(0), member("Ada")]) }), pos: { room: pos(1) } },
  ];
  for (let i = 0; i < 60; i++) {
    const id = some();
    const kind = Math.floor(random() * 9);
    const room = { t: "room", seq: i, pos: pos(i), why: "x" };
    if (kind === 0) list.push({ ...room, patch: [["members", id, member(`N${i}`, { seat: i })]] });
    if (kind === 1) list.push({ ...room, patch: [["members", id]] });
    if (kind === 2) list.push({ ...room, set: { members: record([id, member("Bo")], [some(), member("Cy")]) } });
    if (kind === 3) list.push({ ...room, patch: [["care", id, { level: "quiet", taken_by: null }]] });
    if (kind === 4) list.push({ t: "chat", to: id, n: i, pos: pos(i), from: some(), at: 1_000, body: `b${i}` });
    if (kind === 5) list.push({ t: "chat.deleted", to: id, n: i - 3, pos: pos(i) });
    if (kind === 6) list.push({ t: "gap", stream: id, missed: null });
    if (kind === 7) list.push({ ...room, patch: [[some(), id, i]] });
    if (kind === 8) {
      const floor = { ...(inside()["floor"] as object), queue: [id, some()] };
      list.push({ ...room, set: { floor, pairs: { groups: record([id, [some()]]), visitors: {}, mine: id } } });
    }
  }
  return list;
}

/** Everything that the fold keeps, with each key and value that is one of `names` called by its number. */
function numbered(value: unknown, names: readonly string[]): unknown {
  const name = (text: string): string => {
    const at = names.indexOf(text);
    return at < 0 ? text : `#${at}`;
  };
  if (typeof value === "string") return name(value);
  if (Array.isArray(value)) return value.map((each) => numbered(each, names));
  if (value instanceof Uint8Array || typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, each]): [string, unknown] => [name(key), numbered(each, names)]);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function folded(frames: Frame[]): RoomState {
  return frames.reduce((state, each) => {
    const frame = readFrame(each);
    if (frame === null || frame === "unknown") throw new Error(`no frame: ${each.t}`);
    return fold(state, frame satisfies ServerFrame, 5_000);
  }, EMPTY_ROOM as RoomState);
}

describe("[EV13] a peer's word", () => {
  it("as id, group, conversation or slice folds like any other word", () => {
    const plain = Array.from({ length: 6 }, (_, n) => `w${n}`);
    for (let round = 0; round < 120; round++) {
      const from = round % INHERITED.length;
      const names = Array.from({ length: 6 }, (_, n) => INHERITED[(from + n) % INHERITED.length] ?? "");
      const results = [names, plain].map((list) => {
        let state = folded(evening((n) => list[n] ?? "", seeded(round)));
        for (const to of list.slice(0, 3)) state = markRead(state, to);
        return numbered({ ...state, chats: conversations(state), seen: seenForHello(state.seen) }, list);
      });
      expect(results[0]).toEqual(results[1]);
    }
  });

  it("that nobody said leads to nothing", () => {
    const { client } = setupInside();
    const snap = client.snapshot;
    for (const word of WORDS.filter((each) => each !== "m1")) {
      expect(person(snap, word), word).toBeNull();
      expect(own(snap.chats, word), word).toBeUndefined();
      expect(own(snap.names, word), word).toBeUndefined();
      expect(own(null as Record<string, number> | null, word)).toBeUndefined();
    }
  });

  it("is never shown as what objects inherit: signs, refusals, stages", () => {
    const sun = words.reactions.kinds["sun"];
    for (const word of WORDS) {
      expect(signWords(word), word).toBe(sun);
      expect(JSON.stringify(Sign({ kind: word }))).toContain("sign-sun");
      expect(failure(word), word).toBe(words.failed["other"]);
      expect(typeof (titleOf({ kind: word as StageKind, seconds: 1 }) ?? ""), word).toBe("string");
    }
  });

  it("is kept across a reload and in a link's extras under its own name", () => {
    const storage = new MemoryStorage();
    const read = record(...WORDS.map((word, n): [string, number] => [word, n]));
    seatStore("r", storage).save({ resume: "x", nextId: 1, read, way: null });
    expect(Object.entries(seatStore("r", storage).load()?.read ?? {})).toEqual(Object.entries(read));
    const link = parseLink(`http://h/r/a#t=x&${WORDS.map((word) => `${word}=1`).join("&")}`);
    expect(Object.keys(link?.extra ?? {}).sort()).toEqual([...WORDS].sort());
  });

  it("sets no prototype", () => {
    const table: Record<string, unknown> = {};
    for (const word of WORDS) put(table, word, { admin: true });
    expect(Object.getPrototypeOf(table)).toBe(Object.prototype);
    expect("admin" in table).toBe(false);
    expect(Object.keys(table).sort()).toEqual([...WORDS].sort());
  });
});

describe("[NA4] a name in words of the page", () => {
  it("adds nothing to what is said of somebody", () => {
    for (const sign of ",;:·•|/\\()[]{}<>«»‹›…–—") {
      const said = spoken(`Ben${sign} has the stick`);
      expect(said, sign).toBe("Ben has the stick");
    }
    for (const name of ["O’Neil", "Jean-Luc", "J. R.", "🌻", "---", "مريم"]) expect(spoken(name)).toBe(name);
  });

  it("keeps its direction to itself", () => {
    expect(isolated("Ben")).toBe("Ben");
    for (const name of ["مريم", "מרים", "Ann א", "ܡܪܝܡ", "ߞߊ"]) expect(isolated(name)).toBe(`\u2068${name}\u2069`);
  });
});
