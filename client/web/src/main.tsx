/** The page: a room client for the room of the address, and the interface upon it. */
import { render } from "preact";
import { Media, parseLink, RoomClient, socketUrl } from "./lib/index.ts";
import { App } from "./ui/app.tsx";
import { Session } from "./ui/session.tsx";
import "./styles/index.css";

const PASTED = "pasted";
const link = parseLink(location.href);
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
  render(<App session={new Session(client, new Media(client))} hasToken={link !== null && link.token !== null} />, root);
  // A new link pasted into the same tab changes the fragment alone, which loads nothing by itself.
  addEventListener("hashchange", () => {
    history.replaceState(PASTED, "");
    location.reload();
  });
}
