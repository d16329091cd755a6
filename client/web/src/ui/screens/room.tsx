/** The room from inside: turns on the left, the circle in the middle, conversations on the right. */
import { own } from "../../lib/index.ts";
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Circle } from "../circle/ring.tsx";
import { Dock, TurnStrip } from "../circle/dock.tsx";
import { Everyone, TurnOrder } from "../circle/turns-panel.tsx";
import { CardNote } from "../care/card.tsx";
import { callsOf, CareCalls } from "../care/panel.tsx";
import { AsideNote, CareButton } from "../care/parts.tsx";
import { ChatPanel, useUnread } from "../chat/panel.tsx";
import { NudgeNote } from "../guide/heard-panel.tsx";
import { GuidePanel } from "../guide/panel.tsx";
import { TapToHear, VoiceNote } from "../media/notes.tsx";
import { usePushToTalk } from "../media/push.ts";
import { Milestones } from "../moments/milestones.tsx";
import { MoodNote, useMoodNote } from "../moments/mood-parts.tsx";
import { EndingFact, EndingNote, endingNoted } from "../ending/parts.tsx";
import { StageLine } from "../evening/stage-line.tsx";
import { homeTalk, waits } from "../guest/model.ts";
import { GuestWaiting } from "../guest/waiting.tsx";
import { OnTheTable } from "../materials/table.tsx";
import { OfferNote } from "../pairs/concerns-dialog.tsx";
import { HelpCalls } from "../pairs/help-calls.tsx";
import { MyGroup } from "../pairs/my-group.tsx";
import { Dialogs } from "./dialogs.tsx";
import { Icon, Mark, type IconName } from "../parts/icon.tsx";
import { amHolder, bySeat, groupInView, isFacilitator } from "../model.ts";
import { useSession, wantsCard, type Tab } from "../session.tsx";
import { words } from "../words.ts";
import { guide } from "../words-guide.ts";

export function RoomScreen(): VNode {
  const session = useSession();
  const snap = session.snap.value;
  const lead = isFacilitator(snap);
  const mine = amHolder(snap) && groupInView(snap) === null;
  const stage = useRef<HTMLElement>(null);
  useGroupTalk();
  useChatVisible();
  usePushToTalk();
  useEffect(() => stage.current?.focus(), []);
  return (
    <div class="room" data-tab={session.tab.value} data-turn={mine ? "mine" : "other"} data-link={snap.connection}>
      <nav class="skips" aria-label={words.skip.label}>
        <a class="skip" href="#stage" onClick={(event) => jump(event, "circle", "stage")}>
          {words.skip.stage}
        </a>
        <a class="skip" href="#talk" onClick={(event) => jump(event, "talk", "talk")}>
          {words.skip.talk}
        </a>
      </nav>
      <Top />
      <main class="columns">
        <section class="turns" aria-label={lead ? guide.heading : words.turns.heading}>
          <h2 class="column-heading">{lead ? guide.heading : words.turns.heading}</h2>
          {lead ? (
            <GuidePanel />
          ) : (
            <>
              {!waits(snap) && <TurnOrder />}
              <Everyone />
            </>
          )}
        </section>
        <section class="stage" id="stage" ref={stage} tabIndex={-1} aria-label={words.title.circle}>
          <StageLine />
          {waits(snap) ? (
            <GuestWaiting />
          ) : (
            <>
              <OnTheTable />
              <StageNote />
              <Circle />
              <Dock />
            </>
          )}
        </section>
        <section class="talk" id="talk" tabIndex={-1} aria-label={words.talk.heading}>
          <ChatPanel />
        </section>
      </main>
      <Milestones />
      <Tabs />
      <Dialogs />
    </div>
  );

  function jump(event: Event, tab: Tab, id: string): void {
    // The fragment may hold the token: a skip link must not replace it.
    event.preventDefault();
    session.tab.value = tab;
    requestAnimationFrame(() => document.getElementById(id)?.focus());
  }
}

function Top(): VNode {
  const session = useSession();
  const snap = session.snap.value;
  const down = snap.connection !== "ok";
  return (
    <header class="top">
      <Mark />
      <h1>{snap.room.title === "" ? words.app : snap.room.title}</h1>
      <p class="top-facts">
        <span>{words.top.inside(bySeat(snap).length)}</span>
        {snap.room.locked && (
          <span class="top-locked">
            <Icon name="lock" />
            {words.top.locked}
          </span>
        )}
        <EndingFact />
      </p>
      <CareButton />
      <TurnStrip />
      <p class={`link-banner ${down ? "is-down" : ""}`} aria-hidden={!down}>
        <span class="breathing-dot" />
        {words.link.reconnecting}
      </p>
    </header>
  );
}

