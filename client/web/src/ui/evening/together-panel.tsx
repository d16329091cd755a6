/** For facilitators: breathing, mood and milestones. Folded until one is wanted or under way. */
import type { VNode } from "preact";
import { MoodControls } from "../moments/mood-parts.tsx";
import { Fold } from "../parts/fold.tsx";
import { useSession } from "../session.tsx";
import { moments } from "../words-moments.ts";
import { BreatheControls } from "./breathe-panel.tsx";

export function TogetherPanel(): VNode {
  const { breathe, mood } = useSession().snap.value.room;
  const words = moments.together;
  const on = [
    ...(breathe === null ? [] : [words.breathing]),
    ...(mood?.open === true ? [`${words.asking}: ${mood.answers}`] : []),
  ];
  return (
    <Fold title={words.heading} note={on.join(", ")} wanted={on.length > 0}>
      <MoodControls />
      <BreatheControls />
    </Fold>
  );
}
