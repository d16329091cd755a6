"""Every setting of a worker: its name, default, source and meaning.

A setting comes from a flag, else the environment, else a TOML file, else its default. A value that
can't be used is refused by the setting's name before anything starts, and a secret is never part of
the refusal. This file imports nothing of ours, so that every layer may import it.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")
Parse = Callable[[str], object]

ENVIRONMENT_PREFIX: Final = "SITWITH_"
CONFIG_VARIABLE: Final = "SITWITH_CONFIG"
MASK: Final = "********"
REDIS_SCHEMES: Final = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel")
LOG_LEVELS: Final = ("debug", "info", "warning", "error")
MEDIA: Final = ("aiortc", "janus", "off")


class SettingError(ValueError):
    """A setting that can't be used: which one, where it came from and what is wrong with it.

    The text never repeats the value of a secret.
    """

    def __init__(self, name: str, problem: str, *, source: str = "") -> None:
        super().__init__(f"{name}{f' ({source})' if source else ''}: {problem}")
        self.name = name
        self.problem = problem
        self.source = source


# ------------------------------------------------------------------------------------ parsing


def _words(value: str) -> str:
    if not value.isprintable() or any(character.isspace() for character in value):
        raise ValueError("must have no spaces or control characters")
    return value


def _host(value: str) -> str:
    return _words(value.removeprefix("[").removesuffix("]"))


def _key(value: str) -> str:
    if not value.isascii():
        raise ValueError("must be ASCII: it travels in an HTTP header")
    return _words(value)


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            raise ValueError(f"must be a whole number from {low} to {high}") from None
        if not low <= number <= high:
            raise ValueError(f"must be from {low} to {high}")
        return number

    return parse


def _seconds(low: float, high: float) -> Callable[[str], float]:
    def parse(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            raise ValueError(f"must be seconds from {low:g} to {high:g}") from None
        if not low <= number <= high:  # also false for NaN
            raise ValueError(f"must be from {low:g} to {high:g} seconds")
        return number

    return parse


def _origin(value: str) -> str:
    """`scheme://host[:port]` as a browser writes it in `Origin` (RFC 6454 §6.2)."""
    parts = urlsplit(value.strip())
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise ValueError("must look like https://example.org")
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("must be scheme, host and port only, without a path")
    try:
        port = parts.port
    except ValueError:
        raise ValueError("has a port that is no port") from None
    scheme = parts.scheme.lower()
    return f"{scheme}://{_authority(parts.hostname, port, scheme)}"


def _authority(host: str, port: int | None, scheme: str) -> str:
    name = f"[{host}]" if ":" in host else host
    if port is None or port == {"http": 80, "https": 443}[scheme]:
        return name
    return f"{name}:{port}"


def _origins(value: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_origin(part) for part in _split(value)))


def _address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError("must be one IP address") from None


def _redis(value: str) -> str:
    """One URL, or several separated by commas; a Sentinel URL has commas of its own."""
    for scheme in re.findall(r"(?:^|,)\s*([^,]*?)://", value) or [""]:
        if scheme not in REDIS_SCHEMES:
            schemes = ", ".join(f"{each}://" for each in REDIS_SCHEMES)
            raise ValueError(f"must begin with one of {schemes}")
    return _words(value)


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value.lower() not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return value.lower()

    return parse


def _yes_or_no(value: str) -> bool:
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if value.lower() not in words:
        raise ValueError("must be true or false")
    return words[value.lower()]


def _urls(*schemes: str) -> Callable[[str], tuple[str, ...]]:
    def parse(value: str) -> tuple[str, ...]:
        for url in (found := tuple(dict.fromkeys(_split(value)))):
            parts = urlsplit(url)
            if parts.scheme not in schemes or not parts.hostname or "@" in parts.netloc:
                raise ValueError(f"must each look like {schemes[0]}://host:port, without a user")
        return found

    return parse


def _turn_urls(value: str) -> tuple[str, ...]:
    """RFC 7065 §3.1: `turn:` or `turns:`, host, maybe port, maybe `?transport=udp|tcp`."""
    found = tuple(dict.fromkeys(_split(value)))
    form = r"turns?:(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?(?:\?transport=(?:udp|tcp))?"
    if not all(re.fullmatch(form, url) for url in found):
        raise ValueError("must each look like turn:host:3478?transport=udp or turns:host:5349")
    return found


def _split(value: str) -> list[str]:
    return [part for part in value.replace(",", " ").split() if part]


# ----------------------------------------------------------------------------------- settings


def _setting(default: T, parse: Parse, help: str, *, secret: bool = False) -> T:
    # The dataclass sees a Field; the annotation and the type checker see its default.
    metadata = {"parse": parse, "help": help, "secret": secret}
    return field(default=default, repr=not secret, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that a worker can be told. Durations in seconds, sizes in bytes.

    `public_url` and `allowed_origins` left empty are derived from `host` and `port`.
    """

    host: str = _setting("127.0.0.1", _host, "address to listen on")
    port: int = _setting(8000, _whole(0, 65535), "port to listen on")
    public_url: str = _setting("", _origin, "how browsers reach this server; links begin with it")
    allowed_origins: tuple[str, ...] = _setting(
        (), _origins, "web origins whose pages may connect, separated by commas"
    )
    operator_key: str | None = _setting(
        None, _key, "key of the operator's API; unset, the API refuses everybody", secret=True
    )
    workers: int = _setting(1, _whole(1, 256), "worker processes; more than one needs redis_url")
    redis_url: str | None = _setting(
        None,
        _redis,
        "Redis that workers share, or several by commas; unset, one process keeps all",
        secret=True,
    )
    drain_seconds: float = _setting(
        5.0, _seconds(0, 600), "time over which a stopping worker sends its members elsewhere"
    )
    room_ttl: int = _setting(86_400, _whole(60, 2_592_000), "life of a room from its creation")
    audit_ttl: int = _setting(
        86_400, _whole(0, 31_536_000), "life of an audit trail after the end of its room"
    )
    grace_seconds: int = _setting(
        30, _whole(1, 7_200), "how long a turn waits for somebody who lost the connection"
    )
    crisis_lines: str | None = _setting(
        None, str, "file of crisis lines by country, in place of the shipped one"
    )
    outbox_bytes: int = _setting(
        1_048_576, _whole(65_536, 268_435_456), "unsent bytes after which a slow reader is cut"
    )
    max_frame: int = _setting(32_768, _whole(4_096, 1_048_576), "largest frame from a client")
    hello_seconds: float = _setting(
        5.0, _seconds(0.1, 60), "time that a new connection has to say hello"
    )
    ping_seconds: float = _setting(
        5.0, _seconds(0.5, 60), "time between pings; a silent peer is lost after as long again"
    )
    log_level: str = _setting(
        "info", _one_of(*LOG_LEVELS), f"least level logged: {', '.join(LOG_LEVELS)}"
    )
    media: str = _setting("aiortc", _one_of(*MEDIA), f"what carries voices: {', '.join(MEDIA)}")
    media_address: str | None = _setting(
        None, _address, "address that members send voice and video to; unset, host's"
    )
    media_bind: str | None = _setting(
        None, _address, "address to bind for media where media_address is not this machine's own"
    )
    media_port: int = _setting(
        0, _whole(0, 65535), "UDP port for media, of the first media node; 0 takes free ones"
    )
    media_nodes: int = _setting(
        0,
        _whole(-1, 64),
        "media processes beside the workers; 0: one a spare core, 2 at least; -1: none",
    )
    media_voices: int = _setting(
        11,
        _whole(1, 11),
        "voices that a member hears at once, of more the loudest; where media is aiortc",
    )
    janus_urls: tuple[str, ...] = _setting(
        (), _urls("ws", "wss"), "Janus gateways (ws:// or wss://), where media is janus"
    )
    janus_secret: str | None = _setting(
        None, _words, "secret of the gateways' API, where they have one", secret=True
    )
    janus_room_key: str | None = _setting(
        None, _words, "admin_key of the gateways' videoroom plugin, where it has one", secret=True
    )
    janus_admin_urls: tuple[str, ...] = _setting(
        (),
        _urls("ws", "wss"),
        "admin APIs of these gateways, in the same order: a gateway is let go more surely",
    )
    janus_admin_secret: str | None = _setting(
        None, _words, "admin_secret of the gateways", secret=True
    )
    turn_urls: tuple[str, ...] = _setting(
        (), _turn_urls, "TURN servers for members (turn: and turns: URIs)"
    )
    turn_secret: str | None = _setting(
        None, _words, "secret that the TURN servers share with this one", secret=True
    )
    turn_ttl: int = _setting(600, _whole(60, 600), "life of a member's TURN credentials")
    turn_relay_only: bool = _setting(
        False, _yes_or_no, "ask browsers to send media by the TURN servers alone"
    )

    def __post_init__(self) -> None:
        if not self.public_url:
            object.__setattr__(self, "public_url", http_url(self.host, self.port))
        if not self.allowed_origins:
            object.__setattr__(self, "allowed_origins", _derived_origins(self.public_url))
        if self.workers > 1 and self.redis_url is None:
            raise SettingError("workers", "more than 1 needs redis_url")
        if self.media == "janus" and not self.janus_urls:
            raise SettingError("janus_urls", "is needed where media is janus")
        if self.janus_admin_urls and len(self.janus_admin_urls) != len(self.janus_urls):
            raise SettingError("janus_admin_urls", "must be as many as janus_urls")
        if self.janus_admin_urls and self.janus_admin_secret is None:
            raise SettingError("janus_admin_secret", "is needed with janus_admin_urls")
        if self.turn_urls and self.turn_secret is None:
            raise SettingError("turn_secret", "is needed with turn_urls")
        if self.turn_relay_only and not self.turn_urls:
            raise SettingError("turn_relay_only", "needs turn_urls")
        if self.outbox_bytes < 2 * self.max_frame:
            raise SettingError("outbox_bytes", "must hold at least two frames of max_frame")


