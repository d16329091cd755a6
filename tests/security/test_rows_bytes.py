"""Rows 22 and 27 to 33 of the table in README.md: what comes over the line before anybody is in."""

from __future__ import annotations

import asyncio
import json
import re
import zlib
from contextlib import suppress

import httpx
import msgpack

from tests.blackbox.house import Server, circle
from tests.blackbox.rawclient import Map
from tests.programs import KEY
from tests.security.raw import Plug, frame

MIB = 1024 * 1024
#: Too large, too many pieces, more frames than anybody may send, or not whole in time.
ENDED = (1009, 4400, 4413, 4429, 4001)


async def socket(server: Server) -> Plug:
    """An upgraded socket that has not said hello."""
    plug = await Plug.open(server.port)
    answer = await plug.upgrade({"Sec-WebSocket-Extensions": "permessage-deflate"})
    assert answer.status == 101
    assert "sec-websocket-extensions" not in answer.headers
    return plug


# ---------------------------------------------------------------------------------------- guesses


async def test_row_22_a_room_is_not_found_by_guessing(server: Server) -> None:
    async with circle(server) as c, circle(server) as ended, circle(server) as full:
        await ended.f.ok("room.end")
        # 128 bits of chance in the id, 256 in the secret, and nothing of time or order.
        assert re.fullmatch(r"[a-z2-7]{26}", c.room)
        assert len({c.room[:4], ended.room[:4], full.room[:4]}) == 3
        wrong = "A" * 43
        rooms = [c.room, ended.room, "a" * 26, "", "x", c.room.upper(), c.room[:-1]]
        hellos: list[Map] = [{"token": f"{room}.{wrong}", "name": "Guess"} for room in rooms]
        hellos += [{"resume": f"{room}.mAAAAAAA.{wrong}", "seen": {}} for room in rooms]

        async def answer(hello: Map) -> tuple[int | None, bytes]:
            stranger = await c.socket("stranger")
            await stranger.send({"t": "hello", **hello})
            code = await stranger.closed()
            return code, stranger.everything

        assert len(set(await asyncio.gather(*map(answer, hellos)))) == 1
        pages = [await server.http("GET", f"/r/{room}", key=None) for room in (c.room, "a" * 26)]
        assert pages[0].content == pages[1].content
        drop = {"date", "x-request-id"}
        heads = [{k: v for k, v in p.headers.items() if k not in drop} for p in pages]
        assert heads[0] == heads[1]
        files = [
            await server.http("GET", f"/r/{room}/materials/f", key="x") for room in rooms if room
        ]
        assert {(f.status_code, f.content) for f in files} == {(404, files[0].content)}


async def test_row_27_no_id_reaches_another_key(server: Server) -> None:
    hostile = [
        "{room}:x", "{{{room}}}", "sw:{{0}}", "{room}\n", "{room}\r\nDEL *", "{room}\x00", "*", "?",
        "../{room}", "{room}/", "{room} ", "ï", "\u2028", "{room}:trail", "[a-z]*", "{room}" * 9,
    ]  # fmt: skip
    async with circle(server, ["Ada"]) as c:
        (ada,) = c.members

        async def greet(hello: dict[str, object]) -> None:
            stranger = await c.socket("stranger")
            await stranger.send({"t": "hello", **hello})
            assert await stranger.closed() in (4404, 4400)

        texts = [each.format(room=c.room) for each in hostile]
        tokens = [f"{text}.{'A' * 43}" for text in texts]
        tokens += [f"{c.room}.{text}.{'A' * 43}" for text in texts]
        await asyncio.gather(*(greet({"token": each, "name": "x"}) for each in tokens))
        await asyncio.gather(*(greet({"resume": each, "seen": {}}) for each in tokens))
        refused = {"no_such_member", "bad_request", "no_such_group", "no_such_material"}
        for text in texts[:5]:
            await c.f.no(refused, "mute", {"member": text, "kinds": ["audio"]})
            await c.f.no({*refused, "not_allowed"}, "chat.say", {"to": f"pair:{text}", "body": "x"})
            await c.f.no({*refused, "no_such_person"}, "lobby.admit", {"person": text})
        async with httpx.AsyncClient(trust_env=False) as http:
            for each in ("%00", "%0a", "%2e%2e%2f", "*", "%7b0%7d", "a" * 5000):
                how = {"Authorization": f"Bearer {KEY}"}
                answer = await http.get(f"{server.url}/api/rooms/{each}", headers=how)
                assert answer.status_code in (404, 414, 431), each
        await c.settle()
        assert not ada.over


# ------------------------------------------------------------------------------ frames and pieces


async def test_row_28_nothing_is_unpacked(server: Server) -> None:
    bomb = zlib.compress(b"\x00" * (8 * MIB), 9)[2:-4]
    before = server.memory
    for body in (bomb[:4000], b"\x00"):
        for rsv in (4, 2, 1, 7):
            plug = await socket(server)
            await plug.send(frame(body, rsv=rsv))
            assert await plug.closed_with() in (1002, 4400)
            plug.cut()
    answer = await server.http("GET", "/healthz", key=None)
    assert answer.status_code == 200
    packed = zlib.compress(b"{}" + b" " * MIB)
    async with httpx.AsyncClient(trust_env=False) as http:
        how = {"Authorization": f"Bearer {KEY}", "Content-Encoding": "deflate"}
        made = await http.post(f"{server.url}/api/rooms", headers=how, content=packed)
    assert made.status_code == 400
    assert server.memory - before < 20 * MIB


