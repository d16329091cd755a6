"""Writes ROOM.md's table from the code: `python -m tests.room.render_rules`."""

from __future__ import annotations

from pathlib import Path

from sitwith_server.room.rules import table

ROOM = Path(__file__).resolve().parents[2] / "protocol" / "ROOM.md"
BEGIN, END = "<!-- rules:begin -->\n", "<!-- rules:end -->"


def rendered(text: str) -> str:
    """The rules of a room with the table as it should be."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}{table()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    ROOM.write_text(rendered(ROOM.read_text(encoding="utf-8")), encoding="utf-8")
