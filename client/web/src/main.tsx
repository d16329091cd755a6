/** The page: a room client for the room of the address, and the interface upon it. */
import { render } from "preact";
import { browserAddress, enterBy, Media, parseLink, RoomClient, socketUrl } from "./lib/index.ts";
import { App } from "./ui/app.tsx";
import { Session } from "./ui/session.tsx";
import "./styles/index.css";

const PASTED = "pasted";
const entrance = enterBy(browserAddress());
const { link } = entrance;
const root = document.getElementById("app");

if (root !== null) {
  const client = new RoomClient({
    url: socketUrl(location.href),
    room: link?.room ?? "",
    token: link?.token ?? null,
  });
  // Whoever had a seat in this tab and reloads has it again, with nothing to press. A link that was
  // opened or pasted anew may be meant for another seat: there one chooses.
  const [entry] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  if (entry?.type === "reload" && history.state !== PASTED && client.hasSeat()) client.resume();
  history.replaceState(null, "");
  const session = new Session(client, new Media(client));
  session.openAgain = () => {
    entrance.keep();
    location.reload();
  };
  // A tab that keeps nothing needs the address until the link has been used.
  const used = client.subscribe(() => {
    if (!["agreement", "lobby", "inside"].includes(client.snapshot.phase)) return;
    entrance.clean();
    used();
  });
  render(<App session={session} hasToken={link !== null && link.token !== null} />, root);
  // A new link pasted into the same tab changes the fragment alone, which loads nothing by itself.
  addEventListener("hashchange", () => {
    if (parseLink(location.href)?.token == null) return;
    history.replaceState(PASTED, "");
    location.reload();
  });
}
