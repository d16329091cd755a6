/** The time for a turn: usual lengths, or no limit. */
import type { VNode } from "preact";
import { guide } from "../words-guide.ts";

const CHOICES: readonly (number | null)[] = [null, 30, 60, 90, 120, 180, 240, 300, 600];

interface Props {
  readonly label: string;
  readonly value: number | null;
  readonly onChange: (seconds: number | null) => void;
  /** What null stands for, where it is not "no clock". */
  readonly untimed?: string;
}

export function TimeSelect({ label, value, onChange, untimed }: Props): VNode {
  return (
    <label class="field">
      <span>{label}</span>
      <select
        value={value === null ? "" : String(value)}
        onChange={(event) => {
          const chosen = event.currentTarget.value;
          onChange(chosen === "" ? null : Number(chosen));
        }}
      >
        {CHOICES.map((seconds) => (
          <option key={seconds ?? "none"} value={seconds === null ? "" : String(seconds)}>
            {seconds === null ? (untimed ?? guide.round.untimed) : nameOf(seconds)}
          </option>
        ))}
      </select>
    </label>
  );
}

function nameOf(seconds: number): string {
  if (seconds === 30) return guide.round.half;
  if (seconds === 90) return guide.round.ninety;
  return guide.round.minutes(seconds / 60);
}
