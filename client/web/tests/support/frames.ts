/** Frames as the server says them, short to write. */

import type { Member } from "../../src/lib/index.ts";
import type { Frame } from "./world.ts";

export const pos = (n: number): Uint8Array => new Uint8Array([n]);

export function member(name: string, more: Partial<Member> = {}): Member {
  return { name, role: "member", seat: 1, here: "here", muted: [], held: [], hand: null, ...more };
}

export function inside(more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    room: "r1",
    title: "Evening",
    agreement: { version: 1, text: "Be kind." },
    members: { m1: member("Ada"), m2: member("Bo", { seat: 2 }) },
    floor: {
      mode: "open",
      holder: null,
      turn: 0,
      ends_at: null,
      paused: false,
      left: null,
      why_paused: [],
      queue: [],
      round: null,
    },
    pairs: null,
    agenda: null,
    locked: false,
    settings: {
      chat: "all",
      direct: false,
      slow_seconds: 0,
      grace_seconds: 30,
      lobby: true,
      facilitators_wait: false,
      sealed: false,
    },
    mood: null,
    milestones: [],
    breathe: null,
    care: {},
    notice: null,
    ...more,
  };
}

export function welcome(more: Record<string, unknown> = {}): Frame {
  return {
    t: "welcome",
    me: "m1",
    role: "member",
    phase: "agreement",
    resume: "res-1",
    room: { title: "Evening", agreement: { version: 1, text: "Be kind." } },
    resumed: false,
    now: 1_000,
    ...more,
  };
}

export function welcomeBack(more: Record<string, unknown> = {}): Frame {
  return welcome({
    phase: "inside",
    resume: "res-2",
    room: inside(),
    resumed: true,
    pos: { room: pos(90), circle: pos(99) },
    ...more,
  });
}

export function entered(more: Record<string, unknown> = {}): Frame {
  return {
    t: "entered",
    room: inside(),
    pos: { room: pos(1), circle: pos(10) },
    now: 1_001,
    ...more,
  };
}

export function chat(n: number, more: Record<string, unknown> = {}): Frame {
  return {
    t: "chat",
    to: "circle",
    n,
    pos: pos(10 + n),
    from: "m2",
    at: 1_001 + n,
    body: `word ${n}`,
    ...more,
  };
}

export function deleted(n: number, more: Record<string, unknown> = {}): Frame {
  return { t: "chat.deleted", to: "circle", n, pos: pos(100 + n), ...more };
}

/** A `room` frame of entries: slice, key and value; without a value it is gone. */
export function patch(...entries: unknown[][]): Frame {
  return { t: "room", seq: 1, pos: pos(2), why: "test", patch: entries };
}

export function change(set: Record<string, unknown>, more: Record<string, unknown> = {}): Frame {
  return { t: "room", seq: 1, pos: pos(2), why: "test", set, ...more };
}
