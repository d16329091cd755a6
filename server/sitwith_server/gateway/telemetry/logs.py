"""Logs one line of JSON each to standard error, with ids and never with content.

What keeps content out of every line:

* A field is masked at any depth if its name suggests content or secrets (`WITHHELD`).
* A value that is not a plain number, text, boolean, list or map is replaced by its type, bytes by
  their length. Long text is cut. Anything in a text that looks like a token is masked.
* An exception is logged as its types, its causes' types and their places in the code, without text
  and local variables, which may hold anything.
* A library's line is logged as its constant words, its numbers and its source. Texts that were
  formatted into it are left out, because they are paths, addresses and frames.

Too many lines of one kind are left out and counted (`log_limiter`). JSON escapes control characters
and everything outside ASCII.
"""

from __future__ import annotations

import json
import logging
import math
import re
import sys
import threading
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, TextIO, TypeAlias

import structlog
from structlog.contextvars import bound_contextvars, merge_contextvars

from sitwith_server.config import Settings
from sitwith_server.gateway.telemetry.log_limiter import LogLimiter

Event: TypeAlias = MutableMapping[str, Any]

WITHHELD: Final = frozenset(
    (
        "address",
        "addr",
        "agreement",
        "authorization",
        "body",
        "bodies",
        "client",
        "concern",
        "concerns",
        "content",
        "cookie",
        "cookies",
        "data",
        "detail",
        "digest",
        "err",
        "error",
        "exception",
        "fragment",
        "frame",
        "frames",
        "headers",
        "hello",
        "ip",
        "key",
        "keys",
        "link",
        "links",
        "message",
        "messages",
        "name",
        "names",
        "offer",
        "params",
        "password",
        "path",
        "payload",
        "peer",
        "pos",
        "prompt",
        "query",
        "raw",
        "referer",
        "remote",
        "resume",
        "sdp",
        "secret",
        "secrets",
        "seen",
        "skeleton",
        "tag",
        "tags",
        "text",
        "texts",
        "title",
        "token",
        "tokens",
        "topics",
        "uri",
        "url",
        "words",
    )
)
"""A field is masked if a word of its name is one of these."""

MASK: Final = "[withheld]"
LONGEST: Final = 200
"""Most characters of a text value."""
DEEPEST: Final = 3
MOST: Final = 30
"""Most items of a list or map, and frames of a stack."""

_CONTROLS: Final = frozenset(("exc_info", "stack_info", "level"))
"""Arguments that control how a line is made; not fields of it."""
_RECORD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "color_message"}

QUIET: Final = (
    "uvicorn",
    "uvicorn.error",
    "uvicorn.asgi",
    "websockets",
    "httpx",
    "httpcore",
    "asyncio",
)
"""Libraries that log each connection with its path or frames: only their warnings are logged."""

_WORD = re.compile(r"[^a-z0-9]+")
# A link's fragment, a bearer key, a token or a resume value.
_TOKEN = re.compile(r"(?:[#?&]t=|bearer\s+)\S+|[A-Za-z0-9_-]{8,}\.\S{20,}", re.IGNORECASE)
_OPENING = re.compile(r"[(<\[{'\":=]")
_PLACEHOLDER = re.compile(r"%(?:\([^)]*\))?[-#0 +]*(?:\*|\d+)?(?:\.(?:\*|\d+))?[a-zA-Z%]")


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Sends all log lines of this process to `stream` (default: standard error).

    Call it once, before anything is logged. A further call replaces the configuration.
    """
    out = sys.stderr if stream is None else stream
    level = getattr(logging, settings.log_level.upper())
    limiter = LogLimiter()

    def limit(_: Any, __: str, event: Event) -> Event:
        left_out = limiter.passes(str(event.get("event")), str(event.get("level")))
        if left_out is None:
            raise structlog.DropEvent
        return {**event, "left_out": left_out} if left_out else event

    structlog.configure(
        processors=[structlog.stdlib.add_log_level, limit, merge_contextvars, _guard, _finish],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *name: LineWriter(out, *name),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(_Foreign())
    handler.addFilter(_limited(limiter))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in QUIET:
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
        library.setLevel(max(level, logging.WARNING))
    logging.getLogger("uvicorn.access").disabled = True  # it logs paths with their queries
    logging.getLogger("uvicorn.error").addFilter(_not_a_refused_upgrade)
    # Otherwise a failing handler prints the record with its arguments.
    logging.raiseExceptions = False


def _not_a_refused_upgrade(record: logging.LogRecord) -> bool:
    # uvicorn logs an error for each refused upgrade, although it was answered.
    return record.msg != "ASGI callable returned without completing handshake."


def _limited(limiter: LogLimiter) -> Callable[[logging.LogRecord], bool]:
    def passes(record: logging.LogRecord) -> bool:
        left_out = limiter.passes(f"{record.name} {record.lineno}", record.levelname.lower())
        if left_out:
            record.left_out = left_out
        return left_out is not None

    return passes


def catch_uncaught() -> None:
    """Logs uncaught exceptions by type and place. Python would print their text, too."""

    def uncaught(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        logger("python").critical("uncaught", exc_info=(kind, error, trace))

    def in_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            uncaught(args.exc_type, args.exc_value, args.exc_traceback)

    def unraisable(args: sys.UnraisableHookArgs) -> None:
        if args.exc_value is not None:
            uncaught(args.exc_type, args.exc_value, args.exc_traceback)

    sys.excepthook = uncaught
    threading.excepthook = in_thread
    sys.unraisablehook = unraisable


def logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """A logger whose lines carry `name`. Events are constants; all else belongs into fields."""
    made: structlog.typing.FilteringBoundLogger = structlog.get_logger(name)
    return made


def bound(**ids: str) -> AbstractContextManager[Any]:
    """Adds ids (`request`, `connection`, `seat`) to each line of this task within the context."""
    return bound_contextvars(**ids)


class LineWriter:
    """Writes finished lines. structlog calls a method for each level."""

    def __init__(self, stream: TextIO, name: str = "") -> None:
        self._stream = stream
        self.name = name

    def msg(self, line: str) -> None:
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            pass  # standard error is closed; that must not end a room

    debug = info = warning = error = critical = fatal = exception = log = msg


# --------------------------------------------------------------------------------- processors


def _guard(_: Any, __: str, event: Event) -> Event:
    for name in list(event):
        if name == "event":
            event[name] = _text(str(event[name]))
        elif name in _CONTROLS:
            continue
        else:
            event[name] = _clean(name, event[name], DEEPEST)
    return event


def _finish(made: Any, _: str, event: Event) -> str:
    """Formats the line: time, level, logger and event first, then the fields."""
    info = event.pop("exc_info", None)
    event.pop("stack_info", None)
    line: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "level": event.pop("level", "info"),
        "logger": made.name,
        "event": event.pop("event", ""),
        **event,
    }
    if info:
        error = _error_of(info)
        if error is not None:
            line["error"] = describe(error)
    return json.dumps(line, ensure_ascii=True, default=_type_of)


class _Foreign(logging.Formatter):
    """Formats records of Python's `logging` as the same lines."""

    def format(self, record: logging.LogRecord) -> str:
        event: Event = {k: v for k, v in vars(record).items() if k not in _RECORD}
        event["event"] = _constant(record)
        event["level"] = record.levelname.lower()
        event["exc_info"] = record.exc_info
        if not record.exc_info and isinstance(record.msg, BaseException):
            event["exc_info"] = record.msg
        event = dict(merge_contextvars(None, "", event))
        return _finish(record, "", _guard(None, "", event))


