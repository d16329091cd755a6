/** Care: whether a flag has reached somebody, and the crisis lines for when it has not. */

import type { Answer } from "../wire/commands.ts";
import { fetchPublic } from "./public.ts";

/** Where the server has them; no key is asked. */
export const LINES_PATH = "/crisis-lines";

export interface CrisisLine {
  name: string;
  phone?: string;
  text?: string;
  hours: string;
  languages: string[];
  source: string;
  url: string;
  /** The day it was noted. */
  noted: string;
  /** The day on which somebody last compared it with its source, if anybody has. */
  checked: string | null;
}

export interface CrisisLines {
  note: string;
  anywhere?: Pick<CrisisLine, "name" | "source" | "url" | "noted" | "checked">;
  countries: Record<string, { emergency: string; lines: CrisisLine[] }>;
}

/** The list of the server; rejects where it can't be had. */
export async function loadCrisisLines(): Promise<CrisisLines> {
  const lines = (await fetchPublic(LINES_PATH)) as Partial<CrisisLines> | null;
  if (typeof lines?.countries !== "object") throw new Error("this is no list of crisis lines");
  return { note: "", ...lines, countries: lines.countries };
}

/**
 * Whether the crisis lines are to be shown after a `care.flag`: the room could not take it, or no
 * facilitator is connected to see it.
 */
export function reachesNobody(answer: Answer<"care.flag">): boolean {
  return !answer.ok || answer.fields.facilitators === 0;
}
