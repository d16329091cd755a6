"""Row 15 of the table in README.md: what an onlooker learns of who whispers with whom.

An onlooker has a seat, reads every byte, and knows when each came. What is not for them must change
none of it: no frame, no number, no length. When things happen in the room that are for all, they
see that; what traffic on the network shows is argued in docs/threat-model.md.
"""

from __future__ import annotations

import re
import secrets
from itertools import pairwise

from sitwith_protocol.linking import blind_all
from tests.blackbox.house import Circle, Server, circle
from tests.blackbox.rawclient import Client, Frame
from tests.servers import ROOT


async def whispers(c: Circle) -> list[str]:
    """Everything that is said, flagged, asked and shown past the others in the circle; the words
    and ids by which it would be known."""
    ada, ben, *_ = c.members
    words = [f"canary-{n}-{secrets.token_hex(4)}" for n in range(8)]
    await ada.ok("chat.say", {"to": "staff", "body": words[0]})
    await ada.ok("chat.say", {"to": f"direct:{ben.me}", "body": words[1]})
    await ben.ok("chat.say", {"to": f"direct:{ada.me}", "body": words[2]})
    await c.f.ok("chat.say", {"to": f"staff:{ada.me}", "body": words[3]})
    await c.f.ok("chat.say", {"to": "facilitators", "body": words[4]})
    await ada.ok("care.card", {"note": words[5]})
    await ada.ok("care.flag", {"level": "quiet"})
    await ben.ok("care.worry", {"member": ada.me, "level": "urgent"})
    await c.f.ok("care.take", {"member": ada.me})
    await c.f.ok("care.open", {"member": ada.me})
    await c.f.ok("staff.claim", {"member": ada.me})
    await c.f.ok("voice.nudge", {"member": ben.me})
    await ben.ok("topics.set", {"tags": list(blind_all(ben.view["link_key"], [words[6]]))})
    await ben.ok("chat.delete", {"to": f"direct:{ada.me}", "n": 2})
    await c.f.ok("care.done", {"member": ada.me})
    return words


async def public(c: Circle, who: Client) -> list[Frame]:
    """Something that all may see, and the frames that an onlooker has had of it."""
    since = len(who.frames)
    await c.f.ok("floor.quiet")
    await c.f.ok("chat.say", {"to": "circle", "body": "for everybody"})
    await c.f.ok("floor.open")
    await who.until(lambda: len(who.frames) >= since + 3, "all of it")
    return who.frames[since:]


def shape(frames: list[Frame]) -> list[tuple[str, int, list[str]]]:
    return [(f.body["t"], len(f.raw), sorted(f.body)) for f in frames]


async def test_row_15_whispers_change_nothing_that_an_onlooker_gets(server: Server) -> None:
    settings = {"direct": True, "cards": True}
    async with circle(server, ["Ada", "Ben", "Cleo"], settings=settings) as c:
        *_, cleo = c.members
        await c.f.ok("concerns.offer", {"concerns": ["grief"]})
        before = await public(c, cleo)
        await c.settle()
        told = len(cleo.frames)
        words = await whispers(c)
        after = await public(c, cleo)
        # Not one frame for all that, and what came next is as long as it would have been.
        assert cleo.frames[told:] == after
        assert shape(after) == shape(before)
        heard = [frame.body["n"] for frame in (*before, *after) if frame.body["t"] == "chat"]
        assert heard == [1, 2]
        # A second look, by a socket that asks for everything, shows no more.
        back = await c.back(cleo, seen={})
        await c.settle()
        for who in (cleo, back):
            for word in (*words, "grief-tag"):
                assert word.encode() not in who.everything
            # Of lines beside the circle they know their own, in which nothing was said.
            assert set(who.seen) == {"room", "circle", f"staff:{cleo.me}"}
            for name in ("care", "inbox", "help", "lobby", "talk", "nudge", "card", "worries"):
                assert not who.view.get(name), name
        # An own command's answer is the same whatever was whispered meanwhile.
        answers = [await back.ok("chat.say", {"to": "circle", "body": "x"}) for _ in range(2)]
        assert [sorted(answer) for answer in answers] == [["id", "n", "t", "to"]] * 2
        assert [answer["n"] for answer in answers] == [3, 4]


def rising(values: list[bytes]) -> list[int]:
    """Where in these positions four bytes stand that only ever rise."""
    width = min(map(len, values))
    found = []
    for at in range(width - 3):
        numbers = [int.from_bytes(value[at : at + 4]) for value in values]
        if all(one < two for one, two in pairwise(numbers)):
            found.append(at)
    return found


async def test_seen_10_an_onlookers_numbers_are_their_own(server: Server) -> None:
    settings = {"direct": True, "cards": True}
    async with circle(server, ["Ada", "Ben", "Cleo"], settings=settings) as c:
        *_, cleo = c.members
        await c.f.ok("concerns.offer", {"concerns": ["grief"]})
        await public(c, cleo)
        await whispers(c)
        await public(c, cleo)
        back = await c.back(cleo)
        for _ in range(8):
            await c.f.ok("chat.say", {"to": "circle", "body": "and on"})
        await public(c, back)
        for who in (cleo, back):
            seqs = [frame.body["seq"] for frame in who.frames if frame.body["t"] == "room"]
            assert len(seqs) > 1
            assert all(two == one + 1 for one, two in pairwise(seqs)), "a frame for somebody else"
        assert seqs[0] > max(f.body["seq"] for f in cleo.frames if f.body["t"] == "room")
        # A position in a conversation says neither how many there were nor in which life.
        places = [frame.body["pos"] for frame in back.frames if frame.body["t"] == "chat"]
        assert len(places) > 8
        assert rising(places) == []
        assert rising([n.to_bytes(24) for n in range(9)]), "what a number would look like"


def test_row_15_nobody_is_told_that_somebody_types() -> None:
    text = (ROOT / "protocol" / "SPEC.md").read_text(encoding="utf-8")
    commands = text.partition("<!-- commands -->")[2].partition("<!-- /commands -->")[0]
    names = re.findall(r"^\| `([a-z._]+)` \|", commands, re.MULTILINE)
    assert len(names) > 60
    # At the agreement one says that one reads, to the server alone: facilitators see how many.
    names.remove("agreement.reading")
    assert [n for n in names if re.search(r"typ(e|ing)|compos|draft|read|seen|presence", n)] == []
