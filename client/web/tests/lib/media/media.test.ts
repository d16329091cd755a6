import { describe, expect, it } from "vitest";
import type { Media } from "../../../src/lib/index.ts";
import { LINGER } from "../../../src/lib/media/capture.ts";
import { SILENT_FOR } from "../../../src/lib/media/packet-watch.ts";
import { setupInside, type Setup } from "../../support/client.ts";
import { inside, member, pos } from "../../support/frames.ts";
import { FakePeer, mediaFor, soon, type FakeBrowser } from "../../support/media.ts";
import type { Frame } from "../../support/world.ts";

interface Room extends Setup {
  media: Media;
  browser: FakeBrowser;
  /** Answers what was sent, by kind, and returns the kinds. */
  serve(refuse?: string): Promise<string[]>;
  /** What the node answers offers with. */
  version: number;
}

let seq = 100;
const change = (set: Record<string, unknown>): Frame => ({ t: "room", seq: ++seq, pos: pos(9), why: "x", set });
const muted = (kinds: string[], held: string[] = []): Frame =>
  change({ members: { m1: member("Ada", { muted: kinds as never, held: held as never }), m2: member("Bo") } });

/** Inside, with the first offer on its way. */
function begin(): Room {
  const made = setupInside();
  const { media, browser } = mediaFor(made.client, made.world);
  const serve = async (refuse?: string): Promise<string[]> => {
    const seen: string[] = [];
    for (;;) {
      await soon();
      const frames = made.world.socket.heard();
      if (frames.length === 0) return seen;
      for (const frame of frames) {
        seen.push(frame.t);
        if (frame.t === refuse) {
          made.world.socket.say({ t: "refused", id: frame["id"], code: "frozen", message: "" });
          continue;
        }
        const fields =
          frame.t === "media.offer"
            ? { sdp: `v=0\r\no=- 7 ${++room.version} IN IP4 127.0.0.1\r\na=fingerprint:sha-256 00\r\n` }
            : frame.t === "media.servers"
              ? { servers: [{ urls: ["turn:t"], username: "u", credential: "c" }], ttl: 600, relay: true }
              : {};
        if (frame.t === "mute") made.world.socket.say(muted(frame["kinds"] as string[]));
        if (frame.t === "unmute") made.world.socket.say(muted([]));
        made.world.socket.say({ t: "ok", id: frame["id"], ...fields });
      }
    }
  };
  const room: Room = { ...made, media, browser, serve, version: 0 };
  return room;
}

async function up(): Promise<Room> {
  const room = begin();
  await room.serve();
  room.browser.peer.become("connected");
  return room;
}

async function speaking(): Promise<Room> {
  const room = await up();
  void room.media.microphone(true);
  await soon();
  expect(room.media.snapshot.microphone).toBe("on");
  return room;
}

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
    expect(room.media.snapshot.line).toBe("connecting");
    peer.become("connected");
    expect(room.media.snapshot.line).toBe("up");
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
    expect(room.media.snapshot).toMatchObject({ line: "off", microphone: "off", speaking: [] });
  });
});

