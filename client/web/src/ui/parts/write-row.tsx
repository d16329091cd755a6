/** Opens a member's line to the facilitators and closes the dialog. */
import type { VNode } from "preact";
import { Button } from "./button.tsx";
import { useSession } from "../session.tsx";

export function WriteRow({ member, children }: { member: string; children: string }): VNode {
  const session = useSession();
  const write = (): void => {
    session.shut();
    session.show(`staff:${member}`);
  };
  return (
    <Button local look="row" icon="chat" onClick={write}>
      {children}
    </Button>
  );
}
