"""Of each target a fault that is planted, and found: what finds nothing in good code may be blind.

The faults are of the kinds that parsers have: a length taken for granted, a value that is used as
another kind, a check that is left out, a list that is never cut, a loop that doesn't end.
"""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from sitwith_protocol import codec
from sitwith_protocol import messages as m
from sitwith_protocol.errors import RefusalCode
from sitwith_server.gateway.http import forms, routing
from sitwith_server.gateway.sockets import proxies
from sitwith_server.gateway.sockets.websocket_protocol import WebSocketProtocol
from sitwith_server.gateway.websocket import connection, translate
from sitwith_server.media.aiortc import ice
from sitwith_server.media.forward.port import Port
from sitwith_server.media.packets import rtp
from sitwith_server.media.sdp import offer
from sitwith_server.room import commands as c
from sitwith_server.room.materials.values import MaterialKind
from sitwith_server.service.materials import tickets
from sitwith_server.service.people import names
from sitwith_server.service.rooms.answers import Refused
from sitwith_server.templates import files
from tests.fuzz import targets_bodies, targets_sockets
from tests.fuzz.engine import Fuzzer, Report, Target
from tests.fuzz.targets import TARGETS

WITHIN = 30.0
"""Seconds; most take less than one."""

Patch = pytest.MonkeyPatch


def found(name: str, seconds: float = WITHIN) -> Report:
    return Fuzzer(TARGETS[name], seed=7, hang=0.2, shrink=0.1).go(seconds, most=1, replay=False)


def _deeper(patch: Patch) -> None:
    check = codec._check
    patch.setattr(codec, "_check", lambda value, depth: check(value, depth + 1))


