/** Notes about sound in the strip above the ring. */
import type { ComponentChildren, VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Button } from "../parts/button.tsx";
import { useSession } from "../session.tsx";
import { voice as words } from "../words-media.ts";

/** Milliseconds before a passing state is worth words. */
const PATIENCE = 1_500;

/** Whether `now` has been true for a while. */
function useLasting(now: boolean): boolean {
  const [lasting, setLasting] = useState(false);
  useEffect(() => {
    if (!now) {
      setLasting(false);
      return undefined;
    }
    const timer = setTimeout(() => setLasting(true), PATIENCE);
    return () => clearTimeout(timer);
  }, [now]);
  return now && lasting;
}

/** The note before all others: without a gesture nobody is heard. */
export function TapToHear(): VNode | null {
  const session = useSession();
  const { silenced } = session.voice.snap.value;
  useEffect(() => {
    if (!silenced) return undefined;
    // Any press counts as a gesture.
    const hear = (): void => session.voice.media.hear();
    addEventListener("click", hear);
    addEventListener("keydown", hear);
    return () => {
      removeEventListener("click", hear);
      removeEventListener("keydown", hear);
    };
  }, [silenced]);
  if (!silenced) return null;
  return (
    <Strip kind="is-call">
      <p>{words.hear}</p>
      <Button local look="turn" icon="sound" onClick={() => session.voice.media.hear()}>
        {words.hearGo}
      </Button>
    </Strip>
  );
}

/** The note after all others, or null. */
export function VoiceNote(): VNode {
  const session = useSession();
  const { connection, microphone, camera, touched } = session.voice.snap.value;
  const asking = useLasting(microphone === "asking" || camera === "asking");
  const lost = useLasting(connection === "lost" && session.online.value);
  if (connection === "unable") return <Strip>{<p>{words.unable}</p>}</Strip>;
  if (asking) return <Strip>{<p>{words.asking}</p>}</Strip>;
  if (lost) return <Strip kind="is-calm">{<p>{words.lost}</p>}</Strip>;
  if (connection !== "none" && !touched && !session.voice.greeted.value) {
    return (
      <Strip>
        <p>{words.hello}</p>
        <span class="strip-buttons">
          <Button local onClick={() => session.open({ is: "sound" })}>
            {words.check}
          </Button>
          <Button local look="quiet" icon="cross" class="btn-icon" label={words.dismiss} onClick={() => (session.voice.greeted.value = true)} />
        </span>
      </Strip>
    );
  }
  return <div class="stage-note is-empty" />;
}

function Strip({ kind = "", children }: { kind?: string; children: ComponentChildren }): VNode {
  return <section class={`stage-note ${kind}`}>{children}</section>;
}
