/** Our flag, a worry about somebody, and the contact card; the crisis lines if nobody can see a flag. */
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { reachesNobody, own } from "../../lib/index.ts";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { bySeat, isFacilitator } from "../model.ts";
import type { CareLevel } from "../port.ts";
import { useSession } from "../session.tsx";
import { care } from "../words-care.ts";
import { MyCard } from "./card.tsx";
import { CrisisLinesList } from "./lines.tsx";
import { Name } from "../parts/who.tsx";

export function CareDialog({ about }: { about?: string | undefined }): VNode {
  const session = useSession();
  const { settings } = session.snap.value.room;
  return (
    <Dialog title={care.heading} onClose={() => session.shut()}>
      <p class="hint">{care.intro}</p>
      <MyFlag />
      <Worry about={about ?? ""} />
      {settings?.cards === true && <MyCard />}
    </Dialog>
  );
}

function MyFlag(): VNode {
  const session = useSession();
  const snap = session.snap.value;
  const mine = snap.me === null ? undefined : own(snap.room.care, snap.me);
  const flag = mine !== undefined && mine.own !== false && (!isFacilitator(snap) || mine.own !== undefined) ? mine : null;
  const [seen, setSeen] = useState<number | null>(null);
  const [lines, setLines] = useState<string | null>(null);
  const raise = (level: CareLevel): void => {
    // Without a connection it says so and shows the crisis lines.
    void session.act("care.flag", { level }, { quiet: true }).then((answer) => {
      const told = answer as Parameters<typeof reachesNobody>[0];
      setLines(reachesNobody(told) ? (told.ok ? care.nobody : care.notSent) : null);
      setSeen(told.ok ? told.fields.facilitators : null);
    });
  };
  return (
    <section class="care-flag">
      {flag === null ? (
        <>
          <Button local look="plain" icon="heart" class="wide" onClick={() => raise("quiet")}>
            {care.quiet}
          </Button>
          <Button local look="turn" icon="bell" class="wide" onClick={() => raise("urgent")}>
            {care.urgent}
          </Button>
        </>
      ) : (
        <>
          <p role="status">
            <strong>{own(care.mine, flag.level)}</strong>{" "}
            {flag.taken_by !== null
              ? care.taken(session.name(flag.taken_by))
              : seen !== null && seen > 0
                ? care.seen(seen)
                : care.waits}
          </p>
          <div class="wrap">
            <Button local onClick={() => raise(flag.level === "quiet" ? "urgent" : "quiet")}>
              {flag.level === "quiet" ? care.makeUrgent : care.makeQuiet}
            </Button>
            <Button
              onClick={() => {
                setLines(null);
                void session.act("care.withdraw", {}, { done: care.withdrawn });
              }}
            >
              {care.withdraw}
            </Button>
          </div>
        </>
      )}
      {lines !== null ? (
        <>
          <p class="trouble" role="alert">
            {lines}
          </p>
          <CrisisLinesList />
        </>
      ) : (
        <details class="never">
          <summary>{care.showLines}</summary>
          <CrisisLinesList />
        </details>
      )}
    </section>
  );
}

function Worry({ about: whom }: { about: string }): VNode {
  const session = useSession();
  const snap = session.snap.value;
  const [about, setAbout] = useState(whom);
  const part = useRef<HTMLElement>(null);
  useEffect(() => {
    // Scrolls only the dialog's body; its heading stays.
    const body = part.current?.closest(".sheet-body");
    if (whom !== "" && body != null && part.current !== null) body.scrollTop = part.current.offsetTop - 12;
  }, []);
  const worries = Object.keys(snap.room.worries ?? {});
  const tell = (level: CareLevel): void => {
    if (about === "") return;
    void session.act("care.worry", { member: about, level }, { done: care.worryTold }).then((answer) => {
      if (answer.ok) setAbout("");
    });
  };
  return (
    <section ref={part} class="care-worry" aria-labelledby="worry-heading">
      <h3 id="worry-heading">{care.worryHeading}</h3>
      <label class="field">
        <span>{care.worryWho}</span>
        <select value={about} onChange={(event) => setAbout(event.currentTarget.value)}>
          <option value="">{care.choose}</option>
          {bySeat(snap)
            .filter((one) => one.id !== snap.me)
            .map((one) => (
              <option key={one.id} value={one.id}>
                <Name name={one.name} />
              </option>
            ))}
        </select>
      </label>
      <p class="hint">{care.worryHint}</p>
      <div class="wrap">
        <Button disabled={about === ""} onClick={() => tell("quiet")}>
          {care.worryQuiet}
        </Button>
        <Button disabled={about === ""} onClick={() => tell("urgent")}>
          {care.worryUrgent}
        </Button>
      </div>
      {worries.map((id) => (
        <p key={id} class="field-row">
          <span>{care.worryMine(session.name(id))}</span>
          <Button about={session.name(id)} onClick={() => void session.act("care.worry", { member: id, level: null })}>
            {care.worryBack}
          </Button>
        </p>
      ))}
    </section>
  );
}
