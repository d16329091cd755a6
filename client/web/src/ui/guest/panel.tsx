/** For facilitators: whether guests are in the circle, and a button to change that. */
import type { VNode } from "preact";
import { Button } from "../parts/button.tsx";
import { bySeat } from "../model.ts";
import { useSession } from "../session.tsx";
import { guest } from "../words-materials.ts";
import { isIn } from "./model.ts";
import { Name } from "../parts/who.tsx";

export function GuestsPanel(): VNode | null {
  const session = useSession();
  const snap = session.snap.value;
  const guests = bySeat(snap).filter((one) => one.role === "guest");
  if (guests.length === 0) return null;
  const here = guests.some((one) => isIn(snap, one.id));
  return (
    <section class="panel" aria-labelledby="guests-heading">
      <h3 id="guests-heading">{guest.panel.heading}</h3>
      <ul class="guest-list">
        {guests.map((one) => (
          <li key={one.id}>
            <Button local look="row" onClick={() => session.open({ is: "person", id: one.id })}>
              <Name name={one.name} />
            </Button>
            <small>{isIn(snap, one.id) ? guest.panel.isIn : guest.panel.waits}</small>
          </li>
        ))}
      </ul>
      <Button
        look={here ? "plain" : "main"}
        icon={here ? "away" : "ear"}
        onClick={() => void (here ? session.act("guest.rest", {}) : session.act("guest.bring", {}))}
      >
        {here ? guest.panel.rest : guest.panel.bring}
      </Button>
    </section>
  );
}
