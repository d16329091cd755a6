"""Datagrams by the batch: recvmmsg(2) and sendmmsg(2).

A packet that eleven people hear is one packet in and eleven out, and what forwarding costs most are
the calls into the kernel. So what arrived together is read with one call, and what is to leave is
laid side by side and leaves with one call. Addresses stay what the kernel gave: the bytes of a
`sockaddr`, which are a fine key and are never turned into text on the way.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import socket
import struct
import time
from typing import Final

IN_BATCH: Final = 64
"""Datagrams that one read takes at most."""
OUT_BATCH: Final = 256
"""Datagrams that lie ready before they must leave."""
MAX_DATAGRAM: Final = 2_048
"""Bytes of one place. A datagram that fills it was longer and is not whole."""
RECEIVE_BUFFER: Final = 4 << 20
SEND_BUFFER: Final = 4 << 20

_SO_RCVBUFFORCE: Final = 33
_SO_TIMESTAMPNS: Final = 35
_CONTROL: Final = 32
"""Bytes of the one control message we ask for: its header (16) and a timespec (16)."""
_TIMESPEC: Final = struct.Struct("qq")
_CONTROL_HEADER: Final = 16


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Header(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint),
        ("vectors", ctypes.POINTER(_Vector)),
        ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Message(ctypes.Structure):
    _fields_ = (("header", _Header), ("length", ctypes.c_uint))


_libc: Final = ctypes.CDLL(None, use_errno=True)
_recvmmsg: Final = _libc.recvmmsg
_sendmmsg: Final = _libc.sendmmsg
for _call in (_recvmmsg, _sendmmsg):
    _call.restype = ctypes.c_int
_recvmmsg.argtypes = (
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_uint,
    ctypes.c_int,
    ctypes.c_void_p,
)
_sendmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)


def sockaddr_size(family: socket.AddressFamily) -> int:
    """Bytes of a `sockaddr_in` or `sockaddr_in6`."""
    return 16 if family == socket.AF_INET else 28


def unpack_sockaddr(name: bytes) -> tuple[str, int]:
    """Address and port out of a `sockaddr`. An IPv6 scope is left out."""
    port = int.from_bytes(name[2:4], "big")
    if len(name) == sockaddr_size(socket.AF_INET):
        return socket.inet_ntop(socket.AF_INET, name[4:8]), port
    return socket.inet_ntop(socket.AF_INET6, name[8:24]), port


class _MessageArray:
    """`count` places of `MAX_DATAGRAM` bytes, each with a name, as the two calls want them."""

    def __init__(self, count: int, name: int) -> None:
        self.data = (ctypes.c_char * (count * MAX_DATAGRAM))()
        self.names = (ctypes.c_char * (count * name))()
        self.control = (ctypes.c_char * (count * _CONTROL))()
        self.vectors = (_Vector * count)()
        self.messages = (_Message * count)()
        self.starts = [ctypes.addressof(self.data) + place * MAX_DATAGRAM for place in range(count)]
        for place in range(count):
            self.vectors[place].base = self.starts[place]
            self.vectors[place].length = MAX_DATAGRAM
            header = self.messages[place].header
            header.name = ctypes.addressof(self.names) + place * name
            header.name_length = name
            header.vectors = ctypes.pointer(self.vectors[place])
            header.vector_count = 1


class Inbox:
    """Reads what has arrived at a socket that doesn't block."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        with contextlib.suppress(OSError):  # above net.core.rmem_max for who may
            sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER)
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._fd = sock.fileno()
        self._name = sockaddr_size(sock.family)
        self._places = places = _MessageArray(IN_BATCH, self._name)
        for place in range(IN_BATCH):
            header = places.messages[place].header
            header.control = ctypes.addressof(places.control) + place * _CONTROL
            header.control_length = _CONTROL
        self._address = ctypes.addressof(places.messages)
        stride = ctypes.sizeof(_Message) // 4
        offset = _Message.length.offset // 4
        self._lengths = memoryview(places.messages).cast("B").cast("I")[offset::stride]
        self._data = memoryview(places.data).cast("B")
        self._names = memoryview(places.names).cast("B")
        self._control = memoryview(places.control).cast("B")

    def read(self) -> list[tuple[bytes, bytes]]:
        """What is there, oldest first: the sender's `sockaddr` and the datagram. At most
        `IN_BATCH`; what was longer than `MAX_DATAGRAM` comes as `MAX_DATAGRAM` bytes."""
        count = _recvmmsg(self._fd, self._address, IN_BATCH, socket.MSG_DONTWAIT, None)
        if count <= 0:
            return []
        data, names, lengths, name = self._data, self._names, self._lengths, self._name
        return [
            (
                bytes(names[place * name : place * name + name]),
                bytes(data[place * MAX_DATAGRAM : place * MAX_DATAGRAM + lengths[place]]),
            )
            for place in range(count)
        ]

    def age(self, place: int) -> float:
        """Seconds that this datagram of the last `read` had been lying here."""
        seconds: int
        nanoseconds: int
        seconds, nanoseconds = _TIMESPEC.unpack_from(
            self._control, place * _CONTROL + _CONTROL_HEADER
        )
        return time.time() - seconds - nanoseconds * 1e-9


