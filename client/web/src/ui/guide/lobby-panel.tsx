/** Who waits to be let in. */
import type { VNode } from "preact";
import { Button } from "../parts/button.tsx";
import { useNow } from "../clock.ts";
import { useSession } from "../session.tsx";
import { guide } from "../words-guide.ts";

export function LobbyPanel(): VNode {
  const session = useSession();
  const waiting = session.snap.value.room.lobby;
  const now = useNow(waiting.length > 0);
  return (
    <section class={`panel ${waiting.length > 0 ? "panel-call" : ""}`} aria-labelledby="lobby-heading">
      <h3 id="lobby-heading">{guide.waiting.heading}</h3>
      {waiting.length === 0 ? (
        <p class="hint waiting-none">{guide.waiting.none}</p>
      ) : (
        <ul class="waiting">
          {waiting.map((one) => (
            <li key={one.id}>
              <span class="waiting-name">
                <strong>{one.name}</strong>
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
      {waiting.length > 1 && (
        <Button class="wide" onClick={() => void session.act("lobby.admit_all", {})}>
          {guide.waiting.admitAll}
        </Button>
      )}
    </section>
  );
}
