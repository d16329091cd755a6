import { describe, expect, it } from "vitest";
import type { Snapshot } from "../../src/lib/index.ts";
import { change, chat, entered, welcome, welcomeBack } from "../support/frames.ts";
import { dropAndReopen, settled, setup, setupInside } from "../support/client.ts";

describe("opening", () => {
  it("goes from idle over agreement and lobby to inside", async () => {
    const { client, world } = setup();
    const phases: string[] = [];
    client.subscribe(() => phases.push(client.snapshot.phase));
    expect(client.snapshot.phase).toBe("idle");

    client.join("Ada");
    expect(world.socket).toMatchObject({
      url: "ws://h/ws",
      protocol: "sitwith.v1",
      binaryType: "arraybuffer",
    });
    expect(world.socket.heard()).toEqual([]);
    world.socket.open();
    expect(world.socket.heard()).toEqual([{ t: "hello", token: "r1.secret", name: "Ada" }]);

    world.socket.say(welcome());
    expect(client.snapshot).toMatchObject({
      phase: "agreement",
      me: "m1",
      room: { agreement: { version: 1 } },
    });
    const accepted = client.accept();
    const [accept] = world.socket.heard();
    expect(accept).toMatchObject({ t: "agreement.accept", version: 1 });
    world.socket.say({ t: "lobby" }, { t: "ok", id: accept?.["id"] });
    expect(await accepted).toEqual({ ok: true, fields: {} });
    expect(client.snapshot.phase).toBe("lobby");
    world.socket.say(entered());
    expect(client.snapshot.phase).toBe("inside");
    expect([...new Set(phases)]).toEqual(["connecting", "agreement", "lobby", "inside"]);
  });

  it("accepts the version that is shown when it is pressed", async () => {
    const { client, world } = setup();
    client.join("Ada");
    expect(await client.accept()).toMatchObject({ ok: false, code: "not_inside" });
    world.socket.open();
    world.socket.say(welcome({ room: { title: "", agreement: { version: "2024-05", text: "" } } }));
    world.socket.heard();
    void client.accept();
    expect(world.socket.heard()[0]).toMatchObject({ version: "2024-05" });
  });

  it("leads nowhere without a token, and without a seat", () => {
    const without = setup({ token: null });
    without.client.join("Ada");
    expect(without.client.snapshot).toMatchObject({ phase: "closed", closed: { code: 4404 } });
    const seatless = setup();
    seatless.client.resume();
    expect(seatless.client.snapshot).toMatchObject({ phase: "closed", closed: { code: 4404 } });
    expect([...without.world.sockets, ...seatless.world.sockets]).toEqual([]);
  });

  it("keeps trying while no server answers, and gives a mute one ten seconds", () => {
    const { client, world } = setup();
    client.join("Ada");
    world.socket.end(1006);
    expect(client.snapshot).toMatchObject({ phase: "connecting", connection: "reconnecting" });
    world.pass(300);
    expect(world.sockets).toHaveLength(2);
    world.socket.open();
    world.pass(9_000);
    expect(world.sockets[1]?.closedByClient).toBeNull();
    world.pass(1_000);
    expect(world.sockets[1]?.closedByClient).toBe(1000);
    world.pass(1_000);
    expect(world.sockets).toHaveLength(3);
    world.socket.open();
    world.socket.say(welcome());
    expect(client.snapshot).toMatchObject({ phase: "agreement", connection: "ok" });
  });

  it("joins once, however often it is pressed", () => {
    const { client, world } = setup();
    client.join("Ada");
    client.join("Ada");
    client.resume();
    expect(world.sockets).toHaveLength(1);
  });
});

describe("snapshots", () => {
  it("are new objects that are never changed, and the same one while nothing happens", () => {
    const { client, world } = setupInside();
    const before = client.snapshot;
    expect(client.snapshot).toBe(before);
    world.socket.say(chat(1));
    const after = client.snapshot;
    expect(after).not.toBe(before);
    expect(before.chats).toEqual({});
    expect(after.chats["circle"]?.messages).toHaveLength(1);
    expect(after.room).toBe(before.room);
    expect(Object.isFrozen(after)).toBe(true);
    world.socket.say(change({ locked: true }));
    expect(client.snapshot.chats).toBe(after.chats);
  });

  it("tell each listener of each change until it has had enough", () => {
    const { client, world } = setupInside();
    const seen: Snapshot[] = [];
    const stop = client.subscribe(() => seen.push(client.snapshot));
    world.socket.say(chat(1), chat(2), { t: "weather", is: "rain" }, { t: "ok", id: 999 });
    expect(seen).toHaveLength(2);
    stop();
    world.socket.say(chat(3));
    expect(seen).toHaveLength(2);
  });

  it("drop a reaction after four seconds", () => {
    const { client, world } = setupInside();
    world.socket.say({ t: "reaction", from: "m2", kind: "heart" });
    world.pass(3_900);
    expect(client.snapshot.reactions).toMatchObject([{ from: "m2", kind: "heart" }]);
    world.pass(200);
    expect(client.snapshot.reactions).toEqual([]);
  });

  it("know the server's clock", () => {
    const { client, world } = setupInside();
    const now = client.snapshot.serverNow();
    expect(now).toBeCloseTo(1_001, 5);
    world.pass(2_000);
    expect(client.snapshot.serverNow()).toBeCloseTo(1_003, 5);
  });

  it("tell gaps until the person has seen them", () => {
    const { client, world } = setupInside();
    world.socket.say({ t: "gap", stream: "circle", missed: null });
    expect(client.snapshot.gaps).toMatchObject([{ stream: "circle" }]);
    client.dismissGaps();
    expect(client.snapshot.gaps).toEqual([]);
  });
});

