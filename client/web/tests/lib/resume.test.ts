import { describe, expect, it } from "vitest";
import { change, chat, pos, welcome, welcomeBack } from "../support/frames.ts";
import { dropAndReopen, setup, setupInside } from "../support/client.ts";
import { World } from "../support/world.ts";

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
