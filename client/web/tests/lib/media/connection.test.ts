import { describe, expect, it } from "vitest";
import { SILENT_FOR } from "../../../src/lib/media/packet-watch.ts";
import { soon } from "../../support/media.ts";
import { type Room, begin, up, speaking } from "../../support/media-room.ts";

describe("the connection", () => {
  it("is offered anew after media.lost without anybody's doing, and the microphone goes with it", async () => {
    const room = await speaking();
    room.world.socket.say({ t: "media.lost" });
    expect(room.browser.peer.closed).toBe(true);
    room.world.pass(1_500);
    expect(await room.serve()).toEqual(["media.offer"]);
    expect(room.browser.peers).toHaveLength(2);
    room.browser.peer.become("connected");
    expect(room.media.snapshot.connection).toBe("up");
    expect(room.browser.taken).toHaveLength(1);
    expect(room.browser.peer.sender("audio").sends).toBe(true);
  });

  it("is offered anew after a second of silence where somebody else speaks, and only then", async () => {
    const room = await up();
    const step = async (ms: number): Promise<void> => {
      for (let passed = 0; passed < ms; passed += 100) {
        room.world.pass(100);
        await soon();
      }
    };
    room.world.socket.say({ t: "speaking", members: ["m1"] });
    await step(3_000);
    expect(room.browser.peers).toHaveLength(1);
    room.world.socket.say({ t: "speaking", members: ["m2"] });
    for (let i = 0; i < 10; i++) {
      room.browser.peer.packets += 5;
      await step(400);
    }
    expect(room.browser.peers).toHaveLength(1);
    await step(SILENT_FOR + 1_500);
    await room.serve();
    expect(room.browser.peers).toHaveLength(2);
  });

  it("restarts ICE on another network, on the same connection", async () => {
    const room = await up();
    room.browser.networkChange();
    expect(await room.serve()).toEqual(["media.offer"]);
    expect(room.browser.peers).toHaveLength(1);
    expect(room.browser.peer.restarts).toBe(1);
    expect(room.media.snapshot.connection).toBe("up");
  });

  it("begins anew where the answer to a restart is of another transport", async () => {
    const room = await up();
    room.version = 0;
    room.browser.networkChange();
    expect(await room.serve()).toEqual(["media.offer"]);
    expect(room.browser.peer.closed).toBe(true);
    room.world.pass(1_500);
    expect(await room.serve()).toEqual(["media.offer"]);
    expect(room.browser.peers).toHaveLength(2);
  });

  /** A node that wants a transport for each direction refuses the first offer of a connection. */
  async function wantTwo(room: Room): Promise<void> {
    await soon();
    const [offer] = room.world.socket.heard();
    expect(offer?.t).toBe("media.offer");
    const message = "This offer can't be answered (two_transports).";
    room.world.socket.say({ t: "refused", id: offer?.["id"], code: "bad_request", message });
  }

  it("is made of one transport for each direction where a node wants that", async () => {
    const room = begin();
    await soon();
    const say = room.world.socket.say.bind(room.world.socket);
    const [servers] = room.world.socket.heard();
    say({ t: "ok", id: servers?.["id"], servers: [], ttl: 600, relay: false });
    await wantTwo(room);
    expect(await room.serve()).toEqual(["media.offer", "media.offer"]);
    const [whole, sends, receives] = room.browser.peers;
    expect(whole?.closed).toBe(true);
    const directions = (peer: typeof whole): string[] => [...new Set(peer?.transceivers.map(({ direction }) => direction))];
    expect(directions(sends)).toEqual(["sendonly"]);
    expect(directions(receives)).toEqual(["recvonly"]);
    sends?.become("connected");
    expect(room.media.snapshot.connection).not.toBe("up");
    receives?.become("connected");
    expect(room.media.snapshot.connection).toBe("up");
    say({ t: "media.map", slots: { "11": "m2" } });
    expect([...room.media.snapshot.pictures.keys()]).toEqual(["m2"]);
    say({ t: "media.lost" });
    room.world.pass(1_500);
    await wantTwo(room);
    expect(await room.serve()).toEqual(["media.offer", "media.offer"]);
    expect(room.browser.peers).toHaveLength(6);
    // A room that moves to a node that takes one for both gets one again.
    say({ t: "media.lost" });
    room.world.pass(1_500);
    expect(await room.serve()).toEqual(["media.offer"]);
    expect(room.browser.peers).toHaveLength(7);
    expect(directions(room.browser.peer)).toEqual(["sendonly", "recvonly"]);
    room.browser.peer.become("connected");
    expect(room.media.snapshot.connection).toBe("up");
  });

  it("asks again only slowly where a node takes neither one transport nor two", async () => {
    const room = begin();
    await soon();
    const [servers] = room.world.socket.heard();
    room.world.socket.say({ t: "ok", id: servers?.["id"], servers: [], ttl: 600, relay: false });
    await wantTwo(room);
    await wantTwo(room);
    await soon();
    expect(room.world.socket.heard()).toEqual([]);
    expect(room.media.snapshot.connection).toBe("lost");
    room.world.pass(5_000);
    expect(await room.serve()).toEqual([]);
  });

  it("says so where the server carries no voices, and takes no device then", async () => {
    const room = begin();
    await soon();
    const [servers] = room.world.socket.heard();
    room.world.socket.say({ t: "refused", id: servers?.["id"], code: "not_allowed", message: "" });
    await soon();
    expect(room.media.snapshot.connection).toBe("none");
    await room.media.microphone(true);
    expect(room.browser.taken).toEqual([]);
    room.world.pass(2_000);
    expect(await room.serve()).toEqual([]);
  });

  it("keeps asking while no node can answer", async () => {
    const room = begin();
    await room.serve("media.offer");
    expect(room.media.snapshot.connection).toBe("lost");
    room.world.pass(10_000);
    await room.serve();
    room.browser.peer.become("connected");
    expect(room.media.snapshot.connection).toBe("up");
  });

  it("asks for fewer pictures, and for that again on a new connection", async () => {
    const room = await up();
    room.media.choose({ pictures: "none" });
    expect(await room.serve()).toEqual(["media.take"]);
    room.world.socket.say({ t: "media.lost" });
    room.world.pass(1_500);
    expect(await room.serve()).toEqual(["media.offer", "media.take"]);
  });
});
