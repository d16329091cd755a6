/** The live regions for screen readers, and short notes for everybody. */
import type { VNode } from "preact";
import { Icon } from "./icon.tsx";
import { useSession } from "../session.tsx";
import { words } from "../words.ts";

export function LiveRegions(): VNode {
  const session = useSession();
  return (
    <>
      <div class="unseen" role="status" aria-live="polite">
        {session.polite.value}
      </div>
      <div class="unseen" role="alert" aria-live="assertive">
        {session.urgent.value}
      </div>
    </>
  );
}

export function Toasts(): VNode {
  const session = useSession();
  return (
    <div class="toasts" role="status" aria-live="polite">
      {session.toasts.value.map((toast) => (
        <div key={toast.id} class={`toast toast-${toast.kind}`}>
          <p>{toast.text}</p>
          <button
            type="button"
            class="btn btn-quiet btn-icon"
            aria-label={words.dismiss}
            onClick={() => session.dismiss(toast.id)}
          >
            <Icon name="cross" />
          </button>
        </div>
      ))}
    </div>
  );
}
