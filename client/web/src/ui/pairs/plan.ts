/** Changes by hand to a plan of groups. Pure. */

export type Plan = readonly (readonly string[])[];
export type MemberPair = readonly [string, string];

/** Moves `member` to the group at `to`; null is the circle, one past the end a new group. */
export function put(plan: Plan, member: string, to: number | null): Plan {
  const without = plan.map((group) => group.filter((id) => id !== member));
  if (to === null) return without;
  if (to >= without.length) return [...without, [member]];
  return without.map((group, i) => (i === to ? [...group, member] : group));
}

/** The groups to send: only present members, no empty group. */
export function ready(plan: Plan, here: ReadonlySet<string>): string[][] {
  return plan.map((group) => group.filter((id) => here.has(id))).filter((group) => group.length > 0);
}

export function where(plan: Plan, member: string): number | null {
  const at = plan.findIndex((group) => group.includes(member));
  return at < 0 ? null : at;
}

/** Whether a group has two members who must be kept apart. */
export function forbiddenPair(plan: Plan, never: readonly MemberPair[]): MemberPair | null {
  return never.find(([a, b]) => plan.some((group) => group.includes(a) && group.includes(b))) ?? null;
}

/** The groups in an answer, or null. */
export function planFrom(fields: unknown): Plan | null {
  const groups = (fields as { groups?: unknown } | null)?.groups;
  if (!Array.isArray(groups)) return null;
  return groups.map((group: unknown) =>
    Array.isArray(group) ? group.filter((id): id is string => typeof id === "string") : [],
  );
}

export function alsoIn(list: readonly MemberPair[], [a, b]: MemberPair): boolean {
  return list.some((couple) => couple.includes(a) && couple.includes(b));
}

/** The pairs of a list of which both are present. */
export function presentPairs(list: readonly MemberPair[], here: ReadonlySet<string>): [string, string][] {
  return list.filter(([a, b]) => here.has(a) && here.has(b)).map(([a, b]): [string, string] => [a, b]);
}

/** Whether the pins need a group of more than `size` people. */
export function pinsExceed(pins: readonly MemberPair[], size: number): boolean {
  const groups: Set<string>[] = [];
  for (const couple of pins) {
    const touched = groups.filter((group) => couple.some((id) => group.has(id)));
    const joined = new Set([...couple, ...touched.flatMap((group) => [...group])]);
    groups.splice(0, groups.length, ...groups.filter((group) => !touched.includes(group)), joined);
  }
  // A group may have one more if the number of people doesn't divide.
  return groups.some((group) => group.size > size + 1);
}
