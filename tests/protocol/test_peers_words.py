"""A peer's word is a key among a table's own and nothing else (EV13), in Python as in the page."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from sitwith_client.view import RoomView
from sitwith_protocol.agenda import read_agenda
from sitwith_protocol.checks import Invalid
from sitwith_protocol.messages import BadMessage, RoomFrame, Unknown, parse_client, parse_server

ROOT = Path(__file__).parents[2]
WORDS = sorted(
    {*dir(object), *dir(dict), *dir(type), "__dict__", "__globals__", "__builtins__", "__slots__"}
    | {"constructor", "__proto__", "toString", "valueOf", "hasOwnProperty", "{0.__class__}", "%s"}
)

LOOKUPS = {
    "client/python/sitwith_client": set[str](),
    "protocol/sitwith_protocol": {"shapes.py"},
    "server/sitwith_server": {
        "cli/serve.py",
        "cli/settings.py",
        "config/loading.py",
        "gateway/telemetry/logs.py",
        "gateway/telemetry/metrics.py",
        "gateway/websocket/translate.py",
        "log/redis/connection/check.py",
        "media/sdp/answer.py",
        "media/janus/sdp.py",
        "media/sdp/offer.py",
        "room/slices.py",
        "series/store.py",
        "service/rooms/audit.py",
        "service/rooms/effects.py",
    },
}
"""Where an attribute is looked up by a name that is not written out. Each of these takes the names
from its own code: fields of a dataclass, settings, the URIs of RTP's extensions."""


def by_name(file: Path) -> bool:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.id if isinstance(node.func, ast.Name) else ""
        if called in ("eval", "exec", "globals", "__import__"):
            return True
        if called in ("getattr", "setattr", "hasattr", "delattr") and not isinstance(
            node.args[1], ast.Constant
        ):
            return True
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if method in ("format", "format_map") and not isinstance(
            getattr(node.func, "value", None), ast.Constant
        ):
            return True
    return False


@pytest.mark.parametrize("folder", LOOKUPS)
def test_EV13_no_attribute_and_no_format_by_a_peers_word(folder: str) -> None:
    home = ROOT / folder
    found = {str(each.relative_to(home)) for each in home.rglob("*.py") if by_name(each)}
    assert found <= LOOKUPS[folder]


def test_EV13_such_a_word_is_no_command_no_setting_and_no_stage() -> None:
    for word in WORDS:
        with pytest.raises(BadMessage):
            parse_client({"t": word, "id": 1})
        with pytest.raises(BadMessage):
            parse_client({"t": "room.settings", "id": 1, word: True})
        with pytest.raises(BadMessage):
            parse_client({"t": "hand.raise", "id": 1, word: True})
        with pytest.raises(Invalid):
            read_agenda({"stages": [{"kind": word, "seconds": 60}]})
        with pytest.raises(Invalid):
            read_agenda({"stages": [{"kind": "open", "seconds": 60, word: 1}]})
        assert isinstance(parse_server({"t": word}), Unknown)


def test_EV13_such_a_word_folds_like_any_other() -> None:
    for word in WORDS:
        view = RoomView()
        view.replace({"members": {}, "floor": None})
        member = {"name": "Ada", "role": "member", "seat": 1, "here": "here", "hand": None}
        for patch in (["members", word, member], [word, "x", 1]):
            frame = parse_server({"t": "room", "seq": 1, "pos": b"p", "why": "x", "patch": [patch]})
            assert isinstance(frame, RoomFrame)
            view.fold(frame)
        assert view.members == {word: member}
        assert view[word] == {"x": 1}
