/** States with an agenda, breathing and concerns. Not shipped. */
import type { CrisisLines } from "../../lib/index.ts";
import type { Agenda, Milestone, RoomView, Settings, Snapshot, Stage, Template } from "../port.ts";
import { floor, members, NOW, room, snapshot, talk } from "./fixtures.ts";

const STAGES: Stage[] = [
  { kind: "arrival", title: "Arriving", seconds: 300, auto: false, floor: "open", prompt: "Good to see you. Get something to drink, try your microphone, say hello." },
  { kind: "breath", title: "A minute to arrive", seconds: 90, auto: true, floor: "quiet", mics: "muted", breathe: { pattern: [4, 6] }, prompt: "Breathe in while the circle grows, and out while it sinks." },
  {
    kind: "round", title: "Opening round", seconds: 900, auto: false, floor: "round",
    rounds: [{ prompt: "How are you here tonight? A word or two will do, and silence will too." }, { prompt: "What would you like to leave at the door?" }],
  },
  { kind: "pairs", title: "Two by two", seconds: 720, auto: false, floor: "quiet", pairs: { size: 2, how: "linked" }, prompt: "What has this week been like with what you carry?\nOne speaks and one listens, and after half of the time it is the other way round." },
  { kind: "sharing", seconds: 930, auto: false, floor: "stick", turn_seconds: 180, prompt: "Raise your hand if you would like to share something with all of us." },
  { kind: "debrief", title: "Good night", seconds: 600, auto: false, prompt: "Thank you for being here. Go gently with yourself tonight." },
];
const agenda = (change: Partial<Agenda> = {}): Agenda => ({ stages: STAGES, at: 2, ends_at: NOW + 724, over: false, round: 0, ...change });
const ROUND = floor({
  mode: "stick", holder: "m2", turn: 7, ends_at: NOW + 92,
  round: { order: ["m1", "m2", "m3", "m4", "m5", "m6", "m7"], done: ["m1"], seconds: 120 },
});
const CONCERNS = ["Losing somebody", "Sleeping badly", "A child who is ill", "Coming off alcohol", "Being alone with it"];
const SETTINGS = room().settings;
const CARDS = SETTINGS === null ? null : { ...SETTINGS, cards: true };
const least: Settings | null = SETTINGS === null ? null : { ...SETTINGS, queue_order: "least_heard" };
const KEY = new Uint8Array(32).fill(7);
const guide = { me: "m0", role: "facilitator" } as const;
const shown = (change: Partial<RoomView>, who: Partial<Snapshot> = {}): Snapshot => snapshot({ ...who, room: room(change) });

const moment = (n: number, member: string, text: string): Milestone => ({ n, member, text, ends_at: NOW + 16 });

