/** The positions of the seats of a ring. Pure. */

export interface Place {
  /** Centre of the seat's disc, in pixels from the top left of the ring's box. */
  readonly x: number;
  readonly y: number;
}
export interface Ring {
  readonly shape: "ring" | "rows";
  /** How much fits: names and words at `large` and `medium`, discs and short names at `small`; the first two are for faces. */
  readonly size: "huge" | "big" | "large" | "medium" | "small";
  readonly disc: number;
  /** Width of a seat with its words. */
  readonly seat: number;
  readonly places: readonly Place[];
  readonly centre: Place & { readonly width: number; readonly height: number };
  readonly rx: number;
  readonly ry: number;
}

/** Space under a disc for the name, one more line and the holder's clock. */
function below(disc: number): number {
  return Math.max(58, 44 + 0.2 * disc);
}

const SIZES = [
  { size: "huge", disc: 128, seat: 140 },
  { size: "big", disc: 96, seat: 118 },
  { size: "large", disc: 72, seat: 116 },
  { size: "medium", disc: 54, seat: 82 },
  { size: "small", disc: 44, seat: 62 },
] as const;

/**
 * `count` seats in a box of `width` × `height`, the first one at the foot, the others clockwise.
 * Where no ring is long enough they sit in rows. With `faces` the seats are as large as they can be.
 */
export function layout(count: number, width: number, height: number, faces = false): Ring {
  for (const kind of SIZES) {
    if (!faces && (kind.size === "huge" || kind.size === "big")) continue;
    const rx = radius(count, (width - kind.seat) / 2, kind.disc);
    const ry = radius(count, (height - kind.disc - below(kind.disc) - 12) / 2, kind.disc);
    const [a, b] = soften(rx, ry);
    if (a < kind.disc || b < kind.disc) continue;
    if (perimeter(a, b) / Math.max(count, 1) < apart(kind)) continue;
    const made = ring(count, width, height, a, b, kind);
    // Leaves space for the text in the middle.
    if (kind.disc <= 72 || leavesMiddle(made)) return made;
  }
  return {
    shape: "rows",
    size: "medium",
    disc: 54,
    seat: 84,
    places: [],
    centre: { x: width / 2, y: 0, width, height: 0 },
    rx: 0,
    ry: 0,
  };
}

/**
 * The words in the middle: half of their width at most and of what they can do with, and how far up
 * they reach, the sign above them included or not.
 */
const MIDDLE = { wide: 125, narrow: 62, sign: 30, high: 94, words: 44, wrapped: 84 };

function leavesMiddle({ places, centre, disc, seat }: Ring): boolean {
  if (centre.width < 2 * MIDDLE.narrow) return false;
  const wide = Math.min(MIDDLE.wide, centre.width / 2);
  const words = centre.width < 2 * MIDDLE.wide ? MIDDLE.wrapped : MIDDLE.words;
  return places.every(({ x, y }) => {
    const inner = Math.abs(x - centre.x) - seat * 0.4;
    const foot = y + disc / 2 + below(disc) - 14;
    const over = foot <= centre.y - (inner < MIDDLE.sign ? MIDDLE.high : words);
    const under = y - disc / 2 >= centre.y + MIDDLE.high - 10;
    return inner >= wide || over || under;
  });
}

/** From disc to disc: beside each other the words must fit, above each other the disc and its words. */
function apart(kind: (typeof SIZES)[number]): number {
  return Math.max(kind.seat * 0.94, kind.disc + (kind.disc >= 72 ? 52 : 24));
}

/** Two or three people sit closer together than the box requires. */
function radius(count: number, most: number, disc: number): number {
  return Math.min(most, disc * (1.5 + 0.36 * count));
}

/** The longest oval that still looks like a circle of people. */
function soften(rx: number, ry: number): [number, number] {
  return [Math.min(rx, ry * 1.28), Math.min(ry, rx * 1.42)];
}

function perimeter(a: number, b: number): number {
  // Ramanujan's second approximation.
  const h = ((a - b) / (a + b)) ** 2;
  return Math.PI * (a + b) * (1 + (3 * h) / (10 + Math.sqrt(4 - 3 * h)));
}

function ring(
  count: number,
  width: number,
  height: number,
  rx: number,
  ry: number,
  kind: (typeof SIZES)[number],
): Ring {
  const cx = width / 2;
  const cy = (height - below(kind.disc)) / 2;
  const places = along(count, rx, ry).map(({ x, y }) => ({ x: cx + x, y: cy + y }));
  return {
    shape: "ring",
    size: kind.size,
    disc: kind.disc,
    seat: kind.seat,
    places,
    centre: {
      x: cx,
      y: cy,
      width: Math.max(120, 2 * (rx - kind.seat / 2) - 8),
      height: Math.max(90, 2 * (ry - kind.disc / 2) - below(kind.disc)),
    },
    rx,
    ry,
  };
}

/** Points at equal distances along the oval, clockwise from the bottom. */
function along(count: number, rx: number, ry: number): Place[] {
  const steps = 720;
  const lengths = [0];
  const at = (i: number): Place => {
    const angle = Math.PI / 2 + (i / steps) * 2 * Math.PI;
    return { x: rx * Math.cos(angle), y: ry * Math.sin(angle) };
  };
  for (let i = 1; i <= steps; i += 1) {
    const [p, q] = [at(i - 1), at(i)];
    lengths.push((lengths[i - 1] ?? 0) + Math.hypot(q.x - p.x, q.y - p.y));
  }
  const total = lengths[steps] ?? 1;
  const places: Place[] = [];
  let i = 0;
  for (let n = 0; n < count; n += 1) {
    while (i < steps && (lengths[i] ?? 0) < (n / count) * total) i += 1;
    places.push(at(i));
  }
  return places;
}

/** The seats, the viewer's own first, so that it is at the bottom of their ring. */
export function fromMe<T extends { readonly id: string }>(seats: readonly T[], me: string | null): T[] {
  const start = Math.max(0, seats.findIndex((one) => one.id === me));
  return [...seats.slice(start), ...seats.slice(0, start)];
}
