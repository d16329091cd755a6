/** The facilitators' side of the room. */
import type { VNode } from "preact";
import { Everyone, TurnOrder } from "../circle/turns-panel.tsx";
import { TalkTimes } from "../media/talk-time.tsx";
import { BreathePanel } from "../evening/breathe-panel.tsx";
import { CarePanel } from "../care/panel.tsx";
import { EveningPanel } from "../evening/panel.tsx";
import { PairsPanel } from "../pairs/panel.tsx";
import { FloorPanel } from "./floor-panel.tsx";
import { LobbyPanel } from "./lobby-panel.tsx";
import { RoomPanel } from "./room-panel.tsx";

export function GuidePanel(): VNode {
  return (
    <>
      <CarePanel />
      <LobbyPanel />
      <EveningPanel />
      <FloorPanel />
      <PairsPanel />
      <BreathePanel />
      <TurnOrder />
      <Everyone />
      <TalkTimes />
      <RoomPanel />
    </>
  );
}
