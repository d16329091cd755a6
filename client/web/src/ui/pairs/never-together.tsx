/** The list of two who are never put together. Seen by facilitators alone. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { Signal } from "@preact/signals";
import { Button } from "../parts/button.tsx";
import { bySeat } from "../model.ts";
import { useSession } from "../session.tsx";
import { guide } from "../words-guide.ts";
import type { Couple } from "./plan.ts";

export function NeverTogether({ list }: { list: Signal<readonly Couple[]> }): VNode {
  const session = useSession();
  const people = bySeat(session.snap.value);
  const [first, setFirst] = useState("");
  const [second, setSecond] = useState("");
  const known = list.value.some((couple) => couple.includes(first) && couple.includes(second));
  const fit = first !== "" && second !== "" && first !== second && !known;
  const add = (): void => {
    if (!fit) return;
    list.value = [...list.value, [first, second]];
    setFirst("");
    setSecond("");
  };
  const choose = (label: string, value: string, set: (id: string) => void): VNode => (
    <select aria-label={label} value={value} onChange={(event) => set(event.currentTarget.value)}>
      <option value="">…</option>
      {people.map((one) => (
        <option key={one.id} value={one.id}>
          {one.name}
        </option>
      ))}
    </select>
  );
  return (
    <details class="never">
      <summary>
        {guide.pairs.avoid}
        {list.value.length > 0 && <span class="count">{list.value.length}</span>}
      </summary>
      <p class="hint">{guide.pairs.avoidHint}</p>
      {list.value.length === 0 ? (
        <p class="hint">{guide.pairs.avoidNone}</p>
      ) : (
        <ul class="never-list">
          {list.value.map(([a, b]) => (
            <li key={`${a} ${b}`}>
              <span>
                {session.name(a)} {guide.pairs.and} {session.name(b)}
              </span>
              <Button
                local
                look="quiet"
                icon="cross"
                label={guide.pairs.avoidRemove(session.name(a), session.name(b))}
                onClick={() => (list.value = list.value.filter((one) => one[0] !== a || one[1] !== b))}
              />
            </li>
          ))}
        </ul>
      )}
      <div class="never-add">
        {choose(guide.pairs.avoidA, first, setFirst)}
        <span>{guide.pairs.and}</span>
        {choose(guide.pairs.avoidB, second, setSecond)}
        <Button local disabled={!fit} onClick={add}>
          {guide.pairs.avoidAdd}
        </Button>
      </div>
    </details>
  );
}
