import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  CLIENT_LIMITS,
  CodecError,
  decode,
  encode,
  FrameTooLarge,
  SERVER_LIMITS,
} from "../../src/lib/wire/codec.ts";
import { readFrame, type CommandName } from "../../src/lib/wire/messages.ts";
import { seeded } from "../support/world.ts";

interface Good {
  name: string;
  from: "client" | "server";
  hex: string;
  map: Record<string, unknown> & { t: string };
}
interface Lenient {
  name: string;
  hex: string;
  map: Record<string, unknown>;
}
interface Bad {
  name: string;
  hex: string;
  why: "CodecError" | "FrameTooLarge" | "BadMessage";
  reader: "both" | "server";
}

/** The golden frames, read by the server's codec too. */
const vectors = ["client", "server"].map(
  (file) =>
    JSON.parse(
      readFileSync(new URL(`../../../../protocol/vectors/${file}.json`, import.meta.url), "utf8"),
    ) as {
      good: Good[];
      lenient: Lenient[];
      bad: Bad[];
    },
);
const good = vectors.flatMap((each) => each.good);
const lenient = vectors.flatMap((each) => each.lenient);
const bad = vectors.flatMap((each) => each.bad);

const bytes = (hex: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(hex.match(/../g) ?? [], (two) => parseInt(two, 16));
const hexOf = (frame: Uint8Array): string =>
  Array.from(frame, (each) => each.toString(16).padStart(2, "0")).join("");

/** `{"$bin": hex}` back to bytes. */
function revive(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revive);
  if (typeof value !== "object" || value === null) return value;
  const map = value as Record<string, unknown>;
  if (typeof map["$bin"] === "string") return bytes(map["$bin"]);
  return Object.fromEntries(Object.entries(map).map(([key, each]) => [key, revive(each)]));
}

/** Every command that the types know; the compiler keeps it whole, the vectors keep it true. */
const COMMANDS: Record<CommandName, true> = {
  "agreement.accept": true,
  "agreement.reading": true,
  "link.replace": true,
  "lobby.decline_all": true,
  "chat.say": true,
  "chat.delete": true,
  react: true,
  "hand.raise": true,
  "hand.lower": true,
  "floor.open": true,
  "floor.quiet": true,
  "floor.round": true,
  "floor.stick": true,
  "floor.pass": true,
  "floor.later": true,
  "floor.extend": true,
  "floor.pause": true,
  "floor.resume": true,
  mute: true,
  unmute: true,
  "mute.all": true,
  "pairs.plan": true,
  "pairs.open": true,
  "pairs.move": true,
  "pairs.extend": true,
  "pairs.say": true,
  "pairs.close": true,
  "pairs.visit": true,
  "pairs.return": true,
  "help.ask": true,
  "help.done": true,
  "lobby.admit": true,
  "lobby.admit_all": true,
  "lobby.decline": true,
  "lobby.return": true,
  "room.lock": true,
  "room.unlock": true,
  "room.end": true,
  "room.extend": true,
  "room.settings": true,
  "member.remove": true,
  "role.give": true,
  "self.rename": true,
  "self.away": true,
  leave: true,
  "care.flag": true,
  "care.withdraw": true,
  "care.worry": true,
  "care.take": true,
  "care.done": true,
  "care.aside": true,
  "care.back": true,
  "care.card": true,
  "care.open": true,
  "staff.claim": true,
  "staff.release": true,
  "agenda.start": true,
  "agenda.next": true,
  "agenda.back": true,
  "agenda.extend": true,
  "agenda.edit": true,
  "mood.ask": true,
  "mood.answer": true,
  "mood.close": true,
  "milestone.share": true,
  "milestone.clear": true,
  "voice.nudge": true,
  "voice.dismiss": true,
  "material.link": true,
  "material.text": true,
  "material.upload": true,
  "material.open": true,
  "material.hide": true,
  "guest.bring": true,
  "guest.rest": true,
  "breathe.start": true,
  "breathe.stop": true,
  "topics.set": true,
  "concerns.offer": true,
  "media.offer": true,
  "media.servers": true,
  "media.take": true,
};

