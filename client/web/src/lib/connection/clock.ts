/**
 * An estimate of the server's clock. Each time stamp arrives late, so the greatest difference to the
 * local clock is the most exact one. Pure. Milliseconds here, unix seconds on the wire.
 */

export interface Clock {
  /** Server minus local, in milliseconds; null until the first stamp. */
  readonly offset: number | null;
}

export const UNSET_CLOCK: Clock = { offset: null };

/** Starts a new estimate at a welcome: the local clock may have been set meanwhile. */
export function resetClock(serverSeconds: number, localMs: number): Clock {
  return { offset: serverSeconds * 1000 - localMs };
}

/** Takes a further stamp. It only ever raises the offset, because replayed stamps are old. */
export function updateClock(clock: Clock, serverSeconds: number, localMs: number): Clock {
  const offset = serverSeconds * 1000 - localMs;
  return offset <= (clock.offset ?? 0) ? clock : { offset };
}

/** Unix seconds by the server's clock, or by the local one before the first stamp. */
export function serverSeconds(clock: Clock, localMs: number): number {
  return (localMs + (clock.offset ?? 0)) / 1000;
}
