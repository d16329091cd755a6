import { describe, expect, it } from "vitest";
import { announce } from "../../src/ui/announce.ts";
import { asideMember } from "../../src/ui/care/parts.tsx";
import { conversationName, conversations, readers, whyClosed } from "../../src/ui/chat/audience.ts";
import { room, snapshot } from "../../src/ui/harness/fixtures.ts";
import { groupInView, ringPeople } from "../../src/ui/model.ts";
import type { CareEntry, Snapshot } from "../../src/ui/port.ts";
import { care } from "../../src/ui/words-care.ts";

const named = (snap: Snapshot) => (id: string | null | undefined): string => snap.names[id ?? ""] ?? "?";
const with_ = (entries: Record<string, CareEntry>, who: Partial<Snapshot> = {}): Snapshot =>
  snapshot({ ...who, room: room({ care: entries }) });
const guide = { me: "m0", role: "facilitator" } as const;
const said = (before: Snapshot, after: Snapshot): readonly string[] => announce(before, after, named(after), "circle").polite;

describe("a side room", () => {
  const snap = snapshot({ room: room({ aside: { group: "a1", members: ["m0", "m3"] } }) });

  it("is all that is seen of the circle, and has its own conversation", () => {
    expect(groupInView(snap)).toBe("a1");
    expect(ringPeople(snap).map(({ id }) => id)).toEqual(["m0", "m3"]);
    expect(conversations(snap, "circle")).toContain("pair:a1");
    expect(conversationName(snap, "pair:a1", named(snap))).toBe(care.asideName);
    expect(readers(snap, "pair:a1", named(snap))).toBe("Only Mara and you read this.");
    expect(whyClosed(snap, "pair:a1")).toBeNull();
  });

  it("is left by the member, or the facilitator brings the member back", () => {
    const led = (id: string): boolean => id === "m0";
    expect(asideMember("m3", ["m0", "m3"], led)).toBe("m3");
    expect(asideMember("m0", ["m0", "m3"], led)).toBe("m3");
  });
});

describe("what is said of care", () => {
  const quiet: CareEntry = { level: "quiet", taken_by: null, own: true };

  it("is each call once, and who is gone, to facilitators", () => {
    const none = with_({}, guide);
    const one = with_({ m3: quiet }, guide);
    expect(said(none, one)).toEqual([care.say.quiet("Jon S.")]);
    expect(said(one, with_({ m3: quiet }, guide))).toEqual([]);
    expect(said(one, with_({ m3: { ...quiet, level: "urgent" } }, guide))).toEqual([care.say.urgent("Jon S.")]);
    expect(said(one, with_({ m3: { ...quiet, gone: true, name: "Jon" } }, guide))).toEqual([care.say.gone("Jon")]);
    expect(said(none, with_({ m3: { ...quiet, own: false } }, guide))).toEqual([care.say.worried("Jon S.")]);
  });

  it("is to oneself who has taken it on", () => {
    const up = with_({ m3: { level: "quiet", taken_by: null } });
    expect(said(with_({}), up)).toEqual([]);
    expect(said(up, with_({ m3: { level: "quiet", taken_by: "m0" } }))).toEqual([care.say.taken("Mara")]);
  });
});
