import { describe, expect, it } from "vitest";
import type { Answer } from "../../src/lib/index.ts";
import { chat, welcomeBack } from "../support/frames.ts";
import { settled, setup } from "../support/client.ts";
import { MemoryStorage, World, type Frame, type SocketPair } from "../support/world.ts";

const place = (n: number): Uint8Array => new Uint8Array([n >> 8, n & 255]);

/** As much of a server as a conversation needs: a log, outcomes by command id, replay after `seen`. */
class SmallServer {
  readonly log: Frame[] = [];
  private readonly outcomes = new Map<number, Frame>();
  private live: SocketPair | null = null;

  say(from: string, body: string): number {
    const n = this.log.length + 1;
    const frame = chat(n, { from, body, pos: place(n) });
    this.log.push(frame);
    this.live?.queue(frame);
    return n;
  }

  hear(socket: SocketPair, frame: Frame): void {
    if (frame.t === "hello") {
      this.live = socket;
      socket.queue(welcomeBack({ pos: { room: place(0), circle: place(this.log.length) } }));
      const seen = (frame["seen"] as Record<string, Uint8Array>)["circle"] ?? place(0);
      const after = ((seen[0] ?? 0) << 8) | (seen[1] ?? 0);
      socket.queue(...this.log.slice(after));
    } else if (frame.t === "chat.say") {
      const id = frame["id"] as number;
      let outcome = this.outcomes.get(id);
      if (outcome === undefined) {
        const n = this.say("m1", frame["body"] as string);
        outcome = { t: "ok", id, to: "circle", n };
        this.outcomes.set(id, outcome);
      }
      socket.queue(outcome);
    } else {
      socket.queue({ t: "refused", id: frame["id"], code: "bad_request", message: "" });
    }
  }

  gone(socket: SocketPair): void {
    if (this.live === socket) this.live = null;
  }
}

describe("over a link that drops at any frame", () => {
  const seeds = Array.from({ length: 150 }, (_, i) => i + 1);

  it.each(seeds)(
    "[RE3] [RE4] everything is said and heard once and in order (seed %i)",
    async (seed) => {
      const world = new World(seed);
      const server = new SmallServer();
      const storage = new MemoryStorage();
      storage.setItem("sitwith:r1", '{"v":1,"resume":"res-0","nextId":1,"read":{}}');
      const { client } = setup({ world, storage, token: null });
      client.resume();

      const opened = new Set<SocketPair>();
      const step = (dice: number): void => {
        const socket = world.socket;
        if (socket.onopen === null) return world.pass(200);
        if (!opened.has(socket)) {
          opened.add(socket);
          return socket.open();
        }
        if (dice < 0.45)
          for (const frame of socket.up.splice(0, 1 + Math.floor(dice * 5)))
            server.hear(socket, frame);
        else if (dice < 0.9) socket.arrive(1 + Math.floor((dice - 0.45) * 8));
        else if (dice < 0.95) world.pass(200);
        else {
          // Whatever was on its way, either way, is lost.
          server.gone(socket);
          socket.up.length = socket.down.length = 0;
          socket.end(1006);
        }
      };

      const answers: Promise<Answer>[] = [];
      for (let round = 0; round < 120; round++) {
        const dice = world.random();
        if (dice < 0.15)
          answers.push(client.send("chat.say", { to: "circle", body: `mine ${answers.length}` }));
        else if (dice < 0.3) server.say("m2", `theirs ${round}`);
        else step(world.random());
      }
      for (let calm = 0; calm < 60; calm++) {
        step(0.4);
        step(0.89);
        world.pass(200);
      }

      // Whatever waits now waits for ever: nothing is on its way any more.
    const said = await Promise.all(answers.map(settled));
    expect(said.filter((each) => each === "waiting" || !each.ok)).toEqual([]);
    const mine = server.log.filter((each) => each["from"] === "m1").map((each) => each["body"]);
      expect(mine).toEqual(answers.map((_, i) => `mine ${i}`));
      const shown = client.snapshot.chats["circle"]?.messages ?? [];
      expect(shown.map(({ n, body }) => [n, body])).toEqual(
        server.log.map((each) => [each["n"], each["body"]]),
      );
    },
  );
});
