/** A plan of groups that is moved about by hand before it opens. Pure. */

export type Plan = readonly (readonly string[])[];
export type Couple = readonly [string, string];

/** `member` put into the group at `to`; `null` is the circle, one past the end a new group. */
export function put(plan: Plan, member: string, to: number | null): Plan {
  const without = plan.map((group) => group.filter((id) => id !== member));
  if (to === null) return without;
  if (to >= without.length) return [...without, [member]];
  return without.map((group, i) => (i === to ? [...group, member] : group));
}

/** Only who is still here, and no empty group: what may be sent. */
export function ready(plan: Plan, here: ReadonlySet<string>): string[][] {
  return plan.map((group) => group.filter((id) => here.has(id))).filter((group) => group.length > 0);
}

export function where(plan: Plan, member: string): number | null {
  const at = plan.findIndex((group) => group.includes(member));
  return at < 0 ? null : at;
}

/** Whether a group of the plan holds two who must never be together. */
export function broken(plan: Plan, never: readonly Couple[]): Couple | null {
  return never.find(([a, b]) => plan.some((group) => group.includes(a) && group.includes(b))) ?? null;
}

/** The groups that a server's answer carries, or null where it carries none. */
export function planFrom(fields: unknown): Plan | null {
  const groups = (fields as { groups?: unknown } | null)?.groups;
  if (!Array.isArray(groups)) return null;
  return groups.map((group: unknown) =>
    Array.isArray(group) ? group.filter((id): id is string => typeof id === "string") : [],
  );
}

export function alsoIn(list: readonly Couple[], [a, b]: Couple): boolean {
  return list.some((couple) => couple.includes(a) && couple.includes(b));
}

/** Those of a list that can be sent: both are still here. */
export function hereOf(list: readonly Couple[], here: ReadonlySet<string>): [string, string][] {
  return list.filter(([a, b]) => here.has(a) && here.has(b)).map(([a, b]): [string, string] => [a, b]);
}

/** Whether the pins ask for more people in one group than `size`. */
export function tooMany(pins: readonly Couple[], size: number): boolean {
  const groups: Set<string>[] = [];
  for (const couple of pins) {
    const touched = groups.filter((group) => couple.some((id) => group.has(id)));
    const joined = new Set([...couple, ...touched.flatMap((group) => [...group])]);
    groups.splice(0, groups.length, ...groups.filter((group) => !touched.includes(group)), joined);
  }
  // A group has one more where the number of people doesn't divide.
  return groups.some((group) => group.size > size + 1);
}
