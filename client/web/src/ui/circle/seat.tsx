/** One seat of the ring: who sits there, how they are, and whether they have the stick. */
import { own } from "../../lib/index.ts";
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../parts/icon.tsx";
import { initials, spoken, type Person } from "../model.ts";
import { Face } from "../media/face.tsx";
import { useSession } from "../session.tsx";
import { words } from "../words.ts";
import { guest } from "../words-materials.ts";
import { Sign, signWords, SUPPORT } from "./signs.tsx";
import { TurnRing } from "./turn-ring.tsx";
import type { Kind } from "../port.ts";
import { Name, RoleBadge, RoleMark } from "../parts/who.tsx";

export type Side = "left" | "right";

interface SeatProps {
  readonly who: Person;
  readonly holder: boolean;
  readonly done: boolean;
  readonly visitor: boolean;
  readonly place: { readonly x: number; readonly y: number } | null;
  readonly picture: MediaStream | null;
  readonly speaking: boolean;
  /** The nearest edge of the ring. */
  readonly side: Side | null;
  readonly reaction: string | null;
}

const KINDS: readonly Kind[] = ["audio", "video", "chat"];
const MARKS = { audio: "audio", video: "video", chat: "chat" } as const;

/**
 * A seat as one sentence, for readers: its name and what the eye gets from marks and colours. It stands
 * as text in the button rather than as its label, so that the words on the button stay part of its name.
 */
export function describe(who: Person, me: boolean, holder: boolean, done: boolean): string {
  return [spoken(who.name), ...marksOf(who, me, holder, done)].join(", ");
}

export function marksOf(who: Person, me: boolean, holder: boolean, done: boolean): string[] {
  const parts: string[] = me ? [words.seat.you] : [];
  if (who.role === "facilitator") parts.push(words.seat.facilitator);
  if (who.role === "guest") parts.push(guest.role);
  if (holder) parts.push(words.seat.holder);
  if (who.hand !== null) parts.push(words.seat.hand(who.hand));
  if (done && !holder) parts.push(words.seat.done);
  if (who.here === "away") parts.push(words.seat.away);
  if (who.here === "reconnecting") parts.push(words.seat.reconnecting);
  for (const kind of who.muted) {
    parts.push(who.held.includes(kind) ? own(words.seat.held, kind) : own(words.seat.muted, kind));
  }
  return parts;
}

export function Seat({ who, holder, done, visitor, place, side, picture, speaking, reaction }: SeatProps): VNode {
  const session = useSession();
  const me = session.isMe(who.id);
  const sentence = describe(who, me, holder, done);
  const open = (): void => session.open(me ? { is: "me" } : { is: "person", id: who.id });
  const seat = useRef<HTMLLIElement>(null);
  const hidden = holder && place === null;
  useEffect(() => {
    // In rows the holder may be out of sight.
    if (hidden) seat.current?.scrollIntoView({ block: "nearest" });
  }, [hidden]);
  const style =
    place === null ? undefined : { transform: `translate(${place.x.toFixed(1)}px, ${place.y.toFixed(1)}px)` };
  return (
    <li
      ref={seat}
      class={`seat ${holder ? "is-holder" : ""} ${me ? "is-me" : ""} ${speaking ? "is-speaking" : ""} is-${who.here}`}
      style={style}
      data-tint={who.seat % 8}
      data-side={side}
    >
      <button type="button" class="seat-button" aria-haspopup="dialog" onClick={open}>
        <span class="disc-box" aria-hidden="true">
          <span class="light" />
          {holder && <TurnRing />}
          <span class="disc">
            {initials(who.name)}
            {picture !== null && who.here === "here" && <Face stream={picture} mirrored={me} />}
          </span>
          {holder && (
            <span class="badge badge-stick">
              <Icon name="stick" />
            </span>
          )}
          {who.hand !== null && !holder && (
            <span class="badge badge-hand">
              <Icon name="hand" />
              <b>{who.hand}</b>
            </span>
          )}
          {done && !holder && who.hand === null && (
            <span class="badge badge-done">
              <Icon name="check" />
            </span>
          )}
          <RoleMark role={who.role} />
          <MuteMarks who={who} />
        </span>
        <span class="seat-name" aria-hidden="true">
          <Name name={who.name} />
        </span>
        <span class="seat-line" aria-hidden="true">
          {line(who, me, holder, visitor)}
        </span>
        <span class="unseen">{reaction === null ? sentence : `${sentence}, ${signWords(kindOf(reaction))}`}</span>
      </button>
      {reaction !== null && (
        <span class={`floater ${isSpoken(kindOf(reaction)) ? "is-spoken" : ""}`} key={reaction} aria-hidden="true">
          <Sign kind={kindOf(reaction)} />
        </span>
      )}
    </li>
  );
}

const kindOf = (reaction: string): string => reaction.split(" ")[0] ?? "";
const isSpoken = (kind: string): boolean => SUPPORT.some((one) => one === kind);

/** The line below the name always has words or a blank of the same height: nothing jumps. */
function line(who: Person, me: boolean, holder: boolean, visitor: boolean): VNode | string {
  if (who.here === "reconnecting") return <em class="line-link">{words.seat.reconnecting}…</em>;
  if (holder) return <em class="line-holder">{words.seat.holder}</em>;
  if (who.here === "away") return <em>{words.seat.awayShort}</em>;
  if (visitor) return <span class="chip">{words.seat.visitor}</span>;
  if (who.role !== "member") return <RoleBadge role={who.role} after={me ? ` · ${words.seat.you}` : ""} />;
  return me ? <span class="chip chip-you">{words.seat.you}</span> : " ";
}

/** Switched off by oneself: a plain mark. Held by a facilitator: the mark has a lock. */
function MuteMarks({ who }: { who: Person }): VNode | null {
  const shown = KINDS.filter((kind) => who.muted.includes(kind));
  if (shown.length === 0) return null;
  return (
    <span class="marks">
      {shown.map((kind) => (
        <span key={kind} class={`mark-mute ${who.held.includes(kind) ? "is-held" : ""}`}>
          <Icon name={own(MARKS, kind)} struck />
          {who.held.includes(kind) && (
            <span class="tiny-lock">
              <Icon name="lock" />
            </span>
          )}
        </span>
      ))}
    </span>
  );
}
