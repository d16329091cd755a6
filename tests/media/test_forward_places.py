"""Who is on which slot, and whose speech counts."""

from __future__ import annotations

from collections import defaultdict

from tests.media.circles import circle, everyone_says, heard_by
from tests.media.rig import (
    Sender,
    Stage,
    camera,
    session,
    voice,
)

# ----------------------------------------------------------------------------------------- places


def test_ME23_the_map_is_told_whole_and_only_when_it_changes() -> None:
    told = defaultdict(list)
    stage = Stage()
    stage.forwarder._slots_changed = lambda member, slots: told[member].append(dict(slots))
    stage.add(1, session(1, voices=2))
    stage.add(2, session(2, voices=2))
    assert told["m2"] == [{"a0": None, "a1": None}]
    stage.plan({"m1": ["m2"]})
    stage.plan({"m1": ["m2"], "m2": []})
    stage.tick()
    assert told["m2"][1:] == [{"a0": "m1", "a1": None}]
    assert told["m1"] == [{"a0": None, "a1": None}]


def test_ME23_who_is_on_a_slot_stays_there() -> None:
    stage = circle(4)
    stage.plan({"m3": ["m1"]})
    stage.plan({"m2": ["m1"], "m3": ["m1"], "m4": ["m1"]})
    assert stage.maps["m1"] == {"a0": "m3", "a1": "m2", "a2": "m4"}
    stage.plan({"m2": ["m1"], "m4": ["m1"]})
    assert stage.maps["m1"] == {"a0": None, "a1": "m2", "a2": "m4"}


def test_ME23_voice_and_picture_are_on_slots_of_one_place() -> None:
    stage = circle(4, pictures=3)
    stage.plan({"m3": ["m1"], "m2": ["m1"]})
    stage.plan({"m3": ["m1"], "m2": ["m1"]}, {"m3": ["m1"], "m4": ["m1"]})
    assert stage.maps["m1"] == {
        "a0": "m2", "a1": "m3", "a2": None, "v0": None, "v1": "m3", "v2": "m4",
    }  # fmt: skip
    stage.plan({"m4": ["m1"], "m3": ["m1"], "m2": ["m1"]}, {"m3": ["m1"], "m4": ["m1"]})
    assert stage.maps["m1"]["a2"] == "m4"


def test_ME24_with_more_voices_than_places_who_speaks_is_heard() -> None:
    stage = circle(5, max_voices=2)
    stage.all_hear_all()
    senders = {name: voice(int(name[1:])) for name in stage.ports}
    for _ in range(150):
        for name, sender in senders.items():
            stage.send(name, sender.voice(20 if name in ("m4", "m5") else 90))
        stage.wait(0.02)
        stage.tick()
    stage.receivers["m1"].slots.clear()
    for name, sender in senders.items():
        stage.send(name, sender.voice(90))
    assert heard_by(stage, "m1") == {"m4", "m5"}
    # Who begins to speak is heard from the first packet on, since the others fell silent.
    stage.wait(2.1)
    stage.send("m2", senders["m2"].voice(20))
    assert heard_by(stage, "m1") == {"m2"}


def test_ME24_the_slots_are_the_places_unless_there_are_fewer() -> None:
    stage = circle(4, voices=2)
    stage.all_hear_all()
    senders = {name: voice(int(name[1:])) for name in stage.ports}
    everyone_says(stage, senders, 20)
    assert len(heard_by(stage, "m1")) == 2


def test_ME25_a_camera_that_sends_nothing_comes_last() -> None:
    stage = circle(3, pictures=1)
    stage.all_hear_all()
    assert stage.maps["m1"]["v0"] == "m2"
    film, speaker = camera(3), voice(2)
    for _ in range(30):
        stage.say(speaker)
        stage.film(film, 3, key=True)
        stage.tick()
    assert stage.maps["m1"]["v0"] == "m3"


def test_ME25_who_spoke_last_is_seen() -> None:
    stage = circle(3, pictures=1)
    stage.all_hear_all()
    films, speaker = [camera(2), camera(3)], voice(3)
    for second in range(120):
        for film in films:
            stage.film(film, 1, key=True)
        if second > 90:
            stage.say(speaker, 2)
        stage.tick()
        if second == 90:
            assert stage.maps["m1"]["v0"] == "m2"
    assert stage.maps["m1"]["v0"] == "m3"


# ----------------------------------------------------------------------------------------- talk


def test_ME26_only_speech_that_went_to_somebody_counts() -> None:
    stage = circle(3)
    first, second = voice(1), voice(2)
    stage.plan({"m1": ["m3"]})
    stage.say(first, 100, level=30)
    stage.say(first, 100, level=80)
    stage.say(second, 100, level=30)
    voices = stage.forwarder.speech(stage.now)
    assert voices.keys() == {"m1"}
    assert abs(voices["m1"].seconds - 2.0) < 0.05
    assert not voices["m1"].speaking
    stage.say(first, 1, level=30)
    assert stage.forwarder.speech(stage.now)["m1"].speaking
    stage.forwarder.remove("m1", stage.now)
    assert stage.forwarder.speech(stage.now)["m1"].seconds >= 2.0


def test_ME26_without_a_level_the_size_tells() -> None:
    stage = circle(2)
    stage.all_hear_all()
    stage.say(voice(1), 50, level=None)
    small = Sender("m1", 1001, number=65_000 + 50, time=4_294_960_000 + 50 * 960)
    small.tag = lambda: b"|m1|9|"  # type: ignore[method-assign]
    stage.say(small, 50, level=None)
    assert abs(stage.forwarder.speech(stage.now)["m1"].seconds - 1.0) < 0.03
