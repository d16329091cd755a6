"""DTLS and SRTP by aiortc and pylibsrtp.

Every private name of aiortc, aioice and pylibsrtp that Sitwith's server uses is in this file, and
`tests/media/test_private_names.py` names each of them. aiortc does the certificates, the DTLS
handshake and the key derivation. Packets do not pass through it: `transport.py` calls libsrtp
itself, where a datagram is read and where one is put into the outbox.
"""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Callable
from typing import Any, Final, cast

from aiortc import RTCCertificate, RTCDtlsTransport, RTCIceTransport
from aiortc.rtcdtlstransport import SRTP_PROFILES, SRTPProtectionProfile
from cryptography.hazmat.bindings.openssl.binding import Binding
from OpenSSL import SSL
from pylibsrtp._binding import ffi, lib  # type: ignore[import-not-found]

from sitwith_server.media.aiortc.datagrams import Outbox

HANDSHAKE_QUEUE: Final = 32
"""The most DTLS datagrams that wait to be read."""

protect, protect_rtcp = lib.srtp_protect, lib.srtp_protect_rtcp
"""`protect(context, packet, size)`: in place; 0 if it worked."""
unprotect, unprotect_rtcp = lib.srtp_unprotect, lib.srtp_unprotect_rtcp
memmove = ffi.memmove

# AES-GCM takes a third less time than AES-CM with SHA-1, and its shorter key is enough.
_PROFILES: Final = sorted(
    SRTP_PROFILES, key=lambda each: (b"GCM" not in each.openssl_profile, each.key_length)
)
_CIPHERS: Final = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"
    b"ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA"
)
_libc: Final = ctypes.CDLL(None)
_ACCEPT_ANY: Final = Binding.ffi.cast(
    "int (*)(int, X509_STORE_CTX *)", ctypes.cast(_libc.isascii, ctypes.c_void_p).value
)
"""A compiled function that returns 1 for 0 and for 1: OpenSSL's callback to ask whether a
certificate is good. aiortc makes its callback in Python, which needs memory that is written and
then executed. systemd's MemoryDenyWriteExecute forbids that, and no handshake could begin."""


class Certificate(RTCCertificate):
    """A certificate whose handshakes ask the peer for a certificate and accept any. aiortc compares
    its fingerprint with the offer's afterwards."""

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_options(SSL.OP_NO_TICKET)
        must = SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT
        Binding.lib.SSL_CTX_set_verify(context._context, must, _ACCEPT_ANY)
        context.use_certificate(self._cert)
        context.use_privatekey(self._key)
        context.set_cipher_list(_CIPHERS)
        context.set_tlsext_use_srtp(b":".join(each.openssl_profile for each in srtp_profiles))
        return context


class IceStub:
    """The part of an ICE transport that aiortc's DTLS transport uses."""

    role = "controlled"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self.queue: asyncio.Queue[bytes] = asyncio.Queue(HANDSHAKE_QUEUE)
        self._out = send

    async def _recv(self) -> bytes:
        return await self.queue.get()

    async def _send(self, data: bytes) -> None:
        self._out(data)


class DtlsTransport(RTCDtlsTransport):
    """A DTLS transport that receives no RTP: `MemberTransport` decrypts the packets itself.

    role: `client` or `server`.
    """

    def __init__(self, ice: IceStub, certificate: RTCCertificate, role: str) -> None:
        super().__init__(cast(RTCIceTransport, ice), [certificate])
        self._srtp_profiles = _PROFILES
        self._set_role(role)
        self._sessions: tuple[Any, Any] | None = None

    async def _handle_rtp_data(self, data: bytes, arrival_time_ms: int) -> None: ...

    async def _handle_rtcp_data(self, data: bytes) -> None: ...

    def srtp_contexts(self) -> tuple[Any, Any]:
        """libsrtp's contexts for receiving and for sending; they live as long as this object."""
        self._sessions = rx, tx = self._rx_srtp, self._tx_srtp
        return rx._srtp[0], tx._srtp[0]


class PacketBuffer:
    """Memory in which one packet at a time is decrypted.

    bytes, size: libsrtp's arguments. view: the same memory as a Python buffer.
    """

    def __init__(self) -> None:
        self.bytes = ffi.new("char[]", 4_096)
        self.view = ffi.buffer(self.bytes)
        self.size = ffi.new("int *")


def pointers(box: Outbox) -> list[Any]:
    """The places of an outbox, as pointers for libsrtp."""
    return [ffi.cast("char *", start) for start in box.starts]
