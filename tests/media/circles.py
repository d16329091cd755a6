"""People in a circle, for tests of who hears whom."""

from __future__ import annotations

from tests.media.rig import (
    Sender,
    Stage,
    session,
)


def circle(count: int, voices: int = 3, pictures: int = 0, **settings_: int) -> Stage:
    stage = Stage(**settings_)
    for number in range(1, count + 1):
        stage.add(number, session(number, voices=voices, pictures=pictures, video=pictures > 0))
    return stage


def heard_by(stage: Stage, name: str) -> set[str]:
    """Whose voices have come to this member since the last question."""
    receiver = stage.receivers[name]
    found = {got.who for slots in receiver.slots.values() for got in slots}
    receiver.slots.clear()
    return found


def everyone_says(stage: Stage, senders: dict[str, Sender], count: int = 1) -> None:
    for _ in range(count):
        for name, sender in senders.items():
            stage.send(name, sender.voice())
        stage.wait(0.02)
