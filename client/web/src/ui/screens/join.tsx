/** The first page: a name, or one's seat again. */
import type { VNode } from "preact";
import { useRef, useState } from "preact/hooks";
import { LIMITS } from "../../lib/index.ts";
import { Button } from "../parts/button.tsx";
import { useSession } from "../session.tsx";
import { words } from "../words.ts";
import { Frame } from "./frame.tsx";

export function JoinScreen({ hasToken }: { hasToken: boolean }): VNode {
  const session = useSession();
  const seat = session.client.hasSeat();
  if (!hasToken && !seat) {
    return (
      <Frame heading={words.join.noRoom}>
        <p>{words.join.noRoomBody}</p>
      </Frame>
    );
  }
  return (
    <Frame heading={words.join.welcome} focus={false}>
      <p class="lead">{words.join.intro}</p>
      {seat && (
        <section class="again" aria-labelledby="again-heading">
          <h2 id="again-heading">{words.join.again}</h2>
          <p class="hint">{words.join.againHint}</p>
          <Button local look="main" class="wide" onClick={() => session.client.resume()}>
            {words.join.resume}
          </Button>
        </section>
      )}
      {hasToken && <NameForm second={seat} />}
    </Frame>
  );
}

function NameForm({ second }: { second: boolean }): VNode {
  const session = useSession();
  const field = useRef<HTMLInputElement>(null);
  const [name, setName] = useState("");
  const [trouble, setTrouble] = useState<string | null>(null);
  const go = (): void => {
    const clean = name.trim();
    if (clean === "") {
      setTrouble(words.join.empty);
      field.current?.focus();
      return;
    }
    session.client.join(clean);
  };
  return (
    <form
      class="name-form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        go();
      }}
    >
      {second && <h2>{words.join.fresh}</h2>}
      <label class="field">
        <span>{words.join.name}</span>
        <input
          ref={field}
          type="text"
          value={name}
          maxLength={LIMITS.name}
          autocomplete="nickname"
          autocapitalize="words"
          spellcheck={false}
          aria-describedby="name-hint name-trouble"
          aria-invalid={trouble === null ? undefined : "true"}
          onInput={(event) => {
            setName(event.currentTarget.value);
            setTrouble(null);
          }}
        />
      </label>
      <p class="hint" id="name-hint">
        {words.join.hint}
      </p>
      <p class="trouble" id="name-trouble" role="alert">
        {trouble ?? ""}
      </p>
      <button type="submit" class={`btn wide ${second ? "btn-plain" : "btn-main"}`}>
        <span class="btn-words">{words.join.go}</span>
      </button>
    </form>
  );
}

export function ConnectingScreen(): VNode {
  return (
    <Frame heading={words.join.going}>
      <p class="lead breathing" role="status">
        {words.link.connecting}
      </p>
    </Frame>
  );
}
