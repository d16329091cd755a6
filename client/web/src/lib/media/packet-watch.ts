/**
 * Notices that nothing comes although somebody speaks: the media node may be gone without a word. Pure.
 */

/** Milliseconds without any packet while others speak. */
export const SILENT_FOR = 1_000;

export interface PacketWatch {
  /** Packets that ever came by this connection; null before the first look. */
  readonly packets: number | null;
  /** When the last packet came, or speech began, as far as looks can tell. */
  readonly heardAt: number;
}

export const NEW_WATCH: PacketWatch = { packets: null, heardAt: 0 };

/** A look: how many packets have come in all, and whether anybody else is said to speak. */
export function watchPackets(ear: PacketWatch, packets: number, speech: boolean, now: number): PacketWatch {
  if (ear.packets === packets && speech) return ear;
  return { packets, heardAt: now };
}

export function isSilent(ear: PacketWatch, now: number): boolean {
  return ear.packets !== null && now - ear.heardAt >= SILENT_FOR;
}
