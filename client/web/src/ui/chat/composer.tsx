/**
 * Where one writes. Above the field it always says in words who will read it. What could not be sent
 * stays in the field, and the reason stands below.
 */
import type { VNode } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Button } from "../parts/button.tsx";
import { isFacilitator } from "../model.ts";
import { LIMITS, own } from "../../lib/index.ts";
import { failure, useSession } from "../session.tsx";
import { words } from "../words.ts";
import { readers, whyClosed } from "./audience.ts";
import { useSlowWait } from "./slow.ts";

export function Composer({ to }: { to: string }): VNode {
  const session = useSession();
  const snap = session.snap.value;
  const field = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  const [trouble, setTrouble] = useState<string | null>(null);
  const [sending, setSending] = useState(false);
  const name = (who: string | null | undefined): string => session.name(who);
  const closed = whyClosed(snap, to);
  const text = own(session.drafts.value, to) ?? "";
  const over = [...text].length - LIMITS.body;
  const slow = snap.room.settings?.slow_seconds ?? 0;
  const slowHere = slow > 0 && !isFacilitator(snap) && !to.startsWith("staff");
  const wait = useSlowWait(to, slowHere ? slow : 0);

  useEffect(() => grow(field.current), [text]);

  const send = async (): Promise<void> => {
    if (sending || closed !== null || text.trim() === "" || over > 0 || wait > 0) return;
    setSending(true);
    setTrouble(null);
    const sent = text;
    // By its full name, so that a late message reaches this audience or nobody.
    const answer = await session.act("chat.say", { to, body: sent }, { quiet: true });
    setSending(false);
    if (answer.ok) {
      // Keeps what was typed meanwhile.
      const now = own(session.drafts.value, to) ?? "";
      session.draft(to, now.startsWith(sent) ? now.slice(sent.length) : now);
    } else {
      // A message to the facilitators is not sent if no facilitator can read it.
      const unread = to.startsWith("staff:") && answer.code === "no_such_member";
      const why = session.online.value ? failure(unread ? "no_staff" : answer.code) : words.link.inert;
      setTrouble(`${words.failed["keep"]}${why}`);
    }
    field.current?.focus();
  };

  if (closed !== null) {
    return (
      <div class="composer is-closed">
        <p class="composer-closed">{closed}</p>
        {text !== "" && <p class="composer-kept">{text}</p>}
        {to !== "circle" && (
          <Button local onClick={() => (session.talk.value = "circle")}>
            {words.talk.toCircleButton}
          </Button>
        )}
      </div>
    );
  }
  const note =
    over > 0
      ? words.talk.long(over)
      : trouble !== null
        ? trouble
        : wait > 0
          ? words.talk.slowWait(wait)
          : slowHere
            ? words.talk.slow(slow)
            : " ";
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <p class="composer-readers" id={`${id}-readers`}>
        {readers(snap, to, name)}
      </p>
      <div class="composer-row">
        <label class="unseen" for={`${id}-field`}>
          {words.talk.write}
        </label>
        <textarea
          ref={field}
          id={`${id}-field`}
          rows={1}
          value={text}
          placeholder={words.talk.write}
          aria-describedby={`${id}-readers ${id}-note`}
          aria-invalid={over > 0 ? "true" : undefined}
          enterkeyhint="send"
          onInput={(event) => session.draft(to, event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
              event.preventDefault();
              void send();
            }
          }}
        />
        <Button
          look="main"
          icon="send"
          class="composer-send"
          label={sending ? words.talk.sending : words.talk.send}
          disabled={text.trim() === "" || over > 0 || wait > 0 || sending}
          onClick={() => void send()}
        />
      </div>
      <p
        class={`composer-note ${trouble !== null || over > 0 ? "is-trouble" : ""}`}
        id={`${id}-note`}
        role="status"
      >
        {note}
      </p>
    </form>
  );
}

/** As tall as its words, up to what the style sheet allows. */
function grow(field: HTMLTextAreaElement | null): void {
  if (field === null) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + 2}px`;
}
