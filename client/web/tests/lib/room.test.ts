import { describe, expect, it } from "vitest";
import { readFrame, type ServerFrame } from "../../src/lib/wire/messages.ts";
import {
  conversations,
  dropReactions,
  EMPTY_ROOM,
  fold,
  seenForHello,
  markRead,
  REACTION_MS,
  type RoomState,
} from "../../src/lib/room.ts";
import { serverSeconds } from "../../src/lib/connection/clock.ts";
import { encode } from "../../src/lib/wire/codec.ts";
import {
  change,
  chat,
  deleted,
  entered,
  inside,
  member,
  patch,
  pos,
  welcome,
  welcomeBack,
} from "../support/frames.ts";
import { seeded, type Frame } from "../support/world.ts";

function frames(state: RoomState, list: Frame[], now = 5_000): RoomState {
  return list.reduce((before, each) => {
    const frame = readFrame(each);
    if (frame === null || frame === "unknown") throw new Error(`no frame: ${each.t}`);
    return fold(before, frame satisfies ServerFrame, now);
  }, state);
}

const atHome = (): RoomState => frames(EMPTY_ROOM, [welcome(), entered()]);
const bad = [
  { patch: {} },
  { patch: [["members"]] },
  { patch: [["members", 1, {}]] },
  { patch: [["members", "m1", {}, {}]] },
  { set: [] },
];
const words = (state: RoomState, to = "circle"): [number, string][] =>
  (state.messages[to] ?? []).map(({ n, body }) => [n, body]);

