"""N15: no success that did not happen. The operator's side of the invariants."""

from __future__ import annotations

from collections.abc import Iterator

from tests.chaos.history import Call, History, Standing

Wrong = Iterator[tuple[str, tuple[object, ...]]]
ANSWERS = (200, 201, 204, 404, 503)


def wrong(history: History) -> Wrong:
    """What is wrong with what an operator was answered, and the evidence."""
    for call in history.calls:
        if call.status is not None and call.status not in ANSWERS:
            yield "a fault for an answer", (call.what, call.status, call.code)
        if call.status == 503 and call.code != "unavailable":
            yield "503 for another reason", (call.what, call.code)
    for room, standing in history.standing.items():
        calls = [call for call in history.calls if call.room == room]
        yield from _there(room, standing, calls)
        yield from _invites(room, standing, calls)


def _there(room: str, standing: Standing, calls: list[Call]) -> Wrong:
    ends = [call for call in calls if call.what == "end"]
    if standing.there and any(call.done for call in ends):
        yield "ended, and there", (room,)
    if standing.there and ("room.end", None) in standing.noted:
        yield "ended by its trail, and there", (room,)
    if not standing.there and not any(call.done or call.unsure for call in ends):
        yield "gone, and nobody ended it", (room, [call.status for call in ends])
    for call in calls:
        tried = any(e.at < call.until and (e.done or e.unsure) for e in ends if e is not call)
        revoked = any(
            each.what == "revoke" and each.invite == call.invite and each.at < call.at
            for each in calls
        )
        if call.status == 404 and not tried and not (call.what == "revoke" and revoked):
            yield "denied, and there", (room, call.what, call.invite)


def _invites(room: str, standing: Standing, calls: list[Call]) -> Wrong:
    noted = {target for action, target in standing.noted if action == "invite.add"}
    made = {call.invite for call in calls if call.what == "invite" and call.done}
    unsure = sum(call.what == "invite" and call.unsure for call in calls)
    if len(noted - made) > unsure:
        yield "invites that nobody was given", (room, sorted(map(str, noted - made)))
    if not standing.there:
        return
    for invite, admitted in standing.admits.items():
        revokes = [call for call in calls if call.what == "revoke" and call.invite == invite]
        if admitted and any(call.done for call in revokes):
            yield "revoked, and admits", (room, invite)
        if admitted and ("invite.revoke", invite) in standing.noted:
            yield "revoked by its trail, and admits", (room, invite)
        if not admitted and not any(call.done or call.unsure for call in revokes):
            yield "given, and admits nobody", (room, invite)