describe("commands", () => {
  it("get their answers, with what an ok carries or why they were refused", async () => {
    const { client, world } = setupInside();
    const said = client.send("chat.say", { to: "pair", body: "hi" });
    const raised = client.send("hand.raise", {});
    const [say, raise] = world.socket.heard();
    expect(say).toEqual({ t: "chat.say", id: say?.["id"], to: "pair", body: "hi" });
    expect(raise?.["id"]).toBe((say?.["id"] as number) + 1);
    world.socket.say({ t: "refused", id: raise?.["id"], code: "stale", message: "Too late." });
    world.socket.say({ t: "ok", id: say?.["id"], to: "pair:g1", n: 4 });
    expect(await said).toEqual({ ok: true, fields: { to: "pair:g1", n: 4 } });
    expect(await raised).toEqual({ ok: false, code: "stale", message: "Too late." });
  });

  it("are refused here when the wire has no form for them, and the link lives on", async () => {
    const { client, world } = setupInside();
    expect(await client.send("floor.extend", { seconds: NaN })).toMatchObject({
      ok: false,
      code: "bad_request",
    });
    expect(await client.send("chat.say", { to: "circle", body: "x".repeat(40_000) })).toMatchObject(
      { code: "too_long" },
    );
    expect(world.socket.heard()).toEqual([]);
    expect(client.snapshot.connection).toBe("ok");
  });

  it("[RE4] in flight when the link drops are sent again with the same id and have one answer", async () => {
    const { client, world } = setupInside();
    const first = client.send("chat.say", { to: "circle", body: "one" });
    const sent = world.socket.heard();
    const hello = dropAndReopen(world);
    expect(hello).toMatchObject({ t: "hello", resume: "res-1" });
    expect(client.snapshot).toMatchObject({ phase: "inside", connection: "reconnecting" });
    const second = client.send("chat.say", { to: "circle", body: "two" });
    expect(world.socket.heard()).toEqual([]);

    world.socket.say(welcomeBack());
    const again = world.socket.heard();
    expect(again[0]).toEqual(sent[0]);
    expect(again[1]).toMatchObject({
      t: "chat.say",
      body: "two",
      id: (sent[0]?.["id"] as number) + 1,
    });
    expect(client.snapshot.connection).toBe("ok");

    world.socket.say({ t: "ok", id: again[0]?.["id"], to: "circle", n: 1 });
    world.socket.say({ t: "ok", id: again[0]?.["id"], to: "circle", n: 1 });
    expect(await first).toMatchObject({ ok: true });
    expect(await settled(second)).toBe("waiting");

    dropAndReopen(world);
    world.socket.say(welcomeBack());
    expect(world.socket.heard()).toEqual([again[1]]);
  });

  it("that are reactions are not worth sending late", async () => {
    const { client, world } = setupInside();
    const inFlight = client.send("react", { kind: "heart" });
    dropAndReopen(world);
    expect(await inFlight).toMatchObject({ ok: false, code: "lost" });
    expect(await client.send("react", { kind: "heart" })).toMatchObject({
      ok: false,
      code: "lost",
    });
    world.socket.say(welcomeBack());
    expect(world.socket.heard()).toEqual([]);
  });

  it("end with the connection, and none waits for ever", async () => {
    const { client, world } = setupInside();
    const waiting = client.send("hand.raise", {});
    world.socket.end(4409);
    expect(await waiting).toMatchObject({ ok: false, code: "closed" });
    expect(await client.send("hand.raise", {})).toMatchObject({ ok: false, code: "closed" });
    expect(await setup().client.send("hand.raise", {})).toMatchObject({
      ok: false,
      code: "closed",
    });
  });
});
