"""An evening as four people see it: a facilitator and three members, two of them on phones."""

from __future__ import annotations

import re
from itertools import combinations

import pytest
from playwright.async_api import expect

from .conftest import Enter, MakeRoom, Room
from .guest import PHONE, WIDE, Guest

pytestmark = pytest.mark.browser

MEMBERS = ("Ben", "Aya", "Jon")
SECRET = "This is for the facilitators alone."


async def begin(make_room: MakeRoom, enter: Enter) -> tuple[Room, Guest, list[Guest]]:
    """Everybody through the agreement, members through the waiting room."""
    room = await make_room(lobby=True)
    mara = await enter("Mara", room.facilitator)
    await mara.accessible()
    await mara.join()
    await expect(mara.heading("Before we begin")).to_be_visible()
    await mara.accessible()
    await mara.agree()
    await expect(mara.heading("The floor is open")).to_be_visible()
    members = []
    for name in MEMBERS:
        one = await enter(name, room.member, size=WIDE if name == "Ben" else PHONE)
        members.append(one)
        await one.join()
        await expect(one.page.get_by_text("Mara")).to_have_count(0)
        await one.agree()
        await expect(one.heading("You are in the waiting room")).to_be_visible()
    await members[0].accessible()
    await mara.button("Let in Ben").click()
    await expect(members[0].heading("The floor is open")).to_be_visible()
    await mara.button("Let everyone in").click()
    for one in members[1:]:
        await expect(one.heading("The floor is open")).to_be_visible()
        await expect(one.seat("Mara")).to_be_visible()
    return room, mara, members


async def holder_of(guests: list[Guest]) -> Guest:
    """Whose page says that it is their turn: exactly one."""
    for one in guests:
        for other in guests:
            if other is not one and await other.heading("It is your turn").count():
                break
        else:
            if await one.heading("It is your turn").count():
                return one
    raise AssertionError("nobody has the turn, or more than one")


async def turns(mara: Guest, members: list[Guest]) -> None:
    """A round: a later turn, passes, and the end."""
    await mara.button("Begin a round…").click()
    await mara.dialog.get_by_label("Time for each").select_option("1 minute")
    await mara.accessible()
    await mara.button("Begin the round").click()
    ben, aya, jon = members
    await expect(ben.heading("It is your turn")).to_be_visible()
    assert await ben.page.title() == "Your turn · Sitwith"
    await expect(ben.page.get_by_role("alert").filter(has_text="It is your turn")).to_have_count(1)
    await ben.accessible()
    for other in (mara, aya, jon):
        await expect(other.heading("Ben has the stick")).to_be_visible()
        await expect(other.button("Pass the stick")).to_have_count(0)
    await ben.button("Later").click()
    for one in (aya, ben, jon):
        await expect(one.heading("It is your turn")).to_be_visible()
        assert await holder_of([mara, *members]) is one
        await one.button("Pass the stick").click()
        await expect(one.heading("It is your turn")).to_have_count(0)
    for one in (mara, *members):
        await expect(one.heading("The stick is resting")).to_be_visible()
    await mara.button("Open", within=mara.part("The floor")).click()
    await expect(jon.heading("The floor is open")).to_be_visible()


async def mutes(mara: Guest, ben: Guest) -> None:
    await mara.open_person("Ben")
    await mara.accessible()
    await mara.button("Mute Writing").click()
    await expect(ben.page.get_by_text("A facilitator has muted your writing")).to_be_visible()
    await expect(ben.page.get_by_role("textbox", name="Write a message")).to_have_count(0)
    await expect(ben.seat("Ben")).to_have_accessible_name(
        re.compile("writing muted by a facilitator")
    )
    await mara.button("Allow again Writing").click()
    await expect(ben.page.get_by_role("textbox", name="Write a message")).to_be_visible()
    await mara.page.keyboard.press("Escape")
    await expect(mara.dialog).to_have_count(0)


async def talks(mara: Guest, members: list[Guest]) -> None:
    ben, aya, jon = members
    await expect(ben.page.get_by_text("Everyone in the circle reads this")).to_be_visible()
    await ben.say("Circle", "Good evening from Ben.")
    for one in (mara, aya, jon):
        await one.reads("Circle", "Good evening from Ben.")
    await aya.accessible()
    await aya.tab("To the facilitators").click()
    await expect(aya.page.get_by_text("Only the facilitators read this: Mara.")).to_be_visible()
    await aya.say("To the facilitators", SECRET)
    await mara.reads("Aya and facilitators", SECRET)
    await mara.say("Aya and facilitators", "Thank you for telling me.")
    await aya.reads("To the facilitators", "Thank you for telling me.")
    for one in (ben, jon):
        assert SECRET not in await one.page.content()
    await ben.say("Circle", "Something that I take back.")
    await ben.page.get_by_text("Something that I take back.").hover()
    await ben.button(re.compile("^Take back the message from You")).last.click()
    await ben.dialog.get_by_role("button", name="Take back").click()
    await expect(ben.page.get_by_text("This message was taken back.")).to_be_visible()
    await expect(jon.page.get_by_text("Something that I take back.")).to_have_count(0)
    for one in (mara, ben):
        await one.tab("Circle").click()
    for one in (aya, jon):
        await one.show("Circle")


