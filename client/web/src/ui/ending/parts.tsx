/** The end of the room's time: a note for everybody, and more time for facilitators to give. */
import type { VNode } from "preact";
import { Icon } from "../parts/icon.tsx";
import { Button } from "../parts/button.tsx";
import { useNow } from "../clock.ts";
import { isFacilitator } from "../model.ts";
import { failure, useSession, type Session } from "../session.tsx";
import { ending as text } from "../words-ending.ts";
import { inShort, inWords, minutesLeft, momentWords } from "./model.ts";

const HALF = 1_800;
const WHOLE = 3_600;

/** Whether to show the note: there is a warning, and it was not dismissed. */
export function endingNoted(session: Session): boolean {
  const { closing } = session.snap.value.room;
  return closing != null && session.endingSeen.value !== closing;
}

/** In the strip above the ring. */
export function EndingNote(): VNode | null {
  const session = useSession();
  useNow();
  const snap = session.snap.value;
  const minutes = minutesLeft(snap);
  if (minutes === null) return null;
  const lead = isFacilitator(snap);
  return (
    <section class="stage-note is-calm" aria-label={text.label}>
      <p>
        <strong>{inWords(minutes)}</strong> {!lead && text.stay}
      </p>
      <span class="note-buttons">
        {lead && <More />}
        <Button
          local
          look="quiet"
          about={text.label}
          onClick={() => (session.endingSeen.value = snap.room.closing ?? null)}
        >
          {text.seen}
        </Button>
      </span>
    </section>
  );
}

/** In the bar at the top, while the end is near and the note is dismissed. */
export function EndingFact(): VNode | null {
  const session = useSession();
  const told = session.snap.value.room.closing != null && !endingNoted(session);
  useNow(told);
  const minutes = minutesLeft(session.snap.value);
  if (minutes === null || !told) return null;
  return (
    <span class="top-ending">
      <Icon name="later" />
      {inShort(minutes)}
    </span>
  );
}

/** Among the facilitators' buttons. */
export function EndingRow(): VNode | null {
  const session = useSession();
  const { expires_at: ends, closing } = session.snap.value.room;
  if (ends == null) return null;
  const now = session.snap.value.serverNow();
  return (
    <div class="ending-row" role="group" aria-label={text.label}>
      <p class="hint">{closing === 0 ? text.past : text.until(momentWords(ends, now))}</p>
      <span class="note-buttons">
        <More />
      </span>
    </div>
  );
}

function More(): VNode {
  const session = useSession();
  const give = async (seconds: number): Promise<void> => {
    const answer = await session.act("room.extend", { seconds }, { done: text.given, quiet: true });
    if (answer.ok) session.endingSeen.value = null;
    else session.note(answer.code === "too_long" ? text.tooMuch : failure(answer.code), "trouble");
  };
  return (
    <>
      <Button icon="plus" about={text.about} onClick={() => void give(HALF)}>
        {text.half}
      </Button>
      <Button icon="plus" about={text.about} onClick={() => void give(WHOLE)}>
        {text.whole}
      </Button>
    </>
  );
}
