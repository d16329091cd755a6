/** Contact cards: our own, and a member's as a facilitator reads it. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { LIMITS } from "../../lib/index.ts";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import type { Card } from "../port.ts";
import { useSession } from "../session.tsx";
import { care } from "../words-care.ts";

const MOST = LIMITS;
const PARTS = ["location", "phone", "note"] as const;

type Typed = Partial<Record<(typeof PARTS)[number], string>>;

/** The fields to send: what was typed, or else what the card has, without empty ones. */
function writtenOf(text: Typed, card: Card | null | undefined): Partial<Record<(typeof PARTS)[number], string>> {
  const all = PARTS.map((part) => [part, (text[part] ?? card?.[part] ?? "").trim()] as const);
  return Object.fromEntries(all.filter(([, said]) => said !== ""));
}

function CardFields({ text, onText }: { text: Typed; onText: (text: Typed) => void }): VNode {
  const { card } = useSession().snap.value.room;
  return (
    <>
      {PARTS.map((part) => (
        <label key={part} class="field">
          <span>{care[part]}</span>
          <input
            type="text"
            inputMode={part === "phone" ? "tel" : undefined}
            maxLength={MOST[part]}
            autocomplete="off"
            value={text[part] ?? card?.[part] ?? ""}
            onInput={(event) => onText({ ...text, [part]: event.currentTarget.value })}
          />
        </label>
      ))}
    </>
  );
}

/** Asked once on entry, if the room wants cards. It may stay empty. */
export function CardEntryDialog(): VNode {
  const session = useSession();
  const { card } = session.snap.value.room;
  const [text, setText] = useState<Typed>({});
  const written = writtenOf(text, card);
  const keep = (): void => {
    void session.act("care.card", written, { done: care.cardSaved }).then((answer) => {
      if (answer.ok) session.shut();
    });
  };
  const skip = (): void => {
    session.cardAsked.value = true;
    session.shut();
  };
  return (
    <Dialog
      title={care.entry.heading}
      onClose={skip}
      foot={
        <>
          <Button local look="quiet" onClick={skip}>
            {care.entry.skip}
          </Button>
          <Button look="main" disabled={Object.keys(written).length === 0} onClick={keep}>
            {care.cardSave}
          </Button>
        </>
      }
    >
      <p>{care.entry.body}</p>
      <CardFields text={text} onText={setText} />
      <p class="hint">{care.cardHint}</p>
    </Dialog>
  );
}

/** In the strip above the ring, if the room begins to ask for cards while we are inside. */
export function CardNote(): VNode {
  const session = useSession();
  return (
    <section class="stage-note" aria-label={care.cardHeading}>
      <p>
        <strong>{care.entry.note}</strong> {care.entry.noteHint}
      </p>
      <span class="note-buttons">
        <Button local look="main" about={care.cardHeading} onClick={() => session.open({ is: "card-entry" })}>
          {care.entry.go}
        </Button>
        <Button local look="quiet" about={care.cardHeading} onClick={() => (session.cardAsked.value = true)}>
          {care.entry.skip}
        </Button>
      </span>
    </section>
  );
}

export function MyCard(): VNode {
  const session = useSession();
  const { card, care_opened: opened } = session.snap.value.room;
  const [text, setText] = useState<Typed>({});
  const written = writtenOf(text, card);
  return (
    <section class="care-card" aria-labelledby="card-heading">
      <h3 id="card-heading">{care.cardHeading}</h3>
      <p class="hint">{care.cardHint}</p>
      <CardFields text={text} onText={setText} />
      <div class="wrap">
        <Button
          disabled={Object.keys(written).length === 0}
          onClick={() => void session.act("care.card", written, { done: care.cardSaved })}
        >
          {care.cardSave}
        </Button>
        {card != null && (
          <Button
            onClick={() => {
              setText({});
              void session.act("care.card", {}, { done: care.cardDropped });
            }}
          >
            {care.cardDrop}
          </Button>
        )}
      </div>
      {opened?.map((one, i) => <p key={i}>{care.opened(session.name(one.by))}</p>)}
    </section>
  );
}

export function CardDialog({ name, card }: { name: string; card: Card | null }): VNode {
  const session = useSession();
  return (
    <Dialog title={care.panel.cardOf(name)} onClose={() => session.shut()}>
      {card === null ? (
        <p>{care.panel.noCard}</p>
      ) : (
        <dl class="card-facts">
          {PARTS.map((part) => (
            <div key={part}>
              <dt>{care[part]}</dt>
              <dd>{card[part] ?? care.panel.none}</dd>
            </div>
          ))}
        </dl>
      )}
    </Dialog>
  );
}
