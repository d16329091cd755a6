/**
 * Lookups by a word that somebody else chose: a member's sign, an id, a slice, a code. Only what a
 * table itself holds counts; `constructor` and the like, which every object inherits, are not in it.
 */

type Found<T, K extends keyof T> = string extends keyof T ? T[K] | undefined : T[K];

/** What `table` itself holds under `key`; undefined where it does not, or where there is no table. */
export function own<T extends object, K extends keyof T>(table: T, key: K): Found<T, K>;
export function own<T extends object, K extends keyof T>(
  table: T | null | undefined,
  key: K,
): T[K] | undefined;
export function own(table: object | null | undefined, key: PropertyKey): unknown {
  if (table == null || !Object.hasOwn(table, key)) return undefined;
  return (table as Record<PropertyKey, unknown>)[key];
}

/** Sets an entry as by assignment, whatever it is called: `__proto__` assigned would be no entry. */
export function put<V>(table: Record<string, V>, key: string, value: V): void {
  Object.defineProperty(table, key, { value, writable: true, enumerable: true, configurable: true });
}