describe("golden frames", () => {
  it.each(good.map((each) => [each.name, each] as const))("[WF2] %s decodes", (_, { hex, map }) => {
    expect(decode(bytes(hex))).toEqual(revive(map));
  });

  it.each(good.map((each) => [each.name, each] as const))(
    "[WF11] %s survives a way back and forth",
    (_, { from, hex, map }) => {
      const limits = from === "client" ? CLIENT_LIMITS : SERVER_LIMITS;
      const again = encode(revive(map) as Record<string, unknown>, limits);
      expect(decode(again, limits)).toEqual(decode(bytes(hex)));
    },
  );

  it("[WF11] the client's own frames are the server's to the byte, but for numbers with a fraction of 0", () => {
    // JavaScript has one kind of number: 60.0 leaves here as the integer 60, which reads the same.
    const whole = good.filter(({ from, hex }) => from === "client" && !hex.includes("cb"));
    expect(whole.length).toBeGreaterThan(50);
    for (const { name, hex, map } of whole) {
      expect(hexOf(encode(revive(map) as Record<string, unknown>)), name).toBe(hex);
    }
  });

  it.each(lenient.map((each) => [each.name, each] as const))(
    "[WF2] %s decodes",
    (_, { hex, map }) => {
      expect(decode(bytes(hex), CLIENT_LIMITS)).toEqual(revive(map));
    },
  );

  it.each(bad.map((each) => [each.name, each] as const))(
    "[WF11] %s is refused",
    (_, { hex, why, reader }) => {
      const frame = bytes(hex);
      if (why === "BadMessage")
        return void expect(decode(frame, CLIENT_LIMITS)).toBeTypeOf("object");
      expect(() => decode(frame, CLIENT_LIMITS)).toThrow(
        why === "FrameTooLarge" ? FrameTooLarge : CodecError,
      );
      if (reader === "both") expect(() => decode(frame, SERVER_LIMITS)).toThrow(CodecError);
      else expect(decode(frame, SERVER_LIMITS)).toBeTypeOf("object");
    },
  );

  it("[WF11] every frame of the server is one that the types know", () => {
    for (const { name, hex } of good.filter(({ from }) => from === "server")) {
      expect(readFrame(decode(bytes(hex))), name).toBeTypeOf("object");
      expect(readFrame(decode(bytes(hex))), name).not.toBeNull();
    }
  });

  it("[WF11] every command of the wire is one that the types know, and the other way round", () => {
    const wire = new Set(good.filter(({ from }) => from === "client").map(({ map }) => map.t));
    wire.delete("hello");
    wire.delete("ping");
    expect(Object.keys(COMMANDS).sort()).toEqual([...wire].sort());
  });
});

describe("codec", () => {
  it("leaves out what is undefined and keeps what is null", () => {
    expect(decode(encode({ t: "x", id: 1, to: undefined, group: null }))).toEqual({
      t: "x",
      id: 1,
      group: null,
    });
  });

  it("mends a text that was cut through an emoji", () => {
    expect(decode(encode({ t: "x", id: 1, body: "sun \ud83c" }))).toMatchObject({
      body: "sun \ufffd",
    });
  });

  it("refuses to send what the server would close the socket for", () => {
    expect(() => encode({ t: "x", id: 1, seconds: NaN })).toThrow(CodecError);
    expect(() => encode({ t: "x", id: 1, body: "x".repeat(33_000) })).toThrow(FrameTooLarge);
    expect(() => encode({ t: "x", id: 1, at: new Date() })).toThrow(CodecError);
    const self: Record<string, unknown> = { t: "x" };
    self["self"] = self;
    expect(() => encode(self)).toThrow(CodecError);
  });

  it("refuses a key that would reach an object's prototype", () => {
    const key = hexOf(new TextEncoder().encode("__proto__"));
    expect(() => decode(bytes(`82a174a178a9${key}80`))).toThrow(CodecError);
  });

  it("does not read beyond the frame that it was given", () => {
    const around = bytes("ff82a174a178a2696405ff");
    expect(decode(around.subarray(1, 10))).toEqual({ t: "x", id: 5 });
    expect(() => decode(around.subarray(1, 9))).toThrow(CodecError);
  });

  it("[WF10] answers any bytes with a map or a CodecError, and says nothing of them", () => {
    const chance = seeded(20);
    const seeds = good.map(({ hex }) => bytes(hex));
    for (let i = 0; i < 4_000; i++) {
      const base = seeds[Math.floor(chance() * seeds.length)] ?? bytes("80");
      const frame = base.slice(0, Math.ceil(chance() * base.length));
      for (let k = 0; k < 3; k++)
        frame[Math.floor(chance() * frame.length)] = Math.floor(chance() * 256);
      try {
        expect(decode(frame).t).toBeTypeOf("string");
      } catch (wrong) {
        expect(wrong, `round ${i}: ${hexOf(frame)}`).toBeInstanceOf(CodecError);
        expect((wrong as Error).message).toMatch(/^[A-Za-z0-9 -]{1,40}$/);
      }
    }
  });
});
