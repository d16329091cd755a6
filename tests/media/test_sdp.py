"""Offers of real browsers, what is refused, and the answers."""

from __future__ import annotations

import contextlib
import random
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sitwith_server.media.answer import Local, answer, settle
from sitwith_server.media.engine import MAX_SDP, OfferRefused
from sitwith_server.media.sdp import Offer, parse, restarts
from sitwith_server.media.session import Medium, Session

NAMES = ("chromium_full", "chromium_simulcast", "chromium_listen", "firefox", "aiortc")
LOCAL = Local(
    "abcd",
    "p" * 24,
    ("sha-256", "AB:CD"),
    ("1 1 udp 2130706431 127.0.0.1 5000 typ host", "2 1 udp 2130706430 ::1 5000 typ host"),
)


def text(name: str) -> str:
    file = Path(__file__).parent / "offers" / f"{name}.sdp"
    return file.read_text(encoding="ascii").replace("\n", "\r\n")


def refused(offer: str) -> str:
    with pytest.raises(OfferRefused) as caught:
        parse(offer)
    assert str(caught.value) == f"the offer was refused: {caught.value.reason}"
    return caught.value.reason


def settled(offer: Offer, seed: int = 1) -> Session:
    return settle(offer, random.Random(seed).getrandbits)


def sections(sdp: str) -> list[str]:
    return re.split(r"^(?=m=)", sdp, flags=re.MULTILINE)[1:]


# ------------------------------------------------------------------------------- offers as they are


@pytest.mark.parametrize(
    ("name", "sources", "slots"),
    [
        ("chromium_full", (1, 1), (11, 6)),
        ("chromium_simulcast", (1, 1), (11, 6)),
        ("chromium_listen", (0, 0), (2, 1)),
        ("firefox", (1, 1), (1, 1)),
        ("aiortc", (1, 1), (2, 1)),
    ],
)
def test_ME27_what_browsers_offer_is_taken(
    name: str, sources: tuple[int, int], slots: tuple[int, int]
) -> None:
    session = settled(parse(text(name)))
    for medium, source, slot in zip(Medium, sources, slots, strict=True):
        assert sum(each.medium is medium for each in session.sources) == source
        assert sum(each.medium is medium for each in session.slots) == slot
    assert parse(text(name).replace("\r\n", "\n")) == parse(text(name))


def test_what_is_read_of_chromiums_offer() -> None:
    offer = parse(text("chromium_full"))
    audio, video, *_ = offer.sections
    assert (offer.setup, [name for name, _ in offer.fingerprints]) == ("actpass", ["sha-256"])
    assert {*audio.formats.values()} == {"opus", "red"}
    assert len(audio.ssrcs) == 1
    assert audio.extensions.level and audio.extensions.mid
    assert {*video.formats.values()} == {"vp8", "vp9", "av1"}
    assert (video.rids, video.ssrcs) == (("q", "h", "f"), ())
    assert video.extensions.rid and video.extensions.transport
    assert {"nack", "nack pli", "ccm fir", "transport-cc"} <= video.feedback


def test_what_is_read_of_firefoxs_offer() -> None:
    offer = parse(text("firefox"))
    audio, video, heard, _ = offer.sections
    assert (audio.ssrcs, video.ssrcs) == ((2931047163,), (1029384756,))
    assert heard.direction == "recvonly"
    assert offer.fingerprints[0][1].startswith("00:25:4A")
    assert audio.formats == {109: "opus"}
    assert video.formats == {120: "vp8", 121: "vp9"}


def test_ssrcs_of_layers_without_rids_are_in_their_order() -> None:
    lines = "a=ssrc-group:SIM 5 6 7\na=ssrc-group:FID 5 15\n" + "".join(
        f"a=ssrc:{n} cname:x\n" for n in (15, 7, 6, 5)
    )
    whole = text("aiortc").replace("\r\n", "\n")
    whole = re.sub(r"(a=ssrc-group:FID.*\n)(a=ssrc:.*\n)+", lines, whole, count=1)
    assert parse(whole).sections[1].ssrcs == (5, 6, 7)


def test_the_ssrc_of_repair_is_none_of_the_media() -> None:
    whole = text("aiortc").replace("a=ssrc:1747452110 c", "a=ssrc:1 c", 1)
    whole = whole.replace("FID 1747452110 1820082457", "FID 1820082457 1")
    assert parse(whole).sections[1].ssrcs == (1820082457,)


