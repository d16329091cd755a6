/**
 * The server's clock as seen from here. A stamp is always late by its way through the network, so of
 * several the one that makes the server's clock earliest-known, the greatest difference, is nearest.
 * Pure: a value and functions on it. Milliseconds here, unix seconds on the wire.
 */

export interface Clock {
  /** Server minus local, in milliseconds; null until the first stamp. */
  readonly offset: number | null;
}

export const UNSET_CLOCK: Clock = { offset: null };

/** Begins anew at a welcome: the local clock may have been set or have slept in between. */
export function resetClock(serverSeconds: number, localMs: number): Clock {
  return { offset: serverSeconds * 1000 - localMs };
}

/** A further stamp: it can only show that the server is further on; replayed ones are old and show nothing. */
export function updateClock(clock: Clock, serverSeconds: number, localMs: number): Clock {
  const offset = serverSeconds * 1000 - localMs;
  return offset <= (clock.offset ?? 0) ? clock : { offset };
}

/** Unix seconds by the server's clock, by the local one while nothing is known. */
export function serverSeconds(clock: Clock, localMs: number): number {
  return (localMs + (clock.offset ?? 0)) / 1000;
}
