/**
 * The row of one's own controls below the ring. It has the same height at all times; when it is my
 * turn, its place is taken by the stick.
 */
import { own } from "../../lib/index.ts";
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { asideMember } from "../care/parts.tsx";
import { Button } from "../parts/button.tsx";
import { Icon } from "../parts/icon.tsx";
import { amHolder, groupInView, handUp, isFacilitator, person, queueOrder, waitingLine } from "../model.ts";
import { isGuest } from "../guest/model.ts";
import { VoiceButton } from "../media/buttons.tsx";
import { useSession } from "../session.tsx";
import { care } from "../words-care.ts";
import { words } from "../words.ts";
import { guest } from "../words-materials.ts";
import { SignsButton, SignsRow } from "./signs.tsx";
import { TurnTime } from "./turn-ring.tsx";

/** Milliseconds in which a second press doesn't count: it was meant for the last turn. */
export const GUARD_MS = 700;

export function useFreshTurn(): boolean {
  const turn = useSession().snap.value.room.floor?.turn ?? 0;
  const [settled, setSettled] = useState(turn);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(turn), GUARD_MS);
    return () => clearTimeout(timer);
  }, [turn]);
  return settled !== turn;
}

export function Dock(): VNode {
  const snap = useSession().snap.value;
  const slot = useRef<HTMLDivElement>(null);
  const mine = amHolder(snap) && groupInView(snap) === null;
  const first = useRef(true);
  useEffect(() => {
    // Only if the focus was on a button that is gone, so never out of a text field.
    if (!first.current && document.activeElement === document.body) {
      const seen = slot.current?.offsetParent != null;
      (seen ? slot.current : document.getElementById("talk"))?.focus();
    }
    first.current = false;
  }, [mine]);
  return (
    <div ref={slot} class="dock-slot" tabIndex={-1}>
      {!mine && <SignsRow />}
      {mine ? <TurnDock /> : <PlainDock />}
    </div>
  );
}

export function PassButton(): VNode {
  const session = useSession();
  const fresh = useFreshTurn();
  return (
    <Button look="turn" icon="next" disabled={fresh} onClick={() => void session.act("floor.pass", {})}>
      {words.dock.pass}
    </Button>
  );
}

function TurnDock(): VNode {
  const session = useSession();
  const floor = session.snap.value.room.floor;
  const alone = floor === null || waitingLine(floor).length === 0;
  return (
    <section class="dock dock-turn" aria-label={words.floor.mine} data-signal={floor?.signal ?? undefined}>
      <div class="dock-words">
        <strong>{words.floor.mine}</strong>
        <TurnTime />
      </div>
      <VoiceButton kind="microphone" />
      <div class="dock-turn-buttons">
        {!isGuest(session.snap.value) && (
          <Button
            look="plain"
            class="on-turn"
            disabled={alone}
            onClick={() => void session.act("floor.later", {})}
          >
            {words.dock.later}
          </Button>
        )}
        <PassButton />
        <MoreButton />
      </div>
    </section>
  );
}

function PlainDock(): VNode {
  const session = useSession();
  const snap = session.snap.value;
  const me = person(snap, snap.me);
  const group = groupInView(snap);
  const { aside } = snap.room;
  const up = handUp(snap);
  const asked = snap.room.pairs?.asked === true;
  // With `least_heard` the place among the hands doesn't say when.
  const lower = (): string =>
    queueOrder(snap) === "least_heard" ? words.dock.lower : words.dock.lowerPlace(me?.hand ?? 0);
  return (
    <section class="dock" aria-label={words.dock.label}>
      <VoiceButton kind="microphone" />
      <VoiceButton kind="camera" />
      {group === null && isGuest(snap) ? (
        <p class="dock-hand hint">{guest.in}</p>
      ) : group === null ? (
        <Button
          look={up ? "plain" : "main"}
          icon="hand"
          class="dock-hand"
          pressed={up}
          onClick={() => void (up ? session.act("hand.lower", {}) : session.act("hand.raise", {}))}
        >
          {up ? lower() : words.dock.raise}
        </Button>
      ) : aside != null ? (
        <Button
          look="main"
          icon="leave"
          class="dock-hand"
          onClick={() => {
            const member = asideMember(snap.me, aside.members, (id) => own(snap.room.members, id)?.role === "facilitator");
            if (member !== null) void session.act("care.back", { member });
          }}
        >
          {care.asideBack}
        </Button>
      ) : (
        !isFacilitator(snap) && (
          <Button
            look={asked ? "plain" : "main"}
            icon="help"
            class="dock-hand"
            disabled={asked}
            onClick={() => void session.act("help.ask", {})}
          >
            {asked ? words.dock.helpAsked : words.dock.help}
          </Button>
        )
      )}
      {group !== null && aside == null && isFacilitator(snap) && snap.room.pairs?.mine == null && (
        <Button look="main" icon="leave" class="dock-hand" onClick={() => void session.act("pairs.return", {})}>
          {words.dock.return}
        </Button>
      )}
      {(!isGuest(snap) || snap.room.settings?.guests_read === true) && <SignsButton />}
      <Button
        look="quiet"
        icon="away"
        class={`dock-small ${me?.here === "away" ? "" : "dock-away"}`}
        pressed={me?.here === "away"}
        onClick={() => void session.stepAway(me?.here !== "away")}
      >
        {me?.here === "away" ? words.dock.back : words.dock.away}
      </Button>
      <MoreButton />
    </section>
  );
}

function MoreButton(): VNode {
  const session = useSession();
  return (
    <Button local look="quiet" icon="more" class="dock-small" onClick={() => session.open({ is: "me" })}>
      {words.dock.more}
    </Button>
  );
}

/** On narrow screens outside the circle: the turn, in place of the title. */
export function TurnStrip(): VNode | null {
  const session = useSession();
  if (!amHolder(session.snap.value) || groupInView(session.snap.value) !== null) return null;
  return (
    <div class="turn-strip">
      <Icon name="stick" />
      <strong>{words.title.turn}</strong>
      <TurnTime />
      <PassButton />
    </div>
  );
}