describe("the microphone", () => {
  it("sends once taken; off is silent at once, muted for all, and its light goes out", async () => {
    const room = await speaking();
    const sender = room.browser.peer.sender("audio");
    expect(sender.sends).toBe(true);
    void room.media.microphone(false);
    expect(room.browser.taken[0]?.enabled).toBe(false);
    expect(await room.serve()).toEqual(["mute"]);
    expect(sender.sends).toBe(false);
    room.world.pass(LINGER);
    await soon();
    expect(room.browser.taken[0]?.stopped).toBe(true);
    expect(sender.track).toBeNull();
    void room.media.microphone(true);
    expect(await room.serve()).toEqual(["unmute"]);
    expect(room.media.snapshot.microphone).toBe("on");
    expect(room.browser.taken).toHaveLength(2);
    expect(sender.sends).toBe(true);
  });

  it("is on after off and on in quick succession, and off after on and off", async () => {
    const room = await speaking();
    void room.media.microphone(false);
    void room.media.microphone(true);
    await room.serve();
    expect(room.media.snapshot.microphone).toBe("on");
    void room.media.microphone(false);
    void room.media.microphone(true);
    void room.media.microphone(false);
    await room.serve();
    expect(room.media.snapshot.microphone).toBe("off");
    expect(room.client.snapshot.room.members["m1"]?.muted).toEqual(["audio"]);
  });

  it("stops when a facilitator mutes it, and stays off when that is lifted", async () => {
    const room = await speaking();
    room.world.socket.say(muted(["audio"], ["audio"]));
    expect(room.browser.taken[0]?.stopped).toBe(true);
    expect(room.media.snapshot.microphone).toBe("held");
    expect(await room.media.microphone(true)).toBeNull();
    room.world.socket.say(muted([]));
    await soon();
    expect(room.media.snapshot.microphone).toBe("off");
    expect(room.browser.taken).toHaveLength(1);
  });

  it("stops even when the facilitator's mute crosses one's own unmute", async () => {
    const room = await speaking();
    void room.media.microphone(false);
    void room.media.microphone(true);
    room.world.socket.say(muted(["audio"], ["audio"]));
    expect(room.media.snapshot.microphone).toBe("held");
    await room.serve("unmute");
    expect(room.browser.taken.every(({ stopped }) => stopped)).toBe(true);
  });

  it("stays ready without sending while somebody else has the stick", async () => {
    const room = await speaking();
    const sender = room.browser.peer.sender("audio");
    const base = inside()["floor"] as Record<string, unknown>;
    room.world.socket.say(change({ floor: { ...base, mode: "stick", holder: "m2" } }));
    await soon();
    expect(room.media.snapshot.microphone).toBe("waiting");
    expect(sender.parameters.encodings.every(({ active }) => active === false)).toBe(true);
    expect(room.browser.taken[0]?.stopped).toBe(false);
    room.world.socket.say(change({ floor: { ...base, mode: "stick", holder: "m1" } }));
    await soon();
    expect(room.media.snapshot.microphone).toBe("on");
    expect(sender.sends).toBe(true);
  });

  it("is heard only while the key is down, where that was chosen", async () => {
    const room = await up();
    room.media.choose({ push: true });
    void room.media.microphone(true);
    await soon();
    expect(room.media.snapshot.microphone).toBe("ready");
    expect(room.browser.taken).toEqual([]);
    room.media.press(true);
    await soon();
    expect(room.browser.peer.sender("audio").sends).toBe(true);
    room.media.press(false);
    expect(room.browser.taken[0]?.enabled).toBe(false);
    await soon();
    expect(room.browser.peer.sender("audio").sends).toBe(false);
  });

  it("names what is in the way, and tries again when that may be gone", async () => {
    const room = await up();
    room.browser.refuseCapture = "NotFoundError";
    void room.media.microphone(true);
    await soon();
    expect(room.media.snapshot.microphone).toBe("missing");
    room.browser.refuseCapture = null;
    room.browser.devicesChange();
    await soon();
    expect(room.media.snapshot.microphone).toBe("on");
  });

  it("moves to another device by choice, and when its own is pulled out", async () => {
    const room = await speaking();
    room.media.choose({ microphone: "b" });
    await soon();
    expect(room.browser.taken.map(({ stopped }) => stopped)).toEqual([true, false]);
    room.browser.taken[1]?.onended?.();
    await soon();
    expect(room.browser.taken.map(({ stopped }) => stopped)).toEqual([true, true, false]);
    expect(room.browser.peer.sender("audio").track).toBe(room.browser.taken[2]);
  });
});

describe("the connection", () => {
  it("is offered anew after media.lost without anybody's doing, and the microphone goes with it", async () => {
    const room = await speaking();
    room.world.socket.say({ t: "media.lost" });
    expect(room.browser.peer.closed).toBe(true);
    room.world.pass(1_500);
    expect(await room.serve()).toEqual(["media.offer"]);
    expect(room.browser.peers).toHaveLength(2);
    room.browser.peer.become("connected");
    expect(room.media.snapshot.line).toBe("up");
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
    expect(room.media.snapshot.line).toBe("up");
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
    expect(room.media.snapshot.line).not.toBe("up");
    receives?.become("connected");
    expect(room.media.snapshot.line).toBe("up");
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
    expect(room.media.snapshot.line).toBe("up");
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
    expect(room.media.snapshot.line).toBe("lost");
    room.world.pass(5_000);
    expect(await room.serve()).toEqual([]);
  });

  it("says so where the server carries no voices, and takes no device then", async () => {
    const room = begin();
    await soon();
    const [servers] = room.world.socket.heard();
    room.world.socket.say({ t: "refused", id: servers?.["id"], code: "not_allowed", message: "" });
    await soon();
    expect(room.media.snapshot.line).toBe("none");
    await room.media.microphone(true);
    expect(room.browser.taken).toEqual([]);
    room.world.pass(2_000);
    expect(await room.serve()).toEqual([]);
  });

  it("keeps asking while no node can answer", async () => {
    const room = begin();
    await room.serve("media.offer");
    expect(room.media.snapshot.line).toBe("lost");
    room.world.pass(10_000);
    await room.serve();
    room.browser.peer.become("connected");
    expect(room.media.snapshot.line).toBe("up");
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
