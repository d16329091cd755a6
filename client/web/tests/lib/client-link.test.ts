import { describe, expect, it } from "vitest";
import { change, chat, entered, inside, pos, welcome, welcomeBack } from "../support/frames.ts";
import { dropAndReopen, setup, setupInside } from "../support/client.ts";
import { MemoryStorage, World } from "../support/world.ts";

describe("resume", () => {
  it("[RE2] [RE3] tells the position of the last frame of each stream, and shows what was missed once", () => {
    const { client, world } = setupInside();
    world.socket.say(
      chat(1),
      chat(1, { to: "pair:g1", pos: pos(77) }),
      change({ locked: true }, { pos: pos(55) }),
      chat(2),
    );
    // These were on their way when the link dropped.
    world.socket.queue(chat(3));
    const hello = dropAndReopen(world);
    expect(hello["seen"]).toEqual({ room: pos(55), circle: pos(12), "pair:g1": pos(77) });
    world.socket.say(welcomeBack(), chat(3), chat(4));
    expect(client.snapshot.chats["circle"]?.messages.map(({ n }) => n)).toEqual([1, 2, 3, 4]);
    expect(dropAndReopen(world)["resume"]).toBe("res-2");
  });

  it("[CC6] comes at once after a drain, elsewhere within the time that the server gave", () => {
    const { client, world } = setupInside();
    world.socket.say({ t: "reconnect", after_ms: 4_000 });
    expect(client.snapshot.connection).toBe("ok");
    const old = world.socket;
    world.pass(4_000 + 300);
    expect(old.closedByClient).toBe(1000);
    expect(world.sockets).toHaveLength(2);
    old.end(4002);
    world.socket.open();
    world.socket.say(welcomeBack());
    world.pass(60);
    expect(client.snapshot.connection).toBe("ok");
    expect(world.sockets).toHaveLength(2);
  });

  it("hears nothing any more from a socket that was given up", () => {
    const { client, world } = setupInside();
    const old = world.socket;
    dropAndReopen(world);
    world.socket.say(welcomeBack());
    old.say(chat(9));
    old.end(4403);
    expect(client.snapshot).toMatchObject({ phase: "inside", connection: "ok", chats: {} });
  });

  it("starts anew on a socket that speaks no sense", () => {
    const { client, world } = setupInside();
    const mad: unknown[] = [
      "text",
      new Uint8Array([0xc1]).buffer,
      new Uint8Array([0x81, 0xa1, 0x74, 0xa4, 0x63, 0x68, 0x61, 0x74]).buffer,
    ];
    for (const data of mad) {
      const socket = world.socket;
      socket.sayRaw(data);
      expect(client.snapshot.connection).toBe("reconnecting");
      expect(socket.closedByClient).toBe(4003);
      world.pass(10_000);
      world.socket.open();
      world.socket.say(welcomeBack());
      expect(client.snapshot.connection).toBe("ok");
      world.pass(4_000);
    }
  });
});

