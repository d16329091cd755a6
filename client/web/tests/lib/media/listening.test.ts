import { describe, expect, it } from "vitest";
import { FakePeer, soon } from "../../support/media.ts";
import { muted, begin, up, speaking } from "../../support/media-room.ts";

describe("listening", () => {
  it("begins by itself, with all places in one offer, relays as told, and no address of ours", async () => {
    const room = begin();
    expect(await room.serve()).toEqual(["media.servers", "media.offer"]);
    const { peer } = room.browser;
    const kinds = peer.transceivers.map(({ kind, direction }) => `${kind} ${direction}`);
    expect(kinds.slice(0, 2)).toEqual(["audio sendonly", "video sendonly"]);
    expect(kinds.filter((each) => each === "audio recvonly")).toHaveLength(11);
    expect(kinds.filter((each) => each === "video recvonly")).toHaveLength(6);
    expect(peer.config.iceTransportPolicy).toBe("relay");
    expect(room.media.snapshot.connection).toBe("connecting");
    peer.become("connected");
    expect(room.media.snapshot.connection).toBe("up");
    expect(room.browser.sounds).toHaveLength(11);
  });

  it("has fewer places where a browser can't keep its offer short", async () => {
    FakePeer.choosesCodecs = false;
    try {
      const room = begin();
      await room.serve();
      const kinds = room.browser.peer.transceivers.map(({ kind, direction }) => `${kind} ${direction}`);
      expect(kinds.filter((each) => each === "audio recvonly")).toHaveLength(7);
      expect(kinds.filter((each) => each === "video recvonly")).toHaveLength(2);
    } finally {
      FakePeer.choosesCodecs = true;
    }
  });

  it("offers without candidates", async () => {
    const made = begin();
    await soon();
    const [servers] = made.world.socket.heard();
    made.world.socket.say({ t: "ok", id: servers?.["id"], servers: [], ttl: 60, relay: false });
    await soon();
    const [offer] = made.world.socket.heard();
    expect(offer?.t).toBe("media.offer");
    expect(offer?.["sdp"]).not.toContain("candidate");
  });

  it("takes no device, ever, before the person says so", async () => {
    const room = await up();
    room.browser.devicesChange();
    room.browser.networkChange();
    await room.serve();
    room.world.socket.say(muted(["audio", "video"], ["audio", "video"]));
    room.world.socket.say(muted([]));
    room.world.socket.say({ t: "media.lost" });
    room.world.pass(30_000);
    await room.serve();
    expect(room.browser.peers.length).toBeGreaterThan(1);
    expect(room.browser.taken).toEqual([]);
    expect(room.media.snapshot.touched).toBe(false);
  });

  it("says when the browser wants a gesture, and plays after it", async () => {
    const room = begin();
    room.browser.refuseSound = true;
    await room.serve();
    expect(room.media.snapshot.silenced).toBe(true);
    room.browser.refuseSound = false;
    room.media.hear();
    await soon();
    expect(room.media.snapshot.silenced).toBe(false);
    expect(room.browser.sounds.map(({ played }) => played)).toEqual(Array(11).fill(2));
  });

  it("shows who is on which place, and who speaks", async () => {
    const room = await up();
    room.world.socket.say({ t: "media.map", slots: { "13": "m2", "14": null, "2": "m2" } });
    expect([...room.media.snapshot.pictures.keys()]).toEqual(["m2"]);
    room.world.socket.say({ t: "speaking", members: ["m2"] });
    expect(room.media.snapshot.speaking).toEqual(["m2"]);
    const face = room.browser.peer.transceivers[13]?.receiver.track;
    if (face === undefined) throw new Error("no such place");
    face.muted = true;
    face.onmute?.();
    expect(room.media.snapshot.pictures.size).toBe(0);
    face.muted = false;
    face.onunmute?.();
    expect(room.media.snapshot.pictures.size).toBe(1);
    room.world.socket.say({ t: "media.map", slots: {} });
    expect(room.media.snapshot.pictures.size).toBe(0);
  });

  it("ends with the room, and lets everything go", async () => {
    const room = await speaking();
    room.world.socket.say({ t: "closed", code: 4404 });
    room.world.socket.end(4404);
    expect(room.browser.peer.closed).toBe(true);
    expect(room.browser.taken.every(({ stopped }) => stopped)).toBe(true);
    expect(room.browser.sounds.every(({ stopped }) => stopped)).toBe(true);
    expect(room.media.snapshot).toMatchObject({ connection: "off", microphone: "off", speaking: [] });
  });
});
