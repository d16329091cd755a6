/** For facilitators: starts and stops breathing together. */
import { own } from "../../lib/index.ts";
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { Button } from "../parts/button.tsx";
import { useSession } from "../session.tsx";
import { evening } from "../words-evening.ts";

const MINUTES = [1, 2, 3, 5];
const PATTERNS = Object.keys(evening.breathe.patterns);

export function BreatheControls(): VNode {
  const session = useSession();
  const [pattern, setPattern] = useState(PATTERNS[0] ?? "4,6");
  const [minutes, setMinutes] = useState(2);
  const on = session.snap.value.room.breathe !== null;
  if (on) {
    return (
      <div class="together-part">
        <p class="hint">{evening.breathe.on}</p>
        <Button class="wide" onClick={() => void session.act("breathe.stop", {})}>
          {evening.breathe.stop}
        </Button>
      </div>
    );
  }
  return (
    <details class="fold together-part">
      <summary>
        <span class="fold-title">{evening.breathe.heading}</span>
      </summary>
      <div class="fold-body">
        <p class="hint">{evening.breathe.hint}</p>
        <label class="field">
          <span>{evening.breathe.pattern}</span>
          <select value={pattern} onChange={(event) => setPattern(event.currentTarget.value)}>
            {PATTERNS.map((one) => (
              <option key={one} value={one}>
                {own(evening.breathe.patterns, one)}
              </option>
            ))}
          </select>
        </label>
        <div class="field-row">
          <label class="field breathe-time">
            <span>{evening.breathe.time}</span>
            <select value={String(minutes)} onChange={(event) => setMinutes(Number(event.currentTarget.value))}>
              {MINUTES.map((n) => (
                <option key={n} value={String(n)}>
                  {evening.breathe.minutes(n)}
                </option>
              ))}
            </select>
          </label>
          <Button
            about={evening.breathe.label}
            onClick={() =>
              void session.act("breathe.start", { pattern: pattern.split(",").map(Number), seconds: minutes * 60 })
            }
          >
            {evening.breathe.start}
          </Button>
        </div>
      </div>
    </details>
  );
}
