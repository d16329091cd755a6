"""What is written to the log, and what never is."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from sitwith_server.config import Settings
from sitwith_server.gateway.telemetry import logs
from sitwith_server.gateway.telemetry.logs import MASK, WITHHELD, bound, configure, logger

from .house import KEY, house

CANARY = "canary-7f3a"


class Written(io.StringIO):
    """A stream and the lines in it."""

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().split("\n") if line]

    @property
    def last(self) -> dict[str, Any]:
        return self.lines[-1]


@pytest.fixture
def written() -> Iterator[Written]:
    """Everything that is logged, at the level `debug`; afterwards all is as it was."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, logging.raiseExceptions
    stream = Written()
    configure(Settings(log_level="debug"), stream)
    yield stream
    root.handlers[:], level, logging.raiseExceptions = before
    root.setLevel(level)
    logging.getLogger("uvicorn.access").disabled = False
    for name in logs.QUIET:
        logging.getLogger(name).setLevel(logging.NOTSET)
    structlog.reset_defaults()


def own(event: str, **fields: object) -> None:
    logger("test").info(event, **fields)


# -------------------------------------------------------------------------------------- form


def test_a_line_is_one_json_object_with_when_how_grave_who_and_what(written: Written) -> None:
    logger("sitwith_server.x").warning("seat_lost", seat="s1", seconds=3)
    line = written.last
    assert line.pop("at").endswith("+00:00")
    assert line == {
        "level": "warning",
        "logger": "sitwith_server.x",
        "event": "seat_lost",
        "seat": "s1",
        "seconds": 3,
    }


@given(st.text(), st.text(), st.dictionaries(st.text(), st.text() | st.binary() | st.floats()))
def test_nothing_written_can_break_its_line(
    event: str, value: str, inner: dict[str, object]
) -> None:
    stream = Written()
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        configure(Settings(), stream)
        own("x" + event, reason=value, counts=inner)
        logging.getLogger("lib").error("x%s" + value.replace("%", "%%"), event)
        logging.getLogger("lib").error("x" + event)
    finally:
        root.handlers[:], level = before
        root.setLevel(level)
        structlog.reset_defaults()
    text = stream.getvalue()
    assert text.isascii()
    assert not any(ord(c) < 32 for c in text.replace("\n", ""))
    assert text.count("\n") == len(stream.lines) == 3


def test_lines_below_the_level_are_not_written(written: Written) -> None:
    configure(Settings(log_level="warning"), written)
    own("unheard")
    logging.getLogger("lib").info("unheard")
    assert written.lines == []
    logger("test").warning("heard")
    logging.getLogger("lib").warning("heard")
    assert [line["event"] for line in written.lines] == ["heard", "heard"]


def test_ids_are_bound_to_what_is_done_under_them(written: Written) -> None:
    with bound(request="q1"):
        with bound(seat="s1"):
            own("inner")
        own("outer")
        logging.getLogger("lib").error("by a library")
    own("after")
    ids = [(line.get("request"), line.get("seat")) for line in written.lines]
    assert ids == [("q1", "s1"), ("q1", None), ("q1", None), (None, None)]


async def test_ids_of_two_tasks_do_not_mix(written: Written) -> None:
    async def task(name: str) -> None:
        with bound(connection=name):
            await asyncio.sleep(0)
            own("done", by=name)

    await asyncio.gather(*(task(f"c{n}") for n in range(5)))
    assert all(line["connection"] == line["by"] for line in written.lines)


# ----------------------------------------------------------------------------------- content


@pytest.mark.parametrize("name", sorted(WITHHELD))
@pytest.mark.parametrize("shape", ["{}", "chat_{}", "{}.first", "{}-of-room", "X-{}"])
def test_content_and_secrets_are_masked_by_their_names(
    written: Written, name: str, shape: str
) -> None:
    own("event", **{shape.format(name): CANARY, shape.format(name.upper()): [CANARY]})
    own("event", counts={"deep": [{shape.format(name): CANARY}]})
    logging.getLogger("lib").warning("event", extra={shape.format(name) + "_x": CANARY})
    assert CANARY not in written.getvalue()
    assert len(written.lines) == 3
    assert MASK in written.getvalue()