async def test_row_29_no_frame_becomes_more_than_it_is(server: Server) -> None:
    """The long run of such frames is `tests/blackbox/test_hostile.py`'s and the soak's."""
    empties = b"\xdd" + (32_000).to_bytes(4, "big") + b"\x80" * 32_000
    hand = b"\x83\xa1t\xaahand.raise\xa2id\x01\xa1x"
    bombs = {
        "empty maps": hand + empties,
        "as many as a frame holds": hand + b"\x91" * 30_000 + b"\xc0",
        "a promised list": hand + b"\xdd\xff\xff\xff\xff",
        "a promised map": b"\xdf\xff\xff\xff\xff",
        "a promised text": hand + b"\xdb\xff\xff\xff\xff",
        "an extension": hand + msgpack.packb(msgpack.ExtType(1, b"x" * 9)),
        "not a number": hand + msgpack.packb(float("nan")),
        "a key that is no text": b"\x82\xa1t\xaahand.raise\x93\x01\x02\x03\x04",
        "a key twice": b"\x83\xa1t\xaahand.raise\xa2id\x01\xa2id\x02",
    }
    before = server.memory
    for _ in range(4):
        for what, bomb in bombs.items():
            plug = await socket(server)
            await plug.send(frame(bomb))
            assert await plug.closed_with() in (4400, 4413, 1009), what
            plug.cut()
    assert server.memory - before < 20 * MIB


async def test_row_30_a_message_in_endless_pieces_ends(server: Server) -> None:
    before = server.memory
    for piece in (b"", b"x"):
        plug = await socket(server)
        await plug.send(frame(b"\x81", last=False))
        await plug.send(frame(piece, opcode=0, last=False) * 20_000)
        assert await plug.closed_with() in ENDED
        plug.cut()
    # Control frames between the pieces are allowed; so many of them are a flood of their own.
    plug = await socket(server)
    await plug.send(frame(b"\x81", last=False))
    await plug.send((frame(b"", opcode=9) + frame(b"", opcode=0, last=False)) * 5_000)
    assert await plug.closed_with() in (*ENDED, 4001)
    plug.cut()
    for wrong in (
        frame(b"x" * 126, opcode=9), frame(b"x", opcode=9, last=False), frame(b"x", opcode=0),
        frame(b"x", opcode=3), b"\x82\x05hello", frame(b"x", last=False) + frame(b"y"),
    ):  # fmt: skip
        plug = await socket(server)
        await plug.send(wrong)
        assert await plug.closed_with() in (1002, 1009, 4400), wrong
        plug.cut()
    assert server.memory - before < 20 * MIB


async def test_row_32_a_storm_of_wrong_doors_costs_little(server: Server) -> None:
    """Nothing here is hashed slowly, so nothing can be made to: a wrong key is compared, a wrong
    token is looked up by its digest."""
    async with circle(server, ["Ada"]) as c:
        (ada,) = c.members

        async def wrong(number: int) -> None:
            plug = await Plug.open(server.port, source="127.0.0.9")
            if number % 3 == 0:
                with suppress(ConnectionError):
                    await plug.ask("/api/rooms", {"Authorization": f"Bearer wrong{number}"})
            elif number % 3 == 1:
                answer = await plug.upgrade()
                if answer.status == 101:
                    hello = {"t": "hello", "token": f"{c.room}.{number:043}", "name": "x"}
                    await plug.send(frame(msgpack.packb(hello)))
                    assert await plug.closed_with() in (4404, 4429)
            plug.cut()

        before = server.memory
        for wave in range(4):
            await asyncio.gather(*(wrong(wave * 50 + n) for n in range(50)))
        await ada.ok("chat.say", {"to": "circle", "body": "still here"})
        await c.f.hears("still here")
        assert (await c.join("Ben")).phase == "inside"
        assert server.memory - before < 20 * MIB
        assert (await server.http("GET", "/api/rooms")).status_code == 200


async def test_row_33_no_words_of_a_stranger_shape_the_log(server: Server) -> None:
    canary = "canary-of-the-log"
    async with circle(server) as c:
        start = len(server.log.splitlines())
        for evil in ("%1b[31m", "%0d%0a%7b%22level%22:1%7d", "%e2%80%a8"):
            plug = await Plug.open(server.port)
            with suppress(ConnectionError):
                await plug.ask(
                    f"/{evil}{canary}?token={canary}", {"User-Agent": f"\x1b[2J{canary}"}
                )
            plug.cut()
        stranger = await c.socket("stranger")
        await stranger.no("bad_request", f"\x1b[0m{canary}\n")
        hello = {"token": f"{c.room}.\x1b[31m{canary}\n", "name": f"\r\n{canary}"}
        await stranger.send({"t": "hello", **hello})
        await stranger.closed()
        odd = await c.arrive("Ada")
        await c.accept(odd)
        await odd.no("bad_request", "chat.say", {"to": f"\x1b[31m{canary}", "body": canary})
        await odd.no("bad_request", "react", {"kind": f"{canary}\n"})
        lines = server.log.splitlines()[start:]
        assert lines
        for line in lines:
            assert isinstance(json.loads(line), dict), line
            assert "\x1b" not in line
            assert canary not in line
            assert c.tokens["member"] not in line
