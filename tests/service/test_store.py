"""Events and words as bytes and back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sitwith_protocol.codec import decode, encode
from sitwith_server.room import begin, fold, fold_all
from sitwith_server.room import commands as c
from sitwith_server.room import events as ev
from sitwith_server.room.agenda.values import GroupsWish, Mics, Stage, StageFloor, StageKind
from sitwith_server.room.care.values import Card, Level
from sitwith_server.room.chat.talk import Said, Saying, Unsaid
from sitwith_server.room.families import EVENTS
from sitwith_server.room.materials.values import File, MaterialKind, Wish
from sitwith_server.room.model import OPERATOR, ChatPolicy, Kind, Role
from sitwith_server.service.rooms.store import (
    VERSION,
    event_to_bytes,
    read_event,
    read_saying,
    read_state,
    saying_to_bytes,
    state_to_bytes,
)
from tests.room.evening import Evening, circle, pairs_of
from tests.room.series import Meeting, handle

FULL = Stage(
    StageKind.PAIRS,
    60,
    title="Pairs",
    prompt="Two by two.",
    auto=True,
    floor=StageFloor.ROUND,
    turn_seconds=5.5,
    rounds=("One?", "Two?"),
    chat=ChatPolicy.OFF,
    mics=Mics.MUTED,
    pairs=GroupsWish(2, "fresh"),
    breathe=(4.0, 6.0),
    material=Wish(MaterialKind.LINK, "https://a.example"),
)


def eventful() -> Evening:
    """An evening in which everything happens at least once."""
    e = circle("Ada", "Ben", "Cleo", "Dora", lobby=True, expires_in=500)
    e.come("Emil")
    e.ok("fay", c.LobbyDecline, person="emil")
    for n in range(50):
        e.hello(f"X{n}", address=b"one")
    e.advance(100)
    e.ok("x0", c.AgreementReading)
    e.hello("Zoe", address=b"two")
    e.ok("fay", c.LinkReplace, invite="i-m", new="i-new", digest=b"new")
    e.link(Role.MEMBER, uses=2, expires_in=60)
    e.ok(OPERATOR, c.RevokeInvite, invite="i-f")
    e.ok("fay", c.RoomLock)
    e.ok("fay", c.RoomSettings, changes={"chat": "staff", "slow_seconds": 1.5})
    e.ok("ada", c.SelfRename, name="Ännchen", skeleton="annchen")
    e.ok("ben", c.SelfAway, away=True)
    e.ok("fay", c.Mute, member="ada", kinds=frozenset((Kind.AUDIO, Kind.CHAT)))
    e.ok("fay", c.FloorRound, seconds=60)
    e.ok("fay", c.FloorPause)
    e.ok("fay", c.ConcernsOffer, concerns=("Sleep",))
    e.ok("ada", c.TopicsSet, tags=(b"\x00\xff", b"tag"))
    e.ok("fay", c.PairsPlan, seed=1, how="fresh", avoid=(("ada", "ben"),))
    first = pairs_of(e, "ada dora", "ben cleo", seconds=90)[0]
    e.ok("ada", c.HelpAsk)
    e.ok(OPERATOR, c.PinMedia, node="n1", was=None)
    e.ok(OPERATOR, c.AddTalk, node="n1", heard={"ada": 1.5, "ben": 0.5})
    e.ok("fay", c.PairsVisit, group=first)
    e.ok("fay", c.AgendaEdit, stages=(FULL,))
    e.ok("fay", c.AgendaStart, seed=1)
    e.ok("fay", c.MoodAsk)
    e.ok("cleo", c.MoodAnswer, value=4)
    e.ok("fay", c.MoodClose)
    e.ok("fay", c.MilestoneShare, text="A year")
    e.ok("fay", c.VoiceNudge, member="dora")
    e.ok("dora", c.VoiceDismiss)
    e.lose("cleo")
    e.ok(OPERATOR, c.Thaw, since=e.now, until=e.now + 5)
    e.back("cleo")
    e.ok("fay", c.RoomSettings, changes={"cards": True})
    e.ok("cleo", c.CareCard, card=Card("here", None, "Ring twice"))
    e.ok("cleo", c.CareFlag, level=Level.URGENT)
    e.ok("dora", c.CareWorry, member="cleo", level=Level.QUIET)
    e.ok("fay", c.CareAside, member="cleo")
    e.ok("fay", c.CareOpen, member="cleo")
    e.ok(OPERATOR, c.LineMoved, member="cleo", n=1, waiting=True)
    e.ok("fay", c.StaffClaim, member="cleo")
    e.ok("fay", c.GuestBring)
    words = Wish(MaterialKind.TEXT, "Breathe.", "For all")
    e.ok("fay", c.MaterialShow, material="t1", what=words.kind, body=words.body)
    file = File("b1", "application/pdf", 900, pages=2)
    e.ok("fay", c.MaterialBring, material="f1", what=MaterialKind.PDF, file=file, title="Two")
    e.ok("fay", c.MaterialHide, material="f1")
    e.ok("fay", c.RoleGive, member="dora", role=Role.FACILITATOR)
    e.ok("fay", c.MemberRemove, member="ben")
    e.lose("ada")
    for who in ("fay", "dora"):
        e.lose(who)
    e.advance(600)
    e.back("fay")
    e.ok("fay", c.RoomEnd)
    return e


def forgetting() -> Evening:
    """A room that nobody is in for long, with somebody who stays at the door."""
    e = circle("Ada", lobby=True)
    for who in ("ada", "fay"):
        e.lose(who)
    e.back("fay")
    e.lose("fay")
    e.hello("Ben")
    e.advance(e.state.opening.forget_seconds)
    e.ok(OPERATOR, c.Forget, link_key=b"l", material_key=b"m")
    assert e.state.life == 1
    return e


def meeting() -> Meeting:
    """A meeting of a series, with all that happens in one alone."""
    first = Meeting()
    first.circle("Ada", "Ben")
    first.ok("fay", c.PairsOpen, groups=(("ada", "ben"),))
    first.ok("fay", c.MemberRemove, member="ada")
    e = Meeting(first.past())
    e.circle("Ada", "Ben")
    e.ok(OPERATOR, c.SeriesForget, handle=handle("Ben"))
    e.ok(OPERATOR, c.SeriesDrop)
    return e


def test_every_event_comes_back_as_it_was() -> None:
    events = [*eventful().events, *meeting().events, *forgetting().events, ev.Blanked()]
    assert {type(event) for event in events} == set(EVENTS.values())
    for event in events:
        came = read_event(event_to_bytes(event, "why", "ada"))
        assert (came.event, came.why, came.by) == (event, "why", "ada")


@pytest.mark.parametrize("evening", [eventful, forgetting])
def test_a_log_read_back_gives_the_same_room(evening: Callable[[], Evening]) -> None:
    e = evening()
    blobs = [event_to_bytes(event, "", "") for event in e.events]
    assert fold_all(read_event(blob).event for blob in blobs) == e.state


def test_a_meeting_of_a_series_comes_back_whole() -> None:
    e = meeting()
    first = e.events[0]
    assert isinstance(first, ev.RoomOpened)
    state = begin(first)
    for event in e.events[1:-1]:
        state = fold(state, event)
        assert read_state(state_to_bytes(state)) == state
    assert state.series is not None
    assert state.series.past.bans


@pytest.mark.parametrize("evening", [eventful, forgetting])
def test_a_room_comes_back_whole(evening: Callable[[], Evening]) -> None:
    opened, *events = evening().events
    assert isinstance(opened, ev.RoomOpened)
    state = begin(opened)
    for event in events:
        state = fold(state, event)
        assert read_state(state_to_bytes(state)) == state


@pytest.mark.parametrize(
    "saying",
    [
        Said(1, "ada", "hello"),
        Said(2**40, "ada", b"\x00\xff", notice=True),
        Said(3, "ada", "", deleted=True),
        Unsaid(3, "fay"),
    ],
)
def test_words_come_back_as_they_were(saying: Saying) -> None:
    came = read_saying(saying_to_bytes(saying))
    assert came == saying
    assert type(came) is type(saying)


@pytest.mark.parametrize("change", [{"v": VERSION + 1}, {"t": "NeverHeardOf"}])
def test_what_another_version_wrote_is_not_guessed_at(change: dict[str, object]) -> None:
    for blob, read in (
        (event_to_bytes(ev.RoomEnded(), "", ""), read_event),
        (saying_to_bytes(Unsaid(1, "ada")), read_saying),
    ):
        with pytest.raises(LookupError):
            read(encode({**decode(blob), **change}))
