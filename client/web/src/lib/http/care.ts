/** The crisis lines, and when to show them. */

import type { Answer } from "../wire/commands.ts";
import { fetchPublic } from "./public.ts";

/** The path of the list; it needs no key. */
export const LINES_PATH = "/crisis-lines";

export interface CrisisLine {
  name: string;
  phone?: string;
  text?: string;
  hours: string;
  languages: string[];
  source: string;
  url: string;
  /** The day it was written down. */
  noted: string;
  /** The day on which somebody last compared it with its source, or null. */
  checked: string | null;
}

export interface CrisisLines {
  note: string;
  anywhere?: Pick<CrisisLine, "name" | "source" | "url" | "noted" | "checked">;
  countries: Record<string, { emergency: string; lines: CrisisLine[] }>;
}

/** The server's list; rejects if it can't be loaded. */
export async function loadCrisisLines(): Promise<CrisisLines> {
  const lines = (await fetchPublic(LINES_PATH)) as Partial<CrisisLines> | null;
  if (typeof lines?.countries !== "object") throw new Error("this is no list of crisis lines");
  return { note: "", ...lines, countries: lines.countries };
}

/**
 * Whether a `care.flag` reached nobody, so that the page has to show the crisis lines: the room did not
 * take it, or no facilitator is connected.
 */
export function reachesNobody(answer: Answer<"care.flag">): boolean {
  return !answer.ok || answer.fields.facilitators === 0;
}
