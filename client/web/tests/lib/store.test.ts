import { afterEach, describe, expect, it, vi } from "vitest";
import { seatStore, type StorageLike } from "../../src/lib/entry/store.ts";
import { MemoryStorage } from "../support/world.ts";

const seat = { resume: "res-1", nextId: 7, read: { circle: 3 }, way: { token: "r1.secret", name: "Ada" } };

afterEach(() => vi.unstubAllGlobals());

describe("seatStore", () => {
  it("gives the seat back after a reload, each room its own", () => {
    const storage = new MemoryStorage();
    seatStore("r1", storage).save(seat);
    expect(seatStore("r1", storage).load()).toEqual(seat);
    expect(seatStore("r2", storage).load()).toBeNull();
    seatStore("r1", storage).clear();
    expect(storage.items.size).toBe(0);
  });

  it("works on in memory where storage is refused, full or not there", () => {
    const refusing: StorageLike = {
      getItem: () => {
        throw new Error("denied");
      },
      setItem: () => {
        throw new Error("full");
      },
      removeItem: () => {
        throw new Error("denied");
      },
    };
    for (const storage of [refusing, null]) {
      const store = seatStore("r1", storage);
      store.save(seat);
      expect(store.load()).toEqual(seat);
      store.clear();
      expect(store.load()).toBeNull();
    }
  });

  it("outlives a browser that throws for the very word sessionStorage", () => {
    vi.stubGlobal("sessionStorage", undefined);
    Object.defineProperty(globalThis, "sessionStorage", {
      configurable: true,
      get() {
        throw new Error("SecurityError");
      },
    });
    expect(seatStore("r1").load()).toBeNull();
  });

  it("lets be what it did not write", () => {
    for (const text of [
      "",
      "{",
      "null",
      "[]",
      '{"v":2}',
      '{"v":1,"resume":4,"nextId":1}',
      '{"v":1,"resume":"x","nextId":"y"}',
    ]) {
      const storage = new MemoryStorage();
      storage.setItem("sitwith:r1", text);
      expect(seatStore("r1", storage).load(), text).toBeNull();
    }
    const storage = new MemoryStorage();
    storage.setItem(
      "sitwith:r1",
      '{"v":1,"resume":"x","nextId":2,"read":{"circle":"no","staff:m1":4}}',
    );
    expect(seatStore("r1", storage).load()).toEqual({
      resume: "x",
      nextId: 2,
      read: { "staff:m1": 4 },
      way: null,
    });
    storage.setItem("sitwith:r1", '{"v":1,"resume":"x","nextId":2,"read":{},"way":{"token":7}}');
    expect(seatStore("r1", storage).load()?.way).toBeNull();
  });
});
