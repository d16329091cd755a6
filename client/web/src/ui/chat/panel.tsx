/** Conversations: the choice, the messages and the composer. */
import { own } from "../../lib/index.ts";
import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import { LineHead } from "../care/inbox.tsx";
import { useSession } from "../session.tsx";
import { words } from "../words.ts";
import { conversationName, conversations } from "./audience.ts";
import { Composer } from "./composer.tsx";
import { MessageLog } from "./log.tsx";

/** Unread messages outside the conversation in view, or of all while the chat is out of sight. */
export function useUnread(): number {
  const session = useSession();
  const snap = session.snap.value;
  return Object.values(snap.chats).reduce((sum, one) => sum + one.unread, 0);
}

export function ChatPanel(): VNode {
  const session = useSession();
  const snap = session.snap.value;
  const name = (id: string | null | undefined): string => session.name(id);
  const open = session.talk.value;
  const all = conversations(snap, open);
  const unread = own(snap.chats, open)?.unread ?? 0;
  const visible = session.chatVisible.value;
  useEffect(() => {
    if (visible && unread > 0 && document.visibilityState === "visible") session.client.markRead(open);
  }, [visible, unread, open]);
  useEffect(() => {
    // Scrolls the tab of the conversation in view into sight.
    document.getElementById(`tab-${open}`)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [open]);
  return (
    <>
      <h2 class="unseen">{words.talk.heading}</h2>
      <div class="talk-tabs" role="tablist" aria-label={words.talk.heading}>
        {all.map((to) => {
          const count = to === open ? 0 : (own(snap.chats, to)?.unread ?? 0);
          return (
            <button
              key={to}
              type="button"
              role="tab"
              id={`tab-${to}`}
              class="talk-tab"
              aria-selected={to === open}
              aria-controls="talk-view"
              tabIndex={to === open ? 0 : -1}
              onClick={() => (session.talk.value = to)}
              onKeyDown={(event) => arrow(event, all, to)}
            >
              {conversationName(snap, to, name)}
              {count > 0 && (
                <span class="count">
                  {count}
                  <span class="unseen"> {words.talk.unreadWord}</span>
                </span>
              )}
            </button>
          );
        })}
      </div>
      <div class="talk-view" id="talk-view" role="tabpanel" aria-labelledby={`tab-${open}`}>
        <LineHead to={open} />
        <MessageLog key={`log ${open}`} to={open} />
        <Composer key={`composer ${open}`} to={open} />
      </div>
    </>
  );

  function arrow(event: KeyboardEvent, list: readonly string[], at: string): void {
    const step = own({ ArrowRight: 1, ArrowLeft: -1 } as Record<string, number>, event.key);
    if (step === undefined) return;
    event.preventDefault();
    const next = list[(list.indexOf(at) + step + list.length) % list.length] ?? at;
    session.talk.value = next;
    requestAnimationFrame(() => document.getElementById(`tab-${next}`)?.focus());
  }
}