def _constant(record: logging.LogRecord) -> str:
    """A library's line with its constant words, its numbers, and `…` for each text."""
    if not isinstance(record.msg, str):  # the message is an exception or other object
        return f"({_type_of(record.msg)})"
    first = record.msg.strip().partition("\n")[0]  # asyncio adds lines with the task and its error
    if not record.args:  # already formatted: keep only the words before any value
        return _OPENING.split(first)[0].strip()
    arguments = iter(record.args if isinstance(record.args, tuple) else ())

    def fill(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        value = next(arguments, None)
        return str(value) if type(value) in (int, float) else "…"

    return _PLACEHOLDER.sub(fill, first)


def _error_of(info: object) -> BaseException | None:
    if isinstance(info, BaseException):
        return info
    return info[1] if isinstance(info, tuple) else sys.exc_info()[1]


def describe(error: BaseException) -> list[dict[str, Any]]:
    """An exception and its causes: `[{"type": …, "at": ["file:line function", …]}, …]`.

    The innermost frame comes last. No value of any variable is in it.
    """
    chain: list[dict[str, Any]] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen and len(chain) < MOST:
        seen.add(id(current))
        link: dict[str, Any] = {"type": _type_of(current), "at": _places(current.__traceback__)}
        if isinstance(current, BaseExceptionGroup):
            link["holds"] = [_type_of(each) for each in current.exceptions[:MOST]]
        chain.append(link)
        hidden = current.__suppress_context__
        current = current.__cause__ or (None if hidden else current.__context__)
    return chain


def _type_of(value: object) -> str:
    kind = type(value)
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )


def _places(trace: TracebackType | None) -> list[str]:
    places = []
    while trace is not None:
        code = trace.tb_frame.f_code
        file = "/".join(code.co_filename.replace("\\", "/").split("/")[-3:])
        places.append(f"{file}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return places[-MOST:]


def _clean(name: str, value: object, depth: int) -> object:
    if withheld(name):
        return value if value is None or isinstance(value, bool) else MASK
    return _plain(value, depth)


def _plain(value: object, depth: int) -> object:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return _text(str(value))
    if isinstance(value, bytes | bytearray | memoryview):
        return f"[{len(value)} bytes]"
    if depth and isinstance(value, Mapping):
        some = list(value.items())[:MOST]
        return {_text(str(k)): _clean(str(k), v, depth - 1) for k, v in some}
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [_plain(each, depth - 1) for each in list(value)[:MOST]]
    return f"[{_type_of(value)}]"


def _text(value: str) -> str:
    clean = _TOKEN.sub(MASK, value)
    return clean if len(clean) <= LONGEST else clean[:LONGEST] + "…"


def withheld(name: str) -> bool:
    """Whether a field of this name is masked."""
    return any(word in WITHHELD for word in _WORD.split(name.lower()))
