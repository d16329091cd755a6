/** Starts the page: a room client for the room of the address, and the interface. */
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
  // A reload resumes the seat of this tab. After a link was opened or pasted, the person chooses: it may
  // be meant for another seat.
  const [entry] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  if (entry?.type === "reload" && history.state !== PASTED && client.hasSeat()) client.resume();
  history.replaceState(null, "");
  const session = new Session(client, new Media(client));
  session.openAgain = () => {
    entrance.keep();
    location.reload();
  };
  // A tab without storage needs the token in the address until it has joined.
  const used = client.subscribe(() => {
    if (!["agreement", "lobby", "inside"].includes(client.snapshot.phase)) return;
    entrance.clean();
    used();
  });
  render(<App session={session} hasToken={link !== null && link.token !== null} />, root);
  // A link pasted into the same tab changes only the fragment, which loads nothing by itself.
  addEventListener("hashchange", () => {
    if (parseLink(location.href)?.token == null) return;
    history.replaceState(PASTED, "");
    location.reload();
  });
}
