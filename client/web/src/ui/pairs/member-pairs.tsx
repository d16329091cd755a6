/** A list of pairs of members: kept apart, or pinned together. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { Signal } from "@preact/signals";
import { Button } from "../parts/button.tsx";
import { bySeat } from "../model.ts";
import { useSession } from "../session.tsx";
import { guide } from "../words-guide.ts";
import { alsoIn, type MemberPair } from "./plan.ts";
import { Name } from "../parts/who.tsx";

export interface MemberPairsText {
  readonly heading: string;
  readonly hint: string;
  readonly none: string;
  readonly remove: (a: string, b: string) => string;
  /** Shown if the pair is in the other list already. */
  readonly other: (a: string, b: string) => string;
}

interface MemberPairsProps {
  readonly list: Signal<readonly MemberPair[]>;
  /** The other list, in which the pair must not be. */
  readonly against: Signal<readonly MemberPair[]>;
  readonly text: MemberPairsText;
}

export function MemberPairs({ list, against, text }: MemberPairsProps): VNode {
  const session = useSession();
  const people = bySeat(session.snap.value);
  const [first, setFirst] = useState("");
  const [second, setSecond] = useState("");
  const chosen = first !== "" && second !== "" && first !== second;
  const clash = chosen && alsoIn(against.value, [first, second]);
  const fit = chosen && !clash && !alsoIn(list.value, [first, second]);
  const add = (): void => {
    if (!fit) return;
    list.value = [...list.value, [first, second]];
    setFirst("");
    setSecond("");
  };
  const choose = (label: string, value: string, set: (id: string) => void): VNode => (
    <select aria-label={`${text.heading}: ${label}`} value={value} onChange={(event) => set(event.currentTarget.value)}>
      <option value="">…</option>
      {people.map((one) => (
        <option key={one.id} value={one.id}>
          <Name name={one.name} />
        </option>
      ))}
    </select>
  );
  return (
    <details class="never">
      <summary>
        {text.heading}
        {list.value.length > 0 && <span class="count">{list.value.length}</span>}
      </summary>
      <p class="hint">{text.hint}</p>
      {list.value.length === 0 ? (
        <p class="hint">{text.none}</p>
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
                label={text.remove(session.name(a), session.name(b))}
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
        <Button local disabled={!fit} about={text.heading} onClick={add}>
          {guide.pairs.avoidAdd}
        </Button>
      </div>
      {clash && (
        <p class="trouble" role="status">
          {text.other(session.name(first), session.name(second))}
        </p>
      )}
    </details>
  );
}
