/** The agendas that the server ships (rule HT11). */

import { fetchPublic } from "./public.ts";
import type { Stage } from "../wire/slices.ts";

export interface Template {
  name: string;
  title: string;
  about: string;
  /** How long it is for the members. */
  seconds: number;
  stages: Stage[];
  /** What it offers to tick. */
  concerns?: string[];
}

/** All shipped agendas; the list is the same for everybody and needs no key. Rejects where it can't be had. */
export async function loadTemplates(): Promise<Template[]> {
  const { templates } = (await fetchPublic("/templates")) as { templates?: unknown };
  if (!Array.isArray(templates)) throw new Error("this is no list of agendas");
  return templates.filter(isTemplate).map((one) => ({ ...one, title: one.title ?? one.name, about: one.about ?? "" }));
}

function isTemplate(value: unknown): value is Template {
  if (typeof value !== "object" || value === null) return false;
  const { name, seconds, stages } = value as Record<string, unknown>;
  return typeof name === "string" && typeof seconds === "number" && Array.isArray(stages) && stages.length > 0;
}
