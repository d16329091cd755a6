/** The care button, always in the same place, and the strip in a side room. */
import { own } from "../../lib/index.ts";
import type { VNode } from "preact";
import { Button } from "../parts/button.tsx";
import { useSession } from "../session.tsx";
import { care } from "../words-care.ts";

export function CareButton(): VNode {
  const session = useSession();
  const { me, room } = session.snap.value;
  const mine = me === null ? undefined : own(room.care, me);
  const up = mine !== undefined && mine.own !== false;
  return (
    <Button
      local
      look="quiet"
      icon="heart"
      class={`care-button ${up ? "is-up" : ""}`}
      about={up ? `${care.buttonAbout}, ${care.up}` : care.buttonAbout}
      onClick={() => session.open({ is: "care" })}
    >
      {care.button}
    </Button>
  );
}

export function AsideNote(): VNode | null {
  const session = useSession();
  const { me, room } = session.snap.value;
  if (room.aside == null || me === null) return null;
  const others = room.aside.members.filter((id) => id !== me).map((id) => session.name(id));
  return (
    <section class="stage-note" aria-label={care.asideHeading}>
      <p>{care.aside(others)}</p>
    </section>
  );
}

/** The way out of the side room, for the member and the facilitator. */
export function asideMember(me: string | null, members: readonly string[], led: (id: string) => boolean): string | null {
  if (me !== null && !led(me)) return me;
  return members.find((id) => id !== me) ?? null;
}
