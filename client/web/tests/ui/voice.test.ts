import { describe, expect, it } from "vitest";
import { FixtureMedia, media } from "../../src/ui/harness/voices.ts";
import { Voice } from "../../src/ui/media/voice.ts";
import type { DeviceStatus } from "../../src/ui/port.ts";
import { voice as words } from "../../src/ui/words-media.ts";

function setup(look: DeviceStatus = "off", muted = false): { port: FixtureMedia; voice: Voice; told: string[] } {
  const port = new FixtureMedia(media({ microphone: look }));
  const told: string[] = [];
  const voice = new Voice(port, {
    note: (text) => told.push(`note ${text}`),
    say: (text) => told.push(`say ${text}`),
    name: (id) => id,
    me: () => "m3",
    muted: () => muted,
  });
  return { port, voice, told };
}

describe("what is told about one's microphone", () => {
  it("is how it stands, once it stands", () => {
    const { port, told } = setup();
    port.change({ microphone: "asking" });
    port.change({ microphone: "on" });
    port.change({ microphone: "waiting" });
    expect(told).toEqual([`say ${words.say.microphone["on"]}`, `say ${words.say.microphone["waiting"]}`]);
  });

  it("is what is in the way, to be seen as well", () => {
    const { port, told } = setup("asking");
    port.change({ microphone: "blocked" });
    expect(told).toEqual([`note ${words.note.microphone["blocked"]}`]);
  });

  it("names somebody else's doing, and only that", () => {
    const other = setup("on", true);
    other.port.change({ microphone: "off" });
    expect(other.told).toEqual([`note ${words.switchedOff.microphone}`]);
    const mine = setup("on", true);
    mine.voice.closing.add("microphone");
    mine.port.change({ microphone: "off" });
    expect(mine.told).toEqual([`say ${words.say.microphone["off"]}`]);
    const left = setup("on", false);
    left.port.change({ microphone: "off" });
    expect(left.told).toEqual([`say ${words.say.microphone["off"]}`]);
  });

  it("is nothing at each press of the talk key", () => {
    const { port, told } = setup();
    port.choose({ push: true });
    port.change({ microphone: "ready" });
    told.length = 0;
    port.press(true);
    port.press(false);
    port.press(true);
    expect(told).toEqual([]);
  });
});

describe("who speaks", () => {
  it("is the same value while it is the same people", () => {
    const { port, voice } = setup();
    port.change({ speaking: ["m1", "m2"] });
    const before = voice.speaking.value;
    port.change({ speaking: ["m2", "m1"] });
    expect(voice.speaking.value).toBe(before);
    port.change({ speaking: ["m2"] });
    expect([...voice.speaking.value]).toEqual(["m2"]);
  });
});
