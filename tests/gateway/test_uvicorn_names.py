"""Each name of uvicorn and websockets that they don't promise and that sockets lean on, so that a
version that moved one fails here by that name (docs/decisions/0002)."""

from __future__ import annotations

import ast
import inspect
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from packaging.requirements import Requirement
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import Protocol

from sitwith_server.gateway.server import Server
from sitwith_server.gateway.sockets.http_protocol import HttpProtocol
from sitwith_server.gateway.sockets.websocket_protocol import WebSocketProtocol

ROOT = Path(__file__).parents[2]

LEANED_ON: dict[type, tuple[type, set[str]]] = {
    WebSocketProtocol: (
        WebSocketsSansIOProtocol,
        {
            "client", "close_sent", "close_timer", "conn", "connection_lost", "connection_made",
            "curr_msg_data_type", "data_received", "disconnected", "eof_received", "frames",
            "handle_cont", "handle_parser_exception", "handle_ping", "handshake_complete",
            "handshake_initiated", "keepalive_timeout", "loop", "queue", "read_paused", "receive",
            "run_asgi", "scope", "send", "send_receive_event_to_app", "stop_keepalive",
            "transport",
        },
    ),
    HttpProtocol: (
        H11Protocol,
        {
            "_unset_keepalive_if_required", "app", "client", "conn", "connection_lost",
            "connection_made", "cycle", "data_received", "loop", "on_response_complete",
            "send_400_response", "timeout_keep_alive_task", "transport", "ws_protocol_class",
        },
    ),
    Server: (
        uvicorn.Server,
        {"capture_signals", "config", "lifespan", "server_state", "servers", "startup"},
    ),
}  # fmt: skip
"""What our classes take of uvicorn's, or put in the place of it."""


def parts(cls: type) -> Iterator[ast.AST]:
    tree = ast.parse(inspect.getsource(inspect.getmodule(cls)))  # type: ignore[arg-type]
    (found,) = (n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == cls.__name__)
    return ast.walk(found)


def defined(cls: type) -> set[str]:
    """What a class has: its own names, and the fields that it gives itself."""
    fields = {
        node.attr
        for node in parts(cls)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }
    return fields | vars(cls).keys()


def asked(cls: type) -> set[str]:
    """What a class asks of itself or of its base."""
    return {
        node.attr
        for node in parts(cls)
        if isinstance(node, ast.Attribute)
        and (
            (isinstance(node.value, ast.Name) and node.value.id == "self")
            or (isinstance(node.value, ast.Call) and ast.unparse(node.value) == "super()")
        )
    }


@pytest.mark.parametrize("ours", LEANED_ON)
def test_what_sockets_lean_on_is_listed_and_there(ours: type) -> None:
    base, names = LEANED_ON[ours]
    assert issubclass(ours, base)
    theirs = defined(base)
    assert names - theirs == set()
    leaned = (asked(ours) | vars(ours).keys()) & theirs
    assert {each for each in leaned if not each.startswith("__")} == names


@pytest.mark.parametrize(
    ("owner", "name", "parameters"),
    [
        (WebSocketsSansIOProtocol, "__init__", ["config", "server_state", "app_state", "_loop"]),
        (WebSocketsSansIOProtocol, "handle_ping", []),
        (WebSocketsSansIOProtocol, "handle_cont", ["event"]),
        (WebSocketsSansIOProtocol, "handle_parser_exception", []),
        (WebSocketsSansIOProtocol, "send_receive_event_to_app", []),
        (WebSocketsSansIOProtocol, "keepalive_timeout", []),
        (WebSocketsSansIOProtocol, "stop_keepalive", []),
        (WebSocketsSansIOProtocol, "receive", []),
        (WebSocketsSansIOProtocol, "send", ["message"]),
        (WebSocketsSansIOProtocol, "run_asgi", []),
        (H11Protocol, "send_400_response", ["msg"]),
        (H11Protocol, "on_response_complete", []),
        (H11Protocol, "_unset_keepalive_if_required", []),
        (uvicorn.Server, "capture_signals", []),
    ],
)
def test_a_method_takes_what_it_took(owner: type, name: str, parameters: list[str]) -> None:
    assert list(inspect.signature(getattr(owner, name)).parameters)[1:] == parameters


@pytest.mark.parametrize(
    ("owner", "names"),
    [
        (RequestResponseCycle, {"response_complete", "disconnected", "message_event"}),
        (Protocol, {"parser", "close_rcvd", "close_sent", "data_to_send", "send_close", "fail"}),
    ],
)
def test_what_they_are_given_has_the_names(owner: type, names: set[str]) -> None:
    assert names <= defined(owner)


@pytest.mark.parametrize("name", ["uvicorn", "websockets", "h11", "starlette"])
def test_what_is_leaned_on_is_bounded_above(name: str) -> None:
    project: Any = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    (bound,) = (r for r in map(Requirement, project["dependencies"]) if r.name == name)
    assert version(name) in bound.specifier
    assert any(each.operator == "<" for each in bound.specifier)
