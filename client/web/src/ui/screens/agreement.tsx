/** The agreement, for everybody, facilitators too. */
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { watchForSigns } from "./signs.ts";
import { Button } from "../parts/button.tsx";
import { chosen, firstChoice, SeriesChoice, type Choice, type Chosen } from "../series/choice.tsx";
import { failure, useSession } from "../session.tsx";
import { words } from "../words.ts";
import { Frame } from "./frame.tsx";
import { ending } from "../words-ending.ts";
import { series as again } from "../words-series.ts";

const NOBODY: Chosen = { person: null, unkept: false };

export function AgreementScreen(): VNode {
  const session = useSession();
  const room = session.snap.value.room;
  const [trouble, setTrouble] = useState<string | null>(null);
  const series = room.series?.id ?? null;
  const [choice, setChoice] = useState<Choice | null>(null);
  useEffect(() => watchForSigns(() => void session.client.send("agreement.reading", {})), []);
  const shown = series === null ? null : (choice ?? firstChoice(series));
  const accept = (): void => {
    setTrouble(null);
    const made = series === null || shown === null ? NOBODY : chosen(series, shown);
    if ("wish" in made) return setChoice(made);
    session.person = made.person;
    void session.client.accept(made.person).then((answer) => {
      if (answer.ok && made.unkept) session.note(again.unkept);
      if (answer.ok) return;
      setTrouble(answer.code === "stale" ? words.agreement.changed : failure(answer.code));
    });
  };
  return (
    <Frame wide over={room.title} heading={words.agreement.heading}>
      {session.snap.value.forgotten > 0 && <p class="lead">{ending.anew}</p>}
      <p class="lead">{words.agreement.intro}</p>
      <div class="agreement" role="region" aria-label={words.title.agreement} tabIndex={0}>
        {paragraphs(room.agreement?.text ?? "").map((lines, i) => (
          <Paragraph key={i} lines={lines} />
        ))}
      </div>
      {series !== null && shown !== null && (
        <SeriesChoice series={series} choice={shown} onChoice={setChoice} />
      )}
      <p class="trouble" role="alert">
        {trouble ?? ""}
      </p>
      <div class="door-buttons">
        <Button look="quiet" onClick={() => void session.act("leave", {})}>
          {words.agreement.leave}
        </Button>
        <Button look="main" onClick={accept}>
          {words.agreement.accept}
        </Button>
      </div>
    </Frame>
  );
}

const BULLET = /^\s*[-*•]\s+/u;

/** Blocks between empty lines; lines that begin with a dash are a list. Nothing else is interpreted. */
function paragraphs(text: string): string[][] {
  return text
    .split(/\n\s*\n/u)
    .map((block) => block.split("\n").filter((line) => line.trim() !== ""))
    .filter((lines) => lines.length > 0);
}

function Paragraph({ lines }: { lines: readonly string[] }): VNode {
  const bullets = lines.filter((line) => BULLET.test(line));
  if (bullets.length === 0) return <p>{lines.join("\n")}</p>;
  const before = lines.filter((line) => !BULLET.test(line));
  return (
    <>
      {before.length > 0 && <p>{before.join("\n")}</p>}
      <ul>
        {bullets.map((line, i) => (
          <li key={i}>{line.replace(BULLET, "")}</li>
        ))}
      </ul>
    </>
  );
}
