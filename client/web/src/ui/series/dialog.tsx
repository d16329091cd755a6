/** Inside: whether the series knows me again, my code, how to be forgotten, and the calendar. */
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { dropPerson, forgetPerson, invitePath, personCode, personOf } from "../../lib/index.ts";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { useSession } from "../session.tsx";
import { series as words } from "../words-series.ts";

/** The entry in "More", if the room belongs to a series. */
export function SeriesRow(): VNode | null {
  const session = useSession();
  const { series } = session.snap.value.room;
  if (series == null) return null;
  return (
    <Button local look="row" icon="circle" onClick={() => session.open({ is: "series" })}>
      {words.row} <small>{series.remembered === true ? words.rowRemembered : words.rowNot}</small>
    </Button>
  );
}

export function SeriesDialog(): VNode | null {
  const session = useSession();
  const { series } = session.snap.value.room;
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const [gone, setGone] = useState(false);
  const question = useRef<HTMLHeadingElement>(null);
  const mine = useRef<HTMLParagraphElement>(null);
  const asked = useRef(false);
  // The button that was pressed is gone: the focus goes to what replaced it.
  useEffect(() => {
    if (asking) question.current?.focus();
    else if (asked.current) mine.current?.focus();
    asked.current = asking;
  }, [asking]);
  if (series == null) return null;
  const person = gone ? null : (session.person ?? personOf(series.id));
  const copy = (code: string): void => {
    const written = navigator.clipboard?.writeText(code) ?? Promise.reject(new Error("no clipboard"));
    written.then(
      () => session.note(words.copied),
      () => session.note(words.uncopied, "trouble"),
    );
  };
  const forget = (): void => {
    if (person === null || busy) return;
    setBusy(true);
    void forgetPerson(series.id, person).then((done) => {
      setBusy(false);
      if (!done) return session.note(words.unforgotten, "trouble");
      dropPerson(series.id);
      session.person = null;
      setGone(true);
      setAsking(false);
      session.note(words.forgotten);
    });
  };
  return (
    <Dialog title={words.about} onClose={() => session.shut()}>
      <p>{words.kept}</p>
      <p>{words.how}</p>
      <p ref={mine} tabIndex={-1}>
        <strong>{series.remembered === true ? words.me : words.notMe}</strong>
      </p>
      {person !== null && (
        <section class="series-code" aria-label={words.code}>
          <p>{words.carry}</p>
          <code>{personCode(person)}</code>
          <div class="wrap">
            <Button local onClick={() => copy(personCode(person))}>
              {words.copy}
            </Button>
            {!asking && (
              <Button local look="danger" onClick={() => setAsking(true)}>
                {words.forget}
              </Button>
            )}
          </div>
        </section>
      )}
      {asking && (
        <section class="series-forget" aria-labelledby="forget-heading">
          <h3 id="forget-heading" ref={question} tabIndex={-1}>{words.forgetHeading}</h3>
          <p>{words.forgetBody}</p>
          <div class="wrap">
            <Button local onClick={() => setAsking(false)}>
              {words.keep}
            </Button>
            <Button local look="danger" disabled={busy} onClick={forget}>
              {words.forgetGo}
            </Button>
          </div>
        </section>
      )}
      {series.times === true && (
        <p>
          <a class="btn btn-plain series-calendar" href={invitePath(series.id)} download="meetings.ics">
            {words.calendar}
          </a>
        </p>
      )}
    </Dialog>
  );
}
