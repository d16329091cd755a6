/**
 * When a microphone or a camera is taken and when it sends. Pure: a state and a function from (state,
 * event) to state. The shell takes the device at each step into `asking`, lets it go (its light goes
 * out) at each step away from `live` and `lingering` to anything else, and sends while `sends` holds.
 *
 * Nothing is ever taken before `wish`, which the person alone sets. Being muted by anybody takes the
 * wish away: lifting the mute brings no sound back, only the person does.
 */

import type { Muted } from "./route.ts";

/** Milliseconds that a device is kept after it was switched off, for a slip of the finger. */
export const LINGER = 1_200;
/** The same between two presses of the talk key: a conversation's pauses. */
export const PRESS_LINGER = 10_000;

/** Why a device can't be had: refused by the browser or the person, none there, in use elsewhere. */
export type DeviceError = "blocked" | "missing" | "busy" | "other";

/** `ready`: push-to-talk with the key up. `pressed`: with the key down. */
export type Talk = "always" | "ready" | "pressed";

export type Capture =
  | { readonly is: "none" }
  /** `ask` tells the answer to this question from one to an earlier question. */
  | { readonly is: "asking"; readonly ask: number }
  | { readonly is: "live" }
  | { readonly is: "lingering"; readonly until: number }
  | { readonly is: "failed"; readonly why: DeviceError };

export interface Source {
  readonly wish: boolean;
  readonly muted: Muted;
  /** Whether anybody would get it just now. */
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
  /** The device went away by itself. */
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

/** Whether the device should be at hand. */
function wants(source: Source): boolean {
  return source.wish && source.muted === "no" && source.talk !== "ready";
}

export function sends(source: Source): boolean {
  return source.capture.is === "live" && wants(source) && source.way;
}

/** Whether a device is held, so that its light is on. */
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

/** Brings the capture to where wish, mute and key want it. */
function settle(source: Source, now: number): Source {
  const { capture } = source;
  if (source.muted === "held") return capture.is === "none" ? source : { ...source, capture: NONE };
  if (wants(source)) {
    if (capture.is === "none") return ask(source);
    return capture.is === "lingering" ? { ...source, capture: { is: "live" } } : source;
  }
  if (capture.is === "live") return linger(source, now);
  // A question that nobody needs answered any more: its late answer is let go by the shell. While the
  // key of push-to-talk is up, the browser's own question stays open.
  if (capture.is === "asking" && !source.wish) return { ...source, capture: NONE };
  if (capture.is === "failed" && !source.wish) return { ...source, capture: NONE };
  return source;
}

export function step(source: Source, event: SourceEvent): Source {
  switch (event.kind) {
    case "wish": {
      // Whoever presses again after a failure asks again.
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

/** What a button shows. */
export type DeviceStatus = "off" | "asking" | "on" | "waiting" | "ready" | "held" | DeviceError;

export function deviceStatus(source: Source): DeviceStatus {
  if (source.muted === "held") return "held";
  if (!source.wish) return "off";
  if (source.capture.is === "failed") return source.capture.why;
  if (source.talk === "ready") return "ready";
  if (source.capture.is !== "live") return "asking";
  return source.way ? "on" : "waiting";
}
