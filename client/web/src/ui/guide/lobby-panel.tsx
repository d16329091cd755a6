/** The people in the lobby. */
import type { VNode } from "preact";
import { Button } from "../parts/button.tsx";
import type { LobbyPerson } from "../port.ts";
import { useNow } from "../clock.ts";
import { useSession } from "../session.tsx";
import { guide } from "../words-guide.ts";
import { DoorLines, Floods, loudLinks } from "./door-panel.tsx";
import { Name } from "../parts/who.tsx";

export function LobbyPanel(): VNode {
  const session = useSession();
  const { room } = session.snap.value;
  // Whoever has a link of their own is not to be looked for in a crowd.
  const waiting = [...room.lobby].sort((a, b) => Number(shares(a)) - Number(shares(b)));
  const now = useNow(waiting.length > 0);
  const flooded = loudLinks(room).some((one) => one.floods);
  const calls = waiting.length > 0 || flooded;
  return (
    <section class={`panel ${calls ? "panel-call" : ""}`} aria-labelledby="lobby-heading">
      <h3 id="lobby-heading">{guide.waiting.heading}</h3>
      <Floods />
      {waiting.length === 0 ? (
        <p class="hint waiting-none">{guide.waiting.none}</p>
      ) : (
        <ul class="waiting">
          {waiting.map((one) => (
            <li key={one.id}>
              <span class="waiting-name">
                <strong>
                  <Name name={one.name} />
                </strong>
                <small>{guide.waiting.since(Math.floor((now - one.at) / 60))}</small>
              </span>
              <Button
                look="main"
                about={one.name}
                onClick={() => void session.act("lobby.admit", { person: one.id })}
              >
                {guide.waiting.admit}
              </Button>
              <Button
                local
                look="quiet"
                about={one.name}
                onClick={() => session.open({ is: "decline", id: one.id, name: one.name })}
              >
                {guide.waiting.decline}
              </Button>
            </li>
          ))}
        </ul>
      )}
      {waiting.length > 1 && !flooded && (
        <div class="wrap">
          <Button onClick={() => void session.act("lobby.admit_all", {})}>{guide.waiting.admitAll}</Button>
          <Button local look="quiet" onClick={() => session.open({ is: "decline-all", count: waiting.length })}>
            {guide.door.declineAll}
          </Button>
        </div>
      )}
      <DoorLines />
    </section>
  );
}

function shares(one: LobbyPerson): boolean {
  return one.link != null;
}
