import { afterEach, describe, expect, it, vi } from "vitest";
import { uploadMaterial, downloadMaterial, isWebLink } from "../../src/lib/index.ts";

const granted = { ok: true, fields: { material: "f1", ticket: "body.mark", until: 1 } } as const;
const asker = (answer: unknown = granted) => ({ send: vi.fn().mockResolvedValue(answer) });
const answering = (body: unknown, status = 200) =>
  vi.spyOn(globalThis, "fetch").mockResolvedValue(
    new Response(body instanceof Blob ? body : JSON.stringify(body), { status }),
  );
afterEach(() => vi.restoreAllMocks());

describe("files of materials", () => {
  it("[MT10] go up with the ticket that the room has given, and with nothing else", async () => {
    const http = answering({ material: "f1" }, 201);
    const client = asker();
    const file = new Blob(["x"]);
    expect(await uploadMaterial(client as never, "r 1", "picture", file, "Garden")).toEqual({ ok: true, material: "f1" });
    expect(client.send).toHaveBeenCalledWith("material.upload", { kind: "picture", title: "Garden" });
    const [path, init] = http.mock.calls[0]!;
    expect(path).toBe("/r/r%201/materials/f1");
    expect(init).toMatchObject({ method: "PUT", body: file, credentials: "omit", cache: "no-store" });
    expect(init?.headers).toEqual({ authorization: "Bearer body.mark" });
  });

  it("[MT10] are refused by the name that the server gives", async () => {
    answering({ error: { code: "svg", message: "SVG may carry scripts." } }, 422);
    expect(await uploadMaterial(asker() as never, "r", "picture", new Blob(), "")).toEqual({ ok: false, code: "svg" });
    const refused = asker({ ok: false, code: "full", message: "" });
    expect(await uploadMaterial(refused as never, "r", "pdf", new Blob(), "")).toEqual({ ok: false, code: "full" });
  });

  it("[MT11] come down with a ticket of their own", async () => {
    const http = answering(new Blob(["bytes"]));
    const client = asker();
    const got = await downloadMaterial(client as never, "r", "f1");
    expect(client.send).toHaveBeenCalledWith("material.open", { material: "f1" });
    expect(got.ok && (await got.file.text())).toBe("bytes");
    expect(http.mock.calls[0]![1]).toMatchObject({ method: "GET", cache: "no-store" });
  });

  it("say so when the line is lost or the answer is none", async () => {
    vi.spyOn(globalThis, "fetch").mockRejectedValue(new TypeError("failed"));
    expect(await downloadMaterial(asker() as never, "r", "f1")).toEqual({ ok: false, code: "lost" });
    vi.restoreAllMocks();
    vi.spyOn(globalThis, "fetch").mockResolvedValue(new Response("<html>", { status: 502 }));
    expect(await downloadMaterial(asker() as never, "r", "f1")).toEqual({ ok: false, code: "lost" });
  });
});

describe("links", () => {
  it("[MT1] are places of the web", () => {
    for (const good of ["https://example.org", "http://example.org:80/a?b#c"]) expect(isWebLink(good)).toBe(true);
    for (const bad of [
      "", "example.org", "javascript:alert(1)", "data:text/html,x", "https://a@b.example", "https:///x",
      "https:\\\\a.example", "https://a b", "ftp://a.example", " https://a.example",
    ])
      expect(isWebLink(bad), bad).toBe(false);
  });
});
