/** In the agenda's editor: whether guest speakers are in the circle in this stage. */
import type { VNode } from "preact";
import type { Stage } from "../port.ts";
import { guest } from "../words-materials.ts";

export function GuestChoice({ stage, onChoose }: { stage: Stage; onChoose: (guest: true | undefined) => void }): VNode | null {
  // There is no circle to be with while everybody is in groups, or the facilitators are among themselves.
  if (stage.kind === "debrief" || stage.pairs !== undefined) return null;
  return (
    <label class="choice">
      <input type="checkbox" checked={stage.guest === true} onChange={() => onChoose(stage.guest === true ? undefined : true)} />
      <span>
        {guest.stage}
        <small>{guest.stageHint}</small>
      </span>
    </label>
  );
}
