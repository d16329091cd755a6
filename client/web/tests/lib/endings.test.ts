import { describe, expect, it } from "vitest";
import { chat, welcomeBack } from "../support/frames.ts";
import { dropAndReopen, setupInside } from "../support/client.ts";

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