async def three_rounds_of_pairs(mara: Guest, members: list[Guest]) -> None:
    """Four people, three rounds: everybody meets everybody once."""
    guests = {one.name: one for one in (mara, *members)}
    met: set[frozenset[str]] = set()
    for _ in range(3):
        await mara.button("Make pairs…").click()
        await mara.dialog.get_by_label("Include facilitators").check()
        await mara.dialog.get_by_label("People who haven't met yet").check()
        await mara.button("Make a plan").click()
        await expect(mara.dialog.get_by_role("region", name="Group 2")).to_be_visible()
        await mara.accessible()
        await mara.button("Open the groups").click()
        pairs: set[frozenset[str]] = set()
        for name, one in guests.items():
            ring = one.page.get_by_role("list", name="Seats in your group")
            await expect(ring.get_by_role("button")).to_have_count(2)
            await expect(one.heading(re.compile("^Just you and "))).to_be_visible()
            names = [
                other for other in guests if await one.seat(other, "Seats in your group").count()
            ]
            assert name in names
            pairs.add(frozenset(names))
        assert len(pairs) == 2
        assert not pairs & met
        met |= pairs
        await mara.button("Close now").click()
        for one in guests.values():
            await expect(one.seat("Jon")).to_be_visible()
    assert met == {frozenset(two) for two in combinations(guests, 2)}


async def help_and_visit(mara: Guest, members: list[Guest]) -> None:
    """Ben and Aya in a group made by hand, Jon in the circle."""
    ben, aya, jon = members
    await mara.button("Make pairs…").click()
    await mara.button("By hand").click()
    await mara.dialog.get_by_label("Where Ben goes").select_option("A new group")
    await mara.dialog.get_by_label("Where Aya goes").select_option("Group 1")
    await mara.button("Open the groups").click()
    await expect(ben.page.get_by_text("You sit with Aya.")).to_be_visible()
    await ben.accessible()
    await expect(jon.page.get_by_text("Small groups are open.")).to_be_visible()
    await expect(ben.tab("My group")).to_have_attribute("aria-selected", "true")
    await ben.say("My group", "Between the two of us.")
    await aya.reads("My group", "Between the two of us.")
    await aya.tab("Circle").click()
    await expect(aya.page.get_by_text("members can't write to the circle")).to_be_visible()
    await aya.show("Circle")
    await ben.button("Ask for help").click()
    await expect(ben.button("You asked for help")).to_be_visible()
    await expect(mara.page.get_by_text("Ben asks for help").first).to_be_visible()
    await mara.accessible()
    await mara.button("Visit Group 1").first.click()
    for one in (ben, aya):
        await expect(one.page.get_by_text("Mara, a facilitator, is visiting.")).to_be_visible()
    await expect(mara.page.get_by_text("You are visiting group 1")).to_be_visible()
    assert "Between the two of us." not in await mara.page.content()
    await mara.button("Done Ben").click()
    await expect(ben.button("Ask for help")).to_be_visible()
    await mara.page.get_by_label("Say to all groups").fill("Two minutes left.")
    await mara.button("Say to all").click()
    await ben.reads("Circle", "Two minutes left.")
    await mara.button("Back to the circle").first.click()
    await expect(ben.page.get_by_text("is visiting.")).to_have_count(0)
    await mara.button("Close in 30 s").click()
    await expect(ben.page.get_by_text("The groups close in")).to_be_visible()
    await mara.button("Close now").click()
    for one in (ben, aya, jon):
        await expect(one.seat("Mara")).to_be_visible()
    assert "Between the two of us." not in await jon.page.content()


async def door_and_end(room: Room, mara: Guest, members: list[Guest], enter: Enter) -> None:
    ben, aya, jon = members
    await mara.button("Lock the door").click()
    await expect(ben.page.get_by_text("Door locked")).to_be_visible()
    late = await enter("Late", room.member, size=PHONE)
    await late.join()
    await expect(late.heading("The circle is closed to newcomers just now")).to_be_visible()
    await late.accessible()
    await mara.button("Unlock the door").click()
    await mara.open_person("Jon")
    await mara.button("Remove from the circle").click()
    await mara.button("Remove").click()
    await expect(jon.heading("A facilitator has closed your seat")).to_be_visible()
    await expect(mara.seat("Jon")).to_have_count(0)
    await mara.button("End the circle…").click()
    await mara.button("End for everyone").click()
    for one in (mara, ben, aya):
        await expect(one.heading("The circle has ended")).to_be_visible()
        assert "Good evening from Ben." not in await one.page.content()
    await aya.accessible()


async def test_a_whole_evening(make_room: MakeRoom, enter: Enter) -> None:
    room, mara, members = await begin(make_room, enter)
    await mara.accessible()
    await members[1].accessible()
    await turns(mara, members)
    await mutes(mara, members[0])
    await talks(mara, members)
    await three_rounds_of_pairs(mara, members)
    await help_and_visit(mara, members)
    await door_and_end(room, mara, members, enter)
