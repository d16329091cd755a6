/**
 * Somebody's name, and beside it who they are in the room. The name stands isolated in a box of its own,
 * so that nothing in it turns or reaches what is around it; the badge is an element apart, drawn and
 * worded by the page alone (rule NA4).
 */
import type { VNode } from "preact";
import { Icon } from "./icon.tsx";
import { person } from "../model.ts";
import type { Role } from "../port.ts";
import { useSession } from "../session.tsx";
import { words } from "../words.ts";
import { guest } from "../words-materials.ts";

export function Name({ name }: { name: string }): VNode {
  return <bdi class="who-name">{name}</bdi>;
}

export function roleWord(role: "facilitator" | "guest"): string {
  return role === "facilitator" ? words.seat.facilitator : guest.seat;
}

/** The badge of facilitators and guests; nothing for members. */
export function RoleBadge({ role, after = "" }: { role: Role | undefined; after?: string }): VNode | null {
  if (role !== "facilitator" && role !== "guest") return null;
  return (
    <span class={`chip role-badge is-${role}`} data-role={role}>
      <Icon name={role === "facilitator" ? "circle" : "sun"} />
      {roleWord(role)}
      {after}
    </span>
  );
}

/** The role on the edge of a seat, whatever else is told below the name. */
export function RoleMark({ role }: { role: Role }): VNode | null {
  if (role === "member") return null;
  return (
    <span class="badge badge-role" data-role={role}>
      <Icon name={role === "facilitator" ? "circle" : "sun"} />
    </span>
  );
}

/** A person by id, for lists. */
export function Who({ id, name }: { id: string; name?: string }): VNode {
  const session = useSession();
  return (
    <span class="who">
      <Name name={name ?? session.name(id)} />
      {session.isMe(id) && <span class="chip chip-you">{words.seat.you}</span>}
      <RoleBadge role={person(session.snap.value, id)?.role} />
    </span>
  );
}
