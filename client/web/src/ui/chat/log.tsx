/** The messages of one conversation, the newest at the bottom. */
import { own } from "../../lib/index.ts";
import type { VNode } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../parts/icon.tsx";
import { isFacilitator, spoken } from "../model.ts";
import type { ChatMessage } from "../port.ts";
import { useSession } from "../session.tsx";
import { words } from "../words.ts";
import { Name, RoleBadge, roleWord } from "../parts/who.tsx";

/** Pixels from the bottom that count as being there. */
const NEAR_FOOT = 60;
/** Messages of one author within this many seconds have one heading. */
const TOGETHER = 240;

export function MessageLog({ to }: { to: string }): VNode {
  const session = useSession();
  const snap = session.snap.value;
  const box = useRef<HTMLDivElement>(null);
  const [atFoot, setAtFoot] = useState(true);
  const messages = own(snap.chats, to)?.messages ?? [];
  const last = messages.at(-1);
  const gaps = snap.gaps.filter((gap) => gap.stream === to).map((gap) => gap.after);
  useLayoutEffect(() => {
    const element = box.current;
    if (element !== null && (atFoot || last?.mine === true)) element.scrollTop = element.scrollHeight;
  }, [last?.n]);
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const watcher = new ResizeObserver(() => {
      if (atFoot) element.scrollTop = element.scrollHeight;
    });
    watcher.observe(element);
    return () => watcher.disconnect();
  }, [atFoot]);
  const look = (): void => {
    const element = box.current;
    if (element !== null) {
      setAtFoot(element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_FOOT);
    }
  };
  return (
    <div class="log-frame">
      <div
        ref={box}
        class="log"
        role="log"
        aria-live="polite"
        aria-relevant="additions"
        aria-label={words.talk.logLabel}
        tabIndex={0}
        onScroll={look}
      >
        <div class="log-inner">
          {messages.length === 0 && <p class="hint log-empty">{words.talk.empty}</p>}
          {gaps.includes(0) && <p class="gap">{words.notice.gap}</p>}
          {messages.map((one, i) => (
            <Entry
              key={one.n}
              to={to}
              message={one}
              first={!follows(messages[i - 1], one)}
              gap={gaps.includes(one.n)}
            />
          ))}
        </div>
      </div>
      {!atFoot && (
        <button
          type="button"
          class="btn btn-plain to-foot"
          onClick={() => box.current?.scrollTo({ top: box.current.scrollHeight })}
        >
          <Icon name="down" />
          <span class="btn-words">{words.talk.newBelow}</span>
        </button>
      )}
    </div>
  );
}

function follows(before: ChatMessage | undefined, one: ChatMessage): boolean {
  return (
    before !== undefined &&
    before.from === one.from &&
    !before.notice &&
    !one.notice &&
    one.at - before.at < TOGETHER
  );
}

interface EntryProps {
  readonly to: string;
  readonly message: ChatMessage;
  readonly first: boolean;
  readonly gap: boolean;
}

function Entry({ to, message, first, gap }: EntryProps): VNode {
  const session = useSession();
  const snap = session.snap.value;
  const author = own(snap.room.members, message.from);
  const mayDelete = !message.deleted && (message.mine || isFacilitator(snap));
  const name = message.mine ? words.talk.you : session.name(message.from);
  const role = author === undefined || author.role === "member" ? [] : [roleWord(author.role)];
  const time = timeOf(message.at);
  const kind = `${message.mine ? "is-mine" : ""} ${message.notice ? "is-notice" : ""} ${first ? "is-first" : ""}`;
  return (
    <>
      <article class={`message ${kind}`} aria-label={[spoken(name), ...role, time].join(", ")}>
        {(first || message.notice) && (
          <header class="message-head">
            <span class="dot" data-tint={(author?.seat ?? 0) % 8} />
            <strong>
              <Name name={name} />
            </strong>
            {!message.notice && <RoleBadge role={author?.role} />}
            {message.notice && <span class="chip chip-notice">{words.talk.notice}</span>}
            <time dateTime={new Date(message.at * 1000).toISOString()}>{time}</time>
          </header>
        )}
        <div class="message-row">
          {message.deleted ? (
            <p class="message-gone">{words.talk.deleted}</p>
          ) : (
            <p class="message-body">{message.sealed === null ? message.body : words.talk.sealed}</p>
          )}
          {mayDelete && (
            <button
              type="button"
              class="btn btn-quiet btn-icon message-delete"
              aria-label={words.talk.deleteLabel(name, time)}
              onClick={() => session.open({ is: "delete", to, n: message.n })}
            >
              <Icon name="cross" />
            </button>
          )}
        </div>
      </article>
      {gap && <p class="gap">{words.notice.gap}</p>}
    </>
  );
}

function timeOf(at: number): string {
  return new Date(at * 1000).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
}
