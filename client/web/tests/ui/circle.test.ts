import { describe, expect, it } from "vitest";
import { fromMe, layout } from "../../src/ui/circle/geometry.ts";
import { clock, initials, nextUp, roundOrder, turnLeft, waitingLine } from "../../src/ui/model.ts";
import { floor } from "../../src/ui/harness/fixtures.ts";

const STAGES = { desk: [640, 560], phone: [390, 620], tablet: [540, 480] } as const;

describe("the ring", () => {
  for (const [name, [width, height]] of Object.entries(STAGES)) {
    for (const count of [1, 2, 3, 5, 8, 12, 20, 50]) {
      it(`keeps ${count} seats apart and inside on a ${name}`, () => {
        const ring = layout(count, width, height);
        if (ring.shape === "rows") {
          expect(count).toBeGreaterThan(12);
          return;
        }
        expect(ring.places).toHaveLength(count);
        for (const [i, one] of ring.places.entries()) {
          expect(one.x - ring.disc / 2).toBeGreaterThanOrEqual(0);
          expect(one.x + ring.disc / 2).toBeLessThanOrEqual(width);
          expect(one.y - ring.disc / 2).toBeGreaterThanOrEqual(0);
          expect(one.y + ring.disc / 2).toBeLessThanOrEqual(height);
          for (const other of ring.places.slice(i + 1)) {
            expect(Math.hypot(one.x - other.x, one.y - other.y)).toBeGreaterThan(ring.disc);
          }
        }
      });
    }
  }

  it("seats twelve in a ring even on a phone", () => {
    expect(layout(12, ...STAGES.phone).shape).toBe("ring");
  });

  it("puts the first seat at the foot and goes round clockwise", () => {
    const { places } = layout(4, ...STAGES.desk);
    const [foot, left, head, right] = places;
    expect(foot?.y).toBeGreaterThan(head?.y ?? 0);
    expect(left?.x).toBeLessThan(right?.x ?? 0);
  });

  it("begins with the viewer's own seat and keeps the order", () => {
    const seats = ["a", "b", "c", "d"].map((id) => ({ id }));
    expect(fromMe(seats, "c").map((one) => one.id)).toEqual(["c", "d", "a", "b"]);
    expect(fromMe(seats, null).map((one) => one.id)).toEqual(["a", "b", "c", "d"]);
  });
});

describe("the order of turns", () => {
  const round = { order: ["a", "b", "c", "d"], done: ["a"], seconds: 60 };

  it("tells who had a turn, who has it and who comes", () => {
    const now = floor({ mode: "stick", holder: "b", round });
    expect(roundOrder(now)).toEqual({ done: ["a"], now: "b", coming: ["c", "d"] });
    expect(nextUp(now)).toBe("c");
  });

  it("follows the queue where there is no round", () => {
    expect(nextUp(floor({ mode: "stick", holder: "b", queue: ["d", "a"] }))).toBe("d");
    expect(nextUp(floor({ mode: "stick", holder: "b" }))).toBeNull();
  });

  it("say nobody's name where the least heard of several hands is next", () => {
    const two = floor({ mode: "stick", holder: "b", queue: ["d", "a"] });
    expect(nextUp(two, "least_heard")).toBeNull();
    expect(waitingLine(two)).toEqual(["d", "a"]);
    expect(nextUp({ ...two, queue: ["d"] }, "least_heard")).toBe("d");
    expect(nextUp({ ...two, round: { order: ["b", "c"], done: [], seconds: 60 } }, "least_heard")).toBe("c");
  });

  it("stands still while paused and never falls below zero", () => {
    const paused = floor({ holder: "b", ends_at: 100, paused: true, left: 42 });
    expect(turnLeft(paused, 1000)).toBe(42);
    expect(turnLeft(floor({ holder: "b", ends_at: 100 }), 90)).toBe(10);
    expect(turnLeft(floor({ holder: "b", ends_at: 100 }), 130)).toBe(0);
    expect(turnLeft(floor({ holder: "b" }), 130)).toBeNull();
  });
});

describe("words on a seat", () => {
  it("counts seconds up to the next whole one", () => {
    expect([0, 0.4, 59.2, 60, 61.5, 600].map(clock)).toEqual(["0:00", "0:01", "1:00", "1:00", "1:02", "10:00"]);
  });

  it("takes letters of any script, never half a character", () => {
    expect(["ben", "Jon S.", "Li Wei", "Åsa", "K.", "😀 Smile", "Old Joe 2", " "].map(initials)).toEqual([
      "B", "JS", "LW", "Å", "K", "😀S", "O", "?",
    ]);
  });
});

describe("the ring with faces", () => {
  for (const [name, [width, height]] of Object.entries(STAGES)) {
    for (const count of [2, 3, 4, 5, 6, 8, 12]) {
      it(`seats ${count} inside on a ${name}, never smaller than without faces, with room for words in the middle`, () => {
        const ring = layout(count, width, height, true);
        const plain = layout(count, width, height);
        expect(ring.disc).toBeGreaterThanOrEqual(plain.disc);
        for (const [i, one] of ring.places.entries()) {
          expect(one.x - ring.disc / 2).toBeGreaterThanOrEqual(0);
          expect(one.x + ring.disc / 2).toBeLessThanOrEqual(width);
          expect(one.y - ring.disc / 2).toBeGreaterThanOrEqual(0);
          expect(one.y + ring.disc / 2).toBeLessThanOrEqual(height);
          for (const other of ring.places.slice(i + 1))
            expect(Math.hypot(one.x - other.x, one.y - other.y)).toBeGreaterThan(ring.disc);
          if (ring.disc > 72) {
            const far = Math.abs(one.x - ring.centre.x) - ring.disc / 2;
            const high = Math.abs(one.y - ring.centre.y) - ring.disc / 2;
            expect(Math.max(far / 60, high / 60)).toBeGreaterThan(1);
          }
        }
      });
    }
  }

  it("are larger where a few sit on a desk", () => {
    expect(layout(4, ...STAGES.desk, true).disc).toBeGreaterThan(layout(4, ...STAGES.desk).disc);
  });
});