class Outbox:
    """Collects datagrams and sends them together.

    Either `put` copies one in; or one is written at `starts[count]` (an address in memory, `MAX_DATAGRAM`
    bytes) and `commit` says how long it is and whose.

    sent, lost: datagrams that the kernel took and did not take; for the owner to read and put back
        to 0.
    """

    __slots__ = ("_address", "_data", "_fd", "_lengths", "_name_at", "_names", "_places", "count",
                 "lost", "sent", "starts")  # fmt: skip

    def __init__(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self._fd = sock.fileno()
        name = sockaddr_size(sock.family)
        self._name_at = [slice(place * name, (place + 1) * name) for place in range(OUT_BATCH)]
        self._places = places = _MessageArray(OUT_BATCH, name)
        self._address = ctypes.addressof(places.messages)
        self._data = memoryview(places.data).cast("B")
        self._names = memoryview(places.names).cast("B")
        self._lengths = memoryview(places.vectors).cast("B").cast("Q")[1::2]
        self.starts = places.starts
        self.count = self.sent = self.lost = 0

    def put(self, datagram: bytes, name: bytes) -> None:
        """Copies a datagram in. Raises ValueError if it is longer than `MAX_DATAGRAM`."""
        if len(datagram) > MAX_DATAGRAM:
            raise ValueError("a datagram is too long")
        start = self.count * MAX_DATAGRAM
        self._data[start : start + len(datagram)] = datagram
        self.commit(len(datagram), name)

    def commit(self, length: int, name: bytes) -> None:
        """Takes what was written at `starts[count]` as a datagram."""
        place = self.count
        self._lengths[place] = length
        self._names[self._name_at[place]] = name
        self.count = place + 1
        if place + 1 == OUT_BATCH:
            self.flush()

    def flush(self) -> None:
        """Sends all of it. A full socket loses the rest: what can't leave now would come too late.
        Adds to `sent` and `lost`."""
        count, done = self.count, 0
        self.count = 0
        stride = ctypes.sizeof(_Message)
        while done < count:
            sent = _sendmmsg(
                self._fd, self._address + done * stride, count - done, socket.MSG_DONTWAIT
            )
            if sent > 0:
                done += sent
                self.sent += sent
                continue
            reason = ctypes.get_errno()
            if reason == errno.EINTR:
                continue
            if reason in (errno.EAGAIN, errno.ENOBUFS):
                self.lost += count - done
                return
            # That one address can't be reached; the others can.
            done += 1
            self.lost += 1

    def close(self) -> None:
        """To be called before the socket is closed, whose number may soon be another's."""
        self.count, self._fd = 0, -1
