/**
 * When to connect again. Pure: a state and a function from (state, event) to state; time and chance
 * come in with the event. The shell (`connection.ts`) opens a socket whenever a step leads to
 * `trying` and sets a timer for `waiting.until`.
 */

/** Milliseconds. */
export const FIRST_JITTER = 250;
export const BASE = 500;
export const CAP = 8_000;
/** A link that lasted less was no success: it does not start the backoff anew. */
export const STABLE = 3_000;
/** How close together attempts may be that are not the policy's own but a wake-up's. */
export const WAKE_SPACING = 1_000;
/**
 * How long a greeting that was given up may still be taken, by a server that stood still: within
 * it, "connected elsewhere" may be our own doing.
 */
export const LATE_GREETING = 30_000;

interface Attempting {
  /** Attempts since a link last lasted. */
  readonly attempt: number;
  readonly since: number;
  /** Until when a greeting that was given up may be taken late. */
  readonly lateUntil: number;
}

export type ConnectionState =
  | { readonly kind: "idle" }
  | ({ readonly kind: "trying" } & Attempting)
  | ({ readonly kind: "open" } & Attempting)
  | ({ readonly kind: "waiting"; readonly until: number } & Attempting)
  | { readonly kind: "done"; readonly code: number };

export type ConnectionEvent =
  | { readonly kind: "start"; readonly now: number }
  /** The server welcomed us (an upgrade alone is no success). */
  | { readonly kind: "welcomed"; readonly now: number }
  /** The socket closed with this code, or was given up as dead (1006). */
  | {
      readonly kind: "lost";
      readonly now: number;
      readonly code: number;
      readonly chance: number;
      /** Whether we had said hello on it. */
      readonly greeted: boolean;
    }
  | { readonly kind: "timer"; readonly now: number }
  /** The network is back, or the page can be seen again. */
  | { readonly kind: "woke"; readonly now: number }
  /** Whoever uses this has closed it. */
  | { readonly kind: "stop"; readonly code: number };

export const IDLE: ConnectionState = { kind: "idle" };

const ELSEWHERE = 4409;
/** A newcomer needed our place at the door: we come back when our person asks to (rule CC7). */
const PLACE_GIVEN = 4010;
const NEVER = Number.NEGATIVE_INFINITY;

/**
 * Whether a client whose socket closed with `code` should connect again: 4000-4399 yes,
 * 4400-4799 no; of the WebSocket layer's own (RFC 6455, 7.4.1), 1000 is a good-bye, 1009 its
 * "too large", all others are accidents.
 */
export function shouldReconnect(code: number): boolean {
  return code !== 1000 && code !== 1009 && !(code >= 4400 && code <= 4799);
}

/**
 * Milliseconds before attempt `attempt` (0 is the first retry). `chance` is in [0, 1): the first
 * retry is at once but not everybody's at the same instant, the later ones wait between half and
 * all of a time that doubles up to the cap.
 */
export function delay(attempt: number, chance: number): number {
  if (attempt === 0) return chance * FIRST_JITTER;
  const whole = Math.min(CAP, BASE * 2 ** Math.min(attempt, 16));
  return whole / 2 + (chance * whole) / 2;
}

function lost(link: ConnectionState, event: Extract<ConnectionEvent, { kind: "lost" }>): ConnectionState {
  if (link.kind !== "trying" && link.kind !== "open") return link;
  const { now, code, chance } = event;
  const ownDoing = code === ELSEWHERE && now < link.lateUntil;
  if (code === PLACE_GIVEN || (!shouldReconnect(code) && !ownDoing)) return { kind: "done", code };
  const lasted = link.kind === "open" && now - link.since >= STABLE;
  const attempt = lasted ? 0 : link.attempt;
  const givenUp = link.kind === "trying" && event.greeted && !ownDoing;
  const lateUntil = givenUp ? now + LATE_GREETING : link.lateUntil;
  return { kind: "waiting", attempt, since: now, until: now + delay(attempt, chance), lateUntil };
}

function trying({ lateUntil }: Attempting, attempt: number, now: number): ConnectionState {
  return { kind: "trying", attempt, since: now, lateUntil };
}

export function step(link: ConnectionState, event: ConnectionEvent): ConnectionState {
  switch (event.kind) {
    case "start":
      return { kind: "trying", attempt: 0, since: event.now, lateUntil: NEVER };
    case "welcomed":
      return link.kind === "trying" ? { ...link, kind: "open", since: event.now } : link;
    case "lost":
      return lost(link, event);
    case "timer":
      if (link.kind !== "waiting" || event.now < link.until) return link;
      return trying(link, link.attempt + 1, event.now);
    case "woke":
      // What failed before it says nothing about now, so the backoff starts anew; but an `online`
      // beside a `visibilitychange` is one reason to try, not two.
      if (link.kind !== "waiting") return link;
      if (event.now - link.since >= WAKE_SPACING)
        return trying(link, 1, event.now);
      return { ...link, attempt: 0, until: Math.min(link.until, link.since + WAKE_SPACING) };
    case "stop":
      return { kind: "done", code: event.code };
  }
}
