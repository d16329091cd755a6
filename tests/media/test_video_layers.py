"""Layers of a picture: who is shown which, and when another one."""

from __future__ import annotations

from itertools import pairwise

from sitwith_server.media.engine import PictureChoice
from sitwith_server.media.packets import rtcp
from tests.media.pictures import SLOT, loses, shown, simulcast, stream
from tests.media.rig import (
    MID,
    RID,
    steps,
)


def test_ME19_the_largest_layer_is_shown_and_the_smallest_to_who_takes_low() -> None:
    stage, layers = simulcast()
    stream(stage, layers, 3)
    assert shown(stage) == "m1/f"
    stage.forwarder.choose_pictures("m2", PictureChoice.LOW, stage.now)
    stream(stage, layers, 1)
    assert shown(stage) == "m1/q"
    stage.forwarder.choose_pictures("m2", PictureChoice.HIGH, stage.now)
    stream(stage, layers, 1)
    assert shown(stage) == "m1/f"
    got = stage.receivers["m2"].slots[SLOT]
    assert {number for number, _ in steps(got)} == {1}
    assert all(0 <= time < 9_000 for _, time in steps(got))
    for before, after in pairwise(got):
        if before.who != after.who:
            assert after.picture.key
    ids = sorted({each.picture.id: each for each in got if each.picture.id_at}.items())
    assert len(ids) > 30


def test_ME19_until_the_key_frame_comes_the_old_layer_goes_on() -> None:
    stage, layers = simulcast()
    stream(stage, layers, 3)
    stage.forwarder.choose_pictures("m2", PictureChoice.LOW, stage.now)
    before = stage.receivers["m2"].count
    stage.film(layers[2], 5)
    assert shown(stage) == "m1/f"
    assert stage.receivers["m2"].count == before + 10


def test_ME19_no_pictures_are_sent_to_who_takes_none() -> None:
    stage, layers = simulcast()
    stream(stage, layers, 2)
    stage.forwarder.choose_pictures("m2", PictureChoice.NONE, stage.now)
    assert stage.maps["m2"] == {"v0": None}
    before = stage.receivers["m2"].count
    stream(stage, layers, 1, key=True)
    assert stage.receivers["m2"].count == before
    stage.forwarder.choose_pictures("m2", PictureChoice.HIGH, stage.now)
    assert stage.maps["m2"] == {"v0": "m1"}


def test_ME19_a_layer_that_is_switched_off_is_replaced() -> None:
    stage, layers = simulcast()
    stream(stage, layers, 3)
    stream(stage, layers[:1], 4)
    assert shown(stage) == "m1/q"


def test_ME19_a_weak_line_gets_a_smaller_layer() -> None:
    stage, layers = simulcast()
    stream(stage, layers, 3)
    for _ in range(3):
        stage.ports["m2"].on_rtcp(rtcp.estimate(1, 60_000, [SLOT]), stage.now)
        stream(stage, layers, 1)
    assert shown(stage) == "m1/q"
    for _ in range(3):
        stage.ports["m2"].on_rtcp(rtcp.estimate(1, 4_000_000, [SLOT]), stage.now)
        stream(stage, layers, 1)
    assert shown(stage) == "m1/f"


def test_ME19_loss_on_the_receivers_own_line_limits_it() -> None:
    stage, layers = simulcast()
    stream(stage, layers, 3)
    loses(stage, layers, 0)
    assert shown(stage) == "m1/q"


def test_ME19_loss_on_the_senders_line_does_not() -> None:
    stage, layers = simulcast()
    stream(stage, layers, 3)
    for layer in layers:
        layer.number += 400
    stream(stage, layers, 1.2)
    loses(stage, layers, 400)
    assert shown(stage) == "m1/f"


def test_ME10_a_layer_is_bound_by_its_rid_and_no_other() -> None:
    stage, layers = simulcast(2)
    layers[1].extensions = {MID: b"1", RID: b"x"}
    stream(stage, layers, 1)
    assert shown(stage) == "m1/q"
    assert stage.refused("unknown_ssrc") == 30 * 5
