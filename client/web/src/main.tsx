/** The page: a room client for the room of the address, and the interface upon it. */
import { render } from "preact";
import { parseLink, RoomClient, socketUrl } from "./lib/index.ts";
import { App } from "./ui/app.tsx";
import { Session } from "./ui/session.tsx";
import "./styles/index.css";

const link = parseLink(location.href);
const root = document.getElementById("app");

if (root !== null) {
  const client = new RoomClient({
    url: socketUrl(location.href),
    room: link?.room ?? "",
    token: link?.token ?? null,
  });
  render(<App session={new Session(client)} hasToken={link !== null && link.token !== null} />, root);
  // A new link pasted into the same tab changes the fragment alone, which loads nothing by itself.
  addEventListener("hashchange", () => location.reload());
}
