/** The materials above the ring, one button each. */
import { own } from "../../lib/index.ts";
import type { VNode } from "preact";
import { Button } from "../parts/button.tsx";
import type { IconName } from "../parts/icon.tsx";
import { useSession } from "../session.tsx";
import { shown } from "../words-materials.ts";
import { materialsOf, nameOf } from "./model.ts";

const ICONS: Readonly<Record<string, IconName>> = { link: "next", text: "same", picture: "sun", pdf: "list" };

export function OnTheTable(): VNode | null {
  const session = useSession();
  const materials = materialsOf(session.snap.value);
  if (materials.length === 0) return null;
  return (
    <section class="table" aria-label={shown.label}>
      <ul>
        {materials.map((one) => (
          <li key={one.id}>
            <Button
              local
              icon={own(ICONS, one.kind) ?? "list"}
              class="table-one"
              title={nameOf(one)}
              about={own(shown.kinds, one.kind)}
              onClick={() => session.open({ is: "material", id: one.id })}
            >
              {nameOf(one)}
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}
