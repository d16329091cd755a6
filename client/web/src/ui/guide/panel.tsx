/** The facilitators' side of the room: what calls first, then what leads, then what is folded away. */
import type { VNode } from "preact";
import { Everyone, TurnOrder } from "../circle/turns-panel.tsx";
import { TalkTimes } from "../media/talk-time.tsx";
import { TogetherPanel } from "../evening/together-panel.tsx";
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
      <TurnOrder />
      <PairsPanel />
      <TogetherPanel />
      <TalkTimes />
      <Everyone folded />
      <RoomPanel />
    </>
  );
}
