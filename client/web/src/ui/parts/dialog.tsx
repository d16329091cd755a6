/** A native modal dialog: keeps the focus inside, closes by Escape and returns the focus. */
import type { ComponentChildren, VNode } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { Icon } from "./icon.tsx";
import { LiveRegions, Toasts } from "./live.tsx";
import { words } from "../words.ts";

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
  readonly wide?: boolean;
  /** Buttons that stay visible at the bottom while the rest scrolls. */
  readonly foot?: ComponentChildren;
}

export function Dialog({ title, onClose, children, wide = false, foot }: DialogProps): VNode {
  const ref = useRef<HTMLDialogElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement;
    if (dialog !== null && !dialog.open) dialog.showModal();
    heading.current?.focus();
    return () => {
      dialog?.close();
      // If the opener was replaced meanwhile (a seat that moved), the focus goes to the stage.
      if (before instanceof HTMLElement && before.isConnected) before.focus();
      else document.getElementById("stage")?.focus();
    };
  }, []);
  return (
    <dialog
      ref={ref}
      class={`sheet ${wide ? "sheet-wide" : ""}`}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === ref.current) onClose();
      }}
    >
      <div class="sheet-inner">
        <header class="sheet-head">
          <h2 id={id} ref={heading} tabIndex={-1}>
            {title}
          </h2>
          <button type="button" class="btn btn-quiet btn-icon" aria-label={words.close} onClick={onClose}>
            <Icon name="cross" />
          </button>
        </header>
        <div class="sheet-body">{children}</div>
        {foot !== undefined && <footer class="sheet-foot">{foot}</footer>}
      </div>
      {/* A modal dialog hides the rest of the page from readers: what is said must be said in here. */}
      <Toasts />
      <LiveRegions />
    </dialog>
  );
}
