"""Offers of real browsers, and what is refused."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sitwith_server.media.engine import OfferRefused
from sitwith_server.media.limits import MAX_SDP
from sitwith_server.media.sdp.answer import answer
from sitwith_server.media.sdp.offer import parse
from sitwith_server.media.sdp.session import Medium
from tests.media.offered import LOCAL, NAMES, edit, refused, sections, settled, text

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
