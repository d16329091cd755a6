/** For facilitators: the concerns that everybody may tick. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { CONCERN_MAX } from "../../lib/index.ts";
import { Dialog } from "../parts/dialog.tsx";
import { DialogFoot } from "../parts/dialog-foot.tsx";
import { useSession } from "../session.tsx";
import { evening } from "../words-evening.ts";
import { OFFER_MAX, readOffer } from "./concerns.ts";

const link = evening.link;

export function OfferDialog(): VNode {
  const session = useSession();
  const [text, setText] = useState(() => session.snap.value.room.concerns.join("\n"));
  const [trouble, setTrouble] = useState<string | null>(null);
  const save = (): void => {
    const offer = readOffer(text);
    if ("wrong" in offer) {
      if (offer.wrong === "most") return setTrouble(link.guideMost(OFFER_MAX));
      return setTrouble(offer.wrong === "long" ? link.guideLong(offer.line, CONCERN_MAX) : link.guideTwice(offer.line));
    }
    void session.act("concerns.offer", { concerns: offer.concerns }, { done: link.guideSaved }).then((answer) => {
      if (answer.ok) session.shut();
    });
  };
  return (
    <Dialog
      title={link.guideHeading}
      onClose={() => session.shut()}
      foot={
        <DialogFoot trouble={trouble} go={link.guideSave} onGo={save} />
      }
    >
      <p class="hint">{link.guideIntro}</p>
      <label class="field">
        <span>{link.guideLabel}</span>
        <textarea class="lines" rows={9} value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
    </Dialog>
  );
}
