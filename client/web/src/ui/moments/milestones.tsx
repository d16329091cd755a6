/** Milestones: sharing our own, and showing those of others. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { signal } from "@preact/signals";
import { LIMITS } from "../../lib/index.ts";
import { useNow } from "../clock.ts";
import { isFacilitator, myGroup, person } from "../model.ts";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Trouble } from "../parts/dialog-foot.tsx";
import { Icon } from "../parts/icon.tsx";
import type { Milestone, Snapshot } from "../port.ts";
import { failure, useSession } from "../session.tsx";
import { words } from "../words.ts";
import { moments } from "../words-moments.ts";

const text = moments.milestone;
/** The milestones to which we have reacted. */
const glad = signal<ReadonlySet<number>>(new Set());

export function milestonesNow(snap: Snapshot, now: number): readonly Milestone[] {
  return snap.room.milestones.filter((one) => one.ends_at > now);
}

export function milestoneText(one: Milestone): string {
  return typeof one.text === "string" ? one.text : text.unreadable;
}

/** Why I can't share one just now, in words; null where I can. */
export function whyNoMilestone(snap: Snapshot): string | null {
  const { settings } = snap.room;
  const why = text.why;
  const lead = isFacilitator(snap);
  if (settings?.sealed === true) return why.sealed;
  if (person(snap, snap.me)?.muted.includes("chat") === true) return why.muted;
  if (!lead && (myGroup(snap) !== null || snap.room.aside != null)) return why.group;
  if (!lead && settings !== null && settings.chat !== "all") return why.chat;
  if (milestonesNow(snap, snap.serverNow()).some((one) => one.member === snap.me)) return why.one;
  return null;
}

/** Over the bottom of the ring, where it covers only our own seat. */
export function Milestones(): VNode | null {
  const session = useSession();
  const snap = session.snap.value;
  const now = useNow(snap.room.milestones.length > 0);
  const list = milestonesNow(snap, now);
  if (list.length === 0) return null;
  return (
    <section class={`milestones ${list.length > 2 ? "are-many" : ""}`} aria-label={text.region}>
      {list.map((one) => (
        <Moment key={one.n} one={one} many={list.length > 2} />
      ))}
    </section>
  );
}

function Moment({ one, many }: { one: Milestone; many: boolean }): VNode {
  const session = useSession();
  const snap = session.snap.value;
  const mine = session.isMe(one.member);
  const name = session.name(one.member);
  const was = glad.value.has(one.n);
  const be = (): void => {
    glad.value = new Set([...glad.value, one.n]);
    void session.act("react", { kind: "sun" }, { quiet: true });
  };
  return (
    <article class="milestone" data-tint={(person(snap, one.member)?.seat ?? 0) % 8}>
      <span class="milestone-light" aria-hidden="true">
        <Icon name="sun" />
      </span>
      <p class="milestone-words">
        <small>{mine ? text.own : text.of(name)}</small>
        <strong>{milestoneText(one)}</strong>
      </p>
      {!mine && many && (
        <Button
          look="quiet"
          icon={was ? "check" : "sun"}
          class="btn-icon"
          disabled={was}
          label={`${text.glad} ${text.gladWith(name)}`}
          title={text.glad}
          onClick={be}
        />
      )}
      {!mine && !many && (
        <Button look="quiet" disabled={was} about={text.gladWith(name)} onClick={be}>
          {was ? text.gladSent : text.glad}
        </Button>
      )}
      {(mine || isFacilitator(snap)) && (
        <Button
          look="quiet"
          icon="cross"
          class="btn-icon"
          label={`${text.take}, ${text.takeOf(name)}`}
          title={text.take}
          onClick={() => void session.act("milestone.clear", { n: one.n })}
        />
      )}
    </article>
  );
}

export function MilestoneDialog(): VNode {
  const session = useSession();
  const snap = session.snap.value;
  const [said, setSaid] = useState("");
  const [trouble, setTrouble] = useState<string | null>(null);
  useNow(snap.room.milestones.length > 0);
  const left = LIMITS.milestone - [...said.trim()].length;
  const fits = said.trim() !== "" && left >= 0;
  const why = whyNoMilestone(snap);
  const share = (): void => {
    if (!fits) return;
    setTrouble(null);
    void session.act("milestone.share", { text: said.trim() }, { quiet: true, done: text.mine }).then((answer) => {
      if (answer.ok) session.shut();
      else if (!session.online.value) setTrouble(words.link.inert);
      else setTrouble(answer.code === "too_fast" ? text.why.many : failure(answer.code));
    });
  };
  return (
    <Dialog
      title={text.heading}
      onClose={() => session.shut()}
      foot={
        <>
          <Trouble text={trouble} />
          <Button local onClick={() => session.shut()}>
            {why === null ? words.cancel : words.close}
          </Button>
          {why === null && (
            <Button look="main" disabled={!fits} onClick={share}>
              {text.go}
            </Button>
          )}
        </>
      }
    >
      <p class="hint">{text.intro}</p>
      {why !== null ? (
        <p>{why}</p>
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            share();
          }}
        >
          <label class="field">
            <span>{text.label}</span>
            <input
              type="text"
              autocomplete="off"
              value={said}
              placeholder={text.example}
              aria-invalid={left < 0 ? "true" : undefined}
              aria-describedby="milestone-left"
              onInput={(event) => setSaid(event.currentTarget.value)}
            />
          </label>
          <p id="milestone-left" class={left < 0 ? "trouble" : "hint"}>
            {text.left(left)}
          </p>
        </form>
      )}
    </Dialog>
  );
}
