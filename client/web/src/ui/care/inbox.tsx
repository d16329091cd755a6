/** For facilitators: members' lines, and who answers each. Others may answer too. */
import { own } from "../../lib/index.ts";
import type { VNode } from "preact";
import { Button } from "../parts/button.tsx";
import { Icon } from "../parts/icon.tsx";
import type { InboxLine, Snapshot } from "../port.ts";
import { failure, useSession } from "../session.tsx";
import { words } from "../words.ts";
import { moments } from "../words-moments.ts";
import { Who } from "../parts/who.tsx";

const text = moments.inbox;

/** Sorts: first lines that wait, of these first unclaimed ones; then by name. */
export function sortedLines(snap: Snapshot): [string, InboxLine][] {
  const name = (id: string): string => own(snap.names, id) ?? "";
  const rank = (line: InboxLine): number => (line.waiting ? (line.claimed_by === null ? 0 : 1) : 2);
  return Object.entries(snap.room.inbox ?? {}).sort(
    ([a, one], [b, other]) => rank(one) - rank(other) || name(a).localeCompare(name(b)),
  );
}

export function InboxPanel(): VNode | null {
  const session = useSession();
  const lines = sortedLines(session.snap.value);
  if (lines.length === 0) return null;
  // Lines that another facilitator has claimed or that were answered are folded.
  const mine = (line: InboxLine): boolean => line.waiting && (line.claimed_by === null || session.isMe(line.claimed_by));
  const waiting = lines.filter(([, line]) => mine(line));
  const rest = lines.filter(([, line]) => !mine(line));
  return (
    <section class={`panel inbox ${waiting.some(([, line]) => line.claimed_by === null) ? "panel-line" : ""}`} aria-labelledby="inbox-heading">
      <h3 id="inbox-heading">{text.heading}</h3>
      {waiting.length > 0 && (
        <ul class="inbox-list">
          {waiting.map(([id, line]) => (
            <Line key={id} id={id} line={line} />
          ))}
        </ul>
      )}
      {rest.length > 0 && (
        <details class="fold">
          <summary>
            <span class="fold-title">{text.others(rest.length)}</span>
          </summary>
          <ul class="inbox-list">
            {rest.map(([id, line]) => (
              <Line key={id} id={id} line={line} />
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

function Line({ id, line }: { id: string; line: InboxLine }): VNode {
  const session = useSession();
  const name = session.name(id);
  const unread = own(session.snap.value.chats, `staff:${id}`)?.unread ?? 0;
  return (
    <li>
      <p class="inbox-who">
        <Icon name="chat" />
        <strong>
          <Who id={id} />
        </strong>
        {unread > 0 && (
          <span class="count">
            {unread}
            <span class="unseen"> {words.talk.unreadWord}</span>
          </span>
        )}
      </p>
      <small>
        {!line.waiting && `${text.answered}${line.claimed_by === null ? "" : " · "}`}
        {(line.waiting || line.claimed_by !== null) && whoIsOn(session.isMe(line.claimed_by), line, (by) => session.name(by))}
      </small>
      <div class="wrap">
        <Button local about={text.lineOf(name)} onClick={() => session.show(`staff:${id}`)}>
          {text.read}
        </Button>
        <Claim id={id} line={line} />
      </div>
    </li>
  );
}

function whoIsOn(mine: boolean, line: InboxLine, name: (id: string) => string): string {
  if (line.claimed_by === null) return text.nobody;
  return mine ? text.mine : text.theirs(name(line.claimed_by));
}

function Claim({ id, line }: { id: string; line: InboxLine }): VNode {
  const session = useSession();
  const name = session.name(id);
  if (line.claimed_by !== null) {
    return (
      <Button about={text.lineOf(name)} onClick={() => void session.act("staff.release", { member: id })}>
        {session.isMe(line.claimed_by) ? text.release : text.free}
      </Button>
    );
  }
  const claim = (): void => {
    void session.act("staff.claim", { member: id }, { quiet: true }).then((answer) => {
      if (!answer.ok) session.note(answer.code === "stale" ? text.stale : failure(answer.code), "trouble");
    });
  };
  return (
    <Button look="main" about={text.lineOf(name)} onClick={claim}>
      {text.claim}
    </Button>
  );
}

/** Above a member's line in view: who answers it. */
export function LineHead({ to }: { to: string }): VNode | null {
  const session = useSession();
  const id = to.startsWith("staff:") ? to.slice("staff:".length) : null;
  const line = id === null ? undefined : own(session.snap.value.room.inbox, id);
  if (id === null || line === undefined) return null;
  return (
    <div class="line-head">
      <p>{whoIsOn(session.isMe(line.claimed_by), line, (by) => session.name(by))}</p>
      <Claim id={id} line={line} />
    </div>
  );
}
