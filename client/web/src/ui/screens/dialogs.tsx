/** The one dialog that is open. */
import type { VNode } from "preact";
import { CardDialog, CardEntryDialog } from "../care/card.tsx";
import { CareDialog } from "../care/care-dialog.tsx";
import { LeaveDialog, MeDialog } from "../circle/me-dialog.tsx";
import { MilestoneDialog } from "../moments/milestones.tsx";
import { MoodDialog } from "../moments/mood-parts.tsx";
import { EveningDialog } from "../evening/evening-dialog.tsx";
import { TemplatesDialog } from "../evening/templates-dialog.tsx";
import { Confirm } from "../guide/confirm.tsx";
import { LinkDialog } from "../guide/link-dialog.tsx";
import { MuteAllDialog } from "../guide/mute-all-dialog.tsx";
import { PersonDialog } from "../guide/person-dialog.tsx";
import { RoundDialog } from "../guide/round-dialog.tsx";
import { SettingsDialog } from "../guide/settings-dialog.tsx";
import { ShowDialog } from "../materials/show-dialog.tsx";
import { MaterialDialog } from "../materials/view-dialog.tsx";
import { SoundDialog } from "../media/sound-dialog.tsx";
import { ConcernsDialog } from "../pairs/concerns-dialog.tsx";
import { OfferDialog } from "../pairs/offer-dialog.tsx";
import { PlanDialog } from "../pairs/plan-dialog.tsx";
import { SeriesDialog } from "../series/dialog.tsx";
import { useSession } from "../session.tsx";
import { words } from "../words.ts";
import { guide } from "../words-guide.ts";
import { guest } from "../words-materials.ts";

export function Dialogs(): VNode | null {
  const session = useSession();
  const open = session.dialog.value;
  if (open === null) return null;
  switch (open.is) {
    case "person":
      return <PersonDialog key={open.id} id={open.id} />;
    case "me":
      return <MeDialog />;
    case "series":
      return <SeriesDialog />;
    case "leave":
      return <LeaveDialog />;
    case "round":
      return <RoundDialog />;
    case "pairs":
      return <PlanDialog />;
    case "evening":
      return <EveningDialog />;
    case "templates":
      return <TemplatesDialog />;
    case "concerns":
      return <ConcernsDialog />;
    case "care":
      return <CareDialog about={open.id} />;
    case "card-entry":
      return <CardEntryDialog />;
    case "mood":
      return <MoodDialog />;
    case "milestone":
      return <MilestoneDialog />;
    case "card":
      return <CardDialog name={open.name} card={open.card} />;
    case "offer":
      return <OfferDialog />;
    case "material":
      return <MaterialDialog key={open.id} id={open.id} />;
    case "show":
      return <ShowDialog />;
    case "guest":
      return (
        <Confirm
          key="guest"
          title={guest.person.makeHeading(session.name(open.id))}
          body={guest.person.makeBody}
          go={guest.person.go}
          command="role.give"
          fields={{ member: open.id, role: "guest" }}
        />
      );
    case "mute-all":
      return <MuteAllDialog />;
    case "sound":
      return <SoundDialog />;
    case "settings":
      return <SettingsDialog />;
    case "end":
      return (
        <Confirm
          key="end"
          danger
          title={guide.room.endHeading}
          body={guide.room.endBody}
          go={guide.room.endGo}
          command="room.end"
          fields={{}}
        />
      );
    case "link":
      return <LinkDialog key={open.id ?? ""} id={open.id} now={open.now} />;
    case "decline-all":
      return (
        <Confirm
          key="decline-all"
          title={guide.door.declineHeading(open.count)}
          body={guide.door.declineBody}
          go={guide.door.declineAll}
          command="lobby.decline_all"
          fields={{}}
        />
      );
    case "decline":
      return (
        <Confirm
          key="decline"
          title={guide.waiting.declineHeading(open.name)}
          body={guide.waiting.declineBody}
          go={guide.waiting.decline}
          command="lobby.decline"
          fields={{ person: open.id }}
        />
      );
    case "remove":
      return (
        <Confirm
          key="remove"
          danger
          title={guide.person.removeHeading(session.name(open.id))}
          body={guide.person.removeBody}
          go={guide.person.removeGo}
          command="member.remove"
          fields={{ member: open.id }}
        />
      );
    case "make":
      return (
        <Confirm
          key="make"
          title={guide.person.makeHeading(session.name(open.id))}
          body={guide.person.makeBody}
          go={guide.person.make}
          command="role.give"
          fields={{ member: open.id, role: "facilitator" }}
        />
      );
    case "delete":
      return (
        <Confirm
          key="delete"
          title={words.talk.deleteHeading}
          body={words.talk.deleteBody}
          go={words.talk.delete}
          command="chat.delete"
          fields={{ to: open.to, n: open.n }}
        />
      );
  }
}
