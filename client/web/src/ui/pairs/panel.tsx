/** For facilitators: the open groups, calls for help, notices, visits and closing. */
import { own } from "../../lib/index.ts";
import { Fragment, type VNode } from "preact";
import { useState } from "preact/hooks";
import { Button } from "../parts/button.tsx";
import { Icon } from "../parts/icon.tsx";
import { bySeat, clock, groupNames, visiting } from "../model.ts";
import type { Pairs } from "../port.ts";
import { useNow } from "../clock.ts";
import { useSession } from "../session.tsx";
import { evening } from "../words-evening.ts";
import { guide } from "../words-guide.ts";
import { Who } from "../parts/who.tsx";

export function PairsPanel(): VNode {
  const session = useSession();
  const { pairs, link_key, concerns } = session.snap.value.room;
  const people = bySeat(session.snap.value).length;
  return (
    <section class={`panel ${pairs === null ? "" : "panel-open"}`} aria-labelledby="pairs-heading">
      <h3 id="pairs-heading">{guide.pairs.heading}</h3>
      {pairs === null ? (
        <>
          <p class="hint">{guide.pairs.none}</p>
          <Button
            local
            icon="pairs"
            class="wide"
            disabled={people < 2}
            onClick={() => session.open({ is: "pairs" })}
          >
            {guide.pairs.make}
          </Button>
          {link_key !== null && (
            <Button local look="row" icon="heart" onClick={() => session.open({ is: "offer" })}>
              {evening.link.guideRow} <small>{evening.link.guideCount(concerns.length)}</small>
            </Button>
          )}
        </>
      ) : (
        <OpenGroups pairs={pairs} />
      )}
    </section>
  );
}

function OpenGroups({ pairs }: { pairs: Pairs }): VNode {
  const session = useSession();
  const snap = session.snap.value;
  const now = useNow();
  const names = groupNames(pairs);
  const left = pairs.ends_at === null ? null : Math.max(0, pairs.ends_at - now);
  const here = visiting(snap);
  return (
    <>
      <p class="pairs-clock">
        <strong>{guide.pairs.openNow(names.length)}</strong>
        <span class={pairs.closing ? "is-closing" : ""}>
          {left === null
            ? guide.pairs.noClock
            : pairs.closing
              ? guide.pairs.closing(clock(left))
              : guide.pairs.closes(clock(left))}
        </span>
      </p>
      <div class="wrap">
        {pairs.ends_at !== null &&
          [1, 5].map((n) => (
            <Button key={n} onClick={() => void session.act("pairs.extend", { seconds: n * 60 })}>
              {guide.pairs.extend(n)}
            </Button>
          ))}
        <Button disabled={pairs.closing} onClick={() => void session.act("pairs.close", {})}>
          {guide.pairs.closeSoon}
        </Button>
        <Button onClick={() => void session.act("pairs.close", { grace: 0 })}>{guide.pairs.closeNow}</Button>
      </div>
      <SayToAll />
      <ul class="groups">
        {names.map((group, i) => (
          <li key={group} class={`group-card ${here === group ? "is-here" : ""}`}>
            <strong>{guide.person.group(i + 1)}</strong>
            <span class="group-people">
              {(own(pairs.groups, group) ?? []).map((id, at) => (
                <Fragment key={id}>
                  {at > 0 && ", "}
                  {snap.room.help.includes(id) ? (
                    <span class="asks">
                      <Icon name="bell" />
                      <Who id={id} />
                      <span class="unseen">{guide.pairs.asks}</span>
                    </span>
                  ) : (
                    <Who id={id} />
                  )}
                </Fragment>
              ))}
              {(own(pairs.visitors, group) ?? []).map((id) => (
                <small key={id}>{guide.pairs.visitorHere(session.name(id))}</small>
              ))}
            </span>
            {here === group ? (
              <Button look="main" onClick={() => void session.act("pairs.return", {})}>
                {guide.pairs.return}
              </Button>
            ) : (
              pairs.mine === null && (
                <Button
                  about={guide.person.group(i + 1)}
                  onClick={() => void session.act("pairs.visit", { group })}
                >
                  {guide.pairs.visit}
                </Button>
              )
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

function SayToAll(): VNode {
  const session = useSession();
  const [text, setText] = useState("");
  const say = (): void => {
    const body = text.trim();
    if (body === "") return;
    void session.act("pairs.say", { body }, { done: guide.pairs.said }).then((answer) => {
      if (answer.ok) setText("");
    });
  };
  return (
    <form
      class="say-all"
      onSubmit={(event) => {
        event.preventDefault();
        say();
      }}
    >
      <label class="field">
        <span>{guide.pairs.sayLabel}</span>
        <input
          type="text"
          value={text}
          maxLength={2000}
          autocomplete="off"
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <Button disabled={text.trim() === ""} onClick={say}>
        {guide.pairs.say}
      </Button>
    </form>
  );
}
