"""Draws `docs/architecture.svg` and lists the packages in `docs/architecture.md`, from the code.

The layers come from the contracts in `pyproject.toml`, the arrows from the imports, and what a
package is for from the first line of its docstring. `generate.py` writes both files.
"""

from __future__ import annotations

import ast
import re
import textwrap
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
SERVER: Final = ROOT / "server/sitwith_server"
CLIENT: Final = ROOT / "client/python/sitwith_client"
PROTOCOL: Final = ROOT / "protocol/sitwith_protocol"
WEB: Final = ROOT / "client/web/src"
PAGE: Final = ROOT / "docs/architecture.md"
PYTHON_PACKAGES: Final = {path.name for path in (SERVER, CLIENT, PROTOCOL)}
LISTED: Final = (SERVER, CLIENT, PROTOCOL)
DEPTH: Final = 2
"""Packages are listed down to this many folders below the server."""

WIDTH: Final = 1140
GAP: Final = 8
COLUMN: Final = {"server": (16, 730), "client": (762, 170), "web": (948, 176)}
"""Where a column begins and how wide it is."""
LINE: Final = 15
LETTER: Final = 6.0
"""The mean width of a letter of the small text."""
FROM_WEB: Final = re.compile(r"""\bfrom\s+["'](\.[^"']+)["']""")

STYLE: Final = """
  text { font: 11px system-ui, sans-serif; fill: #23303b }
  .name { font-weight: 600; font-size: 13px }
  .imports { fill: #56657a }
  .head { font-weight: 600; font-size: 14px }
  rect { fill: #fff; stroke: #8a9bb0 }
  .paper { fill: #f4f6f9; stroke: none }
  .pure { fill: #e8f3ea; stroke: #6f9c78 }
""".strip("\n")


@dataclass(frozen=True, slots=True)
class Box:
    """One package in the picture: what is in it, and which of the others it imports."""

    name: str
    parts: tuple[str, ...]
    imports: tuple[str, ...]
    pure: bool = False

    def lines(self, width: float) -> list[tuple[str, str]]:
        """The lines of its text, each with a class of the style."""
        most = max(8, int((width - 16) / LETTER))
        parts = textwrap.wrap(", ".join(self.parts), most, break_on_hyphens=False)
        imports = (
            f"imports {', '.join(self.imports)}" if self.imports else "imports nothing of ours"
        )
        return [
            ("name", self.name),
            *(("", line) for line in parts),
            *(("imports", line) for line in textwrap.wrap(imports, most, break_on_hyphens=False)),
        ]

    def height(self, width: float) -> int:
        return len(self.lines(width)) * LINE + 14


def layers() -> list[list[str]]:
    """The layers of the server, top down, as `make lint` checks them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    server = next(each for each in contracts if each.get("containers") == ["sitwith_server"])
    return [[name.strip() for name in layer.split("|")] for layer in server["layers"]]


# -- Python ------------------------------------------------------------------------------------


def python_box(path: Path, name: str) -> Box:
    """The box of a package, or of a module beside packages."""
    parts = tuple(each.name for each in packages_in(path)) if path.is_dir() else ()
    return Box(name, parts, tuple(sorted(imports_of(path) - {name})), pure=name == "room")


def packages_in(path: Path) -> list[Path]:
    return sorted(each.parent for each in path.glob("*/__init__.py"))


def imports_of(path: Path) -> set[str]:
    """The parts of the server, and the other two packages, that a package or module imports."""
    files = path.rglob("*.py") if path.is_dir() else [path]
    return {name for file in files for name in _imported(file)}


@cache
def _imported(file: Path) -> frozenset[str]:
    return frozenset(_imports(file))


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            one = node.module == SERVER.name
            names = [f"{node.module}.{each.name}" for each in node.names] if one else [node.module]
        else:
            continue
        for name in names:
            first, _, rest = name.partition(".")
            if first == SERVER.name:
                part = rest.partition(".")[0]
                if part and (SERVER / part).is_dir():
                    yield part
            elif first in PYTHON_PACKAGES and first not in file.parts:
                yield first.removeprefix("sitwith_")


def purpose(package: Path) -> str:
    """The first paragraph of a package's docstring, in one line."""
    doc = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8"))) or ""
    return " ".join(doc.partition("\n\n")[0].split())


def table() -> str:
    """Every Python package with what it is for, as a table."""
    rows = ["| package | what is in it |", "|---|---|"]
    for top in LISTED:
        for package in sorted({each.parent for each in top.rglob("__init__.py")}):
            inside, said = package.relative_to(ROOT).as_posix(), purpose(package)
            if said and len(package.relative_to(top).parts) <= DEPTH:
                rows.append(f"| `{inside}/` | {said} |")
    return "\n".join(rows)


