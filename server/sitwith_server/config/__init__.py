"""All settings: names, defaults, sources and meanings.

A setting comes from a flag, else the environment, else a TOML file, else its default. A bad value
is refused before anything starts. The refusal names the setting and never contains a secret. This
package imports no other package of the server, so that every layer may import it.
"""

from sitwith_server.config.addresses import http_url, next_place, socket_address
from sitwith_server.config.errors import SettingError
from sitwith_server.config.loading import (
    CONFIG_VARIABLE,
    ENVIRONMENT_PREFIX,
    MASK,
    Loaded,
    Row,
    flag,
    help_text,
    load,
    names,
    rows,
    variable,
)
from sitwith_server.config.settings import LOG_LEVELS, MEDIA, Settings

__all__ = [
    "CONFIG_VARIABLE",
    "ENVIRONMENT_PREFIX",
    "LOG_LEVELS",
    "MASK",
    "MEDIA",
    "Loaded",
    "Row",
    "SettingError",
    "Settings",
    "flag",
    "help_text",
    "http_url",
    "load",
    "names",
    "next_place",
    "rows",
    "socket_address",
    "variable",
]
