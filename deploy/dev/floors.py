"""Holds what is locked and shipped to the floors of `floors.toml`, without a network.

Prints one line for each version below its floor and ends with 1; `make check` runs it, and
`tests/deploy/test_floors.py` with every `make test`.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parents[2]
FLOORS = Path(__file__).with_name("floors.toml")
LOCKS = (
    "requirements.txt",
    "requirements-build.txt",
    "requirements-dev.txt",
    "requirements-audit.txt",
)
PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)
COMPOSE = re.compile(r"^\s*image:\s*(\S+)", re.MULTILINE)
FROM = re.compile(r"^FROM\s+(\S+)", re.MULTILINE | re.IGNORECASE)
BOUND = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?\s*>=\s*([^\s,;]+)")
TAG = re.compile(r"\d+\.\d+\.\d+")
KINDS = ("pypi", "npm", "image")
#: Built here, from this source.
OURS = {"sitwith"}


@dataclass(frozen=True, slots=True)
class Floor:
    """The oldest good version of something, by line of releases."""

    name: str
    at_least: tuple[Version, ...]
    why: str
    source: str

    def holds(self, version: Version) -> bool:
        """Whether `version` is no older than its line's floor, or than the newest of all."""
        major = [each for each in self.at_least if each.release[:1] == version.release[:1]]
        minor = [each for each in major if each.release[:2] == version.release[:2]]
        own = minor or (major if len(major) == 1 else [max(self.at_least)])
        return version >= own[0]


@dataclass(frozen=True, slots=True)
class Found:
    """A version that a file names."""

    kind: str
    name: str
    version: str
    place: str


def floors(text: str) -> dict[tuple[str, str], Floor]:
    """The floors by kind and name. Raises ValueError where one lacks its reason or its source."""
    table = tomllib.loads(text)
    made: dict[tuple[str, str], Floor] = {}
    for kind in KINDS:
        for name, entry in table.get(kind, {}).items():
            values = entry.get("at_least", [])
            lines = [values] if isinstance(values, str) else list(values)
            why, source = entry.get("why", ""), entry.get("source", "")
            if not lines or not why or not source.startswith("https://"):
                raise ValueError(f"{kind}.{name} needs at_least, why and a source")
            made[kind, name] = Floor(name, tuple(map(Version, lines)), why, source)
    return made


def none_known(text: str) -> set[tuple[str, str]]:
    """What somebody looked for faults of and found none."""
    table = tomllib.loads(text).get("none_known", {})
    return {(kind, each["name"]) for kind in KINDS for each in table.get(kind, ())}


# --------------------------------------------------------------------------------- what is named


def in_requirements(text: str, place: str) -> Iterator[Found]:
    for name, version in PINNED.findall(text):
        yield Found("pypi", name.lower().replace("_", "-"), version, place)


def in_package_lock(text: str, place: str) -> Iterator[Found]:
    for path, entry in json.loads(text)["packages"].items():
        if path:
            yield Found("npm", path.rpartition("node_modules/")[2], entry["version"], place)


def in_images(text: str, place: str) -> Iterator[Found]:
    stages = set(re.findall(r"^FROM\s+\S+\s+AS\s+(\S+)", text, re.MULTILINE | re.IGNORECASE))
    for image in [*COMPOSE.findall(text), *FROM.findall(text)]:
        name, _, tag = image.partition("@")[0].partition(":")
        if name not in OURS | stages:
            yield Found("image", name, tag, place)


def in_bounds(text: str, place: str) -> Iterator[Found]:
    """The oldest version that each direct dependency allows: a wheel is installed without lock."""
    project = tomllib.loads(text)
    asked = list(project["project"]["dependencies"])
    for group in project.get("dependency-groups", {}).values():
        asked += group
    for line in asked:
        if bound := BOUND.match(line):
            yield Found("pypi", bound[1].lower().replace("_", "-"), bound[2], place)


def named(root: Path = ROOT) -> Iterator[Found]:
    """Every version that the lock files, pyproject.toml and what is shipped name."""
    yield from in_bounds((root / "pyproject.toml").read_text(encoding="utf-8"), "pyproject.toml")
    for lock in LOCKS:
        yield from in_requirements((root / lock).read_text(encoding="utf-8"), lock)
    lock = "client/web/package-lock.json"
    yield from in_package_lock((root / lock).read_text(encoding="utf-8"), lock)
    for place in ("deploy/compose.yaml", "deploy/Dockerfile"):
        yield from in_images((root / place).read_text(encoding="utf-8"), place)


# ----------------------------------------------------------------------------------- the judgement


def below(found: Iterator[Found], known: Mapping[tuple[str, str], Floor]) -> list[str]:
    """One line for each version that is below its floor, or that can't be compared with it."""
    lines = []
    for each in found:
        floor = known.get((each.kind, each.name))
        if floor is None:
            continue
        least = ", ".join(map(str, floor.at_least))
        says = f"{each.place}: {each.name} {each.version or '(no tag)'}"
        because = f"at least {least} ({floor.why}; {floor.source})"
        patch = TAG.match(each.version) if each.kind == "image" else None
        if each.kind == "image" and patch is None:
            lines.append(f"{says} names no patch version; needed is {because}")
            continue
        try:
            version = Version(patch[0] if patch else each.version)
        except InvalidVersion:
            lines.append(f"{says} can't be compared; needed is {because}")
            continue
        if not floor.holds(version):
            lines.append(f"{says} is below its floor: {because}")
    return lines


def main() -> int:
    text = FLOORS.read_text(encoding="utf-8")
    known = floors(text)
    found = list(named())
    lines = below(iter(found), known)
    for line in lines:
        print(f"check: {line}", file=sys.stderr)
    if not lines:
        judged = sum((each.kind, each.name) in known for each in found)
        print(f"check: {len(found)} locked or shipped versions, {judged} of them with a floor: ok")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
