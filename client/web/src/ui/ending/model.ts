/** How near the end of the room's time is, in words. Pure. */
import type { Snapshot } from "../port.ts";
import { ending as text } from "../words-ending.ts";

/** Minutes until the room's time ends, rounded up; null before the first warning. */
export function minutesLeft(snap: Snapshot): number | null {
  const { expires_at: ends, closing } = snap.room;
  if (closing == null || ends == null) return null;
  return closing === 0 ? 0 : Math.max(0, Math.ceil((ends - snap.serverNow()) / 60));
}

export function inWords(minutes: number): string {
  if (minutes <= 0) return text.over;
  if (minutes === 1) return text.soon;
  return text.near(minutes > 55 ? text.hour : text.minutes(minutes));
}

export function inShort(minutes: number): string {
  if (minutes <= 0) return text.shortOver;
  return minutes === 1 ? text.shortSoon : text.short(minutes);
}

/** The announcement of it, for people who don't see the strip. */
export function endingWords(before: Snapshot, after: Snapshot): readonly string[] {
  const [was, now] = [before.room.closing ?? null, after.room.closing ?? null];
  if (was === now) return [];
  const minutes = minutesLeft(after);
  if (minutes === null) return was === null ? [] : [text.more];
  return [`${inWords(minutes)} ${text.stay}`];
}

/** A moment on this device's clock; only the time if that is enough. */
export function momentWords(at: number, now: number): string {
  const options: Intl.DateTimeFormatOptions = { hour: "numeric", minute: "2-digit" };
  const away = at - now;
  if (away > 12 * 3600) options.weekday = "long";
  if (away > 6 * 86_400) Object.assign(options, { day: "numeric", month: "long" });
  return new Date(at * 1000).toLocaleString([], options);
}
