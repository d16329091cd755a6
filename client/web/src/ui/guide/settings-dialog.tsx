/** The room's settings. Sends only changed ones, so that two facilitators don't undo each other. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { Dialog } from "../parts/dialog.tsx";
import { DialogFoot } from "../parts/dialog-foot.tsx";
import type { Settings } from "../port.ts";
import { useSession } from "../session.tsx";
import { guide } from "../words-guide.ts";
import { guest } from "../words-materials.ts";
import { moments } from "../words-moments.ts";

type Flag = "direct" | "lobby" | "facilitators_wait" | "cards" | "guests_read" | "mood_strict";
const MOST_SECONDS = 7200;

export function SettingsDialog(): VNode | null {
  const session = useSession();
  const now = session.snap.value.room.settings;
  const [changed, setChanged] = useState<Partial<Settings>>({});
  const [trouble, setTrouble] = useState<string | null>(null);
  if (now === null) return null;
  const value = { ...now, ...changed };
  const change = (part: Partial<Settings>): void => setChanged({ ...changed, ...part });
  const save = (): void => {
    const whole = (n: number, least: number): boolean => Number.isInteger(n) && n >= least && n <= MOST_SECONDS;
    if (!whole(value.slow_seconds, 0) || !whole(value.grace_seconds, 1)) return setTrouble(guide.settings.number);
    if (Object.keys(changed).length === 0) return session.shut();
    void session.act("room.settings", changed, { done: guide.settings.saved }).then((answer) => {
      if (answer.ok) session.shut();
    });
  };
  const flag = (key: Flag, name: string, hint?: string): VNode => (
    <label class="choice">
      <input type="checkbox" checked={value[key] === true} onChange={() => change({ [key]: value[key] !== true })} />
      <span>
        {name}
        {hint !== undefined && <small>{hint}</small>}
      </span>
    </label>
  );
  const number = (key: "slow_seconds" | "grace_seconds", name: string): VNode => (
    <label class="field field-number">
      <span>{name}</span>
      <input
        type="number"
        inputMode="numeric"
        min={key === "slow_seconds" ? 0 : 1}
        max={MOST_SECONDS}
        value={value[key]}
        onInput={(event) => change({ [key]: event.currentTarget.valueAsNumber })}
      />
    </label>
  );
  return (
    <Dialog title={guide.settings.heading} onClose={() => session.shut()} foot={foot()}>
      <fieldset class="choices">
        <legend>{guide.settings.chat}</legend>
        {chat("all", guide.settings.chatAll)}
        {chat("staff", guide.settings.chatStaff)}
        {chat("off", guide.settings.chatOff)}
      </fieldset>
      {flag("direct", guide.settings.direct)}
      {flag("lobby", guide.settings.lobby)}
      {flag("facilitators_wait", guide.settings.wait)}
      {flag("cards", guide.settings.cards, guide.settings.cardsHint)}
      {flag("guests_read", guest.settings, guest.settingsHint)}
      {flag("mood_strict", guide.settings.moodStrict, guide.settings.moodStrictHint)}
      <label class="field">
        <span>{moments.heard.order}</span>
        <select
          value={value.queue_order ?? "raised"}
          onChange={(event) => change({ queue_order: event.currentTarget.value === "raised" ? "raised" : "least_heard" })}
        >
          <option value="raised">{moments.heard.orders.raised}</option>
          <option value="least_heard">{moments.heard.orders.least_heard}</option>
        </select>
      </label>
      {number("slow_seconds", guide.settings.slow)}
      {number("grace_seconds", guide.settings.grace)}
    </Dialog>
  );

  function chat(is: Settings["chat"], name: string): VNode {
    return (
      <label class="choice">
        <input type="radio" name="chat" checked={value.chat === is} onChange={() => change({ chat: is })} />
        <span>{name}</span>
      </label>
    );
  }

  function foot(): VNode {
    return (
      <DialogFoot trouble={trouble} go={guide.settings.save} onGo={save} />
    );
  }
}
