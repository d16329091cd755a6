/**
 * When to connect again. Pure: a state and a function from (state, event) to state; events carry the
 * time and random numbers. `connection.ts` opens a socket at each step into `trying` and sets a timer
 * for `waiting.until`.
 */

/** Milliseconds. */
export const FIRST_JITTER = 250;
export const BASE = 500;
export const CAP = 8_000;
/** A connection that lasted less does not reset the backoff. */
export const STABLE = 3_000;
/** The least time between an attempt and one that a wake-up causes. */
export const WAKE_SPACING = 1_000;
/**
 * How long a slow server may still take a greeting that we gave up. Within this time we may have
 * caused a 4409 (connected elsewhere) ourselves.
 */
export const LATE_GREETING = 30_000;

interface Attempting {
  /** Attempts since the last stable connection. */
  readonly attempt: number;
  readonly since: number;
  /** Until when the server may still take a greeting that we gave up. */
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
  /** The socket closed with this code, or we gave it up (1006). */
  | {
      readonly kind: "lost";
      readonly now: number;
      readonly code: number;
      readonly chance: number;
      /** Whether we had sent hello on it. */
      readonly greeted: boolean;
    }
  | { readonly kind: "timer"; readonly now: number }
  /** The network is back, or the page is visible again. */
  | { readonly kind: "woke"; readonly now: number }
  /** The user of the connection has stopped it. */
  | { readonly kind: "stop"; readonly code: number };

export const IDLE: ConnectionState = { kind: "idle" };

const ELSEWHERE = 4409;
/** A newcomer needed our place at the door: only the person reconnects (rule CC7). */
const PLACE_GIVEN = 4010;
const NEVER = Number.NEGATIVE_INFINITY;

/**
 * Whether a client whose socket closed with `code` should reconnect: yes after 4000-4399, no after
 * 4400-4799. Of the codes of WebSocket itself (RFC 6455, 7.4.1) not after 1000 (normal) and 1009 (too
 * large).
 */
export function shouldReconnect(code: number): boolean {
  return code !== 1000 && code !== 1009 && !(code >= 4400 && code <= 4799);
}

/**
 * Milliseconds to wait before attempt `attempt`, counted from 0. `chance` is in [0, 1) and spreads
 * the clients: the first wait is up to `FIRST_JITTER`, later ones are between half and all of a time
 * that doubles up to `CAP`.
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
      // Resets the backoff: earlier failures say nothing about now. `WAKE_SPACING` makes one attempt
      // of an `online` and a `visibilitychange` that come together.
      if (link.kind !== "waiting") return link;
      if (event.now - link.since >= WAKE_SPACING)
        return trying(link, 1, event.now);
      return { ...link, attempt: 0, until: Math.min(link.until, link.since + WAKE_SPACING) };
    case "stop":
      return { kind: "done", code: event.code };
  }
}
