"""Settings on the command line: `config` defines a flag for each."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from sitwith_server import config


def add(parser: argparse.ArgumentParser, names: Iterable[str] | None = None) -> None:
    """Adds a flag for each setting, or for `names`, and `--config`."""
    group = parser.add_argument_group(
        "settings", "first wins: flag, environment (SITWITH_…), --config FILE, default"
    )
    group.add_argument(
        "--config", metavar="FILE", type=Path, help=f"a TOML file ({config.CONFIG_VARIABLE})"
    )
    for name in names or config.names():
        group.add_argument(
            config.flag(name),
            dest=f"setting_{name}",
            metavar=name.rpartition("_")[2].upper(),
            help=f"{config.help_text(name)} ({config.variable(name)})",
        )


def load(
    asked: argparse.Namespace, *, defaults: Mapping[str, object] | None = None
) -> config.Loaded:
    """Loads the settings from command line, environment and file.

    Raises:
        SettingError: a value can't be used.
    """
    flags = {
        name: value
        for name in config.names()
        if (value := getattr(asked, f"setting_{name}", None)) is not None
    }
    return config.load(flags, os.environ, file=asked.config, defaults=defaults)
