/** The facilitators' side of the room: what calls first, then what leads, then what is folded away. */
import type { VNode } from "preact";
import { Everyone, TurnOrder } from "../circle/turns-panel.tsx";
import { TogetherPanel } from "../evening/together-panel.tsx";
import { InboxPanel } from "../care/inbox.tsx";
import { CarePanel } from "../care/panel.tsx";
import { EveningPanel } from "../evening/panel.tsx";
import { GuestsPanel } from "../guest/panel.tsx";
import { MaterialsPanel } from "../materials/panel.tsx";
import { PairsPanel } from "../pairs/panel.tsx";
import { FloorPanel } from "./floor-panel.tsx";
import { HeardPanel } from "./heard-panel.tsx";
import { LobbyPanel } from "./lobby-panel.tsx";
import { RoomPanel } from "./room-panel.tsx";

export function GuidePanel(): VNode {
  return (
    <>
      <CarePanel />
      <InboxPanel />
      <LobbyPanel />
      <EveningPanel />
      <GuestsPanel />
      <FloorPanel />
      <TurnOrder />
      <PairsPanel />
      <MaterialsPanel />
      <TogetherPanel />
      <HeardPanel />
      <Everyone folded />
      <RoomPanel />
    </>
  );
}
