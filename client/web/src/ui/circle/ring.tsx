/** The circle itself: everybody's seat in a ring, in the order of seats. */
import { own } from "../../lib/index.ts";
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { groupInView, ringPeople, roundOrder } from "../model.ts";
import { useSession } from "../session.tsx";
import { words } from "../words.ts";
import { Centre } from "./centre.tsx";
import { fromMe, layout } from "./geometry.ts";
import { Seat, type Side } from "./seat.tsx";

export function Circle(): VNode {
  const session = useSession();
  const snap = session.snap.value;
  const [box, width, height] = useSize();
  const group = groupInView(snap);
  const seats = fromMe(ringPeople(snap), snap.me);
  const pictures = session.voice.pictures.value;
  const speaking = session.voice.speaking.value;
  const ring = layout(seats.length, width, height, seats.some(({ id }) => pictures.has(id)));
  const floor = snap.room.floor;
  const holder = group === null ? (floor?.holder ?? null) : null;
  const done = new Set(floor === null || group !== null ? [] : (roundOrder(floor)?.done ?? []));
  const visitors = new Set(group === null ? [] : (own(snap.room.pairs?.visitors, group) ?? []));
  const reactions = new Map(snap.reactions.map((one) => [one.from, `${one.kind} ${one.key}`]));
  const inRing = ring.shape === "ring";
  return (
    <div ref={box} class={`ring ring-${ring.shape} ring-${ring.size}`} data-ready={width > 0}>
      {inRing && (
        <span
          class="rug"
          style={{
            width: `${2 * ring.rx}px`,
            height: `${2 * ring.ry}px`,
            transform: `translate(${ring.centre.x - ring.rx}px, ${ring.centre.y - ring.ry}px)`,
          }}
        />
      )}
      <div
        class="centre"
        style={
          inRing
            ? {
                width: `${ring.centre.width}px`,
                transform: `translate(${ring.centre.x}px, ${ring.centre.y}px) translate(-50%, -50%)`,
              }
            : undefined
        }
      >
        <Centre />
      </div>
      <ul class="seats" aria-label={group === null ? words.seat.ring : words.seat.ringGroup}>
        {seats.map((who, i) => (
          <Seat
            key={who.id}
            who={who}
            holder={who.id === holder}
            done={done.has(who.id)}
            visitor={visitors.has(who.id)}
            place={inRing ? (ring.places[i] ?? null) : null}
            side={inRing ? sideOf((ring.places[i]?.x ?? ring.centre.x) - ring.centre.x, ring.rx) : null}
            picture={pictures.get(who.id) ?? null}
            speaking={speaking.has(who.id)}
            reaction={reactions.get(who.id) ?? null}
          />
        ))}
      </ul>
    </div>
  );
}

/** The edge nearest to a seat, from which labels grow away. */
function sideOf(off: number, half: number): Side | null {
  if (Math.abs(off) < 0.6 * half) return null;
  return off < 0 ? "left" : "right";
}

/** The present size of an element. */
function useSize(): [{ current: HTMLDivElement | null }, number, number] {
  const box = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState<readonly [number, number]>([0, 0]);
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const watcher = new ResizeObserver(([entry]) => {
      if (entry !== undefined) setSize([entry.contentRect.width, entry.contentRect.height]);
    });
    watcher.observe(element);
    return () => watcher.disconnect();
  }, []);
  return [box, size[0], size[1]];
}