# -- the page ----------------------------------------------------------------------------------


def web_box(name: str) -> Box:
    """The box of a folder of the page."""
    folder = WEB / name
    found: set[str] = set()
    for file in folder.rglob("*.ts*"):
        for path in FROM_WEB.findall(file.read_text(encoding="utf-8")):
            target = (file.parent / path).resolve()
            if target.is_relative_to(WEB):
                found.add(target.relative_to(WEB).parts[0])
    parts = sorted(each.name for each in folder.iterdir() if each.is_dir())
    return Box(name, tuple(parts), tuple(sorted(found - {name})))


# -- the picture -------------------------------------------------------------------------------


def picture(header: str) -> str:
    """The whole picture. header: says where it comes from."""
    drawn: list[str] = []
    y = 40
    left, whole = COLUMN["server"]
    for layer in layers():
        boxes = [
            python_box(SERVER / name if (SERVER / name).is_dir() else SERVER / f"{name}.py", name)
            for name in layer
        ]
        y += _row(drawn, boxes, left, y, whole) + GAP
    bottom = y
    left, whole = COLUMN["client"]
    _stack(drawn, [python_box(CLIENT, "client")], left, whole, bottom)
    protocol = python_box(PROTOCOL, "protocol")
    span = COLUMN["client"][0] + COLUMN["client"][1] - COLUMN["server"][0]
    bottom += _row(drawn, [protocol], COLUMN["server"][0], bottom, span)
    left, whole = COLUMN["web"]
    _stack(drawn, [web_box("ui"), web_box("lib")], left, whole, bottom + GAP)
    heads = {
        "server": "server/sitwith_server: each layer imports only those below it",
        "client": "client/python",
        "web": "client/web/src",
    }
    height = bottom + 16
    return "\n".join(
        (
            f"<!-- {header} -->",
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
            "<title>Sitwith: packages, layers and imports</title>",
            f"<style>\n{STYLE}\n</style>",
            f'<rect class="paper" width="{WIDTH}" height="{height}"/>',
            *(_text(COLUMN[name][0], 28, "head", head) for name, head in heads.items()),
            *drawn,
            "</svg>",
            "",
        )
    )


def _row(drawn: list[str], boxes: list[Box], x: float, y: int, width: float) -> int:
    """Draws boxes side by side; one with many parts gets more room. Returns their height."""
    shares = [1 + len(box.parts) // 10 for box in boxes]
    unit = (width - GAP * (len(boxes) - 1)) / sum(shares)
    height = max(box.height(unit * share) for box, share in zip(boxes, shares, strict=True))
    for box, share in zip(boxes, shares, strict=True):
        _box(drawn, box, x, y, unit * share, height)
        x += unit * share + GAP
    return height


def _stack(drawn: list[str], boxes: list[Box], x: int, width: int, bottom: int) -> None:
    """Draws boxes one above the other, from the top of the picture to `bottom`."""
    height = (bottom - 40 - GAP * len(boxes)) // len(boxes)
    for i, box in enumerate(boxes):
        _box(drawn, box, x, 40 + i * (height + GAP), width, height)


def _box(drawn: list[str], box: Box, x: float, y: int, width: float, height: int) -> None:
    kind = ' class="pure"' if box.pure else ""
    drawn.append(f'<rect{kind} x="{x:.0f}" y="{y}" width="{width:.0f}" height="{height}" rx="5"/>')
    for i, (style, line) in enumerate(box.lines(width)):
        drawn.append(_text(x + 8, y + 18 + i * LINE, style, line))


def _text(x: float, y: int, style: str, line: str) -> str:
    kind = f' class="{style}"' if style else ""
    return f'<text{kind} x="{x:.0f}" y="{y}">{escape(line)}</text>'


def filled(text: str, header: str) -> str:
    """The page with its table as it should be."""
    begin, end = f"<!-- packages: {header} -->\n", "<!-- /packages -->"
    before, found, rest = text.partition(begin)
    if not found or end not in rest:
        raise ValueError(f"docs/architecture.md needs the lines {begin.strip()} and {end}")
    return f"{before}{begin}{table()}\n{end}{rest.partition(end)[2]}"


def files(header: str) -> Iterable[tuple[str, str]]:
    """The path and text of both files."""
    yield "docs/architecture.svg", picture(header)
    yield "docs/architecture.md", filled(PAGE.read_text(encoding="utf-8"), header)