def http_url(host: str, port: int) -> str:
    """Where a server that listens there can be reached from its own machine."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"http://{_authority(reachable, port, 'http')}"


def _derived_origins(public_url: str) -> tuple[str, ...]:
    """The page's own origin; on a loopback address also its other usual names."""
    parts = urlsplit(public_url)
    loopback = ("localhost", "127.0.0.1", "::1")
    if parts.hostname not in loopback:
        return (public_url,)
    names = (parts.hostname, *(name for name in loopback[:2] if name != parts.hostname))
    return tuple(f"{parts.scheme}://{_authority(name, parts.port, parts.scheme)}" for name in names)


# ------------------------------------------------------------------------------------ loading


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings with the source of each: `default`, `flag …`, `environment …` or `file …`."""

    settings: Settings
    sources: Mapping[str, str]
    unknown: tuple[str, ...]
    """Environment variables that look like ours and name no setting."""


@dataclass(frozen=True, slots=True)
class Row:
    """One setting, ready to be shown: a secret is masked."""

    name: str
    value: object
    default: object
    source: str
    variable: str
    help: str


def names() -> tuple[str, ...]:
    """All settings' names, in the order in which they are shown."""
    return tuple(each.name for each in fields(Settings))


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return ENVIRONMENT_PREFIX + name.upper()


