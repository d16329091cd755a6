/** The agenda templates of the server (rule HT11). */

import { fetchPublic } from "./public.ts";
import type { Stage } from "../wire/slices.ts";

export interface Template {
  name: string;
  title: string;
  about: string;
  /** Its length for the members. */
  seconds: number;
  stages: Stage[];
  /** The concerns that it offers. */
  concerns?: string[];
}

/** All templates; rejects if the list can't be loaded. */
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
