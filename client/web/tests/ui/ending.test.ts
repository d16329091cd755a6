import { describe, expect, it } from "vitest";
import { announce } from "../../src/ui/announce.ts";
import { endingWords, inShort, inWords, minutesLeft, momentWords } from "../../src/ui/ending/model.ts";
import { NOW, room, snapshot } from "../../src/ui/harness/fixtures.ts";
import type { RoomView, Snapshot } from "../../src/ui/port.ts";
import { ending } from "../../src/ui/words-ending.ts";

const near = (left: number, closing: RoomView["closing"]): Snapshot =>
  snapshot({ room: room({ expires_at: NOW + left, closing: closing ?? null }) });

describe("[TI8] the end of the room's time", () => {
  it("is said in whole minutes, begun ones counted, once it is told", () => {
    expect(minutesLeft(snapshot())).toBeNull();
    expect(minutesLeft(near(5_000, null))).toBeNull();
    expect(minutesLeft(near(599, 600))).toBe(10);
    expect(minutesLeft(near(541, 600))).toBe(10);
    expect(minutesLeft(near(540, 600))).toBe(9);
    expect(minutesLeft(near(3_000, 0))).toBe(0);
    expect([inWords(60), inWords(56), inWords(55)]).toEqual([
      ending.near("about an hour"),
      ending.near("about an hour"),
      ending.near("55 minutes"),
    ]);
    expect([inWords(2), inWords(1), inWords(0)]).toEqual([ending.near("2 minutes"), ending.soon, ending.over]);
    expect([inShort(2), inShort(1), inShort(0)]).toEqual(["2 min left", ending.shortSoon, ending.shortOver]);
  });

  it("is read out when it is told, and when there is more time", () => {
    const said = endingWords(near(3_601, null), near(3_600, 3600));
    expect(said).toEqual([`The circle's time is over in about an hour. ${ending.stay}`]);
    expect(endingWords(near(600, 600), near(590, 600))).toEqual([]);
    expect(endingWords(near(600, 600), near(8_000, null))).toEqual([ending.more]);
    expect(endingWords(near(1, 60), near(3_600, 0))).toEqual([`${ending.over} ${ending.stay}`]);
    const { polite } = announce(near(601, 3600), near(600, 600), () => "", "circle");
    expect(polite).toContain(`The circle's time is over in 10 minutes. ${ending.stay}`);
  });

  it("is named by the hour, with the day where that is not today's", () => {
    const days = (words: string): number => words.split(/[ ,]+/u).length;
    expect(days(momentWords(NOW + 3_600, NOW))).toBeLessThan(days(momentWords(NOW + 40 * 3_600, NOW)));
    expect(days(momentWords(NOW + 40 * 3_600, NOW))).toBeLessThan(days(momentWords(NOW + 20 * 86_400, NOW)));
  });
});
