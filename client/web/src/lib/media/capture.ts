/**
 * When a microphone or camera is open and when it sends. Pure: a state and a function from (state,
 * event) to state. `device.ts` opens the device at each step into `asking`, closes it (its light goes
 * out) when it leaves `live` and `lingering`, and sends while `sends` is true.
 *
 * No device is opened before `wish`, which only the person sets. Any mute clears the wish: when the
 * mute is lifted, only the person switches the device on again.
 */

import type { Muted } from "./route.ts";

/** Milliseconds that a device stays open after it was switched off, in case of a mistake. */
export const LINGER = 1_200;
/** The same between two presses of the push-to-talk key. */
export const PRESS_LINGER = 10_000;

/** Why a device can't be opened: refused by browser or person, not there, in use elsewhere. */
export type DeviceError = "blocked" | "missing" | "busy" | "other";

/** `ready`: push-to-talk with the key up. `pressed`: with the key down. */
export type Talk = "always" | "ready" | "pressed";

export type Capture =
  | { readonly is: "none" }
  /** `ask` numbers the request, to match its result. */
  | { readonly is: "asking"; readonly ask: number }
  | { readonly is: "live" }
  | { readonly is: "lingering"; readonly until: number }
  | { readonly is: "failed"; readonly why: DeviceError };

export interface Source {
  readonly wish: boolean;
  readonly muted: Muted;
  /** Whether anybody would receive it just now. */
  readonly way: boolean;
  readonly talk: Talk;
  readonly asks: number;
  readonly capture: Capture;
}

export type SourceEvent =
  | { readonly kind: "wish"; readonly on: boolean; readonly now: number }
  | { readonly kind: "muted"; readonly muted: Muted; readonly now: number }
  | { readonly kind: "way"; readonly open: boolean }
  | { readonly kind: "talk"; readonly talk: Talk; readonly now: number }
  | { readonly kind: "got"; readonly ask: number; readonly now: number }
  | { readonly kind: "failed"; readonly ask: number; readonly why: DeviceError }
  /** The device was unplugged or taken away. */
  | { readonly kind: "ended"; readonly now: number }
  /** Devices, a permission or the choice of a device have changed. */
  | { readonly kind: "changed"; readonly retake: boolean; readonly now: number }
  | { readonly kind: "timer"; readonly now: number }
  /** Out of the room. */
  | { readonly kind: "stop" };

export const UNTOUCHED: Source = {
  wish: false,
  muted: "no",
  way: false,
  talk: "always",
  asks: 0,
  capture: { is: "none" },
};

const NONE: Capture = { is: "none" };

/** Whether the device should be open. */
function wants(source: Source): boolean {
  return source.wish && source.muted === "no" && source.talk !== "ready";
}

export function sends(source: Source): boolean {
  return source.capture.is === "live" && wants(source) && source.way;
}

/** Whether the device is open, so that its light is on. */
export function holds({ capture }: Source): boolean {
  return capture.is === "live" || capture.is === "lingering";
}

function ask(source: Source): Source {
  const asks = source.asks + 1;
  return { ...source, asks, capture: { is: "asking", ask: asks } };
}

function linger(source: Source, now: number): Source {
  const ms = source.wish && source.talk === "ready" ? PRESS_LINGER : LINGER;
  return { ...source, capture: { is: "lingering", until: now + ms } };
}

/** Sets the capture by wish, mute and key. */
function settle(source: Source, now: number): Source {
  const { capture } = source;
  if (source.muted === "held") return capture.is === "none" ? source : { ...source, capture: NONE };
  if (wants(source)) {
    if (capture.is === "none") return ask(source);
    return capture.is === "lingering" ? { ...source, capture: { is: "live" } } : source;
  }
  if (capture.is === "live") return linger(source, now);
  // `device.ts` closes a device that comes late. While the push-to-talk key is up, the browser's own
  // question stays open.
  if (capture.is === "asking" && !source.wish) return { ...source, capture: NONE };
  if (capture.is === "failed" && !source.wish) return { ...source, capture: NONE };
  return source;
}

export function step(source: Source, event: SourceEvent): Source {
  switch (event.kind) {
    case "wish": {
      // A press after a failure tries again.
      const again = event.on && source.capture.is === "failed" ? NONE : source.capture;
      return settle({ ...source, wish: event.on, capture: again }, event.now);
    }
    case "muted": {
      const fresh = event.muted !== "no" && event.muted !== source.muted;
      return settle({ ...source, muted: event.muted, wish: source.wish && !fresh }, event.now);
    }
    case "way":
      return source.way === event.open ? source : { ...source, way: event.open };
    case "talk":
      return settle({ ...source, talk: event.talk }, event.now);
    case "got":
      if (source.capture.is !== "asking" || source.capture.ask !== event.ask) return source;
      return settle({ ...source, capture: { is: "live" } }, event.now);
    case "failed":
      if (source.capture.is !== "asking" || source.capture.ask !== event.ask) return source;
      return { ...source, capture: { is: "failed", why: event.why } };
    case "ended":
      if (!holds(source)) return source;
      return settle({ ...source, capture: NONE }, event.now);
    case "changed":
      if (source.capture.is === "failed") return settle({ ...source, capture: NONE }, event.now);
      if (!event.retake || !holds(source)) return source;
      return settle({ ...source, capture: NONE }, event.now);
    case "timer":
      if (source.capture.is !== "lingering" || event.now < source.capture.until) return source;
      return { ...source, capture: NONE };
    case "stop":
      return { ...UNTOUCHED, talk: source.talk, asks: source.asks };
  }
}

/** What a device button shows. */
export type DeviceStatus = "off" | "asking" | "on" | "waiting" | "ready" | "held" | DeviceError;

export function deviceStatus(source: Source): DeviceStatus {
  if (source.muted === "held") return "held";
  if (!source.wish) return "off";
  if (source.capture.is === "failed") return source.capture.why;
  if (source.talk === "ready") return "ready";
  if (source.capture.is !== "live") return "asking";
  return source.way ? "on" : "waiting";
}
