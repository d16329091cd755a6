"""Datagrams in batches: recvmmsg(2) and sendmmsg(2).

A packet for eleven people comes in once and leaves eleven times, and most of the cost of forwarding
is calls into the kernel. So one call reads all that has arrived, and one call sends all that is
ready. Addresses stay the bytes of the kernel's `sockaddr`, which are used as keys and are not
turned into text on the packet path.
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
"""The most datagrams of one read."""
OUT_BATCH: Final = 256
"""The most datagrams that wait in an outbox."""
MAX_DATAGRAM: Final = 2_048
"""Bytes of the buffer for one datagram. A datagram that fills it may have been cut off."""
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
    """Address and port of a `sockaddr`. An IPv6 scope is left out."""
    port = int.from_bytes(name[2:4], "big")
    if len(name) == sockaddr_size(socket.AF_INET):
        return socket.inet_ntop(socket.AF_INET, name[4:8]), port
    return socket.inet_ntop(socket.AF_INET6, name[8:24]), port


class _MessageArray:
    """`count` buffers of `MAX_DATAGRAM` bytes, each with an address of `name` bytes, in the form
    that the two calls take."""

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
    """Reads what has arrived at a non-blocking socket."""

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
        """At most `IN_BATCH` datagrams, oldest first, each with its sender's `sockaddr`. One longer
        than `MAX_DATAGRAM` is cut off there."""
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
        """Seconds that this datagram of the last `read` had waited in the socket."""
        seconds: int
        nanoseconds: int
        seconds, nanoseconds = _TIMESPEC.unpack_from(
            self._control, place * _CONTROL + _CONTROL_HEADER
        )
        return time.time() - seconds - nanoseconds * 1e-9


class Outbox:
    """Collects datagrams and sends them together.

    Either `put` copies one in. Or the caller writes one at `starts[count]`, the memory address of a
    free buffer, and calls `commit` with its length and destination.

    sent, lost: datagrams that the kernel took and did not take; the owner resets them to 0.
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
        """Adds the datagram of this length that was written at `starts[count]`."""
        place = self.count
        self._lengths[place] = length
        self._names[self._name_at[place]] = name
        self.count = place + 1
        if place + 1 == OUT_BATCH:
            self.flush()

    def flush(self) -> None:
        """Sends everything and adds to `sent` and `lost`. If the socket is full the rest is
        dropped, because it would come too late."""
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
            # This one can't be sent, for instance because its address is unreachable; go on.
            done += 1
            self.lost += 1

    def close(self) -> None:
        """To be called before the socket is closed, because its descriptor may be reused."""
        self.count, self._fd = 0, -1
