/** What a waiting guest sees: nothing of the circle. */
import type { VNode } from "preact";
import { Button } from "../parts/button.tsx";
import { Mark } from "../parts/icon.tsx";
import { useSession } from "../session.tsx";
import { guest } from "../words-materials.ts";
import { asksFor } from "./model.ts";

export function GuestWaiting(): VNode {
  const session = useSession();
  const snap = session.snap.value;
  const next = asksFor(snap);
  return (
    <section class="guest-waiting" aria-labelledby="guest-waiting">
      <div class="waiting-mark" aria-hidden="true">
        <Mark />
      </div>
      <h2 id="guest-waiting">{guest.waiting.heading}</h2>
      <p class="lead" role="status">
        {guest.waiting.body}
      </p>
      {next !== null && <p class="guest-next">{guest.waiting.next(next)}</p>}
      <p class="hint">{guest.waiting.stay}</p>
      <div class="wrap">
        <Button local icon="chat" onClick={() => session.show(`staff:${snap.me ?? ""}`)}>
          {guest.waiting.write}
        </Button>
        <Button local icon="audio" onClick={() => session.open({ is: "sound" })}>
          {guest.waiting.check}
        </Button>
        <Button local look="quiet" icon="leave" onClick={() => session.open({ is: "leave" })}>
          {guest.waiting.leave}
        </Button>
      </div>
    </section>
  );
}
