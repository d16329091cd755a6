"""Makes the golden frames in ``protocol/vectors/``: ``python -m tests.protocol.make_vectors``.

``{"good": [...], "lenient": [...], "bad": [...]}`` with entries

- good ``{name, from, hex, map}``: decodes to ``map`` and encodes to exactly ``hex``; ``from`` is
  who sends it, ``client`` or ``server``. Bytes are written ``{"$bin": hex}``.
- lenient ``{name, hex, map}``: decodes to ``map`` though its writer took a longer form.
- bad ``{name, hex, why, reader}``: ``why`` is the class of error, ``CodecError``, ``FrameTooLarge``
  or ``BadMessage``; ``reader`` is ``both`` where every decoder refuses it and ``server`` where
  only the server's limits or shapes do.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sitwith_protocol.codec import encode
from tests.protocol.bad_frames import BAD_BYTES, LENIENT, SERVER_ONLY_BYTES
from tests.protocol.bad_messages import BAD_MESSAGES
from tests.protocol.golden_messages import CLIENT, SERVER

FOLDER = Path(__file__).resolve().parents[2] / "protocol" / "vectors"


def to_json(value: Any) -> Any:
    """A decoded value in JSON, bytes as ``{"$bin": hex}``."""
    if isinstance(value, bytes):
        return {"$bin": value.hex()}
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    return value


def from_json(value: Any) -> Any:
    """The other way."""
    if isinstance(value, dict):
        if list(value) == ["$bin"]:
            return bytes.fromhex(value["$bin"])
        return {key: from_json(item) for key, item in value.items()}
    return [from_json(item) for item in value] if isinstance(value, list) else value


def _good(sender: str, messages: list[Any]) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for each in messages:
        as_map = each.to_map()
        number = 1 + sum(entry["name"].startswith(f"{each.t} ") for entry in made)
        made.append(
            {
                "name": f"{each.t} {number}",
                "from": sender,
                "hex": encode(as_map).hex(),
                "map": to_json(as_map),
            }
        )
    return made


def make() -> dict[str, Any]:
    """All files' contents by name."""
    import msgpack  # an independent reading of the lenient frames

    lenient = [
        {"name": name, "hex": raw.hex(), "map": to_json(msgpack.unpackb(raw))}
        for name, raw in LENIENT
    ]
    bad = [
        {"name": name, "hex": raw.hex(), "why": why, "reader": reader}
        for reader, listed in (("both", BAD_BYTES), ("server", SERVER_ONLY_BYTES))
        for name, raw, why in listed
    ] + [
        {"name": name, "hex": encode(each).hex(), "why": "BadMessage", "reader": "server"}
        for name, each in BAD_MESSAGES
    ]
    return {
        "client.json": {"good": _good("client", list(CLIENT)), "lenient": lenient, "bad": bad},
        "server.json": {"good": _good("server", list(SERVER)), "lenient": [], "bad": []},
    }


def written(content: Any) -> str:
    """The text of one file: one entry a line, so that a change is seen as one."""
    parts = []
    for key, entries in content.items():
        lines = ",\n".join(
            "  " + json.dumps(entry, ensure_ascii=False, separators=(",", ":")) for entry in entries
        )
        parts.append(f'"{key}": [\n{lines}\n]' if entries else f'"{key}": []')
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for file, content in make().items():
        (FOLDER / file).write_text(written(content), encoding="utf-8")
