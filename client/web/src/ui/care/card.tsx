/** How one is to be reached: one's own card, and what a facilitator reads of somebody's. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import type { Card } from "../port.ts";
import { useSession } from "../session.tsx";
import { care } from "../words-care.ts";

const MOST = { location: 200, phone: 40, note: 500 } as const;
const PARTS = ["location", "phone", "note"] as const;

export function MyCard(): VNode {
  const session = useSession();
  const { card, care_opened: opened } = session.snap.value.room;
  const [text, setText] = useState<Partial<Record<(typeof PARTS)[number], string>>>({});
  const written = PARTS.map((part) => [part, (text[part] ?? card?.[part] ?? "").trim()] as const).filter(([, said]) => said !== "");
  return (
    <section class="care-card" aria-labelledby="card-heading">
      <h3 id="card-heading">{care.cardHeading}</h3>
      <p class="hint">{care.cardHint}</p>
      {PARTS.map((part) => (
        <label key={part} class="field">
          <span>{care[part]}</span>
          <input
            type="text"
            maxLength={MOST[part]}
            autocomplete="off"
            value={text[part] ?? card?.[part] ?? ""}
            onInput={(event) => setText({ ...text, [part]: event.currentTarget.value })}
          />
        </label>
      ))}
      <div class="wrap">
        <Button
          disabled={written.length === 0}
          onClick={() => void session.act("care.card", Object.fromEntries(written), { done: care.cardSaved })}
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
