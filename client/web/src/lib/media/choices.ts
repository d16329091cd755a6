/**
 * What a person chose for sound and picture, kept for this tab: devices, how the microphone is
 * treated, how much is taken from the line. One entry, in `sessionStorage` where there is one.
 */

import { own, put } from "../own.ts";
import type { Pictures } from "../wire/messages.ts";
import type { StorageLike } from "../entry/store.ts";

export interface Choices {
  /** Device ids; null is the browser's own choice. */
  readonly microphone: string | null;
  readonly camera: string | null;
  readonly speaker: string | null;
  readonly noise: boolean;
  readonly echo: boolean;
  readonly gain: boolean;
  readonly pictures: Pictures;
  /** Heard only while a key or button is held down. */
  readonly push: boolean;
  /** Whether a reader says who begins to speak. */
  readonly sayWho: boolean;
}

export const DEFAULT_CHOICES: Choices = {
  microphone: null,
  camera: null,
  speaker: null,
  noise: true,
  echo: true,
  gain: true,
  pictures: "high",
  push: false,
  sayWho: false,
};

const KEY = "sitwith-media";
const PICTURES: readonly unknown[] = ["none", "low", "high"] satisfies Pictures[];

/** What was kept, field by field: whatever is not of its field's type is the default. */
export function readChoices(text: string | null): Choices {
  let value: unknown = null;
  try {
    value = text === null ? null : JSON.parse(text);
  } catch {
    // Not ours: the defaults are as good as any.
  }
  if (typeof value !== "object" || value === null) return DEFAULT_CHOICES;
  const kept: Record<string, unknown> = {};
  for (const [key, initial] of Object.entries(DEFAULT_CHOICES)) {
    const one = own(value as Record<string, unknown>, key);
    const fits =
      key === "pictures"
        ? PICTURES.includes(one)
        : initial === null
          ? one === null || typeof one === "string"
          : typeof one === typeof initial;
    put(kept, key, fits ? one : initial);
  }
  return kept as unknown as Choices;
}

export function choiceStore(storage: StorageLike | null): {
  load(): Choices;
  save(choices: Choices): void;
} {
  return {
    load() {
      try {
        return readChoices(storage?.getItem(KEY) ?? null);
      } catch {
        return DEFAULT_CHOICES;
      }
    },
    save(choices) {
      try {
        storage?.setItem(KEY, JSON.stringify(choices));
      } catch {
        // Full or forbidden: the choice holds until the page is closed.
      }
    },
  };
}
