import { describe, expect, it } from "vitest";
import { newLink, parseLink, socketUrl } from "../../src/lib/entry/link.ts";

describe("parseLink", () => {
  it("takes room and token, and what else the fragment holds", () => {
    expect(parseLink("https://sit.example/r/r4Kd#t=r4Kd.s3c-_ret&k=a%20b")).toEqual({
      room: "r4Kd",
      token: "r4Kd.s3c-_ret",
      extra: { k: "a b" },
    });
  });

  it("takes a link without a token, for a seat that is stored", () => {
    for (const link of [
      "http://h:8000/r/abc",
      "http://h:8000/r/abc/#",
      "http://h:8000/under/r/abc#t=",
    ]) {
      expect(parseLink(link)).toEqual({ room: "abc", token: null, extra: {} });
    }
  });

  it("[IN3] never reads a token from the query", () => {
    expect(parseLink("http://h/r/abc?t=abc.secret")?.token).toBeNull();
  });

  it("knows what is no room's address", () => {
    for (const link of [
      "http://h/",
      "http://h/r/",
      "http://h/r/a/b",
      "http://h/x/abc",
      "nonsense",
      "http://h/r/%E0%A4%A",
    ]) {
      expect(parseLink(link), link).toBeNull();
    }
  });
});

describe("socketUrl", () => {
  it("is the page's own host, as safe as the page", () => {
    expect(socketUrl("https://sit.example/r/abc#t=abc.s")).toBe("wss://sit.example/ws");
    expect(socketUrl("http://127.0.0.1:8000/r/abc")).toBe("ws://127.0.0.1:8000/ws");
    expect(socketUrl("https://h.example/under/r/abc")).toBe("wss://h.example/under/ws");
  });
});

describe("newLink", () => {
  it("[DO12] makes a token that nobody else knows, and the digest of it", async () => {
    const page = "https://sit.example/under/r/r4Kd#t=r4Kd.old&k=a";
    const made = await Promise.all(Array.from({ length: 20 }, () => newLink(page, "r4Kd")));
    expect(new Set(made.map(({ link }) => link)).size).toBe(20);
    for (const { link, digest } of made) {
      expect(link.startsWith("https://sit.example/under/r/r4Kd#t=r4Kd.")).toBe(true);
      const token = parseLink(link)?.token ?? "";
      expect(token).toMatch(/^r4Kd\.[A-Za-z0-9_-]{43}$/);
      const again = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
      expect(digest).toEqual(new Uint8Array(again));
    }
  });
});