export const EVENING: Readonly<Record<string, () => Snapshot>> = {
  stage: () => shown({ agenda: agenda(), floor: ROUND }),
  stageguide: () => shown({ agenda: agenda(), floor: ROUND }, guide),
  stageready: () => shown({ agenda: agenda({ at: null, ends_at: null, round: null }) }, guide),
  stageover: () => shown({ agenda: agenda({ at: 3, ends_at: NOW - 130, over: true, round: null }) }, guide),
  stagelong: () => shown({ agenda: agenda({ at: 3, ends_at: NOW + 600, round: null }) }),
  stagenone: () => shown({}, guide),
  minute: () => shown({ agenda: agenda(), floor: { ...ROUND, holder: "m3", ends_at: NOW + 48, signal: 60 } }),
  ten: () => shown({ agenda: agenda(), floor: { ...ROUND, holder: "m3", ends_at: NOW + 7, signal: 10 } }),
  breath: () =>
    shown({
      agenda: agenda({ at: 1, ends_at: NOW + 70, round: null }), floor: floor({ mode: "quiet", mics: "muted" }),
      breathe: { pattern: [4, 6], starts_at: NOW - 22, ends_at: NOW + 70 },
    }),
  breathguide: () => shown({ breathe: { pattern: [4, 2, 6], starts_at: NOW - 4.5, ends_at: NOW + 70 } }, guide),
  breathmany: () => shown({ members: members(50), breathe: { pattern: [4, 2, 6], starts_at: NOW - 4.5, ends_at: NOW + 70 } }),
  care: () => shown({ settings: CARDS, care: { m3: { level: "quiet", taken_by: "m0" } }, care_opened: [{ by: "m0", at: NOW }] }),
  carenone: () => shown({ settings: CARDS }),
  aside: () => shown({ agenda: agenda(), aside: { group: "a1", members: ["m0", "m3"] }, care: { m3: { level: "urgent", taken_by: "m0" } } }),
  careguide: () =>
    shown(
      {
        care: {
          m4: { level: "urgent", taken_by: null, own: true, card: true, worried: { m2: "quiet" } },
          m5: { level: "quiet", taken_by: "m0", own: true, card: true },
          m6: { level: "quiet", taken_by: null, own: false, worried: { m1: "quiet" }, gone: true, name: "Tomasz" },
        },
      },
      guide,
    ),
  mood: () => shown({ mood: { open: true, answers: 3, result: null } }),
  moodguide: () => shown({ agenda: agenda(), mood: { open: true, answers: 6, result: null } }, guide),
  moodshown: () => shown({ mood: { open: false, answers: 9, result: { counts: { 1: 1, 2: 0, 3: 2, 4: 5, 5: 1 } } } }),
  moodearlier: () => shown({ mood: { open: false, answers: 8, result: { counts: { 1: 3, 2: 2, 3: 2, 4: 1, 5: 0 } } } }),
  moodfew: () => shown({ mood: { open: false, answers: 3, result: null } }),
  moodheld: () => shown({ mood: { open: false, answers: 7, result: null } }),
  moodshownguide: () => shown({ mood: { open: false, answers: 9, result: { counts: { 1: 1, 2: 0, 3: 2, 4: 5, 5: 1 } } } }, guide),
  milestone: () => shown({ floor: ROUND, milestones: [moment(1, "m7", "Ninety days today. I did not think that I would say that.")] }),
  milestonemine: () => shown({ milestones: [moment(1, "m3", "I called my sister.")] }),
  milestones: () =>
    shown(
      { milestones: ["Ninety days today.", "I slept through a night, the first one since March, and woke up without it.", "A year.", "I called my sister.", "I went outside."].map((text, i) => moment(i + 1, `m${i + 1}`, text)) },
      guide,
    ),
  nudged: () => shown({ nudge: { at: NOW } }),
  signs: () =>
    shown({ floor: ROUND }, { reactions: [["m1", "hear_you"], ["m6", "me_too"], ["m3", "thank_you"], ["m4", "heart"]].map(([from, kind], key) => ({ key, from: from ?? "", kind: kind ?? "", at: 0 })) }),
  heard: () =>
    shown(
      {
        talk: { m0: 340, m1: 610, m2: 95, m3: 41, m4: 0, m5: 190 }, unheard: ["m4", "m6", "m7"],
        settings: least, floor: floor({ mode: "stick", holder: "m1", turn: 4, queue: ["m5", "m3"] }), members: members(8, { m5: { hand: 1 }, m3: { hand: 2 } }),
      },
      guide,
    ),
  leastheard: () => shown({ settings: least, floor: floor({ mode: "stick", holder: "m1", turn: 4, queue: ["m5", "m3"] }), members: members(8, { m5: { hand: 1 }, m3: { hand: 2 } }) }),
  inbox: () =>
    shown(
      { inbox: { m4: { claimed_by: null, waiting: true }, m5: { claimed_by: "m8", waiting: true }, m6: { claimed_by: "m0", waiting: true }, m2: { claimed_by: null, waiting: false } }, members: members(9, { m8: { role: "facilitator" } }) },
      {
        ...guide,
        chats: {
          circle: talk("circle", [["m1", "Hello from a rainy kitchen."]], "m0"),
          "staff:m4": { ...talk("staff:m4", [["m4", "I need a minute."], ["m4", "Could somebody tell me whether I may keep my camera off?"]], "m0"), unread: 2 },
          "staff:m5": talk("staff:m5", [["m5", "Is there a break?"]], "m0"),
          "staff:m6": talk("staff:m6", [["m6", "My sound is gone."]], "m0"),
          "staff:m2": talk("staff:m2", [["m2", "Thanks!"], ["m0", "Gladly."]], "m0"),
        },
      },
    ),
  guidefull: () =>
    shown(
      {
        agenda: agenda({ at: 3, ends_at: NOW + 600, round: null }),
        floor: floor({ queue: ["m5"] }),
        lobby: [{ id: "p1", name: "Hannah", at: NOW - 190 }],
        care: { m4: { level: "quiet", taken_by: null, own: true } },
        inbox: { m5: { claimed_by: null, waiting: true } },
        pairs: { groups: { g1: ["m1", "m2"], g2: ["m3", "m5"], g3: ["m4", "m6", "m7"] }, mine: null, ends_at: NOW + 371, visitors: {}, asked: false, closing: false },
        help: ["m1"], talk: { m1: 61 }, unheard: ["m2", "m3"], mood: { open: true, answers: 2, result: null }, link_key: KEY, concerns: CONCERNS,
      },
      guide,
    ),
  gone: () => shown({ care: { m6: { level: "urgent", taken_by: "m0", own: true, card: true, gone: true, name: "Tomasz" } } }, guide),
  concerns: () => shown({ link_key: KEY, concerns: CONCERNS }),
  concernsguide: () => shown({ link_key: KEY, concerns: CONCERNS, agenda: agenda() }, guide),
};

export const TEMPLATES: Template[] = [
  { name: "peer-support-60", title: "Peer support, one hour", about: "An evening among people who know the same trouble, for six to twelve.", seconds: 3600, stages: STAGES },
  { name: "grief-circle-90", title: "Grief circle, an hour and a half", about: "For people who have lost somebody. Slow, with long turns.", seconds: 5400, stages: STAGES },
];

export const PLAN = {
  groups: [["m1", "m2"], ["m3", "m4"], ["m5", "m6", "m7"]],
  why: [{ shared: 2, met: 0 }, { shared: 0, met: 0 }, { shared: 1, met: 1 }],
  report: { pairs: 5, linked: 3, repeats: 1, random: { linked: 1.25, repeats: 0.7 } },
};

export const LINES: CrisisLines = {
  note: "Numbers change. Check the lines of your country before you rely on them.",
  anywhere: { name: "Find A Helpline", source: "ThroughLine", url: "https://findahelpline.com/", noted: "2026-11-22", checked: null },
  countries: {
    AT: { emergency: "112", lines: [{ name: "TelefonSeelsorge", phone: "142", hours: "24/7", languages: ["de"], source: "TelefonSeelsorge", url: "https://www.telefonseelsorge.at/", noted: "2026-11-22", checked: null }] },
    US: { emergency: "911", lines: [{ name: "988 Lifeline", phone: "988", hours: "24/7", languages: ["en"], source: "988 Lifeline", url: "https://988lifeline.org/", noted: "2026-11-22", checked: null }] },
  },
};
