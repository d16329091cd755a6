/**
 * Lookups by a key that somebody else chose: an id, a slice, a code, a reaction. Only an object's own
 * keys count, not inherited ones such as `constructor`.
 */

type Found<T, K extends keyof T> = string extends keyof T ? T[K] | undefined : T[K];

/** The value of `table`'s own `key`; undefined if it has none or there is no table. */
export function own<T extends object, K extends keyof T>(table: T, key: K): Found<T, K>;
export function own<T extends object, K extends keyof T>(
  table: T | null | undefined,
  key: K,
): T[K] | undefined;
export function own(table: object | null | undefined, key: PropertyKey): unknown {
  if (table == null || !Object.hasOwn(table, key)) return undefined;
  return (table as Record<PropertyKey, unknown>)[key];
}

/** Sets an entry under any key, also `__proto__`, which an assignment would not set. */
export function put<V>(table: Record<string, V>, key: string, value: V): void {
  Object.defineProperty(table, key, { value, writable: true, enumerable: true, configurable: true });
}