describe("slices", () => {
  it("[EV2] are replaced whole and by name; the others stay the same objects", () => {
    const before = atHome();
    const after = frames(before, [change({ members: { m1: member("Ada") }, locked: true })]);
    expect(Object.keys(after.view.members)).toEqual(["m1"]);
    expect(after.view.locked).toBe(true);
    expect(after.view.floor).toBe(before.view.floor);
    expect(before.view.locked).toBe(false);
    expect(after.seen["room"]).toEqual(pos(2));
  });

  it("[EV10] are changed by entries, after those that come whole", () => {
    const [ada, ben, cy] = [member("Ada"), member("Ben"), member("Cy")];
    const before = frames(atHome(), [change({ members: { m1: ada, m2: ben }, talk: { m1: 1 } })]);
    const whole = { t: "room", seq: 3, pos: pos(3), why: "x", set: { members: { m1: ada, m2: ben } } };
    const entries = [["members", "m3", cy], ["members", "m2"], ["floor", "mode", "quiet"], ["floor", "left", null]];
    const after = frames(before, [{ ...whole, patch: entries }]);
    expect(after.view.members).toEqual({ m1: ada, m3: cy });
    expect(after.view.floor).toEqual({ ...before.view.floor, mode: "quiet", left: null });
    expect(after.view.locked).toBe(before.view.locked);
    expect(after.view.pairs).toBe(before.view.pairs);
    expect(after.names).toMatchObject({ m2: "Ben", m3: "Cy" });
    expect(after.seen["room"]).toEqual(pos(3));
    expect(before.view.members).toEqual({ m1: ada, m2: ben });
  });

  it.each(bad)("[EV10] of another form are no frame: %j", (fields) => {
    expect(readFrame({ t: "room", seq: 1, pos: pos(2), why: "x", ...fields })).toBeNull();
  });

  it("[EV10] keep an entry whatever its key is called", () => {
    const after = frames(atHome(), [patch(["members", "__proto__", member("Ada")])]);
    expect(Object.keys(after.view.members)).toContain("__proto__");
    expect(frames(after, [patch(["members", "__proto__"])]).view.members).toEqual(atHome().view.members);
  });

  it("[FL25] have each hand where it is in the queue, though its entry is behind it", () => {
    const up = (place: number | null) => member("X", { hand: place });
    const before = frames(atHome(), [change({ members: { m1: up(1), m2: up(2), m3: up(3) } })]);
    const queued = frames(before, [patch(["floor", "queue", ["m1", "m2", "m3"]])]);
    expect(queued.view.members).toBe(before.view.members);
    const lowered = frames(queued, [patch(["members", "m1", up(null)], ["floor", "queue", ["m2", "m3"]])]);
    expect(Object.values(lowered.view.members).map(({ hand }) => hand)).toEqual([null, 1, 2]);
  });

  it("are all there and empty before one is inside", () => {
    const state = frames(EMPTY_ROOM, [welcome()]);
    expect(state.phase).toBe("agreement");
    expect(state.view).toMatchObject({
      title: "Evening",
      members: {},
      lobby: [],
      help: [],
      care: {},
      floor: null,
    });
  });

  it("that become null are empty again, as a facilitator's lobby is when the role goes", () => {
    const person = { id: "p1", name: "Cy", at: 1 };
    const guide = member("Ada", { role: "facilitator" });
    const state = frames(EMPTY_ROOM, [
      welcome({ role: "facilitator" }),
      entered({ room: inside({ members: { m1: guide }, lobby: [person], help: ["m2"] }) }),
    ]);
    expect(state.view).toMatchObject({ lobby: [person], help: ["m2"] });
    const told = frames(state, [change({ lobby: null, help: null })]);
    expect(told.view).toMatchObject({ lobby: [], help: [] });
    const untold = frames(state, [change({ members: { m1: member("Ada") } })]);
    expect(untold).toMatchObject({ role: "member", view: { lobby: [], help: [] } });
  });

  it("give one's own role as it changes", () => {
    const state = frames(atHome(), [
      change({ members: { m1: member("Ada", { role: "facilitator" }) } }),
    ]);
    expect(state.role).toBe("facilitator");
  });

  it("[EV1] of a newer server are kept beside the known ones", () => {
    const state = frames(atHome(), [change({ weather: "rain" })]);
    expect(state.view).toMatchObject({ weather: "rain", title: "Evening" });
  });

  it("leave the names of those who have gone", () => {
    const state = frames(atHome(), [change({ members: { m1: member("Ada B") } })]);
    expect(state.names).toEqual({ m1: "Ada B", m2: "Bo" });
  });

  it("are gone but for title and agreement when one is back in the lobby", () => {
    const state = frames(atHome(), [chat(1), { t: "lobby" }]);
    expect(state.phase).toBe("lobby");
    expect(state.view).toMatchObject({
      title: "Evening",
      members: {},
      floor: null,
      settings: null,
    });
    expect(state.messages).toEqual({});
    expect(state.names).toEqual({});
  });
});

