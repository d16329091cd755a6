/** The space bar of push-to-talk, while nothing else on the page needs it. */
import { useEffect } from "preact/hooks";
import { useSession } from "../session.tsx";
import { spaceIsTalk } from "./speech.ts";

export function usePushToTalk(): void {
  const session = useSession();
  const { push } = session.voice.snap.value.choices;
  useEffect(() => {
    if (!push) return undefined;
    const { media } = session.voice;
    let down = false;
    const press = (event: KeyboardEvent): void => {
      if (event.code !== "Space" || event.ctrlKey || event.altKey || event.metaKey) return;
      const target = event.target instanceof HTMLElement ? event.target : document.body;
      const free = spaceIsTalk({
        tag: target.tagName,
        editable: target.isContentEditable,
        byKeyboard: target.matches(":focus-visible"),
        talks: target.closest("[data-talks]") !== null,
      });
      if (!free || session.dialog.value !== null) return;
      // Prevents the click of a focused button and scrolling.
      event.preventDefault();
      if (!event.repeat && !down) media.press((down = true));
    };
    const release = (event?: KeyboardEvent): void => {
      if (!down || (event !== undefined && event.code !== "Space")) return;
      event?.preventDefault();
      media.press((down = false));
    };
    const away = (): void => release();
    addEventListener("keydown", press);
    addEventListener("keyup", release);
    addEventListener("blur", away);
    return () => {
      away();
      removeEventListener("keydown", press);
      removeEventListener("keyup", release);
      removeEventListener("blur", away);
    };
  }, [push]);
}