describe("a room that has forgotten", () => {
  /** The link drops, and the resume leads nowhere; the next socket's hello. */
  function comeBackToNothing(world: World): unknown {
    dropAndReopen(world);
    world.socket.say({ t: "closed", code: 4404 });
    world.socket.end(4404);
    world.socket.open();
    return world.socket.heard()[0];
  }

  it("[RE14] is entered anew by the token, with nothing of before", async () => {
    const { client, world, storage } = setupInside();
    world.socket.say(chat(1));
    const waiting = client.send("hand.raise", {});
    expect(comeBackToNothing(world)).toEqual({ t: "hello", token: "r1.secret", name: "Ada", was: "res-1" });
    expect(await waiting).toMatchObject({ ok: false });
    expect(client.snapshot).toMatchObject({ phase: "connecting", forgotten: 1, chats: {}, names: {} });
    world.socket.say(welcome({ me: "m9", resume: "res-9" }));
    expect(client.snapshot).toMatchObject({ phase: "agreement", me: "m9", closed: null });
    expect(world.socket.heard()).toEqual([]);
    const again = setup({ storage, world });
    again.client.resume();
    world.socket.open();
    expect(world.socket.heard()[0]).toMatchObject({ resume: "res-9" });
  });

  it("[RE14] is tried once, and then it is an end", () => {
    const { client, world, storage } = setupInside();
    comeBackToNothing(world);
    world.socket.end(4404);
    expect(client.snapshot).toMatchObject({ phase: "closed", closed: { code: 4404 } });
    expect(client.hasSeat()).toBe(false);
    expect(setup({ storage }).client.hasSeat()).toBe(false);
  });

  it("[RE14] is no matter where one is closed from inside, or has left", async () => {
    const ended = setupInside();
    ended.world.socket.end(4404);
    expect(ended.client.snapshot).toMatchObject({ phase: "closed", closed: { code: 4404 }, forgotten: 0 });
    const { client, world } = setupInside();
    void client.send("leave", {});
    dropAndReopen(world);
    world.socket.end(4404);
    expect(client.snapshot).toMatchObject({ phase: "closed", closed: { code: 1000 }, forgotten: 0 });
  });

  it("[RE14] is found again after a reload, with the name and the token of before", () => {
    const first = setupInside();
    const { client, world } = setup({ storage: first.storage, token: null });
    client.resume();
    world.socket.open();
    world.socket.heard();
    world.socket.end(4404);
    world.socket.open();
    expect(world.socket.heard()[0]).toEqual({ t: "hello", token: "r1.secret", name: "Ada", was: "res-1" });
  });

  it("[RE15] knows who comes in anew by themselves, too", () => {
    const first = setupInside();
    const { client, world } = setup({ storage: first.storage });
    client.join("Fay");
    world.socket.open();
    expect(world.socket.heard()[0]).toEqual({ t: "hello", token: "r1.secret", name: "Fay", was: "res-1" });
  });
});

describe("half-open links", () => {
  it("[AN9] are given up five seconds after a command, having asked halfway, where nothing is heard", () => {
    const { client, world } = setupInside();
    void client.send("hand.raise", {});
    world.pass(2_499);
    expect(world.socket.heard()).toMatchObject([{ t: "hand.raise" }]);
    world.pass(1);
    expect(world.socket.heard()).toMatchObject([{ t: "ping" }]);
    world.pass(2_499);
    expect(client.snapshot.connection).toBe("ok");
    world.pass(1);
    expect(client.snapshot.connection).toBe("reconnecting");
    world.pass(300);
    expect(world.sockets).toHaveLength(2);
  });

  it("[AN9] are none where an answer takes its time: the line is asked, and answers", () => {
    const { client, world } = setupInside();
    void client.send("media.offer", { sdp: "v=0" });
    for (let waited = 0; waited < 60_000; waited += 500) {
      world.pass(500);
      for (const frame of world.socket.heard())
        if (frame.t === "ping") world.socket.say({ t: "pong", id: frame["id"] });
    }
    expect(client.snapshot.connection).toBe("ok");
    expect(world.sockets).toHaveLength(1);
  });

  it("are not asked twice for several commands, nor given up later for the later ones", () => {
    const { client, world } = setupInside();
    void client.send("hand.raise", {});
    world.pass(2_000);
    void client.send("hand.lower", {});
    world.pass(500);
    expect(world.socket.heard().map(({ t }) => t)).toEqual(["hand.raise", "hand.lower", "ping"]);
    void client.send("hand.raise", {});
    world.pass(2_500);
    expect(world.socket.heard().map(({ t }) => t)).toEqual(["hand.raise"]);
    expect(client.snapshot.connection).toBe("reconnecting");
  });

  it("are those where nothing at all is heard: any frame shows that the link lives", () => {
    const { client, world } = setupInside();
    void client.send("hand.raise", {});
    world.pass(4_000);
    world.socket.say(chat(1));
    world.pass(10_000);
    expect(client.snapshot.connection).toBe("ok");
  });

  it("are asked after a long silence and when the device wakes", () => {
    const { client, world } = setupInside();
    world.pass(25_000);
    const [probe] = world.socket.heard();
    expect(probe).toMatchObject({ t: "ping" });
    world.socket.say({ t: "pong", id: probe?.["id"] });
    world.pass(1_000);
    world.wake();
    expect(world.socket.heard()).toMatchObject([{ t: "ping", id: (probe?.["id"] as number) + 1 }]);
    world.pass(5_000);
    expect(client.snapshot.connection).toBe("reconnecting");
  });

  it("are told from a device that slept through the answer's time", () => {
    const { client, world } = setupInside();
    void client.send("hand.raise", {});
    world.socket.heard();
    world.sleep(60_000);
    expect(client.snapshot.connection).toBe("ok");
    expect(world.socket.heard()).toMatchObject([{ t: "ping" }]);
    world.pass(5_000);
    expect(client.snapshot.connection).toBe("reconnecting");
  });

  it("come back at once when the network does", () => {
    const { world } = setupInside();
    for (let i = 0; i < 8; i++) {
      world.socket.end(1006);
      world.pass(8_000);
    }
    const tried = world.sockets.length;
    world.socket.end(1006);
    world.pass(1_500);
    expect(world.sockets).toHaveLength(tried);
    world.wake();
    expect(world.sockets).toHaveLength(tried + 1);
  });
});

