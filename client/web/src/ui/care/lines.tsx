/** Crisis lines by country, each with its source. */
import { own } from "../../lib/index.ts";
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { CrisisLines } from "../../lib/index.ts";
import { useSession } from "../session.tsx";
import { care } from "../words-care.ts";

export function CrisisLinesList(): VNode {
  const session = useSession();
  const [lines, setLines] = useState<CrisisLines | "loading" | "failed">("loading");
  const [country, setCountry] = useState(() => new Intl.Locale(navigator.language).region ?? "");
  useEffect(() => {
    session.crisisLines().then(setLines, () => setLines("failed"));
  }, []);
  if (lines === "loading") return <p role="status">…</p>;
  if (lines === "failed") return <p>{care.noLines}</p>;
  const names = new Intl.DisplayNames(["en"], { type: "region" });
  const here = own(lines.countries, country);
  return (
    <section class="lines-list" aria-label={care.linesHeading}>
      <label class="field">
        <span>{care.country}</span>
        <select value={here === undefined ? "" : country} onChange={(event) => setCountry(event.currentTarget.value)}>
          <option value="">{care.choose}</option>
          {Object.keys(lines.countries).map((code) => (
            <option key={code} value={code}>
              {names.of(code) ?? code}
            </option>
          ))}
        </select>
      </label>
      {here !== undefined && (
        <>
          <p>
            <strong>{care.emergency(here.emergency)}</strong>
          </p>
          <ul>
            {here.lines.map((one) => (
              <li key={`${one.name} ${one.phone ?? one.text ?? ""}`}>
                <strong>{one.name}</strong> {[one.phone, one.text, one.hours].filter(Boolean).join(" · ")}
                <small>{care.source(one.source, one.checked)}</small>
              </li>
            ))}
          </ul>
        </>
      )}
      {lines.anywhere !== undefined && (
        <p>
          <a href={lines.anywhere.url} target="_blank" rel="noreferrer">
            {care.anywhere(lines.anywhere.name)}
          </a>
        </p>
      )}
      <p class="hint">{lines.note}</p>
    </section>
  );
}
