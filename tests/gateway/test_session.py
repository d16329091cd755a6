"""The session without a socket: which frame in which state leads to which step."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitwith_protocol.codec import encode
from sitwith_protocol.errors import CloseCode
from sitwith_server.gateway.rates import FLOOD, KEPT, SeatRates, TokenBucket
from sitwith_server.gateway.websocket.session import (
    Close,
    Reply,
    Session,
    SessionState,
    Submit,
    TakeSeat,
)
from sitwith_server.service.people.paces import BURST, RATE

JOIN = {"t": "hello", "token": "room.secret", "name": "Ana"}
BACK = {"t": "hello", "resume": "room.seat.secret", "seen": {}}
HAND = {"t": "hand.raise", "id": 1}

End4400 = Close(CloseCode.BAD_FRAME)
End4413 = Close(CloseCode.TOO_LARGE)


def code(step: Any) -> object:
    return step.frame["code"] if isinstance(step, Reply) else step


def greeted() -> Session:
    session = Session(0.0)
    assert isinstance(session.receive(encode(JOIN), 0.0), TakeSeat)
    return session


@pytest.mark.parametrize(
    ("frame", "before", "after"),
    [
        (encode(JOIN), TakeSeat, End4400),
        (encode(BACK), TakeSeat, End4400),
        (encode(HAND), "not_inside", Submit),
        (encode({"t": "hand.raise"}), End4400, End4400),
        (encode({"t": "hand.raise", "id": True}), End4400, End4400),
        (encode({"t": "no.such", "id": 3}), "bad_request", "bad_request"),
        (encode({"t": "mute", "id": 3, "member": "x", "kinds": []}), "bad_request", "bad_request"),
        (encode({**HAND, "role": "facilitator"}), "bad_request", "bad_request"),
        ("hello", End4400, End4400),
        (b"", End4400, End4400),
        (b"\xc1", End4400, End4400),
        (b"\x81\xa1t\xa1x" * 2, End4400, End4400),
        (b"\x00" * 40_000, End4413, End4413),
    ],
)
def test_each_frame_in_each_stage_has_its_step(
    frame: bytes | str, before: object, after: object
) -> None:
    for session, wanted in ((Session(0.0), before), (greeted(), after)):
        step = session.receive(frame, 0.0)
        if isinstance(wanted, type):
            assert isinstance(step, wanted)
        else:
            assert code(step) == wanted
        assert (session.state is SessionState.OVER) == isinstance(step, Close)


@pytest.mark.parametrize("number", [0, -1, 2**63])
def test_AN9_a_ping_is_answered_once_one_has_greeted(number: int) -> None:
    ping = encode({"t": "ping", "id": number})
    assert code(Session(0.0).receive(ping, 0.0)) == "not_inside"
    session = greeted()
    assert session.receive(ping, 0.0) == Reply({"t": "pong", "id": number})
    steps = [session.receive(ping, 0.0) for _ in range(int(BURST))]
    assert code(steps[-1]) == "too_fast"
    assert greeted().receive(encode({"t": "ping"}), 0.0) == End4400
    assert code(greeted().receive(encode({"t": "ping", "id": 1, "x": 1}), 0.0)) == "bad_request"


def test_nothing_is_read_after_the_end() -> None:
    session = Session(0.0)
    session.receive(b"", 0.0)
    assert session.receive(encode(JOIN), 0.0) == End4400


def test_a_burst_is_taken_and_more_is_refused_until_it_rests() -> None:
    session = greeted()
    steps = [session.receive(encode({**HAND, "id": i}), 0.0) for i in range(int(BURST) + 5)]
    assert all(isinstance(step, Submit) for step in steps[: int(BURST)])
    assert {code(step) for step in steps[int(BURST) :]} == {"too_fast"}
    assert isinstance(session.receive(encode(HAND), 1.0 / RATE), Submit)


def test_a_flood_ends_with_4429() -> None:
    session = greeted()
    for number in range(int(BURST) + FLOOD):
        assert not isinstance(session.receive(encode({**HAND, "id": number}), 0.0), Close)
    assert session.receive(encode(HAND), 0.0) == Close(CloseCode.TOO_FAST)


def test_LI4_who_floods_ten_times_too_fast_is_closed_though_a_tenth_is_taken() -> None:
    session, now = greeted(), 0.0
    for number in range(int(BURST) + 2 * FLOOD):
        now += 0.1 / RATE
        if session.receive(encode({**HAND, "id": number}), now) == Close(CloseCode.TOO_FAST):
            break
    else:
        raise AssertionError("it goes on for ever")
    assert number > FLOOD


def test_LI4_who_rests_between_bursts_is_not_closed() -> None:
    session, now = greeted(), 0.0
    for _ in range(10):
        steps = [session.receive(encode(HAND), now) for _ in range(int(BURST) + FLOOD // 2)]
        assert code(steps[-1]) == "too_fast"
        now += BURST / RATE


def test_LI4_what_is_no_good_command_counts_as_well() -> None:
    session, bad = greeted(), encode({"t": "hand.raise", "id": 1, "x": 1})
    steps = [session.receive(bad, 0.0) for _ in range(int(BURST) + FLOOD)]
    assert {code(step) for step in steps[: int(BURST)]} == {"bad_request"}
    assert {code(step) for step in steps[int(BURST) :]} == {"too_fast"}
    assert session.receive(bad, 0.0) == Close(CloseCode.TOO_FAST)


@given(st.lists(st.floats(0, 10), min_size=1, max_size=300))
def test_no_seat_gets_more_than_its_rate(waits: list[float]) -> None:
    bucket, now, taken = TokenBucket(0.0), 0.0, 0
    for wait in waits:
        now += wait
        taken += bucket.take(now)
        assert taken <= BURST + RATE * now + 1e-6


@given(st.lists(st.floats(1 / RATE + 1e-9, 5), min_size=1, max_size=300))
def test_who_keeps_to_the_rate_is_never_refused(waits: list[float]) -> None:
    bucket, now = TokenBucket(0.0), 0.0
    for wait in waits:
        now += wait
        assert bucket.take(now)


def _seated(flows: SeatRates, now: float, seat: str = "m1") -> Session:
    session = Session(now)
    assert isinstance(session.receive(encode(BACK), now), TakeSeat)
    session.seated(flows.of("room", seat, now))
    return session


@given(st.lists(st.tuples(st.floats(0, 2), st.booleans()), min_size=1, max_size=300))
def test_LI10_a_seat_has_one_pace_over_all_its_connections(
    frames: list[tuple[float, bool]],
) -> None:
    flows, now, taken = SeatRates(), 0.0, 0
    session = _seated(flows, now)
    for wait, resumes in frames:
        now += wait
        if resumes:
            session = _seated(flows, now)
        taken += isinstance(session.receive(encode(HAND), now), Submit)
        assert taken <= BURST + RATE * now + 1e-6


def test_LI10_who_comes_back_for_each_command_is_closed_for_the_flood() -> None:
    flows = SeatRates()
    steps = [
        _seated(flows, n / 1_000).receive(encode(HAND), n / 1_000)
        for n in range(int(BURST) + FLOOD + 10)
    ]
    assert steps[-1] == Close(CloseCode.TOO_FAST)
    assert isinstance(_seated(flows, 0.2, "m2").receive(encode(HAND), 0.2), Submit)


def test_LI4_what_the_log_refuses_for_its_speed_counts_as_well() -> None:
    session = _seated(SeatRates(), 0.0)
    ends = [session.refused(0.0) for _ in range(FLOOD + 1)]
    assert ends == [None] * FLOOD + [Close(CloseCode.TOO_FAST)]
    assert session.receive(encode(HAND), 0.0) == End4400


def test_a_seat_that_was_silent_for_long_is_forgotten() -> None:
    flows = SeatRates()
    for n in range(2_000):
        flows.of("room", f"m{n}", n * KEPT / 100)
    assert len(flows) < 512


@given(st.binary(max_size=200))
def test_no_bytes_at_all_raise(frame: bytes) -> None:
    greeted().receive(frame, 0.0)
    Session(0.0).receive(frame, 0.0)
