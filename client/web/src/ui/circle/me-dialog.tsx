/** What I can do about my own seat: name, being away, my own sound and picture, a later turn, leaving. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { WriteRow } from "../parts/write-row.tsx";
import { Icon } from "../parts/icon.tsx";
import { amHolder, groupInView, isFacilitator, person, stillToCome } from "../model.ts";
import { LIMITS } from "../../lib/index.ts";
import type { VoiceKind } from "../media/voice.ts";
import { MoodRow } from "../moments/mood-parts.tsx";
import { moments } from "../words-moments.ts";
import { SeriesRow } from "../series/dialog.tsx";
import { failure, useSession } from "../session.tsx";
import { words } from "../words.ts";
import { evening } from "../words-evening.ts";
import { voice } from "../words-media.ts";

export function MeDialog(): VNode | null {
  const session = useSession();
  const snap = session.snap.value;
  const me = person(snap, snap.me);
  if (me === null) return null;
  const away = me.here === "away";
  const later = stillToCome(snap) || (amHolder(snap) && snap.room.floor?.round != null);
  return (
    <Dialog title={words.more.heading} onClose={() => session.shut()}>
      <Rename name={me.name} />
      {session.voice.snap.value.connection !== "none" && (
        <div class="group">
          <SelfSwitch kind="microphone" />
          <SelfSwitch kind="camera" />
          <Button local look="row" icon="gear" onClick={() => session.open({ is: "sound" })}>
            {voice.more.settings}
          </Button>
        </div>
      )}
      {amHolder(snap) && groupInView(snap) !== null && (
        <div class="group">
          <Button look="row" icon="stick" onClick={() => void session.act("floor.pass", {})}>
            {words.dock.pass}
          </Button>
        </div>
      )}
      {later && (
        <section class="group" aria-label={words.more.laterHeading}>
          <h3>{words.more.laterHeading}</h3>
          <Button
            look="row"
            icon="later"
            onClick={() => void session.act("floor.later", {}).then(() => session.shut())}
          >
            {words.more.later}
          </Button>
          <Button
            look="row"
            icon="last"
            onClick={() => void session.act("floor.later", { last: true }).then(() => session.shut())}
          >
            {words.more.last}
          </Button>
        </section>
      )}
      <div class="group">
        <MoodRow />
        <Button local look="row" icon="sun" onClick={() => session.open({ is: "milestone" })}>
          {moments.milestone.row} <small>{moments.milestone.rowHint}</small>
        </Button>
        {snap.room.link_key !== null && (
          <Button local look="row" icon="heart" onClick={() => session.open({ is: "concerns" })}>
            {evening.link.row} <small>{evening.link.rowHint}</small>
          </Button>
        )}
        <SeriesRow />
        <Button
          look="row"
          icon="away"
          onClick={() => void session.stepAway(!away).then(() => session.shut())}
        >
          {away ? words.more.back : words.more.away}
        </Button>
        {!isFacilitator(snap) && (
          <WriteRow member={me.id}>{words.more.writeStaff}</WriteRow>
        )}
        <Button local look="row" icon="leave" onClick={() => session.open({ is: "leave" })}>
          {words.more.leave}
        </Button>
      </div>
    </Dialog>
  );
}

function Rename({ name }: { name: string }): VNode {
  const session = useSession();
  const [text, setText] = useState(name);
  const clean = text.trim();
  const rename = (): void => {
    if (clean === "" || clean === name) return;
    const said = { done: words.more.renamed, quiet: true };
    void session.act("self.rename", { name: clean }, said).then((answer) => {
      if (answer.ok) return session.shut();
      session.note(answer.code === "bad_request" ? words.more.notThisName : failure(answer.code), "trouble");
    });
  };
  return (
    <form
      class="field-row"
      onSubmit={(event) => {
        event.preventDefault();
        rename();
      }}
    >
      <label class="field">
        <span>{words.more.name}</span>
        <input
          type="text"
          value={text}
          maxLength={LIMITS.name}
          autocomplete="off"
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <Button disabled={clean === "" || clean === name} onClick={rename}>
        {words.more.rename}
      </Button>
    </form>
  );
}

function SelfSwitch({ kind }: { kind: VoiceKind }): VNode {
  const session = useSession();
  const look = session.voice.snap.value[kind];
  const off = look === "off" || look === "held";
  const held = look === "held" && !isFacilitator(session.snap.value);
  return (
    <div class="switch-row">
      <span class="switch-name">
        <Icon name={kind === "microphone" ? "audio" : "video"} struck={off} />
        {voice.more[kind]}
        {held && <small>{words.dock.heldHint}</small>}
      </span>
      <Button local disabled={held} about={voice.more[kind]} onClick={() => session.switchTo(kind, off)}>
        {off ? voice.more.on : voice.more.off}
      </Button>
    </div>
  );
}

export function LeaveDialog(): VNode {
  const session = useSession();
  return (
    <Dialog
      title={words.leave.heading}
      onClose={() => session.shut()}
      foot={
        <>
          <Button local onClick={() => session.shut()}>
            {words.leave.stay}
          </Button>
          <Button look="main" onClick={() => void session.act("leave", {}).then(() => session.shut())}>
            {words.leave.go}
          </Button>
        </>
      }
    >
      <p>{words.leave.body}</p>
      {amHolder(session.snap.value) && <p>{words.leave.bodyTurn}</p>}
    </Dialog>
  );
}
