"""What an offer is answered, and what is a restart."""

from __future__ import annotations

import re

import pytest

from sitwith_server.media.sdp.answer import Local, answer, negotiate
from sitwith_server.media.sdp.offer import is_ice_restart, parse
from tests.media.offered import LOCAL, NAMES, edit, sections, settled, text

# ----------------------------------------------------------------------------------------- answers


@pytest.mark.parametrize("name", NAMES)
def test_ME28_the_answer_mirrors_the_offer(name: str) -> None:
    offer = parse(text(name))
    session = settled(offer)
    written = answer(offer, session, LOCAL)
    assert written.endswith("\r\n")
    assert "\n" not in written.replace("\r\n", "")
    assert "a=ice-lite\r\n" in written
    parts = sections(written)
    assert len(parts) == len(offer.sections)
    group = re.search(r"a=group:BUNDLE (.*)\r", written)
    assert group and group[1].split() == [section.mid for section in offer.sections]
    turned = {"sendonly": "recvonly", "recvonly": "sendonly"}
    for part, section in zip(parts, offer.sections, strict=True):
        assert part.startswith(f"m={section.medium.value} 9 UDP/TLS/RTP/SAVPF ")
        lines = part.split("\r\n")
        for needed in (
            f"a=mid:{section.mid}",
            f"a={turned[section.direction]}",
            "a=rtcp-mux",
            "a=setup:active",
            "a=ice-ufrag:abcd",
            "a=fingerprint:sha-256 AB:CD",
        ):
            assert needed in lines
        types = set(map(int, lines[0].split()[3:]))
        assert types == {int(n) for n in re.findall(r"a=rtpmap:(\d+)", part)}
        assert types == set(section.formats)
    for part in parts:
        found = re.findall(r"a=candidate:(.*)\r", part)
        assert found == ([*LOCAL.candidates] if "a=ice-ufrag" in part else [])
    assert "a=candidate:" in parts[0]


def test_ME28_each_slot_has_its_own_ssrc_and_track_and_a_place_shares_its_stream() -> None:
    offer = parse(text("chromium_full"))
    session = settled(offer)
    written = answer(offer, session, LOCAL)
    ssrcs = re.findall(r"a=ssrc:(\d+) cname:(\w+)", written)
    assert len({ssrc for ssrc, _ in ssrcs}) == 17
    assert {cname for _, cname in ssrcs} == {session.cname}
    assert [int(ssrc) for ssrc, _ in ssrcs] == [slot.ssrc for slot in session.slots]
    assert not {slot.ssrc for slot in session.slots} & set(offer.sections[0].ssrcs)
    msids = re.findall(r"a=msid:(\w+) (\w+)", written)
    assert len({track for _, track in msids}) == 17
    streams = [stream for stream, _ in msids]
    assert streams == [f"s{i}" for i in range(11)] + [f"s{i}" for i in range(6)]


def test_ME28_no_ssrc_is_given_that_is_taken() -> None:
    offer = parse(text("aiortc"))
    theirs = [each.ssrcs[0] for each in offer.sections if each.ssrcs]
    drawn = iter([0, *theirs, 5, 5, 5, 6, 6, 0, 7, 8, 9, 10])
    session = negotiate(offer, lambda bits: next(drawn) if bits == 32 else 1)
    assert [slot.ssrc for slot in session.slots] == [5, 6, 7]
    assert session.ssrc == 8


def test_ME28_opus_asks_for_repair_and_silence_and_red_stays_in_its_place() -> None:
    offer = parse(text("chromium_full"))
    part = sections(answer(offer, settled(offer), LOCAL))[0]
    assert re.search(r"a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1\r", part)
    assert part.startswith("m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r")
    assert "a=fmtp:63 111/111\r" in part
    first = text("chromium_full").replace("SAVPF 111 63", "SAVPF 63 111", 1)
    part = sections(answer(parse(first), settled(parse(first)), LOCAL))[0]
    assert part.startswith("m=audio 9 UDP/TLS/RTP/SAVPF 63 111\r")


def test_ME28_pictures_are_taken_in_layers_and_given_with_feedback() -> None:
    offer = parse(text("chromium_simulcast"))
    parts = sections(answer(offer, settled(offer), LOCAL))
    sent, given_ = parts[1], parts[-1]
    assert "a=simulcast:recv q;h;f\r" in sent
    assert re.findall(r"a=rid:(\w) recv", sent) == ["q", "h", "f"]
    assert "transport-cc\r" in sent and "goog-remb" not in sent
    assert "rtp-stream-id\r" in sent and "repaired" not in sent and "b=AS:1500\r" in sent
    assert "goog-remb\r" in given_ and "transport-cc" not in given_
    assert "abs-send-time\r" in given_ and "nack pli\r" in given_


