/** Sound and picture: test and choice of devices, and which pictures to receive. */
import { own } from "../../lib/index.ts";
import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import type { Choices, Pictures } from "../port.ts";
import { useSession } from "../session.tsx";
import { voice as words } from "../words-media.ts";
import { CameraCheck, MicrophoneCheck, SpeakerCheck } from "./check.tsx";
import { Figures } from "./figures.tsx";
import { TROUBLES, type VoiceKind } from "./voice.ts";

export function SoundDialog(): VNode {
  const session = useSession();
  const { microphone, camera, connection } = session.voice.snap.value;
  useEffect(() => session.voice.media.look(), []);
  return (
    <Dialog title={words.dialog.heading} onClose={() => session.shut()}>
      {connection === "unable" && <p class="trouble">{words.unable}</p>}
      {TROUBLES.includes(microphone) && <Help kind="microphone" look={microphone} />}
      {TROUBLES.includes(camera) && <Help kind="camera" look={camera} />}
      <p class="hint">{words.dialog.alone}</p>
      <MicrophoneCheck />
      <SpeakerCheck />
      <CameraCheck />
      <WeakLine />
      <Tuning />
      {session.snap.value.phase === "inside" && (
        <details class="fold">
          <summary>{words.dialog.figures}</summary>
          <Figures />
        </details>
      )}
    </Dialog>
  );
}

function Help({ kind, look }: { kind: VoiceKind; look: string }): VNode | null {
  const session = useSession();
  const help = own((words.help[kind] as Record<string, { heading: string; body: string }>), look);
  if (help === undefined) return null;
  return (
    <section class="voice-help" aria-label={help.heading}>
      <h3>{help.heading}</h3>
      <p>{help.body}</p>
      <Button local onClick={() => session.switchTo(kind, true)}>
        {words.help.again}
      </Button>
    </section>
  );
}

function WeakLine(): VNode {
  const session = useSession();
  const { choices, camera } = session.voice.snap.value;
  const choose = (pictures: Pictures): void => {
    session.voice.media.choose({ pictures });
    if (pictures === "none" && camera !== "off" && camera !== "held") session.switchTo("camera", false);
  };
  return (
    <fieldset class="choices">
      <legend>{words.dialog.line}</legend>
      {(["high", "low", "none"] as const).map((is) => (
        <label key={is} class="choice">
          <input type="radio" name="pictures" checked={choices.pictures === is} onChange={() => choose(is)} />
          <span>
            {words.dialog.pictures[is]}
            <small>{words.dialog.picturesHint[is]}</small>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

type Flag = "push" | "noise" | "echo" | "gain" | "sayWho";

function Tuning(): VNode {
  const session = useSession();
  const { choices } = session.voice.snap.value;
  const flag = (key: Flag, hint?: string): VNode => (
    <label class="choice">
      <input
        type="checkbox"
        checked={choices[key]}
        onChange={() => session.voice.media.choose({ [key]: !choices[key] } as Partial<Choices>)}
      />
      <span>
        {words.dialog[key]}
        {hint !== undefined && <small>{hint}</small>}
      </span>
    </label>
  );
  return (
    <>
      {flag("push", words.dialog.pushHint)}
      <details class="fold">
        <summary>{words.dialog.fine}</summary>
        {flag("noise")}
        {flag("echo")}
        {flag("gain")}
        {flag("sayWho")}
      </details>
    </>
  );
}
