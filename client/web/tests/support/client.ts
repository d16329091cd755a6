/** A client in a world of its own, brought to where a test wants it. */

import { RoomClient, type Answer } from "../../src/lib/index.ts";
import { entered, welcome } from "./frames.ts";
import { MemoryStorage, World, type Frame } from "./world.ts";

export interface Setup {
  world: World;
  storage: MemoryStorage;
  client: RoomClient;
}

export function setup(
  more: { storage?: MemoryStorage; world?: World; token?: string | null } = {},
): Setup {
  const world = more.world ?? new World();
  const storage = more.storage ?? new MemoryStorage();
  const token = more.token === undefined ? "r1.secret" : more.token;
  return {
    world,
    storage,
    client: new RoomClient({ url: "ws://h/ws", room: "r1", token, storage, host: world }),
  };
}

/** Joined, agreed and inside; the server has heard nothing that is still unread. */
export function setupInside(more: Parameters<typeof setup>[0] = {}): Setup {
  const made = setup(more);
  made.client.join("Ada");
  made.world.socket.open();
  made.world.socket.say(welcome());
  void made.client.accept();
  const [, accept] = made.world.socket.heard();
  made.world.socket.say(entered(), { t: "ok", id: accept?.["id"] });
  return made;
}

/** The link drops and the next socket is open; its hello has been heard and is returned. */
export function dropAndReopen(world: World, code = 1006): Frame {
  const before = world.sockets.length;
  world.socket.end(code);
  for (let i = 0; i < 100 && world.sockets.length === before; i++) world.pass(100);
  world.socket.open();
  const [hello] = world.socket.heard();
  if (hello === undefined) throw new Error("no hello");
  return hello;
}

/** Whether a promise has been fulfilled by now, and with what. */
export async function settled(answer: Promise<Answer>): Promise<Answer | "waiting"> {
  return Promise.race([answer, Promise.resolve().then(() => Promise.resolve("waiting" as const))]);
}
