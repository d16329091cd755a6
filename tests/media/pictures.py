"""A publisher of pictures, who gets them, and what they ask for."""

from __future__ import annotations

from sitwith_server.media.packets import rtcp
from tests.media.rig import (
    MID,
    RID,
    Receiver,
    Sender,
    Stage,
    camera,
    session,
)

SLOT = 2200  # m2's first video slot


def pair(rids: tuple[str, ...] = (), receivers: int = 1) -> Stage:
    stage = Stage()
    stage.add(1, session(1, video=True, rids=rids, voices=0))
    for number in range(2, 2 + receivers):
        stage.add(number, session(number, audio=False, voices=0, pictures=1))
    stage.plan({}, {"m1": [f"m{number}" for number in range(2, 2 + receivers)]})
    return stage


def asked(receiver: Receiver) -> int:
    return len(receiver.of(rtcp.KeyFrameWanted))


def wants(stage: Stage, member: str, ssrc: int) -> None:
    stage.ports[member].on_rtcp(rtcp.pli(1, ssrc), stage.now)


def nacks(stage: Stage, member: str, ssrc: int, *numbers: int) -> None:
    lost = [number & 0xFFFF for number in numbers]
    stage.ports[member].on_rtcp(rtcp.nack(1, ssrc, lost), stage.now)


def simulcast(count: int = 3) -> tuple[Stage, list[Sender]]:
    rids = ("q", "h", "f")[:count]
    stage = pair(rids)
    layers = [camera(1, i) for i in range(count)]
    for layer, rid in zip(layers, rids, strict=True):
        layer.name = f"m1/{rid}"
        layer.number += 1_000 * layer.ssrc
        layer.time += 777 * layer.ssrc
        layer.extensions = {MID: b"1", RID: rid.encode()}
    return stage, layers


def stream(stage: Stage, layers: list[Sender], seconds: float, key: bool = False) -> None:
    """All layers at once; each answers a key frame that was asked of it with the next picture."""
    publisher = stage.receivers["m1"]
    frames = round(seconds * 30)
    for i in range(frames):
        for place, layer in enumerate(layers):
            wanted = any(
                isinstance(report, rtcp.KeyFrameWanted) and layer.ssrc in report.media
                for report in publisher.reports
            )
            for part in layer.frame(key or wanted, parts=2 + 3 * place):
                stage.send("m1", part)
        publisher.reports.clear()
        key = False
        stage.wait(1 / 30)
        if i % 3 == 0:
            stage.tick()


def shown(stage: Stage, slot: int = SLOT) -> str:
    return stage.receivers["m2"].heard(slot)[-1]


def loses(stage: Stage, layers: list[Sender], every: int) -> None:
    """Three seconds in which the receiver reports that it misses half."""
    for _ in range(3):
        block = rtcp.Block(SLOT, 128, 100, 0, 0, 0, 0)
        stage.ports["m2"].on_rtcp(rtcp.receiver_report(1, [block]), stage.now)
        stream(stage, layers, 1)
        for layer in layers:
            layer.number += every