def test_an_extension_that_needs_the_longer_form_is_not_agreed_on() -> None:
    whole = text("firefox").replace("a=extmap:1 urn", "a=extmap:15 urn")
    whole = whole.replace("a=extmap:4 http", "a=extmap:200 http")
    offer = parse(whole)
    assert (offer.sections[0].extensions.level, offer.sections[1].extensions.sent) == (0, 0)
    assert offer.sections[0].extensions.mid == 3
    assert "abs-send-time" not in answer(offer, settled(offer), LOCAL)


# ---------------------------------------------------------------------------------------- refusals


def edit(name: str, old: str, new: str, count: int = -1) -> str:
    whole = text(name)
    assert re.search(old, whole, flags=re.MULTILINE), old
    return re.sub(old, new, whole, count=max(count, 0), flags=re.MULTILINE)


REFUSED: list[tuple[str, Callable[[], str]]] = [
    ("too_long", lambda: text("aiortc") + "a=x:" + "y" * MAX_SDP + "\r\n"),
    ("malformed", lambda: ""),
    ("malformed", lambda: "\r\n"),
    ("malformed", lambda: "hello"),
    ("malformed", lambda: text("aiortc")[:-1] + "\x00"),
    ("malformed", lambda: text("aiortc").replace("s=-", "s=\x00")),
    ("malformed", lambda: text("aiortc").replace("s=-", "s=é")),
    ("malformed", lambda: text("aiortc").replace("\r\n", "\r")),
    ("malformed", lambda: text("aiortc").replace("\r\n", "\r\r\n", 1)),
    ("malformed", lambda: text("aiortc").replace("\r\n", "\r\n\r\n", 1)),
    ("malformed", lambda: text("aiortc").replace("v=0", "v=1")),
    ("malformed", lambda: text("aiortc") + "a=\r\n" * 4_000),
    ("malformed", lambda: text("aiortc") + "a=" + "x" * 3_000 + "\r\n"),
    ("malformed", lambda: "v=0\r\na=group:BUNDLE\r\n"),
    ("too_many_slots", lambda: text("aiortc") + "m=audio 9 X 0\r\n" * 40),
    ("no_bundle", lambda: edit("aiortc", r"a=group:BUNDLE.*\r\n", "")),
    ("no_bundle", lambda: edit("aiortc", r"(a=group:BUNDLE) 0 1 2 3 4", r"\1 0 1 2 3")),
    ("no_bundle", lambda: edit("aiortc", r"(a=group:BUNDLE.*\r\n)", r"\1\1")),
    ("no_bundle", lambda: edit("aiortc", r"a=rtcp-mux\r\n", "", 1)),
    (
        "data_channel",
        lambda: (
            text("aiortc")
            + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:9\r\na=sctp-port:5000\r\n"
        ),
    ),
    ("malformed", lambda: edit("aiortc", r"^m=audio", "m=text", 1)),
    ("malformed", lambda: edit("aiortc", r"UDP/TLS/RTP/SAVPF", "RTP/AVP", 1)),
    ("malformed", lambda: edit("aiortc", r"a=mid:1\r\n", "a=mid:0\r\n")),
    ("malformed", lambda: edit("aiortc", r"a=mid:1\r\n", "")),
    ("malformed", lambda: edit("aiortc", r"a=mid:1\r\n", "a=mid:" + "1" * 17 + "\r\n")),
    ("malformed", lambda: edit("aiortc", r"a=mid:1\r\n", "a=mid:1\r\na=mid:8\r\n")),
    ("direction", lambda: edit("aiortc", r"a=sendonly", "a=sendrecv", 1)),
    ("direction", lambda: edit("aiortc", r"a=sendonly\r\n", "", 1)),
    ("malformed", lambda: edit("aiortc", r"a=sendonly", "a=sendonly\r\na=recvonly", 1)),
    ("too_many_sources", lambda: edit("aiortc", r"a=recvonly", "a=sendonly\r\na=ssrc:9 c", 1)),
    ("no_codec", lambda: edit("aiortc", r"opus/48000/2", "opus/48000/1", 1)),
    ("no_codec", lambda: edit("aiortc", r"opus/48000/2", "pcm/48000/2", 1)),
    ("no_codec", lambda: edit("aiortc", r"VP8/90000", "VP7/90000", 1)),
    ("malformed", lambda: edit("aiortc", r"\b96\b", "72")),
    ("malformed", lambda: edit("aiortc", r"a=rtpmap:96 ", "a=rtpmap:396 ", 1)),
    ("malformed", lambda: edit("aiortc", r"^(m=audio.*) 96", r"\1 96 96", 1)),
    ("malformed", lambda: edit("aiortc", r"(a=rtpmap:96 .*\r\n)", r"\1\1", 1)),
    ("no_fingerprint", lambda: edit("aiortc", r"a=fingerprint.*\r\n", "")),
    ("no_fingerprint", lambda: edit("aiortc", r"a=fingerprint:sha-\d+", "a=fingerprint:sha-1")),
    ("malformed", lambda: edit("aiortc", r"(a=fingerprint:sha-256) ..:", r"\1 ", 1)),
    ("malformed", lambda: edit("aiortc", r"(a=fingerprint:sha-256) ..:", r"\1 GG:", 1)),
    ("bad_ice", lambda: edit("aiortc", r"(a=fingerprint:sha-256) ..:", r"\1 00:", 1)),
    ("bad_ice", lambda: edit("aiortc", r"a=ice-ufrag:.*", "a=ice-ufrag:abc")),
    ("bad_ice", lambda: edit("aiortc", r"a=ice-ufrag:.*", "a=ice-ufrag:ab-cd")),
    ("bad_ice", lambda: edit("aiortc", r"a=ice-ufrag:.*", "a=ice-ufrag:" + "a" * 257)),
    ("bad_ice", lambda: edit("aiortc", r"a=ice-pwd:.*", "a=ice-pwd:" + "a" * 21)),
    ("bad_ice", lambda: edit("aiortc", r"a=ice-pwd:.*\r\n", "")),
    ("bad_ice", lambda: edit("aiortc", r"a=ice-pwd:.*", "a=ice-pwd:" + "b" * 22, 1)),
    ("malformed", lambda: edit("aiortc", r"a=setup:actpass", "a=setup:holdconn")),
    ("malformed", lambda: edit("aiortc", r"a=setup:actpass\r\n", "")),
    ("malformed", lambda: edit("aiortc", r"a=ssrc:\d+", "a=ssrc:4294967296", 1)),
    ("malformed", lambda: edit("aiortc", r"a=ssrc:\d+", "a=ssrc:7")),
    ("malformed", lambda: edit("aiortc", r"(a=extmap:)3 ", r"\g<1>1 ")),
    ("malformed", lambda: edit("aiortc", r"(a=extmap:)3 ", r"\g<1>2 ")),
    ("malformed", lambda: edit("aiortc", r"(a=extmap:)3 ", r"\g<1>0 ")),
    (
        "no_ssrc",
        lambda: edit("aiortc", r"a=(ssrc.*|extmap:1 .*:mid)\r\n", ""),
    ),
    ("no_ssrc", lambda: edit("chromium_simulcast", r"a=extmap.*rtp-stream-id\r\n", "")),
    ("too_many_layers", lambda: edit("chromium_simulcast", "send q;h;f", "send q;h;f;q")),
    ("malformed", lambda: edit("chromium_simulcast", "send q;h;f", "send q;h;x")),
    ("malformed", lambda: edit("chromium_simulcast", "send q;h;f", "send q;q")),
    ("malformed", lambda: edit("chromium_simulcast", "send q;h;f", "send")),
]


