/**
 * Encodes and decodes frames: one MessagePack map each. The only file that imports the library.
 *
 * Before the library decodes, a walk over the bytes refuses what MessagePack allows and this wire does
 * not: extension types, NaN and infinity, keys that are not text or appear twice, invalid UTF-8, and
 * what is too deep, long or large. The golden vectors show that `sitwith_protocol.codec` does the same.
 */

import { Decoder, Encoder } from "@msgpack/msgpack";
import { put } from "../own.ts";

/** The bytes are no frame of this wire. Its text contains nothing of the frame. */
export class CodecError extends Error {
  override name = "CodecError";
}

/** The frame is larger than the limit. */
export class FrameTooLarge extends CodecError {
  override name = "FrameTooLarge";
}

/** Limits of a decoder: `frame`, `text` and `binary` in bytes, the others in items. */
export interface Limits {
  readonly frame: number;
  readonly text: number;
  readonly binary: number;
  readonly array: number;
  readonly map: number;
  readonly depth: number;
}

/** What the server takes from a client. */
export const CLIENT_LIMITS: Limits = {
  frame: 32 * 1024,
  text: 32 * 1024,
  binary: 32 * 1024,
  array: 1024,
  map: 1024,
  depth: 8,
};

/** What a client takes from the server: a view of 1,000 members fits. */
export const SERVER_LIMITS: Limits = {
  frame: 2 ** 20,
  text: 2 ** 18,
  binary: 2 ** 18,
  array: 4096,
  map: 4096,
  depth: 8,
};

const encoder = new Encoder({ ignoreUndefined: true, maxDepth: 32 });
const decoder = new Decoder();
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** One walk over the bytes of a frame. Recursion is bounded by `limits.depth`. */
class Walk {
  private at = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly limits: Limits,
    private readonly view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  ) {}

  whole(): void {
    const head = this.view.getUint8(0);
    if (!((head & 0xf0) === 0x80 || head === 0xde || head === 0xdf))
      throw new CodecError("not a map");
    this.value(this.limits.depth);
    if (this.at !== this.bytes.length) throw new CodecError("bytes left over");
  }

  private value(depth: number): void {
    const head = this.number(1);
    if (head <= 0x7f || head >= 0xe0) return;
    if (head <= 0x8f) return this.map(head & 0x0f, depth);
    if (head <= 0x9f) return this.array(head & 0x0f, depth);
    if (head <= 0xbf) return void this.text(head & 0x1f);
    switch (head) {
      case 0xc0:
      case 0xc2:
      case 0xc3:
        return;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.binary(this.number(1 << (head - 0xc4)));
      case 0xca:
        return this.real(this.view.getFloat32(this.take(4)));
      case 0xcb:
        return this.real(this.view.getFloat64(this.take(8)));
      case 0xcc:
      case 0xcd:
      case 0xce:
      case 0xcf:
        this.take(1 << (head - 0xcc));
        return;
      case 0xd0:
      case 0xd1:
      case 0xd2:
      case 0xd3:
        this.take(1 << (head - 0xd0));
        return;
      case 0xd9:
      case 0xda:
      case 0xdb:
        return void this.text(this.number(1 << (head - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.array(this.number(2 << (head - 0xdc)), depth);
      case 0xde:
      case 0xdf:
        return this.map(this.number(2 << (head - 0xde)), depth);
      case 0xc1:
        throw new CodecError("malformed");
      default:
        throw new CodecError("extension type");
    }
  }

  private map(length: number, depth: number): void {
    this.within(length, this.limits.map, depth);
    const keys = new Set<string>();
    for (let i = 0; i < length; i++) {
      const key = this.key();
      if (keys.has(key)) throw new CodecError("a key comes twice");
      keys.add(key);
      this.value(depth - 1);
    }
  }

  private key(): string {
    const head = this.number(1);
    if (head >= 0xa0 && head <= 0xbf) return this.text(head & 0x1f);
    if (head >= 0xd9 && head <= 0xdb) return this.text(this.number(1 << (head - 0xd9)));
    throw new CodecError("a key is not text");
  }

  private array(length: number, depth: number): void {
    this.within(length, this.limits.array, depth);
    for (let i = 0; i < length; i++) this.value(depth - 1);
  }

  private within(length: number, limit: number, depth: number): void {
    if (depth === 0) throw new CodecError("nested too deep");
    if (length > limit) throw new CodecError("too many items");
  }

  private text(length: number): string {
    if (length > this.limits.text) throw new CodecError("text too long");
    const start = this.take(length);
    try {
      return utf8.decode(this.bytes.subarray(start, start + length));
    } catch {
      throw new CodecError("not UTF-8");
    }
  }

  private binary(length: number): void {
    if (length > this.limits.binary) throw new CodecError("bytes too long");
    this.take(length);
  }

  private real(value: number): void {
    if (!Number.isFinite(value)) throw new CodecError("not a finite number");
  }

  /** A big-endian unsigned number of 1, 2 or 4 bytes. */
  private number(size: number): number {
    const start = this.take(size);
    if (size === 1) return this.view.getUint8(start);
    return size === 2 ? this.view.getUint16(start) : this.view.getUint32(start);
  }

  private take(size: number): number {
    const start = this.at;
    if (start + size > this.bytes.length) throw new CodecError("cut short");
    this.at = start + size;
    return start;
  }
}

function check(bytes: Uint8Array, limits: Limits): void {
  if (bytes.length > limits.frame) throw new FrameTooLarge(`more than ${limits.frame} bytes`);
  if (bytes.length === 0) throw new CodecError("empty");
  new Walk(bytes, limits).whole();
}

/** Text that was cut within an emoji ends in a lone surrogate, which UTF-8 can't encode. */
function wellFormed(message: Record<string, unknown>): Record<string, unknown> {
  const made: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(message)) {
    put(made, field, typeof value === "string" ? value.toWellFormed() : value);
  }
  return made;
}

/**
 * Encodes a map as one frame; `undefined` fields are left out. Throws `CodecError` for what the server
 * would refuse by closing the socket.
 */
export function encode(
  message: Record<string, unknown>,
  limits: Limits = CLIENT_LIMITS,
): Uint8Array<ArrayBuffer> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = encoder.encode(wellFormed(message));
  } catch {
    throw new CodecError("not encodable");
  }
  check(bytes, limits);
  return bytes;
}

/**
 * Decodes the map in a frame, which has a text under `t`. Throws `FrameTooLarge`, or `CodecError` for
 * anything else that this wire does not allow.
 */
export function decode(
  frame: ArrayBuffer | Uint8Array,
  limits: Limits = SERVER_LIMITS,
): Record<string, unknown> & { t: string } {
  const bytes = frame instanceof Uint8Array ? frame : new Uint8Array(frame);
  check(bytes, limits);
  let value: Record<string, unknown>;
  try {
    value = decoder.decode(bytes) as Record<string, unknown>;
  } catch {
    // After the walk the library refuses only a `__proto__` key.
    throw new CodecError("malformed");
  }
  if (typeof value["t"] !== "string") throw new CodecError("no type under t");
  return value as Record<string, unknown> & { t: string };
}
