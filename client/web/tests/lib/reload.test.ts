import { describe, expect, it } from "vitest";
import { change, chat, entered, inside, welcome, welcomeBack } from "../support/frames.ts";
import { setup, setupInside } from "../support/client.ts";
import { MemoryStorage, World } from "../support/world.ts";

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
