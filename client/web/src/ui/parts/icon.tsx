/** Line icons drawn here: no icon font, nothing fetched. Always beside words, so hidden from readers. */
import { own } from "../../lib/index.ts";
import type { VNode } from "preact";

const paths = {
  hand: "M8 13V5.5a1.5 1.5 0 0 1 3 0V11m0-6.5v-1a1.5 1.5 0 0 1 3 0V11m0-5.5a1.5 1.5 0 0 1 3 0V13m0-3.5a1.5 1.5 0 0 1 3 0V15a6 6 0 0 1-6 6h-2c-2 0-3.2-.8-4.3-2.4L4.6 14.900a1.6 1.6 0 0 1 2.6-1.900L8 14",
  stick: "M5 19 16.5 7.500M5 19l-1.5 1.500M14.5 5.500c1-2 3.5-3 6-3-.2 2.6-1.1 5-3 6M14.5 5.500l4 4M9 12l3 3",
  later: "M4 12a8 8 0 1 0 3-6.200M4 4v4h4M12 8v4.500l3 2",
  last: "M5 6h9M5 12h9M5 18h5M17 13v6m0 0-2.5-2.500M17 19l2.5-2.5",
  chat: "M5 18.500V6.500A1.5 1.5 0 0 1 6.5 5h11A1.5 1.5 0 0 1 19 6.500v8a1.5 1.5 0 0 1-1.5 1.500H8Z",
  circle: "M12 4.200v.1M17.5 6.500v.1M19.8 12v.1M17.5 17.500v.1M12 19.800v.1M6.5 17.500v.1M4.2 12v.1M6.5 6.500v.1",
  list: "M9 6h11M9 12h11M9 18h11M4.5 6h.1M4.5 12h.1M4.5 18h.1",
  more: "M6 12h.1M12 12h.1M18 12h.1",
  heart: "M12 20s-7-4.4-7-9.600A3.9 3.9 0 0 1 12 8a3.9 3.9 0 0 1 7 2.400C19 15.6 12 20 12 20Z",
  with_you: "M9 16.500a4.5 4.5 0 1 1 0-9 4.5 4.5 0 0 1 0 9Zm6 0a4.5 4.5 0 1 1 0-9 4.5 4.5 0 0 1 0 9Z",
  thanks: "M12 20v-8M12 12c0-3.5 2-6.5 6-7 .3 4-2 7-6 7Zm0 3c0-2.5-1.8-5-5.5-5.5-.2 3.3 2 5.5 5.5 5.500Z",
  same: "M5 9.500h14M5 14.500h14",
  calm: "M4 9c2.5-2.5 5-2.5 8 0s5.5 2.5 8 0M4 15c2.5-2.5 5-2.5 8 0s5.5 2.5 8 0",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM12 3v1.500M12 19.500V21M3 12h1.500M19.5 12H21M5.6 5.600l1.1 1.100M17.3 17.300l1.1 1.100M18.4 5.600l-1.1 1.100M6.7 17.300l-1.1 1.1",
  help: "M12 20.500a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17ZM9.7 9.500c.3-1.3 1.2-2 2.4-2 1.3 0 2.3.9 2.3 2.1 0 1.8-2.3 1.9-2.3 3.700M12.1 16.500h.1",
  audio: "M12 14.500a2.7 2.7 0 0 0 2.7-2.700V6.700a2.7 2.7 0 0 0-5.4 0v5.100a2.7 2.7 0 0 0 2.7 2.700ZM6.5 11.500a5.5 5.5 0 0 0 11 0M12 17v3.5",
  sound: "M5 10v4h3l4.5 3.5v-11L8 10ZM15.500 9a4 4 0 0 1 0 6M17.800 6.500a7.500 7.500 0 0 1 0 11",
  video: "M4.5 7.500A1.5 1.5 0 0 1 6 6h7.500A1.5 1.5 0 0 1 15 7.500v9a1.5 1.5 0 0 1-1.5 1.500H6a1.5 1.5 0 0 1-1.5-1.500ZM15 11l5-3v8l-5-3",
  slash: "M4.5 4.500l15 15",
  away: "M6 10h10v4.500A4.5 4.5 0 0 1 11.5 19h-1A4.5 4.5 0 0 1 6 14.500ZM16 11h1.500a2.2 2.2 0 0 1 0 4.400H16M8.5 4.500c-.8 1 .8 1.7 0 2.700M12.5 4.500c-.8 1 .8 1.7 0 2.7",
  leave: "M14 5.500V5A1.5 1.5 0 0 0 12.5 3.500h-6A1.5 1.5 0 0 0 5 5v14a1.5 1.5 0 0 0 1.5 1.500h6A1.5 1.5 0 0 0 14 19v-.5M10 12h10m0 0-3-3m3 3-3 3",
  lock: "M7 11V8a5 5 0 0 1 10 0v3M6.5 11h11A1.5 1.5 0 0 1 19 12.500v6a1.5 1.5 0 0 1-1.5 1.500h-11A1.5 1.5 0 0 1 5 18.500v-6A1.5 1.5 0 0 1 6.5 11Z",
  unlock: "M7 11V8a5 5 0 0 1 9.5-2.200M6.5 11h11A1.5 1.5 0 0 1 19 12.500v6a1.5 1.5 0 0 1-1.5 1.500h-11A1.5 1.5 0 0 1 5 18.500v-6A1.5 1.5 0 0 1 6.5 11Z",
  check: "M5 12.500l4.5 4.500L19 7.5",
  cross: "M6.5 6.500l11 11M17.5 6.500l-11 11",
  up: "M12 18.500v-13m0 0L6.5 11M12 5.500l5.5 5.5",
  down: "M12 5.500v13m0 0L6.5 13m5.5 5.5 5.5-5.5",
  pause: "M9 6v12M15 6v12",
  play: "M8 5.500v13l10-6.500Z",
  ear: "M8 10.200a4.5 4.5 0 0 1 9 0c0 3-3 3.500-3 6a2.800 2.800 0 0 1-5.400 1M10.600 10.400a1.900 1.900 0 0 1 3.800 0c0 1.500-1.600 1.700-1.600 3.100",
  plus: "M12 5.500v13M5.5 12h13",
  send: "M4.5 12 20 5l-5 15-3.5-6.500ZM11.5 13.5 20 5",
  pairs: "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6Zm8 0a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM3.5 19a4.5 4.5 0 0 1 9 0M14 14.800a4.5 4.5 0 0 1 6.5 4.2",
  bell: "M6.5 16.500V11a5.5 5.5 0 0 1 11 0v5.500l1.5 1.500H5ZM10.5 20.500h3",
  wave: "M3 12h2l2-5 3 11 3-14 3 11 2-3h3",
  gear: "M4 7h9M17 7h3M4 12h3M11 12h9M4 17h9M17 17h3M15 5.200v3.600M9 10.200v3.600M15 15.200v3.6",
  next: "M5 12h14m0 0-5-5m5 5-5 5",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, struck = false }: { name: IconName; struck?: boolean }): VNode {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={own(paths, name)} class={name === "circle" || name === "more" ? "dots" : undefined} />
      {struck && <path d={paths.slash} class="struck" />}
    </svg>
  );
}

/** The logo: people in a ring, one of them holding a light. */
export function Mark(): VNode {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <circle class="seat-dot" cx="16" cy="5" r="3.2" />
      <circle class="seat-dot" cx="25.5" cy="10.5" r="3.2" />
      <circle class="seat-dot" cx="25.5" cy="21.5" r="3.2" />
      <circle class="seat-dot" cx="6.5" cy="21.5" r="3.2" />
      <circle class="seat-dot" cx="6.5" cy="10.5" r="3.2" />
      <circle class="light-dot" cx="16" cy="27" r="3.6" />
    </svg>
  );
}
