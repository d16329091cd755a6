/**
 * A person's choices for sound and picture, kept in this tab's `sessionStorage`: devices, processing of
 * the microphone, and which pictures to receive.
 */

import { own, put } from "../own.ts";
import type { Pictures } from "../wire/messages.ts";
import type { StorageLike } from "../entry/store.ts";

export interface Choices {
  /** Device ids; null is the browser's default. */
  readonly microphone: string | null;
  readonly camera: string | null;
  readonly speaker: string | null;
  readonly noise: boolean;
  readonly echo: boolean;
  readonly gain: boolean;
  readonly pictures: Pictures;
  /** Push-to-talk. */
  readonly push: boolean;
  /** Whether the screen reader announces who speaks. */
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

/** Reads kept choices; a field of the wrong type gets its default. */
export function readChoices(text: string | null): Choices {
  let value: unknown = null;
  try {
    value = text === null ? null : JSON.parse(text);
  } catch {
    // Not JSON: use the defaults.
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
        // Full or blocked: the choice holds until the page is closed.
      }
    },
  };
}