@pytest.mark.parametrize(
    "secret",
    [
        "http://127.0.0.1/r/abc#t=abc.secret",
        "?t=abcdefgh",
        "Bearer abcdefgh",
        "bearer\tabcdefgh",
        "lbc6rj4xzdmj7dfvvvgifga3c4.qoD2QZz7oozJP_YU_kxrEeVX9f0qPsL4SQeinhHKCVM",
        "room4567.s7abcdef.qoD2QZz7oozJP_YU_kxrEeVX9f0qPsL4SQeinhHKCVM",
    ],
)
def test_what_looks_like_a_secret_is_masked_anywhere(written: Written, secret: str) -> None:
    own(f"went {secret} wrong", reason=f"because {secret}!", counts={secret: [secret]})
    line = written.getvalue()
    assert line.count(MASK) == 4
    for part in ("abcdefgh", "qoD2QZz7", "abc.secret"):
        assert part not in line


def test_values_that_are_no_plain_data_are_told_by_their_type(written: Written) -> None:
    class Holder:
        def __repr__(self) -> str:
            return CANARY

        __str__ = __repr__

    own("event", one=Holder(), many=[Holder()], raw_data=b"x", some=CANARY.encode(), ratio=1e999)
    line = written.last
    assert CANARY not in written.getvalue()
    assert "Holder" in line["one"]
    assert line["some"] == f"[{len(CANARY)} bytes]"
    assert line["ratio"] == "inf"


def test_long_values_are_cut(written: Written) -> None:
    deep: object = CANARY
    for _ in range(10):
        deep = [deep]
    own("x" * 5_000, reason="y" * 5_000, counts=list(range(5_000)), nest=deep)
    assert len(written.getvalue()) < 1_500
    assert CANARY not in written.getvalue()


# -------------------------------------------------------------------------------- exceptions


def fail(secret: str) -> None:
    held = secret
    try:
        raise KeyError(held)
    except KeyError as cause:
        raise ValueError(f"no {held}") from cause


def test_an_exception_is_told_by_type_and_place_alone(written: Written) -> None:
    try:
        fail(CANARY)
    except ValueError as error:
        logger("test").exception("failed")
        logger("test").error("failed", exc_info=error)
        logger("test").error("failed", exc_info=True)
        logging.getLogger("lib").exception("failed")
        logging.getLogger("lib").error(error)
        logging.getLogger("lib").error("failed: %s", error, exc_info=True, stack_info=True)
        logger("test").error("failed", error=str(error), exception=repr(error))
    assert CANARY not in written.getvalue()
    assert len(written.lines) == 7
    for line in written.lines[:6]:
        outer, cause = line["error"]
        assert (outer["type"], cause["type"]) == ("ValueError", "KeyError")
        assert outer["at"][-1].endswith(" fail")
        assert "tests/gateway/test_logs.py:" in outer["at"][-1]
    assert written.last["error"] == MASK


def test_a_group_of_exceptions_is_told_by_its_types(written: Written) -> None:
    group = ExceptionGroup(CANARY, [ValueError(CANARY), OSError(CANARY)])
    logger("test").error("failed", exc_info=group)
    assert CANARY not in written.getvalue()
    assert written.last["error"][0]["holds"] == ["ValueError", "OSError"]


def test_exceptions_that_cause_each_other_are_told_once(written: Written) -> None:
    one, other = ValueError(), KeyError()
    one.__cause__, other.__cause__ = other, one
    logger("test").error("failed", exc_info=one)
    assert [link["type"] for link in written.last["error"]] == ["ValueError", "KeyError"]


def test_no_exception_is_no_error(written: Written) -> None:
    logger("test").error("fine", exc_info=True)
    logger("test").error("fine", exc_info=None)
    logging.getLogger("lib").error("fine", exc_info=(None, None, None))
    assert all("error" not in line for line in written.lines)


