"""Each name of aiortc, aioice and pylibsrtp that is not promised by them, so that a version that
moved one fails here by that name (docs/decisions/0013)."""

from __future__ import annotations

import ast
import inspect
import textwrap
from pathlib import Path

import pytest
from aioice import stun
from aiortc import RTCCertificate, RTCDtlsTransport
from aiortc.rtcdtlstransport import SRTP_PROFILES
from cryptography.hazmat.bindings.openssl.binding import Binding
from OpenSSL import SSL
from pylibsrtp import Policy, Session
from pylibsrtp._binding import ffi, lib  # type: ignore[import-not-found]

from sitwith_client.voice import ice, peer
from sitwith_server.media.aiortc import dtls_srtp

ROOT = Path(__file__).parents[2]


class Ice:
    role = "controlled"


@pytest.fixture(scope="module")
def transport() -> RTCDtlsTransport:
    return RTCDtlsTransport(Ice(), [RTCCertificate.generateCertificate()])  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["_rx_srtp", "_tx_srtp", "_srtp_profiles", "_role"])
def test_the_dtls_transport_has_the_field(transport: RTCDtlsTransport, name: str) -> None:
    assert hasattr(transport, name)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("_set_role", ["self", "role"]),
        ("_handle_rtp_data", ["self", "data", "arrival_time_ms"]),
        ("_handle_rtcp_data", ["self", "data"]),
        ("_setup_srtp", ["self"]),
        ("start", ["self", "remoteParameters"]),
        ("stop", ["self"]),
    ],
)
def test_the_dtls_transport_has_the_method(name: str, parameters: list[str]) -> None:
    assert list(inspect.signature(getattr(RTCDtlsTransport, name)).parameters) == parameters


def test_the_dtls_transport_asks_its_ice_transport_for_no_more_than_we_give() -> None:
    """`role`, `_recv` and `_send`: else our own stand-ins lack something."""
    tree = ast.parse(inspect.getsource(inspect.getmodule(RTCDtlsTransport)))  # type: ignore[arg-type]
    asked = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr in ("transport", "_transport")
    }
    assert asked == {"role", "_recv", "_send"}
    for name in asked:
        assert hasattr(dtls_srtp.IceStub, name)
        assert hasattr(ice.Ice, name)


def test_the_certificates_context_is_made_as_ours_is() -> None:
    """aiortc's own takes any certificate by a callback that `Certificate` does without; all else
    is the same, also the words for the ciphers."""
    asked = []
    for owner in (RTCCertificate, dtls_srtp.Certificate):
        source = textwrap.dedent(inspect.getsource(owner._create_ssl_context))
        tree = ast.parse(source)
        calls = [
            node.func.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        ]
        asked.append(sorted(each.removeprefix("SSL_CTX_") for each in calls))
    assert asked[0] == asked[1]
    assert dtls_srtp._CIPHERS.decode() in inspect.getsource(RTCCertificate._create_ssl_context)
    source = inspect.getsource(RTCCertificate._create_ssl_context)
    assert "VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT" in source
    assert "OP_NO_TICKET" in source


def test_openssl_has_the_call_and_the_function_says_one() -> None:
    assert Binding.lib.SSL_CTX_set_verify is not None
    assert Binding.ffi.typeof(SSL.Context(SSL.DTLS_METHOD)._context).cname == "SSL_CTX *"
    assert [dtls_srtp._ACCEPT_ANY(asked, Binding.ffi.NULL) for asked in (0, 1)] == [1, 1]


def test_the_profiles_have_their_names() -> None:
    for profile in SRTP_PROFILES:
        assert isinstance(profile.openssl_profile, bytes)
        assert profile.key_length in (16, 32)
    assert dtls_srtp._PROFILES[0].openssl_profile == b"SRTP_AEAD_AES_128_GCM"


@pytest.mark.parametrize(
    "name", ["srtp_protect", "srtp_protect_rtcp", "srtp_unprotect", "srtp_unprotect_rtcp"]
)
def test_pylibsrtp_has_the_call(name: str) -> None:
    kind = ffi.typeof(getattr(lib, name))
    assert [each.cname for each in kind.args] == ["struct srtp_ctx_t_ *", "void *", "int *"]


def test_a_session_holds_its_context() -> None:
    policy = Policy(key=bytes(30), ssrc_type=Policy.SSRC_ANY_OUTBOUND)
    assert ffi.typeof(Session(policy)._srtp[0]).cname == "struct srtp_ctx_t_ *"


@pytest.mark.parametrize(
    "name", ["USERNAME", "PRIORITY", "USE-CANDIDATE", "ICE-CONTROLLED", "XOR-MAPPED-ADDRESS"]
)
def test_aioice_knows_the_attribute(name: str) -> None:
    assert name in stun.ATTRIBUTES_BY_NAME


def test_private_names_are_in_two_files_alone() -> None:
    """The server's adapter and the client's peer."""
    private = {"_rx_srtp", "_tx_srtp", "_srtp_profiles", "_set_role", "_handle_rtp_data",
               "_handle_rtcp_data", "_srtp", "_create_ssl_context", "_context"}  # fmt: skip
    allowed = {Path(dtls_srtp.__file__).resolve(), Path(peer.__file__).resolve()}
    found = set()
    for package in ("server/sitwith_server", "client/python/sitwith_client"):
        for file in (ROOT / package).rglob("*.py"):
            names = {
                getattr(node, "attr", None) or getattr(node, "name", None)
                for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            }
            if names & private:
                found.add(file.resolve())
    assert found == allowed
