"""In memory mode no event, state or record is made into bytes, and what comes back is the same."""

from __future__ import annotations

from typing import Any

import pytest

from sitwith_protocol import codec
from sitwith_server.log.base import CONTROL
from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.room import events as ev
from sitwith_server.room.chat.talk import Unsaid
from sitwith_server.service.hosting.loading import load
from sitwith_server.service.rooms import store
from tests.plain_log import PlainLog
from tests.service.test_forgetting_here import Circle
from tests.simulation.virtual import run


async def evening(kind: type[MemoryLog] = MemoryLog) -> Circle:
    circle = Circle()
    await circle.open(kind)
    await circle.bring_everything()
    return circle


def test_nothing_but_messages_is_encoded_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[str] = []

    def counting(frame: Any) -> bytes:
        encoded.append(str(frame["t"]))
        return beneath(frame)

    beneath = codec.encode
    monkeypatch.setattr(store, "encode", counting)
    run(evening())
    assert set(encoded) == {"chat"}
    run(evening(PlainLog))
    assert {"chat", "RoomOpened", "Record", "Unsaid"} < set(encoded)


def test_what_is_kept_is_what_its_bytes_say() -> None:
    circle = run(evening())
    room = circle.log._rooms[circle.made.room]
    entries = [each for stream in room.streams.values() for each in stream.entries]
    assert len({type(store.read_event(e.blob).event) for e in entries if e.stream == CONTROL}) > 10
    for entry in entries:
        read = store.read_event if entry.stream == CONTROL else store.read_saying
        assert read(entry.blob) == read(bytes(entry.blob))
    assert store.read_record(room.record) == store.read_record(bytes(room.record))


@pytest.mark.parametrize("kind", [MemoryLog, PlainLog])
def test_a_room_is_loaded_as_it_was_left(kind: type[MemoryLog]) -> None:
    async def scene() -> None:
        circle = await evening(kind)
        again = await load(circle.log, circle.host.trail, circle.made.room)
        assert again is not None
        assert again.state == circle.room.state

    run(scene())


def test_a_kept_value_is_encoded_once_and_shows_nothing() -> None:
    made: list[str] = []

    def encode(value: str) -> bytes:
        made.append(value)
        return value.encode()

    kept = store.LazyBlob("canary", encode)
    assert made == []
    assert bytes(kept) == bytes(kept) == b"canary"
    assert made == ["canary"]
    assert "canary" not in repr(kept)


def test_what_was_kept_as_something_else_is_not_taken() -> None:
    event = store.keep_event(ev.RoomEnded(), "", "")
    for read in (store.read_state, store.read_record, store.read_saying):
        with pytest.raises(store.Unreadable):
            read(event)
    with pytest.raises(store.Unreadable):
        store.read_event(store.keep_saying(Unsaid(1, "ada")))