def test_what_nothing_caught_is_told_without_its_text(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, hook in ((sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook")):
        monkeypatch.setattr(module, hook, getattr(module, hook))
    logs.catch_uncaught()
    error = ValueError(CANARY)
    sys.excepthook(ValueError, error, None)
    thread = threading.Thread(target=fail, args=(CANARY,))
    thread.start()
    thread.join()
    assert [line["event"] for line in written.lines] == ["uncaught", "uncaught"]
    assert [line["error"][0]["type"] for line in written.lines] == ["ValueError", "ValueError"]
    assert CANARY not in written.getvalue()
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert len(written.lines) == 2


# --------------------------------------------------------------------------------- libraries


@pytest.mark.parametrize(
    ("log", "told"),
    [
        (lambda lib: lib.error("Exception in ASGI application\n"), "Exception in ASGI application"),
        (lambda lib: lib.error("took %.3f seconds, %d%%", 0.5, 7), "took 0.5 seconds, 7%"),
        (lambda lib: lib.error('%s - "%s %s" %d', "203.0.113.9:1", "GET", CANARY, 200),
         '… - "… …" 200'),
        (lambda lib: lib.error("%(who)s did", {"who": CANARY}), "… did"),
        (lambda lib: lib.error("%s %s", CANARY), "… …"),
        (lambda lib: lib.error("none", CANARY), "none"),
        (lambda lib: lib.error(f"Exception in callback say('{CANARY}')\nhandle: {CANARY}"),
         "Exception in callback say"),
        (lambda lib: lib.error(f"<Task name={CANARY}>"), ""),
        (lambda lib: lib.error(f"100% of x: {CANARY}"), "100% of x"),
        (lambda lib: lib.error([CANARY]), "(list)"),
    ],
)  # fmt: skip
def test_of_a_librarys_line_its_constant_words_and_numbers_are_kept(
    written: Written, log: Callable[[logging.Logger], None], told: str
) -> None:
    log(logging.getLogger("lib"))
    assert written.last["event"] == told
    assert written.last["logger"] == "lib"
    assert CANARY not in written.getvalue()


async def test_a_failed_task_is_told_without_its_error(written: Written) -> None:
    loop = asyncio.get_running_loop()
    loop.call_exception_handler(
        {"message": "Task exception was never retrieved", "exception": ValueError(CANARY)}
    )
    loop.call_soon(fail, CANARY)
    await asyncio.sleep(0.01)
    assert CANARY not in written.getvalue()
    assert [line["logger"] for line in written.lines] == ["asyncio", "asyncio"]
    assert written.lines[0]["event"] == "Task exception was never retrieved"
    assert all(line["error"][0]["type"] == "ValueError" for line in written.lines)


def test_lines_about_each_connection_are_not_written(written: Written) -> None:
    for name in ("uvicorn.error", "httpx", "websockets.server"):
        logging.getLogger(name).info('"WebSocket %s" [accepted]', f"/ws?{CANARY}")
    logging.getLogger("uvicorn.access").error(CANARY)
    refused_upgrade = "ASGI callable returned without completing handshake."
    logging.getLogger("uvicorn.error").error(refused_upgrade)
    assert written.lines == []
    logging.getLogger("uvicorn.error").error("Exception in ASGI application\n")
    assert written.last["event"] == "Exception in ASGI application"


def test_a_stream_that_is_gone_ends_nothing(written: Written) -> None:
    written.close()
    own("nobody reads this")
    logging.getLogger("lib").error("nor this")


# -------------------------------------------------------------------------------- the server


async def test_a_request_is_one_line_by_its_template(written: Written) -> None:
    async with house() as h:
        made = await h.room(title=CANARY, agreement=CANARY)
        room = made["room"]
        await h.call("GET", f"/api/rooms/{room}?t={CANARY}", headers={"x-secret": CANARY})
        await h.call("GET", f"/r/{CANARY}?t={CANARY}", key=None)
        await h.call(CANARY, f"/{CANARY}")
        await h.call("POST", "/api/rooms", {"title": [CANARY], CANARY: 1})
        await h.call("GET", "/healthz")
    seen = [
        (line["method"], line["route"], line["status"], line["level"])
        for line in written.lines
        if line["event"] == "request"
    ]
    assert seen == [
        ("POST", "/api/rooms", 201, "info"),
        ("GET", "/api/rooms/{room}", 200, "info"),
        ("GET", "/r/{room}", 200, "info"),
        ("other", "(none)", 404, "info"),
        ("POST", "/api/rooms", 422, "info"),
        ("GET", "/healthz", 200, "debug"),
    ]
    assert len({line["request"] for line in written.lines}) == len(seen)
    for secret in (CANARY, KEY, room, *made["tokens"].values(), "127.0.0.1"):
        assert secret not in written.getvalue()


async def test_a_fault_is_logged_under_its_request(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house() as h:

        async def broken(self: object) -> list[object]:
            raise ValueError(CANARY)

        monkeypatch.setattr(h.operator.__class__, "rooms", broken)
        answer: httpx.Response = await h.call("GET", "/api/rooms")
    fault, request = written.lines
    assert (fault["event"], fault["level"]) == ("fault", "error")
    assert fault["error"][0]["type"] == "ValueError"
    assert fault["error"][0]["at"][-1].endswith(" broken")
    assert fault["request"] == request["request"] == answer.headers["x-request-id"]
    assert CANARY not in written.getvalue()