@pytest.mark.parametrize(("reason", "made"), REFUSED)
def test_ME27_what_cant_be_answered_is_refused_with_a_fixed_word(
    reason: str, made: Callable[[], str]
) -> None:
    assert refused(made()) == reason


def more(kind: str, count: int) -> str:
    """aiortc's offer with so many receive sections of a kind beside."""
    whole = text("aiortc")
    block = next(
        each for each in sections(whole) if each.startswith(f"m={kind}") and "recvonly" in each
    )
    block = re.sub(r"a=ssrc.*\r\n", "", block)
    mids = [str(100 + i) for i in range(count)]
    whole = whole.replace("BUNDLE 0 1 2 3 4", "BUNDLE 0 1 2 3 4 " + " ".join(mids))
    return whole + "".join(re.sub(r"a=mid:\w+", f"a=mid:{mid}", block) for mid in mids)


def test_ME27_slots_have_a_bound() -> None:
    assert sum(s.medium is Medium.AUDIO for s in settled(parse(more("audio", 9))).slots) == 11
    assert refused(more("audio", 10)) == "too_many_slots"
    assert sum(s.medium is Medium.VIDEO for s in settled(parse(more("video", 5))).slots) == 6
    assert refused(more("video", 6)) == "too_many_slots"


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(NAMES),
    st.lists(
        st.tuples(st.integers(0, 10_000), st.integers(0, 40), st.text(max_size=12)), max_size=4
    ),
)
def test_ME27_any_change_is_read_or_refused(name: str, changes: list[tuple[int, int, str]]) -> None:
    whole = text(name)
    for place, length, new in changes:
        at = place % len(whole)
        whole = whole[:at] + new + whole[at + length :]
    try:
        offer = parse(whole)
    except OfferRefused:
        return
    answer(offer, settled(offer), LOCAL)


