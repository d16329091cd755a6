/**
 * Takes the token of an invite link out of the page's address, so that it is in no history, bookmark,
 * copied address or shared screen, and keeps it in the tab's storage for a reload (rule IN5).
 */

import { parseLink, type InviteLink } from "./link.ts";
import { linkStore, type StorageLike } from "./store.ts";

/** The page's address and history; tests provide their own. */
export interface AddressHost {
  href(): string;
  /** Replaces the address in the history by another of the same page. */
  replace(address: string): void;
  storage?: StorageLike | null;
}

export interface Entrance {
  /** From the address or the tab's storage; null if the address is not a room's. */
  readonly link: InviteLink | null;
  /** Removes the token from the address. Not needed if the tab could keep it: then it is gone. */
  clean(): void;
  /** Keeps the link for one more reload. */
  keep(): void;
}

export function enterBy(host: AddressHost): Entrance {
  const address = new URL(host.href());
  const given = parseLink(address);
  const clean = (): void => {
    const now = new URL(host.href());
    if (parseLink(now)?.token == null) return;
    now.hash = "";
    host.replace(now.href.replace(/#$/, ""));
  };
  if (given === null) return { link: null, clean, keep: () => undefined };
  const store = linkStore(given.room, host.storage);
  const fragment = given.token === null ? store.load() : address.hash;
  const keep = (): void => {
    if (fragment !== null) store.save(fragment);
  };
  if (given.token !== null && store.save(address.hash)) clean();
  if (fragment === null) return { link: given, clean, keep };
  address.hash = fragment;
  return { link: parseLink(address), clean, keep };
}

export function browserAddress(): AddressHost {
  return {
    href: () => location.href,
    replace: (address) => history.replaceState(history.state, "", address),
  };
}
