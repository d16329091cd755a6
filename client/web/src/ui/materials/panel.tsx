/** For facilitators: the materials, and buttons to hide them. */
import type { VNode } from "preact";
import { Button } from "../parts/button.tsx";
import { Fold } from "../parts/fold.tsx";
import { LIMITS, own } from "../../lib/index.ts";
import { useSession } from "../session.tsx";
import { shown } from "../words-materials.ts";
import { materialsOf, nameOf } from "./model.ts";

export function MaterialsPanel(): VNode {
  const session = useSession();
  const materials = materialsOf(session.snap.value);
  const chosen = materials.filter((one) => one.by !== null);
  const full = chosen.length >= LIMITS.materials;
  return (
    <Fold title={shown.panel.heading} note={materials.length === 0 ? undefined : shown.panel.count(chosen.length)}>
      {materials.length === 0 && <p class="hint">{shown.panel.none}</p>}
      <ul class="shown-list">
        {materials.map((one) => (
          <li key={one.id}>
            <span class="shown-name">
              {nameOf(one)}
              <small>{one.by === null ? shown.panel.ofStage : own(shown.kinds, one.kind)}</small>
            </span>
            <Button
              look="quiet"
              icon="cross"
              about={nameOf(one)}
              onClick={() => void session.act("material.hide", { material: one.id })}
            >
              {shown.panel.hide}
            </Button>
          </li>
        ))}
      </ul>
      {full && <p class="hint">{shown.panel.full}</p>}
      <Button local icon="plus" disabled={full} onClick={() => session.open({ is: "show" })}>
        {shown.panel.show}
      </Button>
    </Fold>
  );
}
