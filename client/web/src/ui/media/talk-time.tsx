/** For facilitators: how long somebody has been heard. */
import type { VNode } from "preact";
import { useSession } from "../session.tsx";
import { voice as words } from "../words-media.ts";

export function TalkTime({ id }: { id: string }): VNode {
  const seconds = useSession().snap.value.room.talk[id] ?? 0;
  return <p class="hint">{words.talk.person(seconds)}</p>;
}
