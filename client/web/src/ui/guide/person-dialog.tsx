/** Actions for another person: direct messages if allowed, and the facilitators' actions. */
import { own } from "../../lib/index.ts";
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { WriteRow } from "../parts/write-row.tsx";
import { Icon } from "../parts/icon.tsx";
import { groupNames, isFacilitator, person, type Person } from "../model.ts";
import type { CommandFields, CommandName, Kind } from "../port.ts";
import { marksOf } from "../circle/seat.tsx";
import { TalkTime } from "../media/talk-time.tsx";
import { useSession } from "../session.tsx";
import { care } from "../words-care.ts";
import { words } from "../words.ts";
import { guide } from "../words-guide.ts";
import { guest } from "../words-materials.ts";
import { mayNudge, NudgeButton } from "./heard-panel.tsx";
import { TimeSelect } from "./time-select.tsx";
import { RoleBadge } from "../parts/who.tsx";

export function PersonDialog({ id }: { id: string }): VNode | null {
  const session = useSession();
  const snap = session.snap.value;
  const who = person(snap, id);
  if (who === null) return <GoneDialog />;
  const mayWrite = snap.room.settings?.direct === true;
  const holder = snap.room.floor?.holder === id;
  return (
    <Dialog title={who.name} onClose={() => session.shut()}>
      <p class="hint who">
        <RoleBadge role={who.role} />
        {marksOf({ ...who, role: "member" }, false, holder, false).join(", ") || words.seat.here}
      </p>
      {isFacilitator(snap) && <TalkTime id={who.id} />}
      {isFacilitator(snap) && <Lead who={who} />}
      <div class="group">
        {mayWrite && who.role !== "guest" && snap.role !== "guest" && (
          <Button local look="row" icon="chat" onClick={() => write(`direct:${id}`)}>
            {words.talk.direct(who.name)}
          </Button>
        )}
        {snap.role !== "guest" && (
          <Button local look="row" icon="heart" onClick={() => session.open({ is: "care", id })}>
            {care.worryRow(who.name)}
          </Button>
        )}
      </div>
    </Dialog>
  );

  function write(to: string): void {
    session.shut();
    session.show(to);
  }
}

function GoneDialog(): VNode {
  const session = useSession();
  return (
    <Dialog title={words.talk.why.gone} onClose={() => session.shut()}>
      <p>{words.failed["no_such_member"]}</p>
    </Dialog>
  );
}

function Lead({ who }: { who: Person }): VNode {
  const session = useSession();
  const snap = session.snap.value;
  const [seconds, setSeconds] = useState<number | null>(null);
  const pairs = snap.room.pairs;
  /** Sends the command and closes the dialog if it was accepted. */
  function did<T extends CommandName>(t: T, fields: CommandFields[T]): void {
    void session.act(t, fields).then((answer) => {
      if (answer.ok) session.shut();
    });
  }
  return (
    <>
      <div class="group">
        <div class="switch-row">
          <TimeSelect label={guide.person.stickTime} value={seconds} onChange={setSeconds} />
          <Button
            icon="stick"
            look="main"
            onClick={() => did("floor.stick", seconds === null ? { to: who.id } : { to: who.id, seconds })}
          >
            {guide.person.stick}
          </Button>
        </div>
        {who.hand !== null && (
          <Button look="row" icon="hand" onClick={() => did("hand.lower", { member: who.id })}>
            {guide.person.lower}
          </Button>
        )}
        {mayNudge(snap, who) && <NudgeButton row id={who.id} />}
        {who.role !== "facilitator" && (
          <WriteRow member={who.id}>{guide.person.write}</WriteRow>
        )}
      </div>
      <section class="group" aria-label={guide.person.muteHeading}>
        <h3>{guide.person.muteHeading}</h3>
        <MuteSwitch who={who} kind="audio" name={guide.person.sound} />
        <MuteSwitch who={who} kind="video" name={guide.person.picture} />
        <MuteSwitch who={who} kind="chat" name={guide.person.writing} />
      </section>
      {pairs !== null && who.role !== "guest" && (
        <section class="group" aria-label={guide.person.move}>
          <h3>{guide.person.move}</h3>
          <div class="wrap">
            {groupNames(pairs).map((group, i) =>
              own(pairs.groups, group)?.includes(who.id) === true ? null : (
                <Button
                  key={group}
                  onClick={() => did("pairs.move", { member: who.id, group })}
                >
                  {guide.person.group(i + 1)}
                </Button>
              ),
            )}
            {Object.values(pairs.groups).some((people) => people.includes(who.id)) && (
              <Button onClick={() => did("pairs.move", { member: who.id, group: null })}>
                {guide.person.toCircle}
              </Button>
            )}
          </div>
        </section>
      )}
      <div class="group">
        {who.role === "member" ? (
          <Button local look="row" icon="plus" onClick={() => session.open({ is: "make", id: who.id })}>
            {guide.person.make}
          </Button>
        ) : (
          <Button look="row" icon="down" onClick={() => did("role.give", { member: who.id, role: "member" })}>
            {who.role === "guest" ? guest.person.unmake : guide.person.unmake}
          </Button>
        )}
        {who.role === "member" && (
          <Button local look="row" icon="ear" onClick={() => session.open({ is: "guest", id: who.id })}>
            {guest.person.make}
          </Button>
        )}
        <Button look="row" icon="leave" onClick={() => did("lobby.return", { member: who.id })}>
          {guide.person.lobby}
        </Button>
        <Button
          local
          look="row"
          icon="cross"
          class="is-danger"
          onClick={() => session.open({ is: "remove", id: who.id })}
        >
          {guide.person.remove}
        </Button>
      </div>
    </>
  );
}

function MuteSwitch({ who, kind, name }: { who: Person; kind: Kind; name: string }): VNode {
  const session = useSession();
  const held = who.held.includes(kind);
  const fields = { member: who.id, kinds: [kind] };
  const word = held ? guide.person.on : guide.person.off;
  return (
    <div class="switch-row">
      <span class="switch-name">
        <Icon name={kind} struck={who.muted.includes(kind)} />
        {name}
      </span>
      <Button
        pressed={held}
        about={name}
        onClick={() => void (held ? session.act("unmute", fields) : session.act("mute", fields))}
      >
        {word}
      </Button>
    </div>
  );
}
