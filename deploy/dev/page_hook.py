"""No wheel and no source archive without the web page: built by hand, it would be left out in
silence. An editable install needs none; `make setup` makes it before the page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PAGE: Final = "server/sitwith_server/web"
ADVICE: Final = "run `make setup` in the source first, then build again"

_FILE: Final = re.compile(r'(?:src|href)="/(assets/[^"/]+)"')


class Page(BuildHookInterface[Any]):
    PLUGIN_NAME = "page"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """version: `standard` or `editable`. Ends the build where the page is not whole."""
        lacking = None if version == "editable" else missing(Path(self.root) / PAGE)
        if lacking is not None:
            self.app.abort(f"The web page is not built ({PAGE}/{lacking} is missing): {ADVICE}.")


def missing(page: Path) -> str | None:
    """The first file that the page lacks."""
    index = page / "index.html"
    if not index.is_file():
        return index.name
    named = _FILE.findall(index.read_text(encoding="utf-8"))
    return next((name for name in named if not (page / name).is_file()), None)