def flag(name: str) -> str:
    """The command-line flag of a setting."""
    return "--" + name.replace("_", "-")


def help_text(name: str) -> str:
    """What a setting is for, in one line."""
    text = Settings.__dataclass_fields__[name].metadata["help"]
    assert isinstance(text, str)
    return text


def load(
    flags: Mapping[str, str],
    environ: Mapping[str, str],
    *,
    file: Path | None = None,
    defaults: Mapping[str, object] | None = None,
) -> Loaded:
    """Settles every setting.

    `flags` holds what the command line gave, by setting name; `file` is the file the command line
    named (else `SITWITH_CONFIG`); `defaults` are a command's own defaults, such as the demo's.
    An empty environment variable counts as unset, as Compose files write them.

    Raises:
        SettingError: a value can't be used, or the file names no setting.
    """
    if file is None and environ.get(CONFIG_VARIABLE):
        file = Path(environ[CONFIG_VARIABLE])
    written = _read(file) if file is not None else {}
    values: dict[str, object] = dict(defaults or {})
    sources = dict.fromkeys(names(), "default")
    for name in names():
        if name in flags:
            raw, source = flags[name], f"flag {flag(name)}"
        elif environ.get(variable(name)):
            raw, source = environ[variable(name)], f"environment {variable(name)}"
        elif name in written:
            raw, source = written[name], f"file {file}"
        else:
            continue
        values[name] = _parse(name, raw, source)
        sources[name] = source
    known = {CONFIG_VARIABLE, *(variable(name) for name in names())}
    unknown = sorted(
        key for key in environ if key.startswith(ENVIRONMENT_PREFIX) and key not in known
    )
    try:
        settings = Settings(**values)  # type: ignore[arg-type]  # each value went through its parser
    except SettingError as error:
        raise SettingError(error.name, error.problem, source=sources[error.name]) from None
    return Loaded(settings, sources, tuple(unknown))


def rows(loaded: Loaded) -> list[Row]:
    """Every setting as `sitwith config` shows it."""
    derived: dict[str, object] = {
        "public_url": http_url(loaded.settings.host, loaded.settings.port),
        "allowed_origins": _derived_origins(loaded.settings.public_url),
    }
    return [
        Row(
            name=each.name,
            value=_masked(each.name, getattr(loaded.settings, each.name)),
            default=derived.get(each.name, each.default),
            source=loaded.sources[each.name],
            variable=variable(each.name),
            help=help_text(each.name),
        )
        for each in fields(Settings)
    ]


def _parse(name: str, raw: str, source: str) -> object:
    metadata = Settings.__dataclass_fields__[name].metadata
    try:
        return metadata["parse"](raw.strip())
    except ValueError as error:
        given = "" if metadata["secret"] else f" (given: {raw[:80]!r})"
        raise SettingError(name, f"{error}{given}", source=source) from None


def _read(file: Path) -> dict[str, str]:
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingError("config", f"{file} can't be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        # The parser's own words may quote a line, and a line may hold a key.
        raise SettingError("config", f"{file} is not valid TOML") from None
    return {name: _plain(name, value, f"file {file}") for name, value in table.items()}


def _plain(name: str, value: object, source: str) -> str:
    if name not in names():
        raise SettingError(name, "there is no such setting", source=source)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        raise SettingError(name, "must be a text, a number or a list of texts", source=source)
    return str(value)


def _masked(name: str, value: object) -> object:
    if value is None or not Settings.__dataclass_fields__[name].metadata["secret"]:
        return value
    if name == "redis_url" and isinstance(value, str):
        shown = re.sub(r"(://[^:@/,]*):[^@/]*@", rf"\1:{MASK}@", value)
        return re.sub(r"(sentinel_password=)[^&,]*", rf"\1{MASK}", shown)
    return MASK