describe("conversations", () => {
  it("[EV4] hold each message once, by its number, in whatever order the copies come", () => {
    for (let seed = 0; seed < 50; seed++) {
      const chance = seeded(seed);
      const copies = [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 4].map((n) => chat(n));
      copies.sort(() => chance() - 0.5);
      const state = frames(atHome(), copies);
      expect(words(state), `seed ${seed}`).toEqual([1, 2, 3, 4, 5, 6].map((n) => [n, `word ${n}`]));
    }
  });

  it("are apart: the same number in another one is another message", () => {
    const state = frames(atHome(), [chat(1), chat(1, { to: "pair:g1", body: "quiet" })]);
    expect(words(state)).toEqual([[1, "word 1"]]);
    expect(words(state, "pair:g1")).toEqual([[1, "quiet"]]);
    expect(state.seen).toMatchObject({ circle: pos(11), "pair:g1": pos(11) });
  });

  it("[EV5] keep a tombstone without the words, live and replayed, and a late copy does not bring them back", () => {
    const live = frames(atHome(), [chat(1), chat(2), deleted(1), chat(1)]);
    const replayed = frames(atHome(), [chat(1, { body: "", deleted: true }), deleted(1), chat(2)]);
    for (const state of [live, replayed]) {
      expect(state.messages["circle"]?.map(({ body, deleted: gone }) => [body, gone])).toEqual([
        ["", true],
        ["word 2", false],
      ]);
    }
    expect(JSON.stringify(live.messages)).not.toContain("word 1");
    expect(live.seen["circle"]).toEqual(pos(11));
    const unheard = frames(atHome(), [deleted(7)]);
    expect(unheard.messages["circle"] ?? []).toEqual([]);
    expect(unheard.seen["circle"]).toEqual(pos(107));
  });

  it("count as unread what others said since it was read last", () => {
    let state = frames(atHome(), [chat(1), chat(2), chat(3, { from: "m1" }), chat(4), deleted(4)]);
    expect(conversations(state)["circle"]?.unread).toBe(2);
    state = markRead(state, "circle");
    expect(conversations(state)["circle"]?.unread).toBe(0);
    expect(markRead(state, "circle")).toBe(state);
    state = frames(state, [chat(5)]);
    expect(conversations(state)["circle"]?.unread).toBe(1);
  });

  it("that did not change stay the same object in the next snapshot", () => {
    const before = frames(atHome(), [chat(1), chat(1, { to: "staff:m1" })]);
    const first = conversations(before);
    const second = conversations(frames(before, [chat(2)]), first);
    expect(second["staff:m1"]).toBe(first["staff:m1"]);
    expect(second["circle"]).not.toBe(first["circle"]);
  });

  it("are closed when their group is over, the other has gone or the role has", () => {
    const pairs = {
      groups: { g1: ["m1", "m2"], g2: [] },
      mine: "g1",
      ends_at: null,
      visitors: {},
      asked: false,
      closing: false,
    };
    let state = frames(atHome(), [
      change({ pairs }),
      chat(1, { to: "pair:g1" }),
      chat(1, { to: "pair:g2" }),
      chat(1, { to: "direct:m2" }),
      chat(1, { to: "staff:m1" }),
      chat(1, { to: "facilitators" }),
      chat(1),
    ]);
    const closed = (): Record<string, boolean> =>
      Object.fromEntries(
        Object.entries(conversations(state)).map(([to, each]) => [to, each.closed]),
      );
    expect(closed()).toEqual({
      "pair:g1": false,
      "pair:g2": true,
      "direct:m2": true,
      "staff:m1": false,
      facilitators: true,
      circle: false,
    });
    state = frames(state, [change({ pairs: { ...pairs, mine: null, visitors: { g2: ["m1"] } } })]);
    expect(closed()).toMatchObject({ "pair:g1": true, "pair:g2": false });
    state = frames(state, [change({ pairs: null })]);
    expect(closed()).toMatchObject({ "pair:g1": true, "pair:g2": true });
  });

  it("take sealed bodies as bytes, never as text", () => {
    const state = frames(atHome(), [chat(1, { body: new Uint8Array([1, 2]) })]);
    expect(state.messages["circle"]?.[0]).toMatchObject({
      body: "",
      sealed: new Uint8Array([1, 2]),
    });
  });
});

describe("resume", () => {
  it("[RE3] keeps what was said and takes the view anew; replayed frames come once", () => {
    const before = frames(atHome(), [chat(1), chat(2), change({ locked: true })]);
    const after = frames(before, [welcomeBack(), chat(2), chat(3), chat(4)]);
    expect(words(after).map(([n]) => n)).toEqual([1, 2, 3, 4]);
    expect(after.view.locked).toBe(false);
  });

  it("[RE2] moves a conversation's position only by frames that came: a link lost in mid-replay loses nothing", () => {
    const before = frames(atHome(), [chat(1)]);
    const after = frames(before, [
      welcomeBack({ pos: { room: pos(90), circle: pos(99), "pair:g1": pos(5) } }),
    ]);
    expect(after.seen).toEqual({ room: pos(90), circle: pos(11) });
    expect(frames(after, [chat(2)]).seen["circle"]).toEqual(pos(12));
  });

  it("on a page that knows nothing yet asks for everything since one's entry", () => {
    const state = frames(EMPTY_ROOM, [welcomeBack()]);
    expect(state.seen).toEqual({ room: pos(90) });
    expect(state.phase).toBe("inside");
  });

  it("tells a gap, where it was", () => {
    const state = frames(atHome(), [
      chat(1),
      chat(2),
      { t: "gap", stream: "circle", missed: [3, 5] },
      { t: "gap", stream: "room", missed: null },
    ]);
    expect(state.gaps).toEqual([
      { stream: "circle", missed: [3, 5], after: 2 },
      { stream: "room", missed: null, after: 0 },
    ]);
  });

  it("into another seat starts from nothing", () => {
    const before = frames(atHome(), [chat(1)]);
    const after = frames(before, [welcomeBack({ me: "m9", resumed: false })]);
    expect(after.messages).toEqual({});
    expect(after.me).toBe("m9");
  });
});

