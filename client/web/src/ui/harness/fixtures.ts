/** Snapshots of every state of the page, to look at without a server. Not shipped. */
import type { ChatMessage, Conversation, Floor, Member, RoomView, Snapshot } from "../port.ts";

export const NOW = 1_790_000_000;
const NAMES = [
  "Mara", "Ben", "Aïcha", "Jon S.", "Li Wei", "Rosalind", "Tomasz", "Nia", "Old Joe", "Ellen", "Kofi", "Zuzana",
  "Sam", "Priya", "Håkon", "Dolores", "Yusuf", "Maximilian-Alexander", "Bo", "Grace",
];

const AGREEMENT = `We come as we are. Nobody has to speak, and everybody may.

- What is said here stays here.
- I am in a place where nobody else can see or hear the others.
- I don't record, photograph or copy anything.
- I let each person finish. When the stick is out, I listen.
- I speak about myself and give no advice that nobody asked for.

If I worry about my safety or somebody else's, I tell a facilitator. This circle is not an emergency service.`;

export function members(count: number, change: Record<string, Partial<Member>> = {}): Record<string, Member> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, i): [string, Member] => {
      const id = `m${i}`;
      const round = Math.floor(i / NAMES.length);
      const name = `${NAMES[i % NAMES.length] ?? "?"}${round > 0 ? ` ${round + 1}` : ""}`;
      const role = i === 0 ? "facilitator" : "member";
      return [id, { name, role, seat: i, here: "here", muted: [], held: [], hand: null, ...change[id] }];
    }),
  );
}

export const floor = (change: Partial<Floor> = {}): Floor => ({
  mode: "open", holder: null, turn: 1, ends_at: null, paused: false, left: null, why_paused: [], queue: [],
  round: null, ...change,
});

export function room(change: Partial<RoomView> = {}): RoomView {
  return {
    room: "r1",
    title: "Thursday evening circle",
    agreement: { version: "1", text: AGREEMENT },
    members: members(8),
    floor: floor(),
    pairs: null,
    lobby: [],
    help: [],
    care: {},
    talk: {},
    agenda: null,
    locked: false,
    settings: {
      chat: "all", direct: false, slow_seconds: 0, grace_seconds: 30, lobby: true, facilitators_wait: false,
      sealed: false,
    },
    mood: null,
    milestones: [],
    breathe: null,
    notice: null,
    link_key: null,
    concerns: [],
    topics: [],
    ...change,
  };
}

export function talk(to: string, lines: readonly (readonly [string, string, Partial<ChatMessage>?])[], me = "m3"): Conversation {
  return {
    to,
    closed: false,
    unread: 0,
    messages: lines.map(([from, body, change], i) => ({
      n: i + 1, from, at: NOW - 900 + i * 70, body, sealed: null, deleted: false, notice: false,
      mine: from === me, ...change,
    })),
  };
}

const CIRCLE_TALK = talk("circle", [
  ["m0", "Good evening, everyone. I'm glad that you are here. We begin in a few minutes."],
  ["m1", "Hello from a rainy kitchen."],
  ["m4", "Hi all."],
  ["m4", "First time for me, so I might mostly listen tonight if that is okay?"],
  ["m0", "More than okay."],
  ["m3", "Welcome, Li Wei. I only listened the first three times."],
  ["m6", "", { deleted: true }],
  ["m0", "In ten minutes we make pairs. Get yourselves a glass of water if you like.", { notice: true }],
  ["m5", "Thank you for that, Jon."],
]);

export function snapshot(change: Partial<Snapshot> = {}): Snapshot {
  const view = change.room ?? room();
  return {
    phase: "inside",
    connection: "ok",
    me: "m3",
    role: "member",
    room: view,
    chats: { circle: CIRCLE_TALK },
    reactions: [],
    closed: null,
    gaps: [],
    forgotten: 0,
    names: Object.fromEntries(Object.entries(view.members).map(([id, one]) => [id, one.name])),
    serverNow: () => NOW,
    ...change,
  };
}

const ROUND = floor({
  mode: "stick", holder: "m2", turn: 7, ends_at: NOW + 92, queue: ["m5"],
  round: { order: ["m1", "m2", "m3", "m4", "m5", "m6", "m7"], done: ["m1"], seconds: 120 },
});
const BUSY = members(8, {
  m1: { muted: ["audio"] },
  m4: { muted: ["audio", "chat"], held: ["audio", "chat"] },
  m5: { hand: 1 },
  m6: { here: "reconnecting" },
  m7: { here: "away" },
});
const PAIRS = {
  groups: { g1: ["m1", "m2"], g2: ["m3", "m5"], g3: ["m4", "m6", "m7"] },
  mine: null, ends_at: NOW + 371, visitors: {}, asked: false, closing: false,
};
const guide = { me: "m0", role: "facilitator" } as const;
const closed = (code: number): Snapshot => snapshot({ phase: "closed", closed: { code }, room: room({ members: {} }) });
const LOBBY = [
  { id: "p1", name: "Hannah", at: NOW - 190 },
  { id: "p2", name: "K.", at: NOW - 20 },
];
const crowd = (n: number): Snapshot =>
  snapshot({ room: room({ members: members(n, { m5: { hand: 1 } }), floor: { ...ROUND, round: null } }) });

