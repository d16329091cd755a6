import { describe, expect, it } from "vitest";
import { chat } from "../support/frames.ts";
import { setupInside } from "../support/client.ts";

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
