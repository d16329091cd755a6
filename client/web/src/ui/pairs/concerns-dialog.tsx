/** The dialog to tick concerns; they leave this page only as blinded tags. */
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { signal } from "@preact/signals";
import { blind, blindAll, CONCERN_MAX, TAGS_MAX } from "../../lib/index.ts";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Trouble } from "../parts/dialog-foot.tsx";
import { toggled } from "../guide/round-dialog.tsx";
import { useSession } from "../session.tsx";
import { words } from "../words.ts";
import { evening } from "../words-evening.ts";
import { alike, inOrder, matched, normalOf, tidy } from "./concerns.ts";

/** One's own words live in this page alone: what is sent can't be read back. */
const own = signal<readonly string[]>([]);
const link = evening.link;

export function ConcernsDialog(): VNode | null {
  const session = useSession();
  const { link_key: key, concerns, topics } = session.snap.value.room;
  const [ticked, setTicked] = useState<ReadonlySet<string>>(new Set());
  const [kept, setKept] = useState<readonly Uint8Array[]>([]);
  const [ready, setReady] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);
  useEffect(() => {
    const all = [...concerns, ...own.value];
    Promise.all(all.map((one) => blind(key ?? new Uint8Array(), one))).then(
      (tags) => {
        const found = matched(all, tags, topics);
        setTicked(found.ticked);
        setKept(found.kept);
        setReady(true);
      },
      () => setTrouble(link.unable),
    );
  }, []);
  if (key === null) return null;
  const count = ticked.size + kept.length;
  const toggle = (one: string): void => {
    if (!ticked.has(one) && count >= TAGS_MAX) return setTrouble(link.most(TAGS_MAX));
    setTrouble(null);
    setTicked(toggled(ticked, one));
  };
  const save = async (): Promise<void> => {
    let tags: Uint8Array[];
    try {
      tags = inOrder([...(await blindAll(key, ticked)), ...kept]);
    } catch {
      return setTrouble(link.unable);
    }
    const answer = await session.act("topics.set", { tags }, { done: tags.length === 0 ? link.cleared : link.saved });
    if (answer.ok) session.shut();
  };
  return (
    <Dialog
      title={link.heading}
      onClose={() => session.shut()}
      foot={
        <>
          <Trouble text={trouble} />
          <span class="hint" role="status">
            {link.count(count)}
          </span>
          <Button local onClick={() => session.shut()}>
            {words.cancel}
          </Button>
          <Button look="main" disabled={!ready} onClick={() => void save()}>
            {link.save}
          </Button>
        </>
      }
    >
      <p>{link.intro}</p>
      {concerns.length > 0 && (
        <fieldset class="choices">
          <legend>{link.list}</legend>
          {concerns.map((one) => (
            <label key={one} class="choice">
              <input type="checkbox" checked={ticked.has(one)} onChange={() => toggle(one)} />
              <span>{one}</span>
            </label>
          ))}
        </fieldset>
      )}
      <OwnWords
        offered={concerns}
        ticked={ticked}
        onAdd={(one) => {
          if (ticked.has(one)) setTrouble(link.twice);
          else toggle(one);
        }}
        onRemove={(one) => setTicked(new Set([...ticked].filter((each) => each !== one)))}
        onTrouble={setTrouble}
      />
      {kept.length > 0 && (
        <div class="field-row">
          <p class="hint">{link.kept(kept.length)}</p>
          <Button local onClick={() => setKept([])}>
            {link.keptDrop}
          </Button>
        </div>
      )}
      <section class="concerns-who" aria-labelledby="concerns-who">
        <h3 id="concerns-who">{link.whoHeading}</h3>
        {link.who.map((line) => (
          <p key={line}>{line}</p>
        ))}
      </section>
    </Dialog>
  );
}

interface OwnProps {
  readonly offered: readonly string[];
  readonly ticked: ReadonlySet<string>;
  readonly onAdd: (concern: string) => void;
  readonly onRemove: (concern: string) => void;
  readonly onTrouble: (text: string) => void;
}

function OwnWords({ offered, ticked, onAdd, onRemove, onTrouble }: OwnProps): VNode {
  const [text, setText] = useState("");
  const add = (): void => {
    const concern = tidy(text);
    if (concern === "") return;
    if (normalOf(concern) === null) return onTrouble(evening.link.long(CONCERN_MAX));
    const there = alike([...offered, ...own.value], concern);
    if (there === null) own.value = [...own.value, concern];
    onAdd(there ?? concern);
    setText("");
  };
  return (
    <section class="concerns" aria-label={link.own}>
      <form
        class="field-row"
        onSubmit={(event) => {
          event.preventDefault();
          add();
        }}
      >
        <label class="field">
          <span>{link.ownLabel}</span>
          <input
            type="text"
            value={text}
            maxLength={CONCERN_MAX}
            autocomplete="off"
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <Button local disabled={tidy(text) === ""} onClick={add}>
          {link.add}
        </Button>
      </form>
      <p class="hint">{link.ownHint}</p>
      <ul class="concerns-own">
        {own.value
          .filter((one) => ticked.has(one))
          .map((one) => (
            <li key={one}>
              <span>{one}</span>
              <Button local look="quiet" icon="cross" label={link.remove(one)} onClick={() => onRemove(one)} />
            </li>
          ))}
      </ul>
    </section>
  );
}

/** The note, shown once, that concerns are offered. */
export function OfferNote({ onLater }: { onLater: () => void }): VNode {
  const session = useSession();
  return (
    <section class="stage-note" aria-label={link.heading}>
      <p>{link.offerNote}</p>
      <div class="note-buttons">
        <Button
          local
          look="main"
          about={link.heading}
          onClick={() => {
            onLater();
            session.open({ is: "concerns" });
          }}
        >
          {link.offerGo}
        </Button>
        <Button local look="quiet" onClick={onLater}>
          {link.offerLater}
        </Button>
      </div>
    </section>
  );
}