VALUES = ("", " ", "x", "SIM", "send", "recv 1", "0", "-1", "96", "1/", "* nack", "sha-256 ")


@pytest.mark.parametrize("name", NAMES)
def test_ME27_an_attribute_with_any_value_is_read_or_refused(name: str) -> None:
    lines = text(name).split("\r\n")
    named = {line.partition(":")[0] for line in lines if line.startswith("a=")}
    sections = [place for place, line in enumerate(lines, 1) if line.startswith("m=")]
    asked = 0
    for attribute in sorted(named | {"a=ssrc-group", "a=simulcast", "a=rid"}):
        for value in VALUES:
            for place in (1, sections[0], sections[-1]):
                with contextlib.suppress(OfferRefused):
                    parse("\r\n".join([*lines[:place], f"{attribute}:{value}", *lines[place:]]))
                asked += 1
    assert asked >= 3 * len(VALUES) * len(named)


def work(whole: str) -> int:
    """Calls of functions, Python's own among them, that reading this takes."""
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        parse(whole)
    except OfferRefused:
        pass
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize(
    "line",
    ["a=ssrc:{} x\n", "a=rid:{} send\n", "a=x{}:y\n", "a=rtcp-fb:{} nack\n", "a=fmtp:9 {}\n"],
)
def test_ME27_reading_is_linear_in_the_length(line: str) -> None:
    head = text("aiortc").replace("\r\n", "\n")
    some, twice = (head + "".join(line.format(i) for i in range(n)) for n in (600, 1_200))
    none = work(head)
    assert len(twice) < MAX_SDP
    assert work(twice) - none < 2.2 * (work(some) - none) + 100


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
    session = settle(offer, lambda bits: next(drawn) if bits == 32 else 1)
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


# -------------------------------------------------------------------------------------- restarts


def test_ME29_new_credentials_alone_are_a_restart() -> None:
    before = parse(text("chromium_full"))
    again = text("chromium_full")
    assert not restarts(parse(again), before)
    fresh = re.sub(r"a=ice-ufrag:.*", "a=ice-ufrag:zzzz\r", again)
    fresh = re.sub(r"a=ice-pwd:.*", "a=ice-pwd:" + "z" * 24 + "\r", fresh)
    assert restarts(parse(fresh), before)
    other = re.sub(r"(a=fingerprint:sha-256 )..", r"\g<1>00", fresh)
    assert parse(other).fingerprints != before.fingerprints
    assert not restarts(parse(other), before)
    assert not restarts(parse(re.sub(r"a=ssrc:\d+", "a=ssrc:5", fresh)), before)


def test_ME29_a_browser_offers_again_only_what_was_agreed_on() -> None:
    before = parse(text("chromium_full"))
    fresh = re.sub(r"a=ice-ufrag:.*", "a=ice-ufrag:zzzz\r", text("chromium_full"))
    fresh = re.sub(r"a=ice-pwd:.*", "a=ice-pwd:" + "z" * 24 + "\r", fresh)
    less = re.sub(r"a=extmap:\d+ \S+abs-send-time\r\n", "", fresh)
    assert parse(less).sections != before.sections
    assert restarts(parse(less), before)
    assert not restarts(before, parse(less))
    moved = re.sub(r"a=extmap:1 (\S+ssrc-audio-level)", r"a=extmap:2 \1", fresh)
    moved = re.sub(r"a=extmap:2 (\S+abs-send-time)", r"a=extmap:1 \1", moved)
    assert parse(moved).sections != before.sections
    assert not restarts(parse(moved), before)
