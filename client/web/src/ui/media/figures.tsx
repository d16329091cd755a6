/** Figures of the connection. */
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Digest } from "../port.ts";
import { useSession } from "../session.tsx";
import { voice } from "../words-media.ts";

const EVERY_MS = 2_000;
const words = voice.figures;

export function Figures(): VNode {
  const session = useSession();
  const [digest, setDigest] = useState<Digest | null>(null);
  useEffect(() => {
    let over = false;
    const look = (): void => {
      void session.voice.media.digest().then((found) => {
        if (!over) setDigest(found);
      });
    };
    look();
    const timer = setInterval(look, EVERY_MS);
    return () => {
      over = true;
      clearInterval(timer);
    };
  }, []);
  const state = words.states[session.voice.snap.value.connection] ?? "";
  return (
    <dl class="figures">
      <Row name={words.state} value={state} />
      {digest !== null && (
        <>
          <Row name={words.rtt} value={digest.rtt === null ? null : words.ms(digest.rtt)} />
          <Row name={words.down} value={words.flow(digest.down.sound, digest.down.picture)} />
          <Row name={words.lossDown} value={digest.down.loss === null ? null : words.percent(digest.down.loss)} />
          <Row name={words.jitter} value={digest.jitter === null ? null : words.ms(digest.jitter)} />
          <Row name={words.up} value={words.flow(digest.up.sound, digest.up.picture)} />
          <Row name={words.lossUp} value={digest.up.loss === null ? null : words.percent(digest.up.loss)} />
          <Row name={words.codecs} value={digest.codecs.length === 0 ? null : digest.codecs.join(", ")} />
          <Row name={words.way} value={digest.way === null ? null : words.ways(digest.way, digest.relay)} />
        </>
      )}
    </dl>
  );
}

function Row({ name, value }: { name: string; value: string | null }): VNode {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value ?? words.unknown}</dd>
    </>
  );
}