def _any_number(patch: Patch) -> None:
    """A number of seconds that is taken before it is looked at."""
    patch.setitem(
        translate._COMMANDS,
        m.PairsExtend.t,
        lambda w, me: c.PairsExtend(by=me, seconds=10 // (w.seconds - 60)),
    )


def _unmarked(patch: Patch) -> None:
    patch.setattr(names, "_refuse", lambda fault: None)


def _ticket_unchecked(patch: Patch) -> None:
    patch.setattr(hmac, "compare_digest", lambda a, b: len(b) != 32)


def _kind_believed(patch: Patch) -> None:
    def believing(body: bytes) -> dict[str, Any]:
        said = codec.decode(body)
        MaterialKind(str(said.get("kind", "pdf")))
        return said

    patch.setattr(tickets, "decode", believing)


def _any_tag(patch: Patch) -> None:
    patch.setattr(files, "_PLAIN", frozenset(("tag:yaml.org,2002:binary", *files._PLAIN)))
    patch.setattr(targets_bodies, "to_stages", lambda stages: "".join(s["kind"] for s in stages))
    patch.setattr(targets_bodies, "read_agenda", lambda made: made)
    patch.setattr(files, "read_agenda", lambda made: made["stages"])


def _deep(patch: Patch) -> None:
    def parse(body: bytes) -> object:
        try:
            return json.loads(body)
        except ValueError:
            raise forms.NotJson from None

    patch.setattr(forms, "parse", parse)


def _uncounted(patch: Patch) -> None:
    patch.setattr(offer, "_check_counts", lambda sections: None)


def _believed(patch: Patch) -> None:
    """The fault that was there: an address is the member's by a check alone."""

    def wonder(self: ice.IceAgent, source: bytes, box: Any, keys: Any, *rest: Any) -> None:
        self._confirm_address(source, keys, rest[-1])

    patch.setattr(ice.IceAgent, "_check_back", wonder)


def _generous(patch: Patch) -> None:
    patch.setattr(ice, "AMPLIFICATION", 4)


def _unbounded(patch: Patch) -> None:
    def body(packet: bytes, flags: int) -> int:
        return 12 + 4 * (flags & 15) + (4 if flags & 0x10 else 0)

    patch.setattr(rtp, "body", body)


def _trusting(patch: Patch) -> None:
    on_rtcp = Port.on_rtcp

    def trusting(self: Port, packet: bytes, now: float) -> None:
        if packet[8] != 0xFF:
            on_rtcp(self, packet, now)

    patch.setattr(Port, "on_rtcp", trusting)


def _unforeseen(patch: Patch) -> None:
    """A refusal that nobody had thought of when answers were written."""
    text = {RefusalCode.STALE: RefusalCode.STALE.text}

    def answered(id: int, answer: Any) -> Any:
        if isinstance(answer, Refused) and answer.code not in (RefusalCode.NOT_ALLOWED,):
            return translate.refused_frame(id, answer.code, text[answer.code])
        return translate.answer_frame(id, answer)

    patch.setattr(connection, "answer_frame", answered)


def _any_header(patch: Patch) -> None:
    def admits(self: routing.OperatorKey, request: Any) -> bool:
        return int(request.headers.get("content-length", "0")) >= 0

    patch.setattr(routing.OperatorKey, "admits", admits)


def _cut_off(patch: Patch) -> None:
    def header(begun: bytes) -> tuple[int, str | None] | None:
        if begun.startswith(proxies.SIGNATURE):
            return 16 + begun[15] + 256 * begun[14], None
        return proxies.proxy_header(begun)

    patch.setattr(targets_sockets, "proxy_header", header)


def _told_to_the_log(patch: Patch) -> None:
    """The fault that was there: text that is none."""
    patch.delattr(WebSocketProtocol, "send_receive_event_to_app")


PLANTED: list[tuple[str, Callable[[Patch], None]]] = [
    ("codec", _deeper),
    ("messages", _any_number),
    ("names", _unmarked),
    ("papers", _ticket_unchecked),
    ("signed", _kind_believed),
    ("agenda", _any_tag),
    ("bodies", _deep),
    ("offers", _uncounted),
    ("stun", _believed),
    ("stun", _generous),
    ("packets", _unbounded),
    ("datagrams", _trusting),
    ("session", _unforeseen),
    ("requests", _any_header),
    ("peers", _cut_off),
    ("sockets", _told_to_the_log),
]


@pytest.mark.parametrize(
    ("name", "plant"), PLANTED, ids=[f"{name}{plant.__name__}" for name, plant in PLANTED]
)
def test_a_planted_fault_is_found(
    name: str, plant: Callable[[Patch], None], monkeypatch: Patch
) -> None:
    plant(monkeypatch)
    report = found(name)
    TARGETS[name].fresh()
    assert report.findings, str(report)


def test_every_target_has_a_planted_fault() -> None:
    assert {name for name, _ in PLANTED} == set(TARGETS)


def _target(run: Callable[[bytes], None]) -> Target:
    return Target("none", run, lambda: [b"seed"], ("test_planted",))


def test_what_is_kept_for_ever_is_found() -> None:
    kept: list[bytes] = []
    report = Fuzzer(_target(lambda data: kept.append(bytes(500)))).go(0.3)
    assert [each.what.split(":")[0] for each in report.findings] == ["keeps memory"]


def test_what_is_kept_for_a_while_is_not() -> None:
    kept: list[bytes] = []

    def bounded(data: bytes) -> None:
        kept.append(data * 300)
        del kept[:-50]

    assert Fuzzer(_target(bounded)).go(0.3).findings == []


def test_a_hang_in_which_python_is_not_asked_is_found() -> None:
    def waits(data: bytes) -> None:
        if data != b"seed":
            ends = time.thread_time() + 0.06
            while time.thread_time() < ends:
                pow(7, 10**3_000, 10**500 + 1)

    report = Fuzzer(_target(waits), hang=0.05).go(WITHIN, most=1, replay=False)
    assert "hangs" in report.findings[0].what


def test_a_guarded_way_is_found_step_by_step() -> None:
    """Without looking at lines nobody would guess three bytes."""

    def with_policy(data: bytes) -> None:
        if data[:1] == b"\x07":
            if data[1:2] == b"\xfe":
                if data[2:3] == b"\x3f":
                    raise ValueError("here")

    report = Fuzzer(_target(with_policy)).go(WITHIN, most=1, replay=False)
    assert report.findings[0].data == b"\x07\xfe\x3f"


def test_what_is_shown_is_small() -> None:
    def odd(data: bytes) -> None:
        if b"\xff" in data:
            raise ValueError("one")

    report = Fuzzer(_target(odd)).go(WITHIN, most=1, replay=False)
    assert report.findings[0].data == b"\xff"
