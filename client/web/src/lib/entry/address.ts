/**
 * A link is used once: what it admits with is taken out of the address, so that it is in no history,
 * bookmark, copied address or shared screen, and kept in the tab's storage for a reload (rule IN5).
 */

import { parseLink, type InviteLink } from "./link.ts";
import { linkStore, type StorageLike } from "./store.ts";

/** The page's address and history, so that a test can be them. */
export interface AddressHost {
  href(): string;
  /** Puts another address, of the same page, in the place of this one. */
  replace(address: string): void;
  storage?: StorageLike | null;
}

export interface Entrance {
  /** By the address or by what the tab has kept; null where the address is no room's. */
  readonly link: InviteLink | null;
  /** Takes the token out of the address; it goes at once where the tab has kept it. */
  clean(): void;
  /** Keeps the link for one more reload, by the wish of whoever is here. */
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
