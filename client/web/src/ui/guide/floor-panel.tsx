/** The floor (open, quiet, stick, round) and the clock of the present turn. */
import { own } from "../../lib/index.ts";
import type { VNode } from "preact";
import { Button } from "../parts/button.tsx";
import { amHolder } from "../model.ts";
import { useFreshTurn } from "../circle/dock.tsx";
import { useSession } from "../session.tsx";
import { words } from "../words.ts";
import { guide } from "../words-guide.ts";
import { TurnTime } from "../circle/turn-ring.tsx";

const MODES = ["open", "quiet", "stick"] as const;

export function FloorPanel(): VNode | null {
  const session = useSession();
  const floor = session.snap.value.room.floor;
  if (floor === null) return null;
  const choose = (mode: (typeof MODES)[number]): void => {
    if (mode === "open") void session.act("floor.open", {});
    else if (mode === "quiet") void session.act("floor.quiet", {});
    else void session.act("floor.stick", {});
  };
  return (
    <section class="panel" aria-labelledby="floor-heading">
      <h3 id="floor-heading">{guide.floor.heading}</h3>
      <div class="segments" role="group" aria-labelledby="floor-heading">
        {MODES.map((mode) => (
          <Button key={mode} look="quiet" pressed={floor.mode === mode} onClick={() => choose(mode)}>
            {own(guide.floor, mode)}
          </Button>
        ))}
      </div>
      <Button local look="main" icon="circle" class="wide" onClick={() => session.open({ is: "round" })}>
        {guide.floor.round}
      </Button>
      <TurnClock />
    </section>
  );
}

function TurnClock(): VNode {
  const session = useSession();
  const snap = session.snap.value;
  const floor = snap.room.floor;
  const fresh = useFreshTurn();
  if (floor === null || floor.holder === null) {
    return <p class="hint turn-clock">{guide.floor.noTurn}</p>;
  }
  const held = floor.why_paused.includes("facilitator");
  return (
    <div class="turn-clock" role="group" aria-label={guide.floor.clock}>
      <p class="turn-clock-head">
        <strong>
          {amHolder(snap) ? words.floor.mine : words.floor.has(session.name(floor.holder))}
        </strong>
        <TurnTime />
      </p>
      <div class="wrap">
        <Button icon="next" disabled={fresh} onClick={() => void session.act("floor.pass", {})}>
          {amHolder(snap) ? words.dock.pass : guide.floor.passFor(session.name(floor.holder))}
        </Button>
        {floor.ends_at !== null && (
          <>
            <Button onClick={() => void session.act("floor.extend", { seconds: 60 })}>
              {guide.floor.minute}
            </Button>
            {held ? (
              <Button icon="play" onClick={() => void session.act("floor.resume", {})}>
                {guide.floor.resume}
              </Button>
            ) : (
              <Button icon="pause" onClick={() => void session.act("floor.pause", {})}>
                {guide.floor.pause}
              </Button>
            )}
          </>
        )}
      </div>
    </div>
  );
}
