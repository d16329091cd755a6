import { describe, expect, it } from "vitest";
import { enterBy, type AddressHost } from "../../src/lib/entry/address.ts";
import type { StorageLike } from "../../src/lib/entry/store.ts";
import { settled, setup, setupInside } from "../support/client.ts";
import { MemoryStorage } from "../support/world.ts";

const LINK = "https://h.example/under/r/r1?x=1#t=r1.secret&k=abc%20d";
const CLEAN = "https://h.example/under/r/r1?x=1";

class Tab implements AddressHost {
  readonly shown: string[] = [];
  constructor(
    private at: string,
    readonly storage: StorageLike | null = new MemoryStorage(),
  ) {}
  href(): string {
    return this.at;
  }
  replace(address: string): void {
    this.at = address;
    this.shown.push(address);
  }
}

const refusing: StorageLike = {
  getItem: () => {
    throw new Error("denied");
  },
  setItem: () => {
    throw new Error("denied");
  },
  removeItem: () => {
    throw new Error("denied");
  },
};

describe("[IN5] a link", () => {
  it("leaves the address at once, and is there again after a reload", () => {
    const tab = new Tab(LINK);
    const { link } = enterBy(tab);
    expect(link).toEqual({ room: "r1", token: "r1.secret", extra: { k: "abc d" } });
    expect(tab.href()).toBe(CLEAN);
    expect(enterBy(tab).link).toEqual(link);
    expect(enterBy(new Tab("https://h.example/r/r2", tab.storage)).link?.token).toBeNull();
    expect(tab.shown).toEqual([CLEAN]);
  });

  it("that is opened anew is taken before the one that was kept", () => {
    const tab = new Tab(LINK);
    enterBy(tab);
    expect(enterBy(new Tab(LINK.replace("secret", "other"), tab.storage)).link?.token).toBe("r1.other");
    expect(enterBy(tab).link?.token).toBe("r1.other");
  });

  it("stays in the address of a browser that keeps nothing until it has been used", () => {
    for (const storage of [null, refusing]) {
      const tab = new Tab(LINK, storage);
      const entrance = enterBy(tab);
      expect(entrance.link?.token).toBe("r1.secret");
      expect(tab.href()).toBe(LINK);
      entrance.clean();
      expect(tab.href()).toBe(CLEAN);
      entrance.clean();
      expect(tab.shown).toEqual([CLEAN]);
    }
  });

  it("without a token is kept nowhere and changes nothing", () => {
    const tab = new Tab("https://h.example/r/r1#stage");
    expect(enterBy(tab).link?.token).toBeNull();
    expect(tab.shown).toEqual([]);
    expect((tab.storage as MemoryStorage).items.size).toBe(0);
    expect(enterBy(new Tab("https://h.example/")).link).toBeNull();
  });

  it("goes with the seat: by leaving, removal and the end, and is kept again by one's own wish", async () => {
    for (const end of ["leave", 4403, 4404] as const) {
      const storage = new MemoryStorage();
      const entrance = enterBy(new Tab(LINK, storage));
      const { client, world } = setupInside({ storage });
      if (end === "leave") {
        const answer = client.send("leave", {});
        const said = world.socket.heard().at(-1);
        world.socket.say({ t: "ok", id: said?.["id"] });
        await settled(answer);
      } else world.socket.end(end);
      expect([...storage.items.values()].join(), String(end)).not.toContain("secret");
      entrance.keep();
      expect(enterBy(new Tab(CLEAN, storage)).link?.token).toBe("r1.secret");
    }
  });

  it("stays for who was not let in this time, and for a line that drops", () => {
    for (const code of [4405, 4001, 1006, 4409, 4423]) {
      const storage = new MemoryStorage();
      enterBy(new Tab(LINK, storage));
      const { client, world } = setup({ storage });
      client.join("Ada");
      world.socket.open();
      world.socket.end(code);
      expect(enterBy(new Tab(CLEAN, storage)).link?.token, String(code)).toBe("r1.secret");
    }
  });
});