describe("endings", () => {
  it("[RE11] are none where one's own greeting, given up before, was taken late", () => {
    const { client, world } = setupInside();
    dropAndReopen(world);
    world.pass(10_000); // no welcome: this one is given up
    world.pass(1_000);
    world.socket.open();
    world.socket.say(welcomeBack());
    expect(client.snapshot.connection).toBe("ok");
    world.socket.say({ t: "closed", code: 4409 });
    world.socket.end(4409);
    expect(client.snapshot).toMatchObject({ phase: "inside", connection: "reconnecting", closed: null });
    world.pass(8_000);
    world.socket.open();
    expect(world.socket.heard()).toMatchObject([{ t: "hello", resume: "res-2" }]);
    world.socket.say(welcomeBack());
    world.pass(30_000 - 8_000);
    world.socket.end(4409);
    expect(client.snapshot).toMatchObject({ phase: "closed", closed: { code: 4409 } });
  });

  it.each([4400, 4403, 4404, 4405, 4408, 4409, 4413, 4423, 4429])(
    "[CC1] %i ends for good",
    (code) => {
      const { client, world } = setupInside();
      world.socket.end(code);
      world.wake();
      world.pass(60_000);
      expect(client.snapshot).toMatchObject({ phase: "closed", closed: { code } });
      expect(world.sockets).toHaveLength(1);
      expect(world.wakersLeft).toBe(0);
    },
  );

  it.each([4001, 4002, 4003, 4004, 1001, 1006, 1011])("[CC1] %i comes back", (code) => {
    const { client, world } = setupInside();
    expect(dropAndReopen(world, code)).toMatchObject({ resume: "res-1" });
    expect(client.snapshot).toMatchObject({ phase: "inside", connection: "reconnecting", closed: null });
  });

  it("[CC3] have the code that the server named, though the socket itself tore", () => {
    const { client, world } = setupInside();
    world.socket.say({ t: "closed", code: 4403 });
    world.socket.end(1006);
    expect(client.snapshot).toMatchObject({ phase: "closed", closed: { code: 4403 } });
  });

  it("that take the seat leave nothing of the room on the page or in the tab", () => {
    for (const code of [4403, 4404, 4405]) {
      const { client, world, storage } = setupInside();
      world.socket.say(chat(1));
      world.socket.end(code);
      expect(client.hasSeat()).toBe(false);
      expect(storage.items.size).toBe(0);
      expect(client.snapshot).toMatchObject({
        chats: {},
        names: {},
        room: { members: {}, title: "Evening" },
      });
    }
  });

  it("by 4409 keep the seat, for whoever wants it back here", () => {
    const { client, world } = setupInside();
    world.socket.end(4409);
    expect(client.hasSeat()).toBe(true);
    client.resume();
    world.socket.open();
    expect(world.socket.heard()).toMatchObject([{ t: "hello", resume: "res-1" }]);
    world.socket.say(welcomeBack());
    expect(client.snapshot).toMatchObject({ phase: "inside", closed: null });
  });

  it("[CC2] by leave give the seat up, also when only its answer is lost", async () => {
    const one = setupInside();
    const leaving = one.client.send("leave", {});
    one.world.socket.say({ t: "ok", id: one.world.socket.heard()[0]?.["id"] });
    expect(await leaving).toMatchObject({ ok: true });
    expect(one.client.snapshot).toMatchObject({ phase: "closed", closed: { code: 1000 } });
    expect(one.client.hasSeat()).toBe(false);

    const two = setupInside();
    const gone = two.client.send("leave", {});
    dropAndReopen(two.world);
    two.world.socket.end(4404);
    expect(two.client.snapshot).toMatchObject({ phase: "closed", closed: { code: 1000 } });
    expect(await gone).toMatchObject({ ok: false, code: "closed" });
  });

  it("by close say good-bye and keep the seat", () => {
    const { client, world } = setupInside();
    client.close();
    expect(world.socket.closedByClient).toBe(1000);
    expect(client.snapshot).toMatchObject({ phase: "closed", closed: { code: 1000 } });
    expect(client.hasSeat()).toBe(true);
    world.pass(60_000);
    expect(world.sockets).toHaveLength(1);
  });
});

