"""The picture in docs/architecture.md shows the layers and imports as they are.

That the committed files are up to date is compared in `test_generated`.
"""

from __future__ import annotations

import re

from deploy.dev.architecture import PAGE, SERVER, imports_of, layers, picture, table, web_box


def imported(name: str) -> set[str]:
    path = SERVER / name
    return imports_of(path if path.is_dir() else path.with_suffix(".py")) - {name}


def test_the_layers_have_every_part_of_the_server_once() -> None:
    listed = [name for layer in layers() for name in layer]
    parts = {each.parent.name for each in SERVER.glob("*/__init__.py")} | {"__main__"}
    assert sorted(listed) == sorted(parts)
    drawn = picture("header")
    assert [name for name in listed if f">{name}<" not in drawn] == []


def test_imports_are_found_and_go_down_only() -> None:
    below: set[str] = {"protocol"}
    for layer in reversed(layers()):
        for name in layer:
            assert imported(name) - {"client"} <= below
        below |= set(layer)
    assert {"room", "service", "log", "protocol"} <= imported("gateway")
    assert imported("room") == set()
    assert "client" in imported("cli")
    assert web_box("ui").imports == ("lib",)
    assert web_box("lib").imports == ()


def test_the_table_lists_the_families_and_the_packages() -> None:
    rows = table()
    for name in ("room/floor", "log/redis", "media/plane", "gateway/http", "service/rooms"):
        assert f"| `server/sitwith_server/{name}/` |" in rows
    assert "| `client/python/sitwith_client/` |" in rows


def test_each_way_has_six_to_ten_steps() -> None:
    ways = PAGE.read_text(encoding="utf-8").split("\n## The way of ")[1:]
    assert len(ways) == 4
    for way in ways:
        steps = re.findall(r"^(\d+)\. ", way.partition("\n## ")[0], flags=re.MULTILINE)
        assert steps == [str(n) for n in range(1, len(steps) + 1)]
        assert 6 <= len(steps) <= 10
