"""Rows 1 to 10 of the table in README.md: who gets in, and as whom."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from contextlib import suppress

import httpx
import pytest

from tests.blackbox.house import Server, circle, refused_at_door
from tests.blackbox.rawclient import Client, Gone
from tests.programs import KEY
from tests.security.raw import Answer, Plug

FORGED = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Port": "443",
    "X-Forwarded-Prefix": "/healthz",
    "X-Forwarded-For": "127.0.0.1",
    "X-Real-IP": "127.0.0.1",
    "Forwarded": 'for=127.0.0.1;host="evil.example";proto=https',
    "X-Original-URL": "/healthz",
    "X-Rewrite-URL": "/healthz",
    "X-HTTP-Method-Override": "DELETE",
}


async def once(server: Server, target: str, **how: object) -> Answer:
    plug = await Plug.open(server.port)
    try:
        return await plug.ask(target, **how)  # type: ignore[arg-type]
    finally:
        plug.cut()


# ---------------------------------------------------------------------------------- 1 and 2: HTTP


async def test_row_01_a_foreign_page_opens_no_socket_and_there_is_no_cookie_to_use(
    server: Server,
) -> None:
    foreign = [
        "https://evil.example", "null", "", "file://", server.url.replace("http", "https"),
        f"{server.url}.evil.example", f"{server.url}@evil.example", f"{server.url}/",
        server.url.upper(), f"http://127.0.0.1:{server.port + 1}", f"{server.url}, {server.url}",
    ]  # fmt: skip
    for origin in foreign:
        plug = await Plug.open(server.port)
        answer = await plug.upgrade({"Origin": origin, "Cookie": "session=of-the-victim"})
        assert answer.status == 403, origin
        plug.cut()
    twice = await Plug.open(server.port)
    answer = await twice.upgrade({"Origin": server.url, "origin": "https://evil.example"})
    assert answer.status in (400, 403)
    for path in ("/", "/r/anything", "/healthz", "/templates"):
        assert "set-cookie" not in (await once(server, path)).headers
    own = await Plug.open(server.port)
    answer = await own.upgrade({"Origin": server.url})
    assert answer.status == 101
    assert "set-cookie" not in answer.headers
    own.cut()


async def test_row_02_forged_hosts_and_forwarded_headers_move_nothing(server: Server) -> None:
    async with circle(server) as c:
        paths = ["/", "/healthz", "/api/rooms", f"/r/{c.room}", "/nowhere", "/api/audit/x"]
        for path in paths:
            plain = await once(server, path)
            forged = await once(server, path, headers=FORGED)
            assert (forged.status, forged.body) == (plain.status, plain.body), path
        # Neither another place nor another host nor another way of writing it passes the key.
        ways = [
            f"http://evil.example/api/rooms/{c.room}", f"http://127.0.0.1/api/rooms/{c.room}",
            f"//api/rooms/{c.room}", f"/healthz/../api/rooms/{c.room}",
            f"/%61pi/rooms/{c.room}", f"/api%2frooms%2f{c.room}", f"/./api/rooms/{c.room}",
            f"/api/rooms/{c.room}?/healthz", f"/api/rooms/{c.room}#/healthz",
            f"@evil.example/api/rooms/{c.room}", f"/healthz;/api/rooms/{c.room}",
            f"\\api\\rooms\\{c.room}", f"/API/rooms/{c.room}", "*",
        ]  # fmt: skip
        for target, method in itertools.product(ways, ("GET", "DELETE")):
            for headers in ({}, FORGED):
                with suppress(ConnectionError):  # what is no request at all has no answer
                    answer = await once(server, target, method=method, headers=headers)
                    assert answer.status >= 400 or c.room.encode() not in answer.body, target
                    assert answer.status != 204, target
        # A host is one host or nothing is answered; no link is made of it.
        for host in ("evil.example/healthz", "a b", "evil@127.0.0.1", "evil.example:x", "[::1", ""):
            with suppress(ConnectionError):
                answer = await once(server, "/healthz", host=host)
                assert answer.status == 400, host
        key = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        made = await once(
            server, "/api/rooms", method="POST", body=b"{}", host="evil.example",
            headers={**FORGED, **key},
        )  # fmt: skip
        assert made.status == 201
        found = json.loads(made.body)
        assert all(link.startswith(f"{server.url}/r/") for link in found["links"].values())
        await server.http("DELETE", f"/api/rooms/{found['room']}")
        # What says where it comes from in place of a request is no request.
        for before in (
            b"PROXY TCP4 10.0.0.1 127.0.0.1 1 2\r\n",
            b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + bytes(12),
        ):
            with suppress(ConnectionError):
                answer = await once(server, "/api/rooms", prefix=before, headers=key)
                assert answer.status == 400, before
        # The socket's origin is the browser's word alone.
        plug = await Plug.open(server.port)
        hosts = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
        answer = await plug.upgrade({"Origin": "https://evil.example", **hosts})
        assert answer.status == 403
        plug.cut()
        plug = await Plug.open(server.port)
        answer = await plug.upgrade({"Origin": "https://evil.example"}, host="evil.example")
        assert answer.status == 403
        plug.cut()
        await c.settle()


SPELLINGS = [
    "/metrics", "/%6detrics", "/%4Detrics", "/METRICS", "//metrics", "/./metrics", "/r/../metrics",
    "/metrics/", "/metrics?x", "/metrics;x", "/metric%73", "/%2e/metrics", "/r/%2e%2e/metrics",
    "/healthz/../metrics", "/metrics%00", "/metrics%20", "http://x/metrics", "/\\metrics",
]  # fmt: skip


async def test_seen_03_no_spelling_of_a_path_shows_figures(server: Server) -> None:
    key = {"Authorization": f"Bearer {KEY}"}
    for spelling, headers in itertools.product(SPELLINGS, ({}, key, FORGED)):
        with suppress(ConnectionError):
            answer = await once(server, spelling, headers=headers)
            assert answer.status in (400, 404), spelling
            assert b"# TYPE" not in answer.body and b"sitwith_" not in answer.body


# ---------------------------------------------------------------------- 3 to 5: links and tickets


async def test_row_03_a_link_for_one_makes_one_seat_and_dies_with_its_time(
    server: Server,
) -> None:
    async with circle(server) as c:
        one = (await c.invite("member", uses=1))["token"]
        first, second = await c.socket("First"), await c.socket("Second")
        results = await asyncio.gather(
            first.hello(one, "First"), second.hello(one, "Second"), return_exceptions=True
        )
        gone = [each for each in results if isinstance(each, Gone)]
        assert [each.code for each in gone] == [4404]
        # A second device at the same seat is no second seat: the first is told, and all see it.
        seated = first if not isinstance(results[0], Gone) else second
        await c.accept(seated)
        c.members.append(seated)
        other = await c.back(seated, seen={})
        assert await seated.closed() == 4409
        assert other.me == seated.me
        await c.settle()
        assert len(c.f.view["members"]) == 2
        many = (await c.invite("member", uses=9))["token"]
        await c.f.ok("room.end")
        for token in (one, many, *c.tokens.values()):
            assert await refused_at_door(server, token) == 4404


async def test_row_04_a_ticket_is_used_once_for_its_file_by_its_room(server: Server) -> None:
    async with circle(server, ["Ada"]) as c, circle(server) as other:
        asked = await c.f.ok("material.upload", {"kind": "picture"})
        place = f"/r/{c.room}/materials/{asked['material']}"
        elsewhere = f"/r/{other.room}/materials/{asked['material']}"
        async with httpx.AsyncClient(base_url=server.url, trust_env=False) as http:

            async def put(path: str, ticket: str, body: bytes = b"no picture") -> int:
                how = {"Authorization": f"Bearer {ticket}"}
                return (await http.put(path, headers=how, content=body)).status_code

            # In an address a ticket opens nothing, and neither does another's or another's place.
            assert (await http.put(f"{place}?ticket={asked['ticket']}")).status_code == 404
            assert await put(elsewhere, asked["ticket"]) == 404
            assert await put(place, asked["ticket"] + "x") == 404
            assert await put(place, c.tokens["facilitator"]) == 404
            assert await put(place, c.f.resume_value) == 404
            assert await put(place, asked["ticket"]) == 422
            again = await c.f.ok("material.upload", {"kind": "picture"})
            assert again["ticket"] != asked["ticket"]
            with pytest.raises(AssertionError):
                await c.members[0].ok("material.upload", {"kind": "picture"})
        for secret in (asked["ticket"], again["ticket"]):
            assert secret not in server.log


async def test_row_05_a_way_back_is_its_seats_and_ends_with_it(server: Server) -> None:
    async with circle(server, ["Ada", "Ben", "Cleo"]) as c:
        ada, ben, cleo = c.members
        # Ada's value is Ada's seat, whatever else is in the greeting.
        pretender = await c.socket("Ben")
        await pretender.send({"t": "hello", "resume": ada.resume_value, "seen": {}, "me": ben.me})
        assert await pretender.closed() == 4400
        room, _, secret = ada.resume_value.rpartition(".")
        mixed = f"{room}.{ben.resume_value.rpartition('.')[2][: len(secret) // 2]}{secret[22:]}"
        stranger = await c.socket("stranger")
        with pytest.raises(Gone) as gone:
            await stranger.resume(mixed, {})
        assert gone.value.code == 4404
        await c.f.ok("member.remove", {"member": ben.me})
        assert await ben.closed() == 4403
        await cleo.ok("leave")
        await cleo.closed()
        for value, code in ((ben.resume_value, 4403), (cleo.resume_value, 4404)):
            attempt = await c.socket("back")
            with pytest.raises(Gone) as gone:
                await attempt.resume(value, {})
            assert gone.value.code == code
            assert b"Ada" not in attempt.everything


# ------------------------------------------------------------------------ 6 to 10: seats and roles


async def test_row_06_the_removed_come_back_to_the_lobby_under_no_name(server: Server) -> None:
    async with circle(server, ["Ada", "Mallory"]) as c:
        ada, mallory = c.members
        await c.f.ok("member.remove", {"member": mallory.me})
        assert await mallory.closed() == 4403
        c.members = [ada]
        for name, role in (("Rosa", "member"), ("Greta", "facilitator")):
            again = await c.arrive(name, role=role)
            await c.accept(again)
            assert again.phase == "lobby", name
            await again.no("not_inside", "chat.say", {"to": "circle", "body": "x"})
            assert b"Ada" not in again.everything
        await c.f.until(lambda: len(c.f.view["lobby"]) == 2, "both at the door")
        assert {each["name"] for each in c.f.view["lobby"]} == {"Rosa", "Greta"}


async def test_row_07_an_open_socket_ends_with_its_right_and_gets_no_byte_more(
    server: Server,
) -> None:
    async with circle(server, ["Ada", "Ben", "Cleo"]) as c:
        ada, ben, cleo = c.members
        talking = asyncio.create_task(_chatter(ada))
        await c.f.ok("member.remove", {"member": ben.me})
        after = len(ben.frames)
        await c.f.ok("lobby.return", {"member": cleo.me})
        talking.cancel()
        c.members = [ada]
        secret = "said-after-the-removal"
        await ada.ok("chat.say", {"to": "circle", "body": secret})
        await c.settle()
        assert await ben.closed() == 4403
        # After the facilitator's `ok` there is at most the word that it is over.
        assert {frame.body["t"] for frame in ben.frames[after:]} <= {"closed"}
        assert secret.encode() not in ben.everything + cleo.everything
        # A link that is revoked admits nobody more; those whom it let in stay, by the contract.
        invite = await c.invite("member", uses=9)
        path = f"/api/rooms/{c.room}/invites/{invite['invite']}"
        assert (await server.http("DELETE", path)).status_code == 204
        assert await refused_at_door(server, invite["token"]) == 4404


async def _chatter(who: Client) -> None:
    for number in itertools.count():
        await who.ok("chat.say", {"to": "circle", "body": f"chatter {number}"})


async def test_row_08_nobody_makes_themselves_a_facilitator(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        (ada,) = c.members
        for command, fields in (
            ("role.give", {"member": ada.me, "role": "facilitator"}),
            ("member.remove", {"member": c.f.me}),
            ("room.end", {}),
        ):
            await ada.no("not_allowed", command, fields)
        for field in ("role", "as", "by", "seat", "me", "phase"):
            await ada.no("bad_request", "room.lock", {field: c.f.me})
        for extra in ({"role": "facilitator"}, {"phase": "inside"}, {"lobby": False}):
            pretender = await c.socket("Ben")
            await pretender.send({"t": "hello", "token": c.tokens["member"], "name": "B", **extra})
            assert await pretender.closed() == 4400
        # A key twice: one reader takes the first, another the last.
        await ada.send_raw(b"\x83\xa1t\xaahand.raise\xa1t\xa9room.lock\xa2id\x63")
        assert await ada.closed() == 4400
        await c.f.until(lambda: c.f.view["members"][ada.me]["here"] != "here", "the end of it")
        assert c.f.view["locked"] is False
        assert c.f.view["members"][ada.me]["role"] == "member"


async def test_row_09_a_token_is_no_claim_and_no_letter_of_it_may_differ(server: Server) -> None:
    async with circle(server) as c:
        token = c.tokens["facilitator"]
        room, _, secret = token.partition(".")
        claim = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
        tried = [f"{claim}.{claim}.", f"{room}.{claim}.", f"{claim}.{secret}", f"{token}."]
        tried += [f"{token}\x00", f" {token}", token.swapcase(), secret, f"{room}.{secret}="]
        tried += [token[:-1], c.tokens["member"][: len(room) + 10] + token[len(room) + 10 :]]
        flipped = ("A" if secret[-1] != "A" else "B", "a" if secret[0] != "a" else "b")
        tried += [token[:-1] + flipped[0], f"{room}.{flipped[1]}{secret[1:]}"]

        async def answer(guess: str) -> bytes:
            stranger = await c.socket("stranger")
            await stranger.send({"t": "hello", "token": guess, "name": "Ada"})
            assert await stranger.closed() == 4404, guess
            return stranger.everything

        said = set(await asyncio.gather(*map(answer, tried)))
        assert len(said) == 1, "answers that tell one from another"
        # 32 bytes of the system's chance: nothing in it to read, sign or guess.
        assert len(base64.urlsafe_b64decode(secret + "==")) >= 16


async def test_row_10_nobody_inherits_the_role(server: Server) -> None:
    settings = {"grace_seconds": 1}
    async with circle(server, ["Ada", "Ben"], lobby=True, settings=settings) as c:
        ada, ben = c.members
        await c.f.ok("floor.stick", {"to": ada.me})
        c.f.drop()
        await ada.until(lambda: ada.view["members"][c.f.me]["here"] == "away", "nobody who leads")
        assert {ada.role, ben.role} == {"member"}
        for who in (ada, ben):
            await who.no("not_allowed", "lobby.admit_all")
            await who.no("not_allowed", "role.give", {"member": who.me, "role": "facilitator"})
        late = await c.arrive("Cleo")
        with suppress(Gone):
            await c.accept(late)
        assert late.phase != "inside"
        # With the last facilitator who leaves it is the same.
        back = await c.back(c.f)
        await back.ok("leave")
        await ada.until(lambda: back.me not in ada.view["members"], "nobody who leads")
        assert {m["role"] for m in ada.view["members"].values()} == {"member"}
        c.host = None
