/** Asks for confirmation of what can't be undone. */
import type { VNode } from "preact";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import type { CommandFields, CommandName } from "../port.ts";
import { useSession } from "../session.tsx";
import { words } from "../words.ts";

interface ConfirmProps<T extends CommandName> {
  readonly title: string;
  readonly body: string;
  readonly go: string;
  readonly command: T;
  readonly fields: CommandFields[T];
  readonly danger?: boolean;
}

export function Confirm<T extends CommandName>(props: ConfirmProps<T>): VNode {
  const session = useSession();
  const go = (): void => {
    void session.act(props.command, props.fields).then((answer) => {
      if (answer.ok) session.shut();
    });
  };
  return (
    <Dialog
      title={props.title}
      onClose={() => session.shut()}
      foot={
        <>
          <Button local onClick={() => session.shut()}>
            {words.cancel}
          </Button>
          <Button look={props.danger === true ? "danger" : "main"} onClick={go}>
            {props.go}
          </Button>
        </>
      }
    >
      <p>{props.body}</p>
    </Dialog>
  );
}
