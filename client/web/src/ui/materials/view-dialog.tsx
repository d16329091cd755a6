/** One material in full. Files are loaded when the dialog opens and dropped when it closes. */
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { isWebLink } from "../../lib/index.ts";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import type { Material } from "../port.ts";
import { useSession } from "../session.tsx";
import { shown } from "../words-materials.ts";
import { hostOf, materialsOf, nameOf, sizeOf } from "./model.ts";

/** A new tab reads the file from this address, so it stays valid a while longer. */
const OPENING_MS = 60_000;

export function MaterialDialog({ id }: { id: string }): VNode {
  const session = useSession();
  const one = materialsOf(session.snap.value).find((each) => each.id === id);
  const wide = one?.kind === "picture";
  return (
    <Dialog title={one === undefined ? shown.label : nameOf(one)} wide={wide} onClose={() => session.shut()}>
      {one === undefined ? <p role="status">{shown.view.gone}</p> : <Body one={one} />}
    </Dialog>
  );
}

function Body({ one }: { one: Material }): VNode {
  switch (one.kind) {
    case "link":
      return <Place url={one.url ?? ""} />;
    case "text":
      return <p class="shown-words">{one.text}</p>;
    default:
      return <FileBody one={one} />;
  }
}

function Place({ url }: { url: string }): VNode {
  if (!isWebLink(url)) return <p>{shown.view.badLink}</p>;
  return (
    <>
      <p class="shown-host">{shown.view.leads(hostOf(url) ?? "")}</p>
      <p class="hint shown-url">{url}</p>
      <p class="hint">{shown.view.leaves}</p>
      <a class="btn btn-main" href={url} target="_blank" rel="noopener noreferrer" referrerpolicy="no-referrer">
        {shown.view.go}
      </a>
    </>
  );
}

function FileBody({ one }: { one: Material }): VNode {
  const { address, failed, again } = useFile(one.id);
  if (failed) {
    return (
      <>
        <p role="alert">{shown.view.failed}</p>
        <Button onClick={again}>{shown.view.again}</Button>
      </>
    );
  }
  if (one.kind === "picture") {
    return (
      <div class="shown-picture">
        {address === null ? (
          <p role="status">{shown.view.loading}</p>
        ) : (
          <img src={address} width={one.width} height={one.height} alt={shown.view.picture(one.title ?? "")} />
        )}
      </div>
    );
  }
  return (
    <>
      <p>{shown.view.pages(one.pages ?? 1, sizeOf(one.bytes ?? 0))}</p>
      {address === null ? (
        <p role="status">{shown.view.loading}</p>
      ) : (
        <div class="wrap">
          <a class="btn btn-main" href={address} target="_blank" rel="noopener noreferrer">
            {shown.view.openPdf}
          </a>
          <a class="btn btn-plain" href={address} download="paper.pdf">
            {shown.view.save}
          </a>
        </div>
      )}
      <p class="hint">{shown.view.pdfNote}</p>
    </>
  );
}

/** An object URL of the file; null until it is loaded. */
function useFile(id: string): { address: string | null; failed: boolean; again: () => void } {
  const session = useSession();
  const [address, setAddress] = useState<string | null>(null);
  const [failed, setFailed] = useState(false);
  const [tries, setTries] = useState(0);
  useEffect(() => {
    let made: string | null = null;
    let open = true;
    void session.files.get(id).then((got) => {
      if (!open) return;
      if (!got.ok) return setFailed(true);
      made = URL.createObjectURL(got.file);
      setAddress(made);
    });
    return () => {
      open = false;
      if (made !== null) setTimeout(URL.revokeObjectURL, OPENING_MS, made);
    };
  }, [id, tries]);
  const again = (): void => {
    setFailed(false);
    setTries(tries + 1);
  };
  return { address, failed, again };
}
