"""A room that offers concerns from its beginning, by the API and by a template (HT2, LK3)."""

from __future__ import annotations

import httpx

from sitwith_server import templates

from .house import Server, circle


async def test_HT2_LK3_everybody_is_offered_them_from_the_start(server: Server) -> None:
    async with circle(server, ("Ada",), concerns=["Sleep", "Grief"]) as c:
        assert c.members[0].view["concerns"] == c.f.view["concerns"] == ["Sleep", "Grief"]
        await c.f.ok("concerns.offer", {"concerns": []})
        await c.everyone_sees(lambda v: v["concerns"] == [], "none any more")
    async with circle(server, ("Ada",), agenda={"template": "peer-support-60"}) as c:
        offered = templates.load("peer-support-60")["concerns"]
        assert offered
        assert c.members[0].view["concerns"] == list(offered)


async def test_HT3_LK3_bad_concerns_make_no_room(server: Server) -> None:
    before = (await server.http("GET", "/api/rooms")).json()
    body = {"concerns": ["Sleep", "canary\n"]}
    answer = await server.http("POST", "/api/rooms", body)
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert answer.json()["error"]["message"].startswith("concerns[1] must have one line")
    assert "canary" not in answer.text
    assert (await server.http("GET", "/api/rooms")).json() == before
