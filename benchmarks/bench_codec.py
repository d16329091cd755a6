"""Encoding and decoding one frame, over the golden vectors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Result, microseconds
from sitwith_protocol import codec

VECTORS = Path(__file__).parents[1] / "protocol" / "vectors"


def run() -> Iterator[Result]:
    frames = [
        bytes.fromhex(vector["hex"])
        for vector in json.loads((VECTORS / "client.json").read_text(encoding="utf-8"))["good"]
    ]
    maps = [codec.decode(frame) for frame in frames]

    def decode() -> None:
        for frame in frames:
            codec.decode(frame)

    def encode() -> None:
        for each in maps:
            codec.encode(each)

    yield Result("decode a client's frame", microseconds(decode) / len(frames), "µs")
    yield Result("encode a client's frame", microseconds(encode) / len(maps), "µs")
