/**
 * When to offer a media connection. Pure: a state and a function from (state, event) to state; events
 * carry the time and random numbers. `connection.ts` makes an offer at each step into `offering` (with
 * `restart` of the present peer connection, else of a new one) and sets a timer for `due`.
 */

/** Milliseconds. */
export const FIRST_JITTER = 200;
export const BASE = 400;
export const CAP = 8_000;
/** The cap after refusals that waiting alone doesn't change. */
export const SLOW_CAP = 30_000;
/** From the answer to the connection. */
export const JOIN_WITHIN = 6_000;
/** From the offer to its answer, while the socket is up: longer than the server looks for a node. */
export const ANSWER_WITHIN = 10_000;
/** A connection that lasted less does not reset the backoff. */
export const STABLE = 3_000;
/** How long to wait in `disconnected`, which browsers report after seconds without a packet. */
export const DISCONNECTED_FOR = 400;

export type MediaState =
  | { readonly is: "off" }
  | {
      readonly is: "offering";
      readonly attempt: number;
      /** The number of the offer, to match its answer. */
      readonly offer: number;
      readonly restart: boolean;
      readonly due: number;
    }
  | { readonly is: "joining"; readonly attempt: number; readonly offer: number; readonly due: number }
  | { readonly is: "up"; readonly attempt: number; readonly offer: number; readonly since: number }
  | {
      readonly is: "disconnected";
      readonly attempt: number;
      readonly offer: number;
      readonly since: number;
      readonly due: number;
    }
  | { readonly is: "waiting"; readonly attempt: number; readonly offer: number; readonly due: number };

export type MediaEvent =
  /** The person is inside. */
  | { readonly kind: "start"; readonly now: number }
  /** The person has left the room. */
  | { readonly kind: "stop" }
  | { readonly kind: "answered"; readonly offer: number; readonly now: number }
  /** `slow`: an offer soon after would be refused again. */
  | {
      readonly kind: "refused";
      readonly offer: number;
      readonly slow: boolean;
      readonly now: number;
      readonly chance: number;
    }
  | { readonly kind: "connected"; readonly now: number }
  | { readonly kind: "disconnected"; readonly now: number }
  /** The transport failed, the server said `media.lost`, or nothing comes while somebody speaks. */
  | { readonly kind: "lost"; readonly now: number; readonly chance: number }
  /** The network has changed or is back. */
  | { readonly kind: "network"; readonly now: number }
  /** `signal`: whether the socket to the room is up. */
  | { readonly kind: "timer"; readonly now: number; readonly chance: number; readonly signal: boolean };

export const OFF: MediaState = { is: "off" };

/** Milliseconds before the next offer. `chance` is in [0, 1) and spreads the clients. */
export function delay(attempt: number, chance: number, cap = CAP): number {
  if (attempt === 0) return chance * FIRST_JITTER;
  const whole = Math.min(cap, BASE * 2 ** Math.min(attempt, 16));
  return whole / 2 + (chance * whole) / 2;
}

function offering(attempt: number, offer: number, restart: boolean, now: number): MediaState {
  return { is: "offering", attempt, offer: offer + 1, restart, due: now + ANSWER_WITHIN };
}

function again(
  line: Exclude<MediaState, { is: "off" }>,
  event: { readonly now: number; readonly chance: number },
  cap = CAP,
): MediaState {
  const lasted = (line.is === "up" || line.is === "disconnected") && event.now - line.since >= STABLE;
  const attempt = lasted ? 0 : line.attempt;
  const { offer } = line;
  return { is: "waiting", attempt, offer, due: event.now + delay(attempt, event.chance, cap) };
}

export function step(line: MediaState, event: MediaEvent): MediaState {
  if (event.kind === "start") return line.is === "off" ? offering(0, 0, false, event.now) : line;
  if (event.kind === "stop") return OFF;
  if (line.is === "off") return line;
  switch (event.kind) {
    case "answered": {
      if (line.is !== "offering" || line.offer !== event.offer) return line;
      const { attempt, offer } = line;
      return { is: "joining", attempt, offer, due: event.now + JOIN_WITHIN };
    }
    case "refused":
      if (line.is !== "offering" || line.offer !== event.offer) return line;
      // After a refused restart the transport is not used either.
      return again(
        event.slow ? { ...line, attempt: Math.max(line.attempt, 6) } : line,
        event,
        event.slow ? SLOW_CAP : CAP,
      );
    case "connected":
      if (line.is === "disconnected") return { ...line, is: "up", since: line.since };
      if (line.is !== "joining") return line;
      return { is: "up", attempt: line.attempt, offer: line.offer, since: event.now };
    case "disconnected":
      return line.is === "up" ? { ...line, is: "disconnected", due: event.now + DISCONNECTED_FOR } : line;
    case "lost":
      return line.is === "waiting" || line.is === "offering" ? line : again(line, event);
    case "network":
      if (line.is === "waiting") return offering(Math.min(line.attempt, 1), line.offer, false, event.now);
      if (line.is === "up" || line.is === "disconnected") return offering(line.attempt, line.offer, true, event.now);
      return line;
    case "timer":
      return late(line, event);
  }
}

function late(line: MediaState, event: Extract<MediaEvent, { kind: "timer" }>): MediaState {
  if (line.is === "off" || line.is === "up" || event.now < line.due) return line;
  // Without a socket no offer can be sent: wait and try again.
  const wait = { ...line, due: event.now + BASE };
  switch (line.is) {
    case "waiting":
      return event.signal ? offering(line.attempt + 1, line.offer, false, event.now) : wait;
    case "offering":
      return event.signal ? again(line, event) : wait;
    case "joining":
      return again(line, event);
    case "disconnected":
      return event.signal ? offering(line.attempt, line.offer, true, event.now) : wait;
  }
}
