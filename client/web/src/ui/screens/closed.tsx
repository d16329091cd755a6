/** Every ending has its own words, and says what one can do next. */
import type { VNode } from "preact";
import { Button } from "../parts/button.tsx";
import { useSession } from "../session.tsx";
import { words } from "../words.ts";
import { Frame } from "./frame.tsx";

interface Ending {
  readonly heading: string;
  readonly body: string;
  readonly next: { readonly words: string; readonly does: "resume" | "reload" } | null;
}

/** Codes are those of the wire's specification; 1000 is one's own leaving. */
export function ending(code: number, wasInside: boolean, welcomed = wasInside): Ending {
  const say = words.closed;
  const resume = (text: string): Ending["next"] => ({ words: text, does: "resume" });
  const anew = (text: string): Ending["next"] => ({ words: text, does: "reload" });
  switch (code) {
    case 1000:
      return { ...say.left, next: anew(say.startAnew) };
    case 4010:
      return { ...say[4010], next: resume(say.comeBack) };
    case 4403:
      return { ...say[4403], next: null };
    case 4404:
      return wasInside ? { ...say.ended, next: null } : { ...say[4404], next: anew(say.again) };
    case 4405:
      return { ...say[4405], next: null };
    case 4409:
      return { ...say[4409], next: resume(say.here) };
    case 4400:
      // Only a greeting with a name had been sent.
      return { ...(welcomed ? say[4400] : say.name), next: anew(say.again) };
    case 4408:
      return { ...say[code], next: anew(say.again) };
    case 4423:
      return { ...say[4423], next: anew(say.again) };
    case 1009:
    case 4413:
      return { ...say[4413], next: resume(say.comeBack) };
    case 4429:
      return { ...say[4429], next: resume(say.comeBack) };
    default:
      return { ...say.other, next: resume(say.again) };
  }
}

export function ClosedScreen(): VNode {
  const session = useSession();
  const { heading, body, next } = ending(
    session.snap.value.closed?.code ?? 0,
    session.wasInside.value,
    session.snap.value.me !== null,
  );
  const go = (): void => {
    if (next?.does === "resume" && session.client.hasSeat()) session.client.resume();
    else session.openAgain();
  };
  return (
    <Frame heading={heading}>
      <p class="lead" role="status">
        {body}
      </p>
      {next !== null && (
        <Button local look="main" onClick={go}>
          {next.words}
        </Button>
      )}
    </Frame>
  );
}
