/** Which page is shown, by the phase of the room client. */
import type { VNode } from "preact";
import { useSignalEffect } from "@preact/signals";
import { LiveRegions, Toasts } from "./parts/live.tsx";
import { amHolder, groupInView } from "./model.ts";
import { AgreementScreen } from "./screens/agreement.tsx";
import { ClosedScreen } from "./screens/closed.tsx";
import { ConnectingScreen, JoinScreen } from "./screens/join.tsx";
import { LobbyScreen } from "./screens/lobby.tsx";
import { RoomScreen } from "./screens/room.tsx";
import { SessionProvider, useSession, type Session } from "./session.tsx";
import type { Snapshot } from "./port.ts";
import { words } from "./words.ts";

export function App({ session, hasToken }: { session: Session; hasToken: boolean }): VNode {
  return (
    <SessionProvider value={session}>
      <Screen hasToken={hasToken} />
      <Spoken />
    </SessionProvider>
  );
}

function Screen({ hasToken }: { hasToken: boolean }): VNode {
  const session = useSession();
  useSignalEffect(() => {
    document.title = titleOf(session.snap.value);
  });
  switch (session.snap.value.phase) {
    case "idle":
      return <JoinScreen hasToken={hasToken} />;
    case "connecting":
      return <ConnectingScreen />;
    case "agreement":
      return <AgreementScreen />;
    case "lobby":
      return <LobbyScreen />;
    case "inside":
      return <RoomScreen />;
    case "closed":
      return <ClosedScreen />;
  }
}

/** Rendered in the open dialog, if any: everything else is inert then. */
function Spoken(): VNode | null {
  const session = useSession();
  if (session.dialog.value !== null) return null;
  return (
    <>
      <Toasts />
      <LiveRegions />
    </>
  );
}

/** "Your turn · Sitwith": the state in a few letters, for the tab of the browser. */
export function titleOf(snap: Snapshot): string {
  const unread = Object.values(snap.chats).reduce((sum, one) => sum + one.unread, 0);
  return `${state()} · ${words.app}`;

  function state(): string {
    if (snap.connection === "reconnecting") return words.title.reconnecting;
    switch (snap.phase) {
      case "idle":
      case "connecting":
        return words.title.join;
      case "agreement":
        return words.title.agreement;
      case "lobby":
        return words.title.lobby;
      case "closed":
        return words.title.closed;
      case "inside":
        if (amHolder(snap) && groupInView(snap) === null) return words.title.turn;
        return (unread > 0 ? `(${unread}) ` : "") + (groupInView(snap) === null ? words.title.circle : words.talk.pair);
    }
  }
}
