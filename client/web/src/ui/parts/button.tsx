/** The button of the page. Without a connection it stays in place, readable, and does nothing. */
import type { ComponentChildren, VNode } from "preact";
import { Icon, type IconName } from "./icon.tsx";
import { useSession } from "../session.tsx";
import { words } from "../words.ts";

export interface ButtonProps {
  readonly children?: ComponentChildren;
  readonly onClick: () => void;
  readonly look?: "plain" | "main" | "turn" | "quiet" | "danger" | "row";
  readonly icon?: IconName;
  readonly struck?: boolean;
  /** Names a button without words. */
  readonly label?: string;
  /** Said after the button's words to who can't see what it stands beside: whom, which. */
  readonly about?: string;
  readonly pressed?: boolean;
  /** Whether what it opens is open. */
  readonly expanded?: boolean;
  readonly disabled?: boolean;
  /** Works without a connection, such as opening a dialog. */
  readonly local?: boolean;
  readonly type?: "button" | "submit";
  readonly class?: string;
  readonly title?: string;
}

export function Button(props: ButtonProps): VNode {
  const session = useSession();
  const { look = "plain", local = false, disabled = false } = props;
  const inert = !local && !session.online.value;
  const press = (event: Event): void => {
    if (disabled || inert) {
      event.preventDefault();
      if (inert) session.note(words.link.inert);
      return;
    }
    props.onClick();
  };
  return (
    <button
      type={props.type ?? "button"}
      class={`btn btn-${look} ${props.class ?? ""}`}
      // Not `disabled`, which would lose the focus when the connection drops or a turn passes.
      aria-disabled={disabled || inert ? "true" : undefined}
      aria-pressed={props.pressed}
      aria-expanded={props.expanded}
      aria-label={props.label}
      title={props.title}
      onClick={press}
    >
      {props.icon !== undefined && <Icon name={props.icon} struck={props.struck ?? false} />}
      {props.children !== undefined && <span class="btn-words">{props.children}</span>}
      {props.about !== undefined && <span class="unseen"> {props.about}</span>}
    </button>
  );
}
