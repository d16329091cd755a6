/** For facilitators: how long a member has been heard. */
import { own } from "../../lib/index.ts";
import type { VNode } from "preact";
import { useSession } from "../session.tsx";
import { voice as words } from "../words-media.ts";

export function TalkTime({ id }: { id: string }): VNode {
  const seconds = own(useSession().snap.value.room.talk, id) ?? 0;
  return <p class="hint">{words.talk.person(seconds)}</p>;
}