export const STATES: Readonly<Record<string, () => Snapshot>> = {
  join: () => snapshot({ phase: "idle", me: null, role: null }),
  again: () => snapshot({ phase: "idle", me: null, role: null }),
  nolink: () => snapshot({ phase: "idle", me: null, role: null }),
  connecting: () => snapshot({ phase: "connecting", me: null, role: null }),
  agreement: () => snapshot({ phase: "agreement", room: room({ members: {} }) }),
  series: () => snapshot({ phase: "agreement", room: room({ members: {}, series: { id: "s1" } }) }),
  seriesinside: () => snapshot({ room: room({ series: { id: "s1", remembered: true, times: true } }) }),
  lobby: () => snapshot({ phase: "lobby", room: room({ members: {} }) }),
  open: () => snapshot(),
  quiet: () => snapshot({ room: room({ floor: floor({ mode: "quiet" }), locked: true }) }),
  resting: () => snapshot({ room: room({ floor: floor({ mode: "stick" }) }) }),
  round: () =>
    snapshot({
      room: room({ members: BUSY, floor: ROUND }),
      reactions: [{ key: 1, from: "m5", kind: "heart", at: 0 }],
      chats: {
        circle: CIRCLE_TALK,
        "staff:m3": { ...talk("staff:m3", [["m3", "Could I go last?"], ["m0", "Of course."]]), unread: 1 },
      },
    }),
  mine: () =>
    snapshot({
      room: room({
        members: BUSY,
        floor: { ...ROUND, holder: "m3", round: { order: ROUND.round?.order ?? [], done: ["m1", "m2"], seconds: 120 } },
      }),
    }),
  untimed: () => snapshot({ room: room({ floor: floor({ mode: "stick", holder: "m5", turn: 3, queue: ["m3"] }) }) }),
  paused: () =>
    snapshot({
      room: room({
        members: members(8, { m2: { here: "reconnecting" } }),
        floor: { ...ROUND, paused: true, left: 61, why_paused: ["holder"] },
      }),
    }),
  reconnecting: () => snapshot({ connection: "reconnecting", room: room({ members: BUSY, floor: ROUND }) }),
  unattended: () =>
    snapshot({
      room: room({
        members: members(6, { m0: { here: "away" } }), notice: "no_facilitator", floor: floor({ mode: "stick" }),
      }),
    }),
  pair: () =>
    snapshot({
      room: room({ pairs: { ...PAIRS, mine: "g2" } }),
      chats: {
        circle: CIRCLE_TALK,
        "pair:g2": talk("pair:g2", [["m5", "Hello again, Jon."], ["m3", "Hello! How has your week been?"]]),
      },
    }),
  visited: () =>
    snapshot({
      room: room({ pairs: { ...PAIRS, mine: "g2", visitors: { g2: ["m0"] }, asked: true, closing: true, ends_at: NOW + 24 } }),
    }),
  guide: () =>
    snapshot({
      ...guide,
      room: room({ members: BUSY, floor: ROUND, lobby: LOBBY }),
      chats: { circle: CIRCLE_TALK, "staff:m4": { ...talk("staff:m4", [["m4", "I need a minute."]], "m0"), unread: 1 } },
    }),
  guidereading: () =>
    snapshot({
      ...guide,
      room: room({
        members: BUSY, floor: ROUND, lobby: LOBBY,
        door: { reading: 3, waiting: 2, places: 100, crowded: false, links: [
          { link: "i1", role: "member", reading: 3, waiting: 2, inside: 4, floods: false },
        ] },
      }),
    }),
  flood: () =>
    snapshot({
      ...guide,
      room: room({
        members: BUSY, floor: ROUND,
        lobby: [
          ...Array.from({ length: 20 }, (_, i) => ({ id: `x${i}`, name: `x${i}`, at: NOW - 20 + i, link: "i1" })),
          { id: "p1", name: "Hannah", at: NOW - 5, link: null },
        ],
        door: { reading: 30, waiting: 21, places: 100, crowded: true, links: [
          { link: "i1", role: "member", reading: 30, waiting: 20, inside: 4, floods: true },
        ] },
      }),
    }),
  full: () =>
    snapshot({
      ...guide,
      room: room({
        members: members(30), lobby: [],
        door: { reading: 0, waiting: 0, places: 100, crowded: false, links: [
          { link: "i1", role: "member", reading: 0, waiting: 0, inside: 27, floods: false },
        ] },
      }),
    }),
  guidepairs: () =>
    snapshot({ ...guide, room: room({ pairs: { ...PAIRS, visitors: { g1: ["m0"] } }, help: ["m5"] }) }),
  guideopen: () => snapshot({ ...guide, room: room({ pairs: PAIRS, help: ["m5"] }) }),
  muted: () => snapshot({ room: room({ members: members(8, { m3: { muted: ["chat", "audio"], held: ["chat", "audio"] } }) }) }),
  two: () => snapshot({ me: "m1", room: room({ members: members(2) }) }),
  five: () => snapshot({ room: room({ members: members(5), floor: { ...ROUND, round: null } }) }),
  twelve: () => crowd(12),
  twenty: () => crowd(20),
  thirty: () => crowd(30),
  fifty: () => crowd(50),
  empty: () => snapshot({ me: "m0", role: "facilitator", room: room({ members: members(1) }), chats: {} }),
  endnear: () => snapshot({ room: room({ expires_at: NOW + 590, closing: 600 }) }),
  endguide: () => snapshot({ ...guide, room: room({ expires_at: NOW + 3590, closing: 3600 }) }),
  endminute: () => snapshot({ ...guide, room: room({ expires_at: NOW + 50, closing: 60 }) }),
  endover: () => snapshot({ ...guide, room: room({ expires_at: NOW + 3000, closing: 0 }) }),
  endcalm: () => snapshot({ ...guide, room: room({ expires_at: NOW + 80_000 }) }),
  anew: () => snapshot({ phase: "agreement", forgotten: 1, room: room({ members: {} }) }),
  left: () => closed(1000),
  ended: () => closed(4404),
  removed: () => closed(4403),
  declined: () => closed(4405),
  given: () => closed(4010),
  elsewhere: () => closed(4409),
  locked: () => closed(4423),
  fast: () => closed(4429),
};
