/** Opens somebody's quiet line to the facilitators, from a dialog that closes with it. */
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
