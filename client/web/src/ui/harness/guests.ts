/** States with guest speakers and materials. Not shipped. */
import type { Material, Snapshot } from "../port.ts";
import { members, NOW, room, snapshot, talk } from "./fixtures.ts";

const guide = { me: "m0", role: "facilitator" } as const;
const GUEST = { m3: { role: "guest" } } as const;
const people = members(8, GUEST);
const settings = { ...room().settings!, guests_read: false };
const STAGES = [
  { kind: "arrival", seconds: 300 },
  { kind: "topic", title: "A doctor answers", seconds: 1800, guest: true },
  { kind: "closing", seconds: 600 },
] as const;

export const MATERIALS: Material[] = [
  { id: "t1", kind: "link", by: "m0", at: NOW, url: "https://example.org/help/someone-to-talk-to?from=circle", title: "Somebody to talk to, at night as well" },
  { id: "t2", kind: "text", by: "m0", at: NOW, text: "What helped me this week?\nWhat did I not need?\nWhom do I want to thank?" },
  { id: "f1", kind: "picture", by: "m0", at: NOW, title: "Our garden", type: "image/png", bytes: 310_000, width: 640, height: 400 },
  { id: "f2", kind: "pdf", by: "m0", at: NOW, title: "Sleep well", type: "application/pdf", bytes: 1_240_000, pages: 3 },
  { id: "s1", kind: "text", by: null, at: NOW, text: "The three questions", title: "For this round" },
];

export const GUESTS: Readonly<Record<string, () => Snapshot>> = {
  guestwaits: () =>
    snapshot({
      role: "guest",
      room: room({
        members: Object.fromEntries(Object.entries(people).filter(([id]) => id === "m0" || id === "m3")),
        guests: { brought: false, in: [] }, settings,
        agenda: { stages: [...STAGES], at: 0, ends_at: NOW + 120 },
      }),
      chats: { "staff:m3": talk("staff:m3", [["m0", "We bring you in at eight."], ["m3", "I am ready."]]) },
    }),
  guestin: () =>
    snapshot({ role: "guest", room: room({ members: people, guests: { brought: true, in: ["m3"] }, settings, materials: MATERIALS }), chats: {} }),
  guestguide: () => snapshot({ ...guide, room: room({ members: people, guests: { brought: false, in: [] } }) }),
  guestmember: () => snapshot({ me: "m1", room: room({ members: people, guests: { brought: true, in: ["m3"] } }) }),
  shown: () => snapshot({ room: room({ materials: MATERIALS }) }),
  shownguide: () => snapshot({ ...guide, room: room({ materials: MATERIALS }) }),
};

/** A picture of this size, drawn here. */
export function drawing(): Promise<Blob> {
  const canvas = document.createElement("canvas");
  canvas.width = 640;
  canvas.height = 400;
  const pen = canvas.getContext("2d");
  if (pen !== null) {
    pen.fillStyle = "#3d6b58";
    pen.fillRect(0, 0, 640, 400);
    pen.fillStyle = "#f2d9a0";
    pen.arc(320, 200, 90, 0, 7);
    pen.fill();
  }
  return new Promise((resolve) => canvas.toBlob((blob) => resolve(blob ?? new Blob())));
}