describe("the rest", () => {
  it("drops reactions that have had their time", () => {
    let state = frames(atHome(), [{ t: "reaction", from: "m2", kind: "heart" }], 1_000);
    state = frames(state, [{ t: "reaction", from: "m1", kind: "wave" }], 3_000);
    expect(state.reactions.map(({ kind, key }) => [kind, key])).toEqual([
      ["heart", 0],
      ["wave", 1],
    ]);
    expect(dropReactions(state, 1_000 + REACTION_MS - 1)).toBe(state);
    expect(dropReactions(state, 1_000 + REACTION_MS).reactions.map(({ kind }) => kind)).toEqual([
      "wave",
    ]);
  });

  it("knows the server's clock from the welcome, nearer from later stamps, not from replayed ones", () => {
    let state = frames(EMPTY_ROOM, [welcome({ now: 1_000 })], 500_000);
    expect(serverSeconds(state.clock, 501_000)).toBe(1_001);
    state = frames(state, [chat(1, { at: 900 })], 502_000);
    expect(serverSeconds(state.clock, 502_000)).toBe(1_002);
    state = frames(state, [chat(2, { at: 1_003.5 })], 503_000);
    expect(serverSeconds(state.clock, 503_000)).toBe(1_003.5);
    const unsaid = frames(EMPTY_ROOM, [welcome({ now: undefined }), chat(1, { at: 100 })], 500_000);
    expect(serverSeconds(unsaid.clock, 500_000)).toBe(500);
    state = frames(state, [welcomeBack({ now: 2_000 })], 504_000);
    expect(serverSeconds(state.clock, 505_000)).toBe(2_001);
  });

  it("[EV1] reads frames: unknown types are let be, known ones without their fields are none", () => {
    expect(readFrame({ t: "party" })).toBe("unknown");
    expect(readFrame({ t: "toString" })).toBe("unknown");
    for (const bad of [
      null,
      [],
      "x",
      {},
      { t: 1 },
      { t: "chat" },
      { ...chat(1), pos: "x" },
      { ...entered(), room: [] },
    ]) {
      expect(readFrame(bad)).toBeNull();
    }
    expect(readFrame({ t: "closed", code: 4404, more: true })).toMatchObject({ t: "closed" });
  });
});

describe("a greeting", () => {
  it("[RE2] [WF3] names as many conversations as fit into a frame, the room always", () => {
    const seen: Record<string, Uint8Array> = { room: new Uint8Array(40) };
    for (let n = 0; n < 3_000; n++) seen[`staff:m${String(n).padStart(16, "0")}`] = new Uint8Array(40);
    const named = seenForHello(seen);
    expect(encode({ t: "hello", resume: "r".repeat(200), seen: named }).length).toBeLessThan(32_768);
    expect(Object.keys(named).length).toBeGreaterThan(200);
    expect(named["room"]).toBe(seen["room"]);
    expect(named["staff:m0000000000002999"]).toBeDefined();
    expect(seenForHello({ room: pos(1), circle: pos(2) })).toEqual({ room: pos(1), circle: pos(2) });
    expect(seenForHello({})).toEqual({});
  });
});
