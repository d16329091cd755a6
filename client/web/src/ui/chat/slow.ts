/** How long the viewer has to wait in slow mode. The server decides; this only shows it. */
import { own } from "../../lib/index.ts";
import { useNow } from "../clock.ts";
import { useSession } from "../session.tsx";

/** Whole seconds until the next message is allowed; 0: now. */
export function useSlowWait(to: string, seconds: number): number {
  const session = useSession();
  const now = useNow(seconds > 0);
  if (seconds === 0) return 0;
  const mine = (own(session.snap.value.chats, to)?.messages ?? []).filter((one) => one.mine).at(-1);
  if (mine === undefined) return 0;
  return Math.max(0, Math.min(seconds, Math.ceil(mine.at + seconds - now)));
}
