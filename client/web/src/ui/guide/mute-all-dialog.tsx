/** Mutes all members at once, held or not, with exceptions. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { bySeat } from "../model.ts";
import type { Kind } from "../port.ts";
import { useSession } from "../session.tsx";
import { guide } from "../words-guide.ts";
import { toggled } from "./round-dialog.tsx";
import { Name } from "../parts/who.tsx";

const KINDS: readonly (readonly [Kind, string])[] = [
  ["audio", guide.person.sound],
  ["video", guide.person.picture],
  ["chat", guide.person.writing],
];

export function MuteAllDialog(): VNode {
  const session = useSession();
  const members = bySeat(session.snap.value).filter((one) => one.role === "member");
  const [kinds, setKinds] = useState<ReadonlySet<Kind>>(new Set<Kind>(["audio"]));
  const [except, setExcept] = useState<ReadonlySet<string>>(new Set());
  const [hold, setHold] = useState(true);
  const go = (): void => {
    if (kinds.size === 0) return session.note(guide.muteAll.none, "trouble");
    const here = members.map((one) => one.id).filter((id) => except.has(id));
    void session.act("mute.all", { kinds: [...kinds], except: here, hold }).then((answer) => {
      if (answer.ok) session.shut();
    });
  };
  /** There is no one command for it: each held member is released. */
  const lift = (): void => {
    const held = members.filter((one) => one.held.length > 0);
    void Promise.all(
      held.map((one) => session.act("unmute", { member: one.id, kinds: [...one.held] })),
    ).then(() => session.shut());
  };
  const anyHeld = members.some((one) => one.held.length > 0);
  return (
    <Dialog
      title={guide.muteAll.heading}
      onClose={() => session.shut()}
      foot={
        <>
          <Button disabled={!anyHeld} onClick={lift}>
            {guide.muteAll.liftGo}
          </Button>
          <Button look="main" onClick={go}>
            {guide.muteAll.go}
          </Button>
        </>
      }
    >
      <p class="hint">{guide.muteAll.intro}</p>
      <fieldset class="choices">
        <legend>{guide.muteAll.what}</legend>
        {KINDS.map(([kind, name]) => (
          <label class="choice" key={kind}>
            <input type="checkbox" checked={kinds.has(kind)} onChange={() => setKinds(toggled(kinds, kind))} />
            <span>{name}</span>
          </label>
        ))}
      </fieldset>
      {members.length > 0 && (
        <fieldset class="choices choices-names">
          <legend>{guide.muteAll.except}</legend>
          {members.map((one) => (
            <label class="choice" key={one.id}>
              <input
                type="checkbox"
                checked={except.has(one.id)}
                onChange={() => setExcept(toggled(except, one.id))}
              />
              <Name name={one.name} />
            </label>
          ))}
        </fieldset>
      )}
      <label class="choice">
        <input type="checkbox" checked={hold} onChange={() => setHold(!hold)} />
        <span>
          {guide.muteAll.hold}
          <small>{guide.muteAll.holdHint}</small>
        </span>
      </label>
    </Dialog>
  );
}
