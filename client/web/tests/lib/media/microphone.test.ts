import { describe, expect, it } from "vitest";
import { LINGER } from "../../../src/lib/media/capture.ts";
import { inside } from "../../support/frames.ts";
import { soon } from "../../support/media.ts";
import { change, muted, up, speaking } from "../../support/media-room.ts";

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
