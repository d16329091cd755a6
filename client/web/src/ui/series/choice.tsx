/** At the agreement of a room of a series: whether the series may know the person again. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { keepPerson, newPerson, personOf, readPerson } from "../../lib/index.ts";
import { series as words } from "../words-series.ts";

export type Wish = "yes" | "no" | null;

/** The choice so far, and what is wrong with it. */
export interface Choice {
  readonly wish: Wish;
  readonly code: string;
  readonly trouble: string | null;
}

export interface Chosen {
  readonly person: Uint8Array | null;
  /** This browser can't keep the code. */
  readonly unkept: boolean;
}

/** Yes for a person whose code this browser keeps; for anybody else nothing is chosen yet. */
export function firstChoice(series: string): Choice {
  return { wish: personOf(series) === null ? null : "yes", code: "", trouble: null };
}

/** The person code to send, or the choice with what is wrong with it. Keeps a new code. */
export function chosen(series: string, choice: Choice): Chosen | Choice {
  if (choice.wish === null) return { ...choice, trouble: words.choose };
  if (choice.wish === "no") return { person: null, unkept: false };
  const typed = choice.code.trim();
  const person = typed === "" ? (personOf(series) ?? newPerson()) : readPerson(typed);
  if (person === null) return { ...choice, trouble: words.badCode };
  return { person, unkept: !keepPerson(series, person) };
}

export function SeriesChoice(props: {
  readonly series: string;
  readonly choice: Choice;
  readonly onChoice: (choice: Choice) => void;
}): VNode {
  const { series, choice, onChoice } = props;
  const [open, setOpen] = useState(false);
  const known = personOf(series) !== null;
  const pick = (wish: Wish): void => onChoice({ ...choice, wish, trouble: null });
  return (
    <section class="series-choice" aria-labelledby="series-heading">
      <h2 id="series-heading">{words.heading}</h2>
      <p>{words.kept}</p>
      <p>{words.how}</p>
      <fieldset aria-describedby="series-trouble">
        <legend>{words.legend}</legend>
        <Option
          checked={choice.wish === "yes"}
          onPick={() => pick("yes")}
          label={known ? words.known : words.yes}
          hint={known ? words.knownHint : words.yesHint}
        />
        <Option checked={choice.wish === "no"} onPick={() => pick("no")} label={words.no} hint={words.noHint} />
      </fieldset>
      {choice.wish === "yes" && (
        <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
          <summary>{words.other}</summary>
          <label class="field">
            <span>{words.code}</span>
            <input
              type="text"
              value={choice.code}
              maxLength={80}
              autocomplete="off"
              autocapitalize="none"
              spellcheck={false}
              aria-describedby="series-trouble"
              onInput={(event) => onChoice({ ...choice, code: event.currentTarget.value, trouble: null })}
            />
          </label>
        </details>
      )}
      <p class="trouble" id="series-trouble" role="alert">
        {choice.trouble ?? ""}
      </p>
    </section>
  );
}

function Option(props: {
  readonly checked: boolean;
  readonly onPick: () => void;
  readonly label: string;
  readonly hint: string;
}): VNode {
  return (
    <label class="series-option">
      <input type="radio" name="series" checked={props.checked} onChange={props.onPick} />
      <span>
        {props.label} <small>{props.hint}</small>
      </span>
    </label>
  );
}
