import { describe, expect, it } from "vitest";
import { levelOf } from "../../../src/lib/media/check.ts";
import { DEFAULT_CHOICES, readChoices } from "../../../src/lib/media/choices.ts";
import { continuesSession } from "../../../src/lib/media/peer.ts";
import { mutedAs, mayBeHeard } from "../../../src/lib/media/route.ts";
import { digest, packetsIn } from "../../../src/lib/media/stats.ts";
import { floor, members, room } from "../../../src/ui/harness/fixtures.ts";

const at = (seconds: number, n: number) => ({
  at: seconds * 1000,
  rows: [
    { id: "in", type: "inbound-rtp", kind: "audio", packetsReceived: 50 * n, packetsLost: n, bytesReceived: 5_000 * n, jitter: 0.012, codecId: "c1" },
    { id: "idle", type: "inbound-rtp", kind: "audio", packetsReceived: 0, packetsLost: 0, bytesReceived: 0, jitter: 3, codecId: "c2" },
    { id: "out", type: "outbound-rtp", kind: "video", packetsSent: 25 * n, bytesSent: 25_000 * n, codecId: "c3" },
    { id: "rep", type: "remote-inbound-rtp", kind: "video", packetsLost: 0, roundTripTime: 0.5 },
    { id: "pair", type: "candidate-pair", nominated: true, state: "succeeded", currentRoundTripTime: 0.042, localCandidateId: "loc" },
    { id: "loc", type: "local-candidate", candidateType: "relay", protocol: "udp", relayProtocol: "tcp" },
    { id: "c1", type: "codec", mimeType: "audio/opus" },
    { id: "c2", type: "codec", mimeType: "audio/red" },
    { id: "c3", type: "codec", mimeType: "video/VP8" },
  ],
});

describe("the figures of the line", () => {
  it("are rates and shares between two looks", () => {
    expect(digest(at(10, 5), at(12, 7))).toEqual({
      down: { sound: 40, picture: 0, loss: 2 / 102 },
      up: { sound: 0, picture: 200, loss: 0 },
      rtt: 42,
      jitter: 12,
      codecs: ["VP8", "opus"],
      way: "tcp",
      relay: true,
    });
    expect(packetsIn(at(1, 3).rows)).toBe(150);
  });

  it("claim nothing at the first look, nor of an empty one", () => {
    expect(digest(null, at(1, 1))).toMatchObject({ down: { sound: 0, loss: null }, rtt: 42 });
    expect(digest(null, { at: 0, rows: [] })).toMatchObject({ rtt: null, jitter: null, codecs: [], way: null, relay: false });
  });
});

describe("an answer to a restart", () => {
  const answer = (id: number, version: number, print: string): string =>
    `v=0\r\no=- ${id} ${version} IN IP4 127.0.0.1\r\na=fingerprint:sha-256 ${print}\r\n`;
  it("goes on with a session by a newer version of it and the same certificate", () => {
    const before = answer(7, 1, "AA");
    expect(continuesSession(before, answer(7, 2, "AA"))).toBe(true);
    expect(continuesSession(before, answer(7, 1, "AA"))).toBe(false);
    expect(continuesSession(before, answer(8, 2, "AA"))).toBe(false);
    expect(continuesSession(before, answer(7, 2, "BB"))).toBe(false);
    expect(continuesSession(before, "v=0")).toBe(false);
  });
});

describe("the level", () => {
  it("is nothing for silence, full for a shout and in between for a voice", () => {
    const wave = (peak: number): number[] => Array.from({ length: 1024 }, (_, i) => peak * Math.sin(i / 5));
    expect(levelOf([])).toBe(0);
    expect(levelOf(wave(0.0001))).toBe(0);
    expect(levelOf(wave(1))).toBe(1);
    expect(levelOf(wave(0.05))).toBeGreaterThan(0.3);
    expect(levelOf(wave(0.05))).toBeLessThan(levelOf(wave(0.2)));
  });
});

