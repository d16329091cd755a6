/** The middle of the ring: in a few words, what is going on. */
import { own } from "../../lib/index.ts";
import type { VNode } from "preact";
import { Icon } from "../parts/icon.tsx";
import { amHolder, groupInView, isFacilitator, nextUp, queueOrder, ringPeople, waitingLine } from "../model.ts";
import { useSession } from "../session.tsx";
import { words } from "../words.ts";
import { voice } from "../words-media.ts";
import { Breathing } from "../evening/breathing.tsx";
import { moments } from "../words-moments.ts";
import { evening } from "../words-evening.ts";
import { TurnTime } from "./turn-ring.tsx";

export function Centre(): VNode {
  const session = useSession();
  const snap = session.snap.value;
  const floor = snap.room.floor;
  const group = groupInView(snap);
  const breathing = snap.room.breathe !== null && snap.room.breathe.ends_at > snap.serverNow();
  if (breathing && (group !== null || floor?.holder == null)) return <Breathing />;
  if (floor === null || group !== null) {
    const others = ringPeople(snap).filter((one) => one.id !== snap.me);
    const heading = words.floor.openPair(others.map((one) => one.name));
    return <Words heading={heading} hint={words.floor.openPairHint} kind="open" />;
  }
  if (floor.holder === null) {
    const text = own({
      open: [words.floor.open, words.floor.openHint],
      quiet: [
        words.floor.quiet,
        snap.room.settings?.facilitators_wait === true ? words.floor.quietHintAll : words.floor.quietHint,
      ],
      stick: [words.floor.resting, words.floor.restingHint],
    }, floor.mode);
    return <Words heading={text[0] ?? ""} hint={text[1] ?? ""} kind={floor.mode} />;
  }
  const mine = amHolder(snap);
  const next = nextUp(floor, queueOrder(snap));
  const after =
    next === null ? (waitingLine(floor).length > 0 ? moments.heard.nextOf : " ") : session.isMe(next) ? words.floor.nextYou : words.floor.next(session.name(next));
  return (
    <div class={`centre-card ${mine ? "is-mine" : "is-turn"}`}>
      <span class="centre-icon">
        <Icon name="stick" />
      </span>
      <h2>{mine ? words.floor.mine : words.floor.has(session.name(floor.holder))}</h2>
      <TurnTime />
      <p class="centre-hint">
        {floor.paused ? pauseWords(floor.why_paused) : mine ? mineWords(floor.signal ?? null) : words.floor.listening}
      </p>
      <p class="centre-next">{after}</p>
    </div>
  );

  function mineWords(signal: 60 | 10 | null): string {
    return signal === null ? `${words.floor.mineHint} ${evening.signal.pass}` : evening.signal[signal];
  }

  function pauseWords(why: readonly string[]): string {
    // The facilitators' own pause is said last: the others explain why nothing moves although they pressed “go on”.
    const reason = ["frozen", "unattended", "groups", "holder", "facilitator"].find((one) => why.includes(one));
    if (reason === "facilitator" && isFacilitator(snap)) return words.floor.paused;
    return own(words.floor.why, reason ?? "facilitator") ?? words.floor.paused;
  }
}

function Words({ heading, hint, kind }: { heading: string; hint: string; kind: string }): VNode {
  return (
    <div class={`centre-card is-${kind}`}>
      <h2>{heading}</h2>
      <p class="centre-hint">{hint}</p>
      <Speakers />
    </div>
  );
}

/** Who is heard just now. The line always has its place, so that nothing moves. */
function Speakers(): VNode {
  const session = useSession();
  const speaking = session.voice.speaking.value;
  const others = [...speaking].filter((id) => !session.isMe(id)).map((id) => session.name(id));
  return (
    <p class={`centre-speaking ${others.length > 0 ? "is-on" : ""}`}>{others.length > 0 ? voice.speaks(others) : " "}</p>
  );
}
