"""Rows 24 to 26, 39 and 40 of the table in README.md: what people read, and by whose hand."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path
from typing import Any

import pytest

from sitwith_server.gateway.http.forms import DEFAULT_AGREEMENT
from tests.blackbox.house import Server, circle
from tests.blackbox.rawclient import Gone
from tests.programs import Process

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "server" / "sitwith_server" / "web"
MARKUP = "<img src=x onerror=alert(1)><script>canary</script>"


def directives(policy: str) -> dict[str, list[str]]:
    return {name: words for name, *words in (part.split() for part in policy.split(";"))}


async def test_row_24_markup_is_words_and_the_page_runs_its_own_scripts_alone(
    server: Server,
) -> None:
    async with circle(server, ["Ada"], title=MARKUP, agreement=MARKUP) as c:
        (ada,) = c.members
        marked = await c.join("<b>Ben</b>")
        c.members.append(marked)
        await ada.ok("chat.say", {"to": "circle", "body": MARKUP})
        got = await c.f.hears(MARKUP)
        assert got["body"] == MARKUP, "words stay as they were written: the page shows them as text"
        assert ada.view["members"][marked.me]["name"] == "<b>Ben</b>"
        await c.f.ok("material.link", {"url": "https://example.org/<script>"})
        bad = [
            "javascript:alert(1)", "data:text/html,x", "//evil.example", "file:///etc/passwd",
            "ftp://example.org", " javascript:alert(1)", "https:example.org", "http://",
            "\x01https://a.b",
        ]  # fmt: skip
        for url in bad:
            await c.f.no("bad_request", "material.link", {"url": url})
        for path in (f"/r/{c.room}", "/", "/nowhere"):
            answer = await server.http("GET", path, key=None)
            assert "canary" not in answer.text
            rules = directives(answer.headers["content-security-policy"])
            assert rules["default-src"] == ["'none'"]
            assert rules.get("script-src", ["'none'"]) in (["'self'"], ["'none'"])
            assert not {"'unsafe-inline'", "'unsafe-eval'", "*"} & set(
                rules.get("script-src", []) + rules.get("object-src", [])
            )
            assert rules["base-uri"] == ["'none'"]
            assert rules["frame-ancestors"] == ["'none'"]
            assert rules["require-trusted-types-for"] == ["'script'"]
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"


ROLES = ["(host)", "Dr. X (host)", "Facilitator", "Ann - Moderator", "Admin: Ann"]
#: As they were taken once.
TAKEN = [
    "(co-host)", "[staff]", "(therapist)", "(facilitadora)", "Gus Facilitator", "Gus ✔",
    "Moderatorin", "Ánimatrice du groupe", "Gus 👑", "H O S T Gus", "ＨＯＳＴ", "Gus (Leitung)",
]  # fmt: skip
HIDDEN = [
    "Fr\u200bida", "Fri\u202eda", "Frida\u2066", "\u00adFrida", "Fri\u2060da", "F\u0000rida",
    "Frida\n", "Fri\x1b[31mda", "\ufeffFrida", "Fri\u034fda", "Frida\U000e0041", "Fr\uffa0ida",
]  # fmt: skip
MIXED = ["Frіda", "Fridа", "Αda Smith", "Frιda", "Fr1da\u0301\u0301\u0301\u0301"]


async def test_row_25_nobody_takes_a_facilitators_name_or_role(server: Server) -> None:
    async with circle(server) as c:
        for name in ROLES + HIDDEN + MIXED:
            pretender = await c.socket("pretender")
            try:
                await pretender.hello(c.tokens["member"], name)
            except Gone as gone:
                assert gone.code == 4400, name
            else:
                # White space around it, and what normalises to plain letters, is no disguise.
                await c.accept(pretender)
                shown = pretender.view["members"][pretender.me]["name"]
                assert shown.startswith("Frida "), (name, shown)
                await pretender.ok("leave")
        # Whole in another script, in full width, with other capitals: like Frida, so numbered.
        for number, name in enumerate(("FRIDA", "Frida", "Ｆｒｉｄａ", "𝐅𝐫𝐢𝐝𝐚"), start=2):
            twin = await c.join(name)
            assert twin.view["members"][twin.me]["name"].endswith(f" {number}"), name
        names = [m["name"] for m in c.f.view["members"].values()]
        assert len(set(names)) == len(names)
        # A role is a field of the server's, beside the name and never of it.
        roles = {m["name"]: m["role"] for m in twin.view["members"].values()}
        assert [name for name, role in roles.items() if role == "facilitator"] == ["Frida"]


async def test_seen_09_roles_and_marks_are_no_names(server: Server) -> None:
    async with circle(server, ["Gus"]) as c:
        (gus,) = c.members

        async def tries(name: str) -> int | None:
            pretender = await c.socket("pretender")
            try:
                await pretender.hello(c.tokens["member"], name)
            except Gone as gone:
                return gone.code
            return None

        codes = await asyncio.gather(*map(tries, TAKEN))
        assert dict(zip(TAKEN, codes, strict=True)) == dict.fromkeys(TAKEN, 4400)
        for name in TAKEN:
            await gus.no("bad_request", "self.rename", {"name": name})
        assert gus.view["members"][gus.me]["name"] == "Gus"
        for name in ("Gustavo", "Hostein", "Leiton", "Gus ❤"):
            await gus.ok("self.rename", {"name": name})


async def test_row_26_a_new_name_is_seen_by_all_and_is_nobody_elses(server: Server) -> None:
    async with circle(server, ["Ada", "Ben"]) as c:
        ada, ben = c.members
        await c.f.ok("floor.stick", {"to": ada.me})
        await ada.until(lambda: ada.view["floor"]["holder"] == ada.me, "the stick")
        since = len(ben.frames)
        await ada.ok("self.rename", {"name": "Adina"})
        told = await ben.gets(
            lambda m: m["t"] == "room" and m.get("by") == ada.me, "the name", since
        )
        assert told["why"] == "self.rename"
        await ben.until(lambda: ben.view["members"][ada.me]["name"] == "Adina", "the name")
        assert ben.view["floor"]["holder"] == ada.me
        await ada.ok("self.rename", {"name": "BEN"})
        await ben.until(lambda: ben.view["members"][ada.me]["name"] == "BEN 2", "a number")
        for name in (*ROLES, HIDDEN[0], MIXED[0], "", " ", "x" * 41):
            await ada.no("bad_request", "self.rename", {"name": name})
        await ben.no("bad_request", "self.rename", {"name": "Zed", "member": ada.me})
        assert c.f.view["members"][ada.me]["name"] == "BEN 2"


# ------------------------------------------------------------------------------------- recordings


def written_by(process: Process) -> list[str]:
    """Files on a disk that it has open to write to, but for the log that it is given. Nobody but
    root may look: a worker lets nobody else look into it."""
    found: list[str] = []
    pid = process.pid
    try:
        entries = [*Path(f"/proc/{pid}/fd").iterdir()]
    except PermissionError:
        return found
    for entry in entries:
        try:
            name = os.readlink(entry)
            told = Path(f"/proc/{pid}/fdinfo/{entry.name}").read_text(encoding="ascii")
        except OSError:  # it was closed meanwhile
            continue
        flags = int(re.findall(r"flags:\s+(\d+)", told)[0], 8)
        own = Path(name) == process.log
        on_disk = (
            not own and name.startswith("/") and not name.startswith(("/dev/", "/proc/", "/memfd:"))
        )
        if on_disk and flags & os.O_ACCMODE != os.O_RDONLY and "(deleted)" not in name:
            found.append(name)
    return found


async def test_row_39_nothing_records_and_everybody_is_told_that_members_could(
    server: Server,
) -> None:
    """What a member's browser does can't be prevented (docs/threat-model.md)."""
    async with circle(server, ["Ada"]) as c:
        (ada,) = c.members
        await ada.ok("chat.say", {"to": "circle", "body": "a word"})
        told = ada.frames[0].body["room"]["agreement"]["text"]
        assert "record" in told and "can't prevent" in told
        assert written_by(server.process) == []
        for command in ("record", "record.start", "transcript", "room.export", "chat.export"):
            await c.f.no("bad_request", command)
    for words in (DEFAULT_AGREEMENT, (ROOT / "README.md").read_text(encoding="utf-8")):
        assert re.search(r"screenshots", words)


# ----------------------------------------------------------------------------------- third parties


@pytest.mark.parametrize("kind", ["*.html", "*.css", "*.js"])
def test_row_40_the_page_names_no_third_party(kind: str) -> None:
    """That it asks none is seen in a real Chromium: every page of tests/browser (`Guest.clean`)."""
    files = [*PAGE.rglob(kind)]
    assert files
    for file in files:
        text = file.read_text(encoding="utf-8")
        loads = re.findall(
            r"""(?:src|href|action|poster)=["'](?:https?:)?//[^"']+|url\(["']?(?:https?:)?//[^)]+"""
            r"""|@import\s+["'][^"']+|(?:fetch|import|importScripts|sendBeacon|EventSource)\(["'`]https?:[^)]*""",
            text,
        )  # fmt: skip
        assert loads == [], file.name


async def test_row_40_the_policy_lets_the_page_ask_its_own_server_alone(server: Server) -> None:
    answer = await server.http("GET", "/r/any", key=None)
    rules = directives(answer.headers["content-security-policy"])
    own = {"'self'", "'none'", "data:", "blob:", server.ws.removesuffix("/ws")}
    sources: dict[str, Any] = {k: set(v) for k, v in rules.items() if k.endswith("-src")}
    assert {k: v - own for k, v in sources.items() if v - own} == {}
    assert "'self'" not in rules["default-src"]
