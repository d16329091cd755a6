/** A room with one person inside, and their sound and picture in a fake browser. */
import { expect } from "vitest";
import type { Media } from "../../src/lib/index.ts";
import { setupInside, type Setup } from "./client.ts";
import { member, pos } from "./frames.ts";
import { mediaFor, soon, type FakeBrowser } from "./media.ts";
import type { Frame } from "./world.ts";

export interface Room extends Setup {
  media: Media;
  browser: FakeBrowser;
  /** Answers what was sent, by kind, and returns the kinds. */
  serve(refuse?: string): Promise<string[]>;
  /** What the node answers offers with. */
  version: number;
}

let seq = 100;
export const change = (set: Record<string, unknown>): Frame => ({ t: "room", seq: ++seq, pos: pos(9), why: "x", set });
export const muted = (kinds: string[], held: string[] = []): Frame =>
  change({ members: { m1: member("Ada", { muted: kinds as never, held: held as never }), m2: member("Bo") } });

/** Inside, with the first offer on its way. */
export function begin(): Room {
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

export async function up(): Promise<Room> {
  const room = begin();
  await room.serve();
  room.browser.peer.become("connected");
  return room;
}

export async function speaking(): Promise<Room> {
  const room = await up();
  void room.media.microphone(true);
  await soon();
  expect(room.media.snapshot.microphone).toBe("on");
  return room;
}