describe("reload", () => {
  it("[RE1] [RE2] takes the same seat again with higher ids, and asks for all that was said", () => {
    const storage = new MemoryStorage();
    const world = new World();
    const before = setupInside({ storage, world });
    before.world.socket.say(chat(1), chat(2));
    void before.client.send("hand.raise", {});
    const lastId = world.socket.heard().at(-1)?.["id"] as number;
    before.client.markRead("circle");

    // The device's clock was set back in between; ids rise all the same.
    const later = new World();
    later.time = 5;
    const after = setup({ storage, world: later });
    expect(after.client.hasSeat()).toBe(true);
    after.client.resume();
    expect(after.client.snapshot.phase).toBe("connecting");
    later.socket.open();
    expect(later.socket.heard()).toEqual([{ t: "hello", resume: "res-1", seen: {} }]);
    later.socket.say(welcomeBack(), chat(1), chat(2), chat(3));
    expect(after.client.snapshot).toMatchObject({
      phase: "inside",
      chats: { circle: { unread: 1 } },
    });
    void after.client.send("hand.raise", {});
    expect(later.socket.heard()[0]?.["id"]).toBeGreaterThan(lastId);
  });

  it("in a tab that was duplicated uses no id of its twin", () => {
    const storage = new MemoryStorage();
    setupInside({ storage });
    const copy = new MemoryStorage();
    for (const [key, value] of storage.items) copy.setItem(key, value);
    const ids = [storage, copy].map((each, i) => {
      const world = new World();
      world.time = 2_000_000 + i * 1_000;
      const { client } = setup({ storage: each, world });
      client.resume();
      world.socket.open();
      world.socket.say(welcomeBack());
      for (let k = 0; k < 40; k++) void client.send("hand.raise", {});
      return world.socket
        .heard()
        .slice(1)
        .map((frame) => frame["id"] as number);
    });
    expect(new Set(ids.flat()).size).toBe(80);
  });

  it("stores the seat, one's own way in and counters, and no word of anyone", async () => {
    const { client, world, storage } = setupInside();
    world.socket.say(
      chat(1, { body: "something private" }),
      change({ members: inside()["members"] }),
    );
    client.markRead("circle");
    const kept = [...storage.items.values()].join();
    expect(Object.keys(JSON.parse(kept) as object).sort()).toEqual([
      "nextId",
      "read",
      "resume",
      "v",
      "way",
    ]);
    for (const word of ["something", "Bo"]) expect(kept).not.toContain(word);
    const leaving = client.send("leave", {});
    const leave = world.socket.heard().find(({ t }) => t === "leave");
    world.socket.say({ t: "ok", id: leave?.["id"] });
    await leaving;
    expect(storage.items.size).toBe(0);
  });

  it("into a new seat starts from nothing", () => {
    const storage = new MemoryStorage();
    const first = setupInside({ storage });
    first.world.socket.say(chat(1));
    first.client.markRead("circle");
    const { client, world } = setup({ storage });
    client.join("Bo");
    world.socket.open();
    expect(world.socket.heard()).toMatchObject([{ t: "hello", token: "r1.secret", name: "Bo" }]);
    world.socket.say(welcome({ me: "m2", resume: "res-9" }), entered(), chat(1));
    expect(client.snapshot.chats["circle"]?.unread).toBe(0);
    expect(client.snapshot.chats["circle"]?.messages[0]?.mine).toBe(true);
  });
});
