"""Voices and pictures over lines that lose, repeat, delay and reorder packets, both ways.

The chance is seeded, so that a failure can be played again.
"""

from __future__ import annotations

import heapq
from itertools import count, pairwise

import pytest

from sitwith_server.media.packets import rtcp
from tests.media.rig import Got, Receiver, Sender, Stage, camera, chance, session, ticks, voice

SEEDS = range(12)


class Line:
    """A line to or from somebody. Nothing is lost in `calm`."""

    def __init__(self, seed: int, *, loss: float, repeat: float, delay: float) -> None:
        self._random = chance(seed)
        self._loss, self._repeat, self._delay = loss, repeat, delay
        self._queue: list[tuple[float, int, bytes]] = []
        self._order = count()
        self.lost = 0

    def put(self, data: bytes, now: float) -> None:
        if self._random.random() < self._loss:
            self.lost += 1
            return
        for _ in range(1 + (self._random.random() < self._repeat)):
            late = 0.005 + self._random.random() * self._delay
            heapq.heappush(self._queue, (now + late, next(self._order), data))

    def due(self, now: float) -> list[tuple[float, bytes]]:
        found = []
        while self._queue and self._queue[0][0] <= now:
            at, _, data = heapq.heappop(self._queue)
            found.append((at, data))
        return found


def check_numbers(got: list[Got]) -> None:
    """In the order of their numbers, times never go back; no number is twice (the receiver sees to
    that as packets come)."""
    for before, after in pairwise(got):
        assert after.ext > before.ext
        assert ticks(after, before) >= 0


def serials(got: list[Got], who: str) -> list[int]:
    return [each.serial for each in got if each.who == who]


@pytest.mark.parametrize("seed", SEEDS)
def test_ME5_ME6_ME7_ME8_voices_stay_whole_through_switches_on_a_bad_line(seed: int) -> None:
    random = chance(seed)
    stage = Stage()
    stage.add(1, session(1))
    stage.add(2, session(2))
    stage.add(3, session(3, voices=1))
    speakers = {"m1": voice(1), "m2": voice(2)}
    lines = {
        name: Line(seed * 10 + i, loss=0.08, repeat=0.05, delay=0.07)
        for i, name in enumerate(speakers)
    }
    sent: dict[tuple[str, int], tuple[int, int]] = {}
    spans: list[tuple[str, float]] = []
    receiver = stage.receivers["m3"]
    marks: list[int] = []
    for tick in range(1_500):
        if tick % 100 == 0:
            who = random.choice([*speakers, ""])
            spans.append((who, stage.now))
            stage.plan({who: ["m3"]} if who else {})
            marks.append(len(receiver.slots[3100]))
        for name, speaker in speakers.items():
            if tick % 40 > 30 and name == "m1":
                speaker.time += 960  # a pause, as DTX makes it
                continue
            data = speaker.voice()
            sent[name, speaker.serial] = (speaker.number - 1, speaker.time - 960)
            lines[name].put(data, stage.now)
        for _ in range(4):
            stage.wait(0.005)
            for name, line in lines.items():
                for _, data in line.due(stage.now):
                    stage.send(name, data)
        if tick % 5 == 0:
            stage.tick()
    got = receiver.slots[3100]
    assert len(got) > 500
    assert sum(line.lost for line in lines.values()) > 100
    check_numbers(receiver.ordered(3100))
    # One opening after another: within each a constant lies between what was sent and what came,
    # and at each beginning the number goes on by exactly one.
    openings = [got[a:b] for a, b in pairwise([*marks, len(got)]) if a < b]
    highest = None
    for opening in openings:
        (name,) = {each.who for each in opening}
        offsets = {each.ext - sent[name, each.serial][0] for each in opening}
        shifts = {each.time - sent[name, each.serial][1] & 0xFFFFFFFF for each in opening}
        fresh = len({opening[0].who, *(each.who for each in got[: got.index(opening[0])][-1:])})
        if highest is not None and (fresh > 1 or opening[0].marker):
            assert opening[0].ext == highest + 1
        assert len(offsets) == len(shifts) == 1
        assert [each.marker for each in opening[1:]] == [False] * (len(opening) - 1)
        assert min(each.ext for each in opening) == opening[0].ext or not opening[0].marker
        highest = max(each.ext for each in opening)