describe("what was chosen", () => {
  it("is read field by field, and what doesn't fit is the default", () => {
    const chosen = { ...DEFAULT_CHOICES, microphone: "m1", noise: false, pictures: "low" as const };
    expect(readChoices(JSON.stringify(chosen))).toEqual(chosen);
    expect(readChoices('{"noise":"no","pictures":"all","camera":7,"push":true,"more":1}')).toEqual({
      ...DEFAULT_CHOICES,
      push: true,
    });
    for (const text of [null, "", "[", "7", "null", "[]"]) expect(readChoices(text)).toEqual(DEFAULT_CHOICES);
  });
});

describe("a voice's way", () => {
  const PAIRS = { groups: { g1: ["m1", "m2"], g2: ["m3", "m5"] }, mine: null, ends_at: null, visitors: {}, asked: false, closing: false };

  it("[FL1] is open to everybody on an open floor, and to facilitators in quiet", () => {
    expect(mayBeHeard(room(), "m3")).toBe(true);
    const quiet = room({ floor: floor({ mode: "quiet" }) });
    expect(mayBeHeard(quiet, "m3")).toBe(false);
    expect(mayBeHeard(quiet, "m0")).toBe(true);
    const settings = quiet.settings === null ? null : { ...quiet.settings, facilitators_wait: true };
    expect(mayBeHeard({ ...quiet, settings }, "m0")).toBe(false);
  });

  it("[FL2] is the holder's while the stick is out", () => {
    const stick = room({ floor: floor({ mode: "stick", holder: "m2" }) });
    expect(["m1", "m2", "m3"].map((id) => mayBeHeard(stick, id))).toEqual([false, true, false]);
    expect(mayBeHeard(room({ floor: floor({ mode: "stick" }) }), "m2")).toBe(false);
  });

  it("is open in a group, whatever the floor of the circle is, and to a visitor", () => {
    const quiet = floor({ mode: "quiet" });
    expect(mayBeHeard(room({ floor: quiet, pairs: { ...PAIRS, mine: "g2" } }), "m3")).toBe(true);
    expect(mayBeHeard(room({ floor: quiet, pairs: { ...PAIRS, visitors: { g1: ["m0"] } } }), "m0")).toBe(true);
    expect(mayBeHeard(room({ floor: quiet, pairs: PAIRS }), "m4")).toBe(false);
  });

  it("is closed to members while no facilitator is there, and to who isn't inside", () => {
    expect(mayBeHeard(room({ notice: "no_facilitator" }), "m3")).toBe(false);
    expect(mayBeHeard(room(), "nobody")).toBe(false);
    expect(mayBeHeard(room(), null)).toBe(false);
  });

  it("[AG4] is closed to members while a stage mutes them, the holder and groups too", () => {
    const muted = room({ floor: floor({ mode: "stick", holder: "m2", mics: "muted" }), pairs: { ...PAIRS, mine: "g1" } });
    expect(["m0", "m1", "m2"].map((id) => mayBeHeard(muted, id))).toEqual([true, false, false]);
  });

  it("[AG9] is open to facilitators in a debrief", () => {
    const agenda = { stages: [{ kind: "debrief" as const, seconds: 60 }], at: 0, ends_at: 1 };
    const settings = { ...room().settings!, facilitators_wait: true };
    const debrief = room({ floor: floor({ mode: "quiet" }), agenda, settings });
    expect(["m0", "m1"].map((id) => mayBeHeard(debrief, id))).toEqual([true, false]);
    expect(mayBeHeard({ ...debrief, agenda: { ...agenda, at: null } }, "m0")).toBe(false);
  });

  it("tells a facilitator's mute from one's own", () => {
    const view = room({ members: members(3, { m1: { muted: ["audio"], held: [] }, m2: { muted: ["audio", "video"], held: ["video"] } }) });
    expect(mutedAs(view, "m0", "audio")).toBe("no");
    expect(mutedAs(view, "m1", "audio")).toBe("self");
    expect([mutedAs(view, "m2", "audio"), mutedAs(view, "m2", "video")]).toEqual(["self", "held"]);
  });
});
