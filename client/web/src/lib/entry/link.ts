/** Links of the form `<public url>/r/<room>#t=<token>&…`. The token stays in the fragment. */

import { put } from "../own.ts";

export interface InviteLink {
  room: string;
  /** null if the link has none: then only a stored seat can be resumed. */
  token: string | null;
  /** The other entries of the fragment. */
  extra: Record<string, string>;
}

/** Parses an invite link; null if the address is not a room's. */
export function parseLink(address: string | URL): InviteLink | null {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    return null;
  }
  const path = /\/r\/([^/]+)\/?$/.exec(url.pathname);
  if (path?.[1] === undefined) return null;
  let room: string;
  try {
    room = decodeURIComponent(path[1]);
  } catch {
    return null;
  }
  const fragment = new URLSearchParams(url.hash.slice(1));
  const token = fragment.get("t");
  const extra: Record<string, string> = {};
  for (const [key, value] of fragment) {
    if (key !== "t") put(extra, key, value);
  }
  return { room, token: token === null || token === "" ? null : token, extra };
}

/** The socket's address for a page: the same host, `wss` if the page is `https`. */
export function socketUrl(page: string | URL): string {
  const url = new URL(page);
  const prefix = /^(.*)\/r\/[^/]+\/?$/.exec(url.pathname)?.[1] ?? "";
  return `${url.protocol === "https:" ? "wss:" : "ws:"}//${url.host}${prefix}/ws`;
}

const SECRET_BYTES = 32;

/**
 * A new link to a room, and the SHA-256 of its token for `link.replace` (rule DO12). The server never
 * gets the token. Needs WebCrypto, which browsers have only on secure pages.
 */
export async function newLink(page: string | URL, room: string): Promise<{ link: string; digest: Uint8Array }> {
  const url = new URL(page);
  const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  const token = `${room}.${base64url(secret)}`;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token)));
  return { link: `${url.origin}${url.pathname}#t=${token}`, digest };
}

function base64url(bytes: Uint8Array): string {
  const plain = btoa(String.fromCharCode(...bytes));
  return plain.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
