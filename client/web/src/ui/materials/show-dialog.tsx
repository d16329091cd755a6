/** A facilitator shows something to everybody: a link, words, a picture or a PDF. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { isWebLink, LIMITS, own } from "../../lib/index.ts";
import { Dialog } from "../parts/dialog.tsx";
import { DialogFoot } from "../parts/dialog-foot.tsx";
import { useSession } from "../session.tsx";
import { words } from "../words.ts";
import { shown } from "../words-materials.ts";

type Kind = "link" | "text" | "picture" | "pdf";
const KINDS: readonly Kind[] = ["link", "text", "picture", "pdf"];
const TYPES = { picture: "image/jpeg,image/png,image/webp,image/gif", pdf: "application/pdf" } as const;

export function ShowDialog(): VNode {
  const session = useSession();
  const [kind, setKind] = useState<Kind>("link");
  const [title, setTitle] = useState("");
  const [url, setUrl] = useState("");
  const [text, setText] = useState("");
  const [file, setFile] = useState<File | null>(null);
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);

  async function show(): Promise<void> {
    const missing = lacks();
    setTrouble(missing);
    if (missing !== null || busy) return;
    setBusy(true);
    const code = await send();
    setBusy(false);
    if (code === null) session.shut();
    else setTrouble(own(shown.refused, code) ?? own(words.failed, code as keyof typeof words.failed) ?? shown.failed);
  }

  function lacks(): string | null {
    if (kind === "link") return isWebLink(url.trim()) ? null : shown.show.needUrl;
    if (kind === "text") return text.trim() === "" ? shown.show.needText : null;
    return file === null ? shown.show.needFile : null;
  }

  /** The code of the failure, or null. */
  async function send(): Promise<string | null> {
    const named = title.trim() === "" ? {} : { title: title.trim() };
    if (kind === "picture" || kind === "pdf") {
      const got = await session.files.bring(kind, file ?? new Blob(), title.trim());
      return got.ok ? null : got.code;
    }
    const answer =
      kind === "link"
        ? await session.client.send("material.link", { url: url.trim(), ...named })
        : await session.client.send("material.text", { text: text.trim(), ...named });
    return answer.ok ? null : answer.code;
  }

  const foot = (
    <DialogFoot trouble={trouble} go={busy ? shown.show.busy : shown.show.go} disabled={busy} onGo={() => void show()} />
  );
  return (
    <Dialog title={shown.show.heading} onClose={() => session.shut()} foot={foot}>
      <fieldset class="choices">
        <legend>{shown.show.what}</legend>
        {KINDS.map((each) => (
          <label key={each} class="choice">
            <input type="radio" name="show-kind" checked={kind === each} onChange={() => setKind(each)} />
            <span>{own(shown.show.kinds, each)}</span>
          </label>
        ))}
      </fieldset>
      {kind === "link" && (
        <label class="field">
          <span>{shown.show.url}</span>
          <input
            type="text"
            inputMode="url"
            spellcheck={false}
            autocomplete="off"
            maxLength={LIMITS.url}
            value={url}
            onInput={(event) => setUrl(event.currentTarget.value)}
          />
          <small>{shown.show.urlHint}</small>
        </label>
      )}
      {kind === "text" && (
        <label class="field">
          <span>{shown.show.text}</span>
          <textarea
            rows={6}
            maxLength={LIMITS.words}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
      )}
      {(kind === "picture" || kind === "pdf") && (
        <label class="field" key={kind}>
          <span>{shown.show.file}</span>
          <input
            type="file"
            accept={TYPES[kind]}
            onChange={(event) => setFile(event.currentTarget.files?.[0] ?? null)}
          />
          <small>{kind === "picture" ? shown.show.pictureHint : shown.show.pdfHint}</small>
        </label>
      )}
      <label class="field">
        <span>{shown.show.title}</span>
        <input
          type="text"
          autocomplete="off"
          maxLength={LIMITS.title}
          value={title}
          onInput={(event) => setTitle(event.currentTarget.value)}
        />
      </label>
      <p class="hint">{shown.show.honest}</p>
    </Dialog>
  );
}
