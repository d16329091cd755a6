/** Notices that no packet comes although somebody speaks: the media node may have died. Pure. */

/** Milliseconds without any packet while others speak. */
export const SILENT_FOR = 1_000;

export interface PacketWatch {
  /** All packets of this connection so far; null before the first check. */
  readonly packets: number | null;
  /** When the last packet came or speech began, as seen by the checks. */
  readonly heardAt: number;
}

export const NEW_WATCH: PacketWatch = { packets: null, heardAt: 0 };

/** A check: the number of packets so far, and whether anybody else speaks. */
export function watchPackets(ear: PacketWatch, packets: number, speech: boolean, now: number): PacketWatch {
  if (ear.packets === packets && speech) return ear;
  return { packets, heardAt: now };
}

export function isSilent(ear: PacketWatch, now: number): boolean {
  return ear.packets !== null && now - ear.heardAt >= SILENT_FOR;
}