def test_ME28_vp8_stands_first_whatever_the_offer_prefers() -> None:
    whole = text("firefox").replace("SAVPF 120 124 121 125", "SAVPF 121 125 120 124")
    offer = parse(whole)
    part = sections(answer(offer, settled(offer), LOCAL))[1]
    assert part.startswith("m=video 9 UDP/TLS/RTP/SAVPF 120 121\r")


def test_ME28_nothing_is_agreed_on_that_was_not_offered() -> None:
    for name in NAMES:
        offer = parse(text(name))
        for part, whole in zip(
            sections(answer(offer, settled(offer), LOCAL)), sections(text(name)), strict=True
        ):
            for number, uri in re.findall(r"a=extmap:(\d+) (\S+)", part):
                assert re.search(rf"a=extmap:{number}(/\w+)? {re.escape(uri)}\r", whole)
            for line in re.findall(r"a=rtcp-fb:.*\r", part):
                assert line in whole


def test_ME28_sections_that_are_off_keep_their_place() -> None:
    whole = edit("firefox", r"^m=video 0 (.*\r\n)", r"m=video 0 \1", 1)
    whole = whole.replace("a=bundle-only\r\n", "", 1).replace("BUNDLE 0 1 2 3", "BUNDLE 0 2 3")
    offer = parse(whole)
    assert offer.sections[1].direction == "rejected"
    written = answer(offer, settled(offer), LOCAL)
    assert sections(written)[1].startswith("m=video 0 UDP/TLS/RTP/SAVPF 120\r")
    assert "a=group:BUNDLE 0 2 3\r" in written
    idle = edit("firefox", r"a=recvonly", "a=inactive", 1)
    parts = sections(answer(parse(idle), settled(parse(idle)), LOCAL))
    assert "a=inactive\r" in parts[2] and "a=ssrc" not in parts[2]


def test_ME28_nothing_of_the_offers_candidates_is_in_the_answer() -> None:
    whole = text("chromium_full").replace(
        "a=rtcp-mux\r\n", "a=rtcp-mux\r\na=candidate:1 1 udp 1 192.0.2.77 999 typ host\r\n"
    )
    offer = parse(whole)
    assert "192.0.2.77" not in answer(offer, settled(offer), LOCAL)
    assert "192.0.2.77" not in repr(offer)


def test_ME28_the_server_is_what_it_is_told_in_dtls() -> None:
    offer = parse(text("firefox"))
    local = Local("abcd", "p" * 24, ("sha-256", "AB"), (), setup="passive", origin=7, version=3)
    written = answer(offer, settled(offer), local)
    assert written.count("a=setup:passive\r") == 4
    assert "o=- 7 3 IN IP4 127.0.0.1\r" in written


# ---------------------------------------------------------------------------------- ICE restarts


def test_ME29_new_credentials_alone_are_a_restart() -> None:
    before = parse(text("chromium_full"))
    again = text("chromium_full")
    assert not is_ice_restart(parse(again), before)
    fresh = re.sub(r"a=ice-ufrag:.*", "a=ice-ufrag:zzzz\r", again)
    fresh = re.sub(r"a=ice-pwd:.*", "a=ice-pwd:" + "z" * 24 + "\r", fresh)
    assert is_ice_restart(parse(fresh), before)
    other = re.sub(r"(a=fingerprint:sha-256 )..", r"\g<1>00", fresh)
    assert parse(other).fingerprints != before.fingerprints
    assert not is_ice_restart(parse(other), before)
    assert not is_ice_restart(parse(re.sub(r"a=ssrc:\d+", "a=ssrc:5", fresh)), before)


def test_ME29_a_browser_offers_again_only_what_was_agreed_on() -> None:
    before = parse(text("chromium_full"))
    fresh = re.sub(r"a=ice-ufrag:.*", "a=ice-ufrag:zzzz\r", text("chromium_full"))
    fresh = re.sub(r"a=ice-pwd:.*", "a=ice-pwd:" + "z" * 24 + "\r", fresh)
    less = re.sub(r"a=extmap:\d+ \S+abs-send-time\r\n", "", fresh)
    assert parse(less).sections != before.sections
    assert is_ice_restart(parse(less), before)
    assert not is_ice_restart(before, parse(less))
    moved = re.sub(r"a=extmap:1 (\S+ssrc-audio-level)", r"a=extmap:2 \1", fresh)
    moved = re.sub(r"a=extmap:2 (\S+abs-send-time)", r"a=extmap:1 \1", moved)
    assert parse(moved).sections != before.sections
    assert not is_ice_restart(parse(moved), before)