/** The strip above the ring, of constant height, for notes to everybody. */
function StageNote(): VNode {
  const session = useSession();
  const [later, setLater] = useState(false);
  const mood = useMoodNote();
  const snap = session.snap.value;
  if (session.voice.snap.value.silenced) return <TapToHear />;
  const calls = isFacilitator(snap) ? callsOf(snap) : [];
  if (calls.length > 0) return <CareCalls ids={calls} />;
  if (snap.room.aside != null) return <AsideNote />;
  if (isFacilitator(snap) && snap.room.help.length > 0) return <HelpCalls />;
  if (snap.room.nudge != null) return <NudgeNote />;
  if (mood && snap.room.mood?.open === true) return <MoodNote />;
  if (groupInView(snap) !== null) return <MyGroup />;
  if (endingNoted(session)) return <EndingNote />;
  if (snap.room.notice === "no_facilitator") {
    return (
      <section class="stage-note is-calm" role="status">
        <p>
          <strong>{words.notice.heading}.</strong> {words.notice.body}
        </p>
      </section>
    );
  }
  if (mood) return <MoodNote />;
  if (snap.room.pairs !== null) {
    return (
      <section class="stage-note">
        <p>{words.notice.groupsOpen}</p>
      </section>
    );
  }
  if (!session.cardAsked.value && wantsCard(snap)) return <CardNote />;
  const { concerns, topics, link_key } = snap.room;
  if (!isFacilitator(snap) && !later && concerns.length > 0 && topics.length === 0 && link_key !== null) {
    return <OfferNote onLater={() => setLater(true)} />;
  }
  return <VoiceNote />;
}

function Tabs(): VNode {
  const session = useSession();
  const snap = session.snap.value;
  const lead = isFacilitator(snap);
  const unread = useUnread();
  const lines = Object.values(snap.room.inbox ?? {}).filter((one) => one.waiting && one.claimed_by === null).length;
  const waiting = lead ? snap.room.lobby.length + lines : 0;
  const calls = lead ? snap.room.help.length : 0;
  const tab = (is: Tab, icon: IconName, name: string, count: number, said: string): VNode => (
    <button
      type="button"
      class="tab"
      aria-current={session.tab.value === is ? "page" : undefined}
      onClick={() => (session.tab.value = is)}
    >
      <Icon name={icon} />
      <span>{name}</span>
      {count > 0 && (
        <span class="count">
          {count}
          <span class="unseen">{said}</span>
        </span>
      )}
    </button>
  );
  return (
    <nav class="tabs" aria-label={words.tabs.label}>
      {tab("circle", "circle", words.tabs.circle, calls, words.tabs.calls)}
      {tab("talk", "chat", words.tabs.talk, unread, words.tabs.unread)}
      {tab("turns", "list", lead ? words.tabs.guide : words.tabs.turns, waiting, words.tabs.waiting)}
    </nav>
  );
}

/** Into a group: its conversation comes into view, unless something is being written elsewhere. */
function useGroupTalk(): void {
  const session = useSession();
  const group = groupInView(session.snap.value);
  useEffect(() => {
    const draft = own(session.drafts.value, session.talk.value) ?? "";
    if (draft !== "") return;
    session.talk.value = group === null ? homeTalk(session.snap.value) : `pair:${group}`;
  }, [group, session.snap.value.role]);
}

const NARROW = "(max-width: 719px)";

function useChatVisible(): void {
  const session = useSession();
  const tab = session.tab.value;
  useEffect(() => {
    const narrow = matchMedia(NARROW);
    const medium = matchMedia("(max-width: 1119px)");
    const look = (): void => {
      session.chatVisible.value = narrow.matches ? tab === "talk" : !medium.matches || tab !== "turns";
    };
    look();
    narrow.addEventListener("change", look);
    medium.addEventListener("change", look);
    return () => {
      narrow.removeEventListener("change", look);
      medium.removeEventListener("change", look);
    };
  }, [tab]);
}
