"""What facilitators have at hand: questions, the inbox, pins, an agenda of their own, cards."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.blackbox.house import Server, circle

from .conftest import Enter
from .guest import PHONE, Guest
from .test_agenda import inside
from .test_keyboard import press
from .test_moments import folded, link

pytestmark = pytest.mark.browser


async def opened(guest: Guest, fold: str) -> None:
    """Unfolds a part of the dialog."""
    await guest.dialog.locator("summary").filter(has_text=re.compile(f"^{fold}")).click()


async def test_a_gentle_question_reaches_one_member_alone(
    page_server: Server, enter: Enter
) -> None:
    async with circle(page_server, ["Aya"], host="") as room:
        aya = room.members[0]
        mara = await inside(enter, "Mara", link(room, "facilitator"))
        ben = await inside(enter, "Ben", link(room, "member"), size=PHONE)
        await press(mara, folded(mara, "Who has been heard"))
        await press(mara, mara.button("Ask gently whether Ben would like to speak"))
        note = ben.part("A question for you alone")
        await expect(note).to_contain_text("would you like to say something?")
        await ben.accessible()
        await mara.accessible()
        asked = mara.button("Asked whether Ben would like to speak")
        await expect(asked).to_have_attribute("aria-disabled", "true")
        await press(ben, ben.button(re.compile("^Not now A facilitator")))
        await expect(note).to_have_count(0)
        assert not aya.view.get("nudge")
        assert b"nudge" not in aya.everything
        # Whose hand the stick goes to is the facilitators' choice, and said to everybody.
        await mara.page.get_by_label("Who gets the stick next").select_option(
            "Whoever was heard least"
        )
        await aya.ok("hand.raise")
        await ben.button("Raise hand").click()
        await expect(ben.button("Lower hand")).to_be_visible()
        await ben.show("Turns")
        await expect(ben.page.get_by_text("has been heard least")).to_be_visible()


async def test_lines_to_the_facilitators_are_taken_and_given_back(
    page_server: Server, enter: Enter
) -> None:
    async with circle(page_server, ["Aya", "Jon"]) as room:
        aya, jon = room.members
        mara = await inside(enter, "Mara", link(room, "facilitator"))
        # From a group, and while somebody has the stick.
        await room.f.ok("floor.stick", {"to": room.f.me})
        await room.f.ok("pairs.open", {"groups": [[aya.me, jon.me]]})
        await aya.ok("chat.say", {"to": "staff", "body": "May my camera stay off?"})
        panel = mara.part("To the facilitators")
        await expect(panel).to_contain_text("Nobody is on it yet")
        await mara.accessible()
        await press(mara, mara.button("I'm on it the messages of Aya", within=panel))
        await expect(panel).to_contain_text("You are on it")
        await room.f.until(
            lambda: (room.f.view["inbox"][aya.me]["claimed_by"] or room.f.me) != room.f.me,
            "that Mara is on it",
        )
        assert not aya.view.get("inbox")
        await mara.button("Read the messages of Aya").click()
        await expect(mara.page.get_by_text("May my camera stay off?")).to_be_visible()
        await mara.page.get_by_role("textbox", name="Write a message").fill("Of course.")
        await mara.button("Send").click()
        await aya.hears("Of course.")
        await panel.get_by_text("1 more conversation").click()
        await mara.button("Let others answer the messages of Aya", within=panel).click()
        await room.f.until(
            lambda: room.f.view["inbox"][aya.me]["claimed_by"] is None, "that nobody is on it"
        )


async def test_two_are_pinned_together(page_server: Server, enter: Enter) -> None:
    async with circle(page_server, ["Aya", "Jon", "Nia", "Lea"], host="") as room:
        mara = await inside(enter, "Mara", link(room, "facilitator"))
        await mara.button("Make pairs…").click()
        await opened(mara, "Put together")
        await mara.dialog.get_by_label("Put together: First person").select_option("Aya")
        await mara.dialog.get_by_label("Put together: Second person").select_option("Lea")
        await mara.button("Add Put together").click()
        await opened(mara, "Never together")
        await mara.dialog.get_by_label("Never together: First person").select_option("Lea")
        await mara.dialog.get_by_label("Never together: Second person").select_option("Aya")
        await expect(mara.dialog.get_by_text("are on the put-together list")).to_be_visible()
        await mara.button("Make a plan").click()
        both = mara.dialog.get_by_role("region", name=re.compile(r"Group \d")).filter(
            has_text="Aya"
        )
        await expect(both.get_by_label("Where Lea goes")).to_be_visible()
        await mara.accessible()
        # Somebody is moved before it opens.
        await mara.dialog.get_by_label("Where Jon goes").select_option("The circle")
        await mara.button("Open the groups").click()
        aya, jon, _, lea = room.members
        await lea.until(lambda: lea.view["pairs"], "a group")
        assert set(lea.view["pairs"]["groups"][lea.view["pairs"]["mine"]]) == {aya.me, lea.me}
        await jon.until(lambda: jon.view["pairs"], "open groups")
        assert jon.view["pairs"]["mine"] is None


async def test_an_agenda_is_written_by_hand_and_changed_while_it_runs(
    page_server: Server, enter: Enter
) -> None:
    async with circle(page_server, ["Aya"], host="") as room:
        aya = room.members[0]

        def kinds() -> list[str]:
            return [stage["kind"] for stage in (aya.view["agenda"] or {"stages": []})["stages"]]

        mara = await inside(enter, "Mara", link(room, "facilitator"))
        await mara.button("Write my own…").click()
        for name in ("Arriving", "A round", "Closing"):
            await mara.dialog.get_by_label("Add a part").select_option(name)
            await mara.button(f"Add {name}").click()
            await expect(mara.dialog.get_by_label("Title").last).to_be_focused()
        await mara.page.keyboard.type("Going home")
        await mara.accessible()
        await opened(mara, "Change A round")
        await opened(mara, "What it sets A round")
        await (
            mara.dialog.get_by_label("Rounds, one after the other")
            .locator("visible=true")
            .first.select_option("2")
        )
        await mara.dialog.get_by_label("What round 2 asks").first.fill("And now?")
        await mara.button("Save").click()
        await expect(mara.dialog).to_have_count(0)
        await aya.until(lambda: kinds() == ["arrival", "round", "closing"], "the agenda")
        assert aya.view["agenda"]["stages"][1]["rounds"][1] == {"prompt": "And now?"}
        assert aya.view["agenda"]["stages"][2]["title"] == "Going home"
        await mara.button("Begin: Arriving").click()
        await expect(mara.part("This part of the evening")).to_contain_text("Arriving")
        await mara.button("View and change…").click()
        # What is under way has no handles.
        await expect(mara.dialog.get_by_text("Change Arriving")).to_have_count(0)
        await mara.dialog.get_by_label("Add a part").select_option("A break")
        await mara.button("Add A break").click()
        up = mara.button("Earlier A break")
        await press(mara, up)
        await expect(up).to_be_focused()
        await opened(mara, "Change A round")
        await mara.button("Remove A round").click()
        await mara.button("Save").click()
        await aya.until(lambda: kinds() == ["arrival", "break", "closing"], "the other agenda")
        assert aya.view["agenda"]["at"] == 0


async def test_the_room_asks_on_the_way_in_how_one_can_be_reached(
    page_server: Server, enter: Enter
) -> None:
    async with circle(page_server, settings={"cards": True}) as room:
        ben = await enter("Ben", link(room, "member"), size=PHONE)
        await ben.join()
        await ben.agree()
        await expect(ben.dialog.get_by_role("heading")).to_have_text(
            "How can we reach you tonight?"
        )
        await expect(ben.dialog.get_by_role("heading")).to_be_focused()
        await ben.accessible()
        await press(ben, ben.dialog.get_by_label("A number to call"))
        await ben.page.keyboard.type("555 0100")
        await press(ben, ben.button("Save"))
        await expect(ben.dialog).to_have_count(0)
        await expect(ben.seat("Ben")).to_be_visible()
        # Somebody about whom one worries, straight from their seat.
        await ben.open_person(room.f.label)
        await ben.button(f"I am worried about {room.f.label}…").click()
        await expect(ben.dialog.get_by_label("Who")).to_have_value(room.f.me)
