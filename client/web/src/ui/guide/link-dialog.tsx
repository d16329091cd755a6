/** Replaces a link by a new one that only this page knows. */
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { newLink } from "../../lib/index.ts";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { failure, useSession, type Session } from "../session.tsx";
import { words } from "../words.ts";
import { guide } from "../words-guide.ts";

/** Replaces a link; returns the error or null. The new link is in `session.newLink`. */
async function replaceLink(session: Session, link: string, inside: boolean): Promise<string | null> {
  let made: Awaited<ReturnType<typeof newLink>>;
  try {
    made = await newLink(location.href, session.snap.value.room.room);
  } catch {
    return guide.door.insecure;
  }
  const fields = { link, digest: made.digest, ...(inside ? { inside } : {}) };
  const answer = await session.act("link.replace", fields, { quiet: true });
  if (!answer.ok) return failure(answer.code);
  session.newLink.value = made.link;
  return null;
}

interface LinkDialogProps {
  /** Null: only shows the link that was made. */
  readonly id: string | null;
  /** Replaces it at once, without a question. */
  readonly now: boolean;
}

export function LinkDialog({ id, now }: LinkDialogProps): VNode {
  const session = useSession();
  const [inside, setInside] = useState(false);
  const [busy, setBusy] = useState(now);
  const [done, setDone] = useState(id === null);
  const [trouble, setTrouble] = useState<string | null>(null);
  // As it was when the dialog opened: a replaced link is no longer in the slice.
  const use = useRef(session.snap.value.room.door?.links.find((one) => one.link === id) ?? null).current;
  const go = (): void => {
    if (id === null) return;
    setBusy(true);
    setTrouble(null);
    void replaceLink(session, id, inside).then((wrong) => {
      setBusy(false);
      setTrouble(wrong);
      setDone(wrong === null);
    });
  };
  useEffect(() => {
    if (now) go();
  }, []);
  return (
    <Dialog
      title={guide.door.heading}
      onClose={() => session.shut()}
      foot={
        done ? undefined : (
          <>
            <Button local onClick={() => session.shut()}>
              {words.cancel}
            </Button>
            <Button look="danger" disabled={busy} onClick={go}>
              {busy ? guide.door.going : guide.door.go}
            </Button>
          </>
        )
      }
    >
      {done ? (
        <NewLink />
      ) : (
        <>
          <p>{guide.door.body(guide.door.which(use?.role ?? "member"))}</p>
          {use !== null && use.inside > 0 && (
            <label class="choice">
              <input type="checkbox" checked={inside} onChange={(event) => setInside(event.currentTarget.checked)} />
              <span>
                {guide.door.inside(use.inside)}
                <small>{guide.door.insideHint}</small>
              </span>
            </label>
          )}
        </>
      )}
      <p class="trouble" role="alert">
        {trouble ?? ""}
      </p>
    </Dialog>
  );
}

function NewLink(): VNode {
  const session = useSession();
  const link = session.newLink.value ?? "";
  const field = useRef<HTMLInputElement>(null);
  const copy = (): void => {
    const written = navigator.clipboard?.writeText(link) ?? Promise.reject(new Error("no clipboard"));
    written.then(
      () => session.note(guide.door.copied),
      () => {
        field.current?.select();
        session.note(guide.door.uncopied, "trouble");
      },
    );
  };
  return (
    <>
      <p role="status">{guide.door.made}</p>
      <input ref={field} class="new-link" readOnly value={link} aria-label={guide.door.label} />
      <div class="wrap">
        <Button local look="main" onClick={copy}>
          {guide.door.copy}
        </Button>
      </div>
    </>
  );
}
