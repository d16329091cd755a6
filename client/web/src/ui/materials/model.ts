/** Materials, as questions about a snapshot. Pure. */
import { own } from "../../lib/index.ts";
import type { Material, Snapshot } from "../port.ts";
import { shown } from "../words-materials.ts";

export function materialsOf(snap: Snapshot): readonly Material[] {
  return snap.room.materials ?? [];
}

/** Its title, or else what it is: the host of a link, the first words. */
export function nameOf(one: Material): string {
  if (one.title !== undefined && one.title !== "") return one.title;
  if (one.kind === "link") return hostOf(one.url ?? "") ?? shown.kinds.link;
  if (one.kind === "text") return cut((one.text ?? "").split("\n")[0] ?? "");
  return shown.kinds[one.kind];
}

/** The host of a link as the browser looks it up: other scripts show as Punycode. */
export function hostOf(address: string): string | null {
  try {
    return new URL(address).host;
  } catch {
    return null;
  }
}

/** "340 KB", "1.2 MB". */
export function sizeOf(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.max(1, Math.round(bytes / 1000))} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

export function materialWords(before: Snapshot, after: Snapshot): string[] {
  const was = new Set(materialsOf(before).map((one) => one.id));
  const is = new Set(materialsOf(after).map((one) => one.id));
  const came = materialsOf(after).filter((one) => !was.has(one.id));
  const said = came.map((one) => shown.say.new(`${own(shown.kinds, one.kind)}, ${nameOf(one)}`));
  const went = [...was].some((id) => !is.has(id));
  return went && came.length === 0 ? [shown.say.gone] : said;
}

function cut(words: string): string {
  return words.length > 60 ? `${words.slice(0, 57)}…` : words;
}
