/** `?state=<name>[&voice=<name>][&dialog=<name>][&tab=<tab>]` shows that state; what is sent is answered ok and shown in the console. */
import { render } from "preact";
import { App } from "../app.tsx";
import type { Port, Snapshot } from "../port.ts";
import { Session, type Dialog, type Tab } from "../session.tsx";
import { snapshot, STATES } from "./fixtures.ts";
import { EVENING, LINES, PLAN, TEMPLATES } from "./evening.ts";
import { drawing, GUESTS } from "./guests.ts";
import { FixtureMedia, media as voices, VOICES } from "./voices.ts";
import "../../styles/index.css";

const query = new URLSearchParams(location.search);
const state = query.get("state") ?? "open";
const started = Date.now();

class FixturePort implements Port {
  private listeners = new Set<() => void>();
  private shown: Snapshot = ticking(((GUESTS[state] ?? EVENING[state] ?? STATES[state]) ?? snapshot)());
  get snapshot(): Snapshot {
    return this.shown;
  }
  show(next: Snapshot): void {
    this.shown = ticking(next);
    for (const tell of this.listeners) tell();
  }
  subscribe = (fn: () => void): (() => void) => {
    this.listeners.add(fn);
    return () => this.listeners.delete(fn);
  };
  hasSeat = (): boolean => state === "again" || this.shown.phase === "closed";
  join = (name: string): void => console.info("join", name);
  resume = (): void => console.info("resume");
  accept = () => Promise.resolve({ ok: true as const, fields: {} });
  send: Port["send"] = (t, fields) => {
    console.info("send", t, JSON.stringify(fields));
    const answer = t === "pairs.plan" ? PLAN : {};
    const refused = query.get("refuse");
    if (refused !== null) return Promise.resolve({ ok: false, code: refused, message: "" } as never);
    return Promise.resolve({ ok: true, fields: answer } as never);
  };
  markRead = (): void => undefined;
  close = (): void => undefined;
}

/** The fixtures' clock stands still unless `?run` is given. */
function ticking(snap: Snapshot): Snapshot {
  if (!query.has("run")) return snap;
  const base = snap.serverNow();
  return { ...snap, serverNow: () => base + (Date.now() - started) / 1000 };
}

const port = new FixturePort();
const media = new FixtureMedia((VOICES[query.get("voice") ?? "off"] ?? VOICES["off"])?.() ?? voices());
const session = new Session(port, media);
session.files = {
  bring: () => Promise.resolve({ ok: false, code: query.get("refuse") ?? "svg" }),
  get: async () => ({ ok: true, file: await drawing() }),
};
session.crisisLines = () => Promise.resolve(LINES);
session.templates = () => Promise.resolve(TEMPLATES);
if (state === "ended") session.wasInside.value = true;
const tab = query.get("tab");
if (tab !== null) session.tab.value = tab as Tab;
const dialog = query.get("dialog");
const about = query.get("about") ?? "m4";
Object.assign(globalThis, { voices: (name: string) => media.change((VOICES[name] ?? voices)()), show: (name: string) => port.show((GUESTS[name] ?? EVENING[name] ?? STATES[name] ?? snapshot)()) });
const root = document.getElementById("app");
if (root !== null) {
  render(<App session={session} hasToken={state !== "nolink"} />, root);
  if (dialog !== null) {
    setTimeout(() => session.open({ is: dialog, id: about, name: "K.", to: "circle", n: 1 } as Dialog), 50);
  }
}
