"""Loads the settings from their sources, and lists them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from sitwith_server.config.addresses import derived_origins, http_url
from sitwith_server.config.errors import SettingError
from sitwith_server.config.settings import Settings

ENVIRONMENT_PREFIX: Final = "SITWITH_"
CONFIG_VARIABLE: Final = "SITWITH_CONFIG"
MASK: Final = "********"


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, each with its source: `default`, `flag …`, `environment …` or `file …`."""

    settings: Settings
    sources: Mapping[str, str]
    unknown: tuple[str, ...]
    """Environment variables that begin with the prefix and name no setting."""


@dataclass(frozen=True, slots=True)
class Row:
    """One setting for display; secrets are masked."""

    name: str
    value: object
    default: object
    source: str
    variable: str
    help: str


def names() -> tuple[str, ...]:
    """Names of all settings, in order of display."""
    return tuple(each.name for each in fields(Settings))


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return ENVIRONMENT_PREFIX + name.upper()


def flag(name: str) -> str:
    """The command-line flag of a setting."""
    return "--" + name.replace("_", "-")


def help_text(name: str) -> str:
    """The meaning of a setting, in one line."""
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
    """Loads every setting.

    flags: values from the command line, by setting name. environ: environment variables; an empty
    one counts as unset, as Compose files write them. file: the TOML file; None: the one in
    `SITWITH_CONFIG`, if any. defaults: a command's own defaults, such as the demo's.

    Raises:
        SettingError: a value can't be used, or the file has an unknown setting.
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
        "allowed_origins": derived_origins(loaded.settings.public_url),
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
        # The parser's message may quote a line, which may hold a key.
        raise SettingError("config", f"{file} is not valid TOML") from None
    return {name: _plain(name, value, f"file {file}") for name, value in table.items()}


def _plain(name: str, value: object, source: str) -> str:
    if name not in names():
        raise SettingError(name, "is not a known setting", source=source)
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
    if name in ("redis_url", "series_url") and isinstance(value, str):
        shown = re.sub(r"(://[^:@/,]*):[^@/]*@", rf"\1:{MASK}@", value)
        return re.sub(r"(sentinel_password=)[^&,]*", rf"\1{MASK}", shown)
    return MASK
