"""Writes the tables of ``SPEC.md`` from the code: ``python tests/protocol/make_tables.py``."""

from __future__ import annotations

from pathlib import Path

from sitwith_protocol.errors import CloseCode
from sitwith_protocol.messages import COMMANDS
from sitwith_protocol.shapes import fields_of

SPEC = Path(__file__).resolve().parents[2] / "protocol" / "SPEC.md"


def commands() -> str:
    """Every command with its fields besides ``t`` and ``id``."""
    rows = ["| command | fields |", "|---|---|"]
    for t, cls in COMMANDS.items():
        fields = [f"`{field.name}{'' if field.required else '?'}`" for field in fields_of(cls)[1:]]
        rows.append(f"| `{t}` | {' '.join(fields)} |")
    return "\n".join(rows)


def codes() -> str:
    """Every close code with its text."""
    rows = ["| code | meaning |", "|---|---|"]
    return "\n".join([*rows, *(f"| {code.value} | {code.text} |" for code in CloseCode)])


def filled(spec: str) -> str:
    """The specification with its tables as they should be."""
    for name, table in (("commands", commands()), ("codes", codes())):
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, _, rest = spec.partition(begin)
        spec = f"{before}{begin}{table}\n{end}{rest.partition(end)[2]}"
    return spec


if __name__ == "__main__":
    SPEC.write_text(filled(SPEC.read_text(encoding="utf-8")), encoding="utf-8")