def film_over(
    seed: int, loss: float, pictures_seconds: int = 20
) -> tuple[Stage, Receiver, Sender, Line, Line]:
    """A camera over a bad line up and one over a bad line down; both ask again for what is lost.

    The receiver asks (NACK) 60 ms after it saw a hole, up to five times, then for a key frame.
    """
    stage = Stage()
    stage.add(1, session(1, video=True, voices=0))
    receiver = Receiver()
    down = Line(seed, loss=loss, repeat=0.02, delay=0.03)
    up = Line(seed + 99, loss=loss, repeat=0.02, delay=0.03)

    def send(data: bytes, is_rtcp: bool) -> None:
        if not is_rtcp:
            down.put(data, stage.now)

    stage.ports["m2"] = stage.forwarder.add(
        "m2", session(2, audio=False, voices=0, pictures=1), send, stage.now
    )
    stage.plan({}, {"m1": ["m2"]})
    film, publisher = camera(1), stage.receivers["m1"]
    history: dict[int, bytes] = {}
    asked: dict[int, tuple[float, int]] = {}
    for tick in range(pictures_seconds * 30):
        wanted = publisher.of(rtcp.KeyFrameWanted)
        again = [
            number
            for each in publisher.of(rtcp.Nack)
            if isinstance(each, rtcp.Nack)
            for number in each.numbers
        ]
        publisher.reports.clear()
        for number in again:
            up.put(history[number], stage.now)
        for part in film.frame(bool(wanted), parts=4):
            history[int.from_bytes(part[2:4])] = part
            up.put(part, stage.now)
        for _ in range(4):
            stage.wait(1 / 120)
            for _, data in up.due(stage.now):
                stage.send("m1", data)
            for _, data in down.due(stage.now):
                receiver.send(data, False)
        known = {each.ext for each in receiver.slots[2200]}
        if known and tick < pictures_seconds * 30 - 60:
            holes = set(range(min(known), max(known))) - known
            due = []
            for ext in sorted(holes):
                at, tries = asked.get(ext, (stage.now, 0))
                if tries < 8 and stage.now - at >= 0.06 * bool(tries):
                    asked[ext] = (stage.now, tries + 1)
                    due.append(ext & 0xFFFF)
            if due:
                stage.ports["m2"].on_rtcp(rtcp.nack(1, 2200, due), stage.now)
        if tick % 3 == 0:
            stage.tick()
    return stage, receiver, film, up, down


@pytest.mark.parametrize("seed", SEEDS[:4])
def test_ME17_ME18_a_picture_is_whole_over_bad_lines_both_ways(seed: int) -> None:
    _, receiver, film, up, down = film_over(seed, 0.05)
    got = receiver.ordered(2200)
    check_numbers(got)
    assert up.lost > 50
    assert down.lost > 50
    early = [each for each in got if each.serial < film.serial - 300]
    # A line of 5 % loss each way leaves nothing missing once both ask again.
    assert [b.ext - a.ext for a, b in pairwise(early)] == [1] * (len(early) - 1)
    assert serials(early, "m1") == list(range(early[0].serial, early[-1].serial + 1))


@pytest.mark.parametrize("seed", SEEDS[:4])
def test_ME14_ME15_a_picture_that_changes_hands_on_bad_lines_begins_with_a_key_frame(
    seed: int,
) -> None:
    random = chance(seed)
    stage = Stage()
    for number in (1, 2):
        stage.add(number, session(number, video=True, voices=0))
    stage.add(3, session(3, audio=False, voices=0, pictures=1))
    films = {"m1": camera(1), "m2": camera(2)}
    films["m2"].picture = 777
    lines = {
        name: Line(seed * 10 + i, loss=0.05, repeat=0.05, delay=0.04)
        for i, name in enumerate(films)
    }
    receiver = stage.receivers["m3"]
    cuts = []
    for tick in range(900):
        if tick % 60 == 0:
            stage.plan({}, {random.choice([*films]): ["m3"]})
            cuts.append(len(receiver.slots[3200]))
        for name, film in films.items():
            publisher = stage.receivers[name]
            key = bool(publisher.of(rtcp.KeyFrameWanted))
            publisher.reports.clear()
            for part in film.frame(key, parts=3):
                lines[name].put(part, stage.now)
        for _ in range(4):
            stage.wait(1 / 120)
            for name, line in lines.items():
                for _, data in line.due(stage.now):
                    stage.send(name, data)
        if tick % 3 == 0:
            stage.tick()
    got = receiver.slots[3200]
    check_numbers(receiver.ordered(3200))
    assert len(got) > 1_500
    changes = 0
    for place, (before, after) in enumerate(pairwise(got)):
        if before.who != after.who:
            changes += 1
            earlier = got[: place + 1]
            assert after.picture.key
            assert after.ext == max(each.ext for each in earlier) + 1
            last = max(earlier, key=lambda each: each.ext)
            assert (after.picture.id - last.picture.id) & 0x7FFF == 1
    assert changes > 3
