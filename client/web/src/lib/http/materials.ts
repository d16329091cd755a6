/** Uploads and downloads of materials over HTTP, with a ticket that the room gives on the socket. */

import type { RoomClient } from "../client.ts";

type Asker = Pick<RoomClient, "send">;

/** `code` is a refusal code, a code for what is wrong with the file, or `lost`. */
export type Uploaded = { ok: true; material: string } | { ok: false; code: string };
export type Downloaded = { ok: true; file: Blob } | { ok: false; code: string };

/** Uploads a file and shows it to everybody. The server checks its content. */
export async function uploadMaterial(
  client: Asker,
  room: string,
  kind: "picture" | "pdf",
  file: Blob,
  title: string,
): Promise<Uploaded> {
  const granted = await client.send("material.upload", title === "" ? { kind } : { kind, title });
  if (!granted.ok) return { ok: false, code: granted.code };
  const { material, ticket } = granted.fields;
  const answer = await ask(room, material, ticket, file);
  if (answer === null) return { ok: false, code: "lost" };
  if (answer.ok) return { ok: true, material };
  return { ok: false, code: await reasonOf(answer) };
}

/** Downloads a file that is shown; nothing else keeps its bytes. */
export async function downloadMaterial(client: Asker, room: string, material: string): Promise<Downloaded> {
  const granted = await client.send("material.open", { material });
  if (!granted.ok) return { ok: false, code: granted.code };
  const answer = await ask(room, material, granted.fields.ticket);
  if (answer === null) return { ok: false, code: "lost" };
  if (!answer.ok) return { ok: false, code: await reasonOf(answer) };
  try {
    return { ok: true, file: await answer.blob() };
  } catch {
    return { ok: false, code: "lost" };
  }
}

/** Whether `address` may be shown as a link: http(s), with a host and without a user. */
export function isWebLink(address: string): boolean {
  if (/[\s\\]/.test(address) || !/^https?:\/\/[^/?#]/.test(address)) return false;
  try {
    const url = new URL(address);
    return (url.protocol === "https:" || url.protocol === "http:") && url.username === "" && url.password === "";
  } catch {
    return false;
  }
}

async function ask(room: string, material: string, ticket: string, body?: Blob): Promise<Response | null> {
  const path = `/r/${encodeURIComponent(room)}/materials/${encodeURIComponent(material)}`;
  try {
    return await fetch(path, {
      method: body === undefined ? "GET" : "PUT",
      headers: { authorization: `Bearer ${ticket}` },
      body: body ?? null,
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      referrerPolicy: "no-referrer",
    });
  } catch {
    return null;
  }
}

async function reasonOf(answer: Response): Promise<string> {
  try {
    const { error } = (await answer.json()) as { error?: { code?: unknown } };
    return typeof error?.code === "string" ? error.code : "lost";
  } catch {
    return "lost";
  }
}
