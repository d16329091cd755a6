/**
 * Blinds concerns, so that the server can match equal ones but not read them (rules LK1 to LK3).
 *
 * A tag is HMAC-SHA-256 over the normal form of a concern, in UTF-8, under the room's `link_key`.
 * `protocol/vectors/linking.json` has examples.
 */

/** Characters of a concern. */
export const CONCERN_MAX = 120;
/** Concerns that one person may tick. */
export const TAGS_MAX = 20;

// Listed, because languages differ in what is white space.
const SPACE = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]+/gu;
const SURROGATE = /\p{Surrogate}/u;

/**
 * The form in which concerns are compared: NFKC, with case and white space normalized. Throws a
 * `RangeError` if the concern is empty, too long, or has lone surrogates.
 */
export function normalConcern(concern: string): string {
  if ([...concern].length > CONCERN_MAX) throw new RangeError("a concern is too long");
  if (SURROGATE.test(concern)) throw new RangeError("a concern is not proper text");
  const folded = concern.normalize("NFKC").toLowerCase().toUpperCase().normalize("NFKC");
  const normal = folded.replace(SPACE, " ").replace(/^ | $/g, "");
  if (normal === "") throw new RangeError("a concern is empty");
  return normal;
}

/** The tag of one concern: 32 bytes. Needs WebCrypto, which browsers have only on secure pages. */
export async function blind(linkKey: Uint8Array, concern: string): Promise<Uint8Array> {
  if (linkKey.length === 0) throw new RangeError("the room has no key for concerns");
  const words = new TextEncoder().encode(normalConcern(concern));
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  // Copies: a decoded frame's bytes are a view of a buffer that holds the whole frame.
  const key = await crypto.subtle.importKey("raw", linkKey.slice(), algorithm, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, words));
}

/**
 * The tags for `topics.set`, each once, sorted so that their order reveals nothing. Throws a
 * `RangeError` for more than `TAGS_MAX`.
 */
export async function blindAll(
  linkKey: Uint8Array,
  concerns: Iterable<string>,
): Promise<Uint8Array[]> {
  const different = new Map([...concerns].map((concern) => [normalConcern(concern), concern]));
  if (different.size > TAGS_MAX) throw new RangeError("too many concerns");
  const tags = await Promise.all([...different.values()].map((concern) => blind(linkKey, concern)));
  return tags.sort(byBytes);
}

function byBytes(one: Uint8Array, other: Uint8Array): number {
  const at = one.findIndex((byte, index) => byte !== other[index]);
  return at < 0 ? 0 : one[at]! - other[at]!;
}
