"""Materials and guests by the client's methods, at a running server (MT*, GU*)."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from sitwith_client import Client, FileRefused, Refused
from tests.blackbox.house import Server, circle
from tests.client.test_live import link
from tests.materials import samples


async def test_MT6_MT10_MT11_a_picture_is_shown_and_fetched_as_it_was_made_anew(
    server: Server,
) -> None:
    async with circle(server, ["Ben"]) as c:  # noqa: SIM117
        async with Client.join(link(c, "facilitator"), "Ada") as ada:
            await ada.enter(20)
            material = await ada.show_file("picture", samples.located(), "Our garden")
            (shown,) = ada.room.materials
            assert (shown["id"], shown["title"]) == (material, "Our garden")
            assert (shown["width"], shown["height"]) == (40, 60)
            async with Client.join(link(c), "Cleo") as cleo:
                await cleo.enter(20)
                assert [each["id"] for each in cleo.room.materials] == [material]
                kind, data = await cleo.fetch_file(material)
                assert (kind, len(data)) == ("image/jpeg", shown["bytes"])
                assert Image.open(io.BytesIO(data)).size == (40, 60)
                assert samples.SECRET.encode() not in data
                await ada.hide_material(material)
                with pytest.raises(Refused):
                    await cleo.fetch_file(material)
            assert samples.SECRET not in server.log and "Our garden" not in server.log


async def test_MT7_MT10_files_that_lie_are_refused_by_name(server: Server) -> None:
    async with circle(server) as c:  # noqa: SIM117
        async with Client.join(link(c, "facilitator"), "Ada") as ada:
            await ada.enter(20)
            scripts, reason = samples.BAD_PAPERS["a script by name"]
            for kind, data, name in (
                ("picture", samples.SVG, "svg"),
                ("picture", samples.paper(), "not_a_picture"),
                ("pdf", samples.picture(), "not_a_pdf"),
                ("pdf", scripts, reason),
            ):
                with pytest.raises(FileRefused) as refused:
                    await ada.show_file(kind, data)
                assert refused.value.reason == name
            assert ada.room.materials == []
            for url in ("javascript:alert(1)", "data:text/html,x", "https://a@b.example"):
                with pytest.raises(Refused) as bad:
                    await ada.show_link(url)
                assert bad.value.code == "bad_request"
            await ada.show_link("https://example.org/help", "Help")
            await ada.show_text("Breathe in.\nBreathe out.")
            assert [each["kind"] for each in ada.room.materials] == ["link", "text"]


async def test_GU2_guests_are_brought_in_and_rest_by_the_command_methods(server: Server) -> None:
    async with circle(server, ["Ben"]) as c:
        invite = (await c.invite("guest", uses=1))["link"]
        async with (
            Client.join(link(c, "facilitator"), "Ada") as ada,
            Client.join(invite, "Gus") as gus,
        ):
            await ada.enter(20)
            await gus.enter(20)
            assert gus.role == "guest"
            assert "Ben" not in str(gus.room.slices)
            await ada.bring_guests()
            assert ada.room.guests_in == [gus.id]
            await gus.until(lambda: gus.room.guests_in == [gus.id], 20)
            assert {entry["name"] for entry in gus.room.members.values()} >= {"Ben", "Ada"}
            await ada.rest_guests()
            await gus.until(lambda: not gus.room.guests_in, 20)
            assert "Ben" not in str(gus.room.slices)
