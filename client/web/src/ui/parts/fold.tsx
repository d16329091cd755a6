/** A part of a column that can be folded; it unfolds when something happens in it. */
import type { ComponentChildren, VNode } from "preact";
import { useEffect, useId, useState } from "preact/hooks";

interface FoldProps {
  readonly title: string;
  /** Shown beside the title, also while folded. */
  readonly note?: string | undefined;
  /** Unfolds it when it becomes true; folding it again stays possible. */
  readonly wanted?: boolean;
  readonly children: ComponentChildren;
}

export function Fold({ title, note, wanted = false, children }: FoldProps): VNode {
  const [open, setOpen] = useState(wanted);
  const id = useId();
  useEffect(() => {
    if (wanted) setOpen(true);
  }, [wanted]);
  return (
    <section class="panel panel-fold" aria-labelledby={id}>
      <details class="fold" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <span id={id} class="fold-title">
            {title}
          </span>
          {note !== undefined && note !== "" && <small>{note}</small>}
        </summary>
        <div class="fold-body">{children}</div>
      </details>
    </section>
  );
}
