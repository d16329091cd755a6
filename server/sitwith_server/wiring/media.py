"""The media engine that the settings name, the address for media, and TURN."""

from __future__ import annotations

import socket
from ipaddress import ip_address

import structlog

from sitwith_server.config import Settings
from sitwith_server.media.engine import Engine
from sitwith_server.media.plane.node import Node
from sitwith_server.media.plane.turn import Turn
from sitwith_server.service.hosting.host import Host

_log = structlog.get_logger(__name__)


def make_turn(settings: Settings) -> Turn:
    """The TURN servers, and the secret for credentials."""
    return Turn(
        settings.turn_urls,
        settings.turn_secret or "",
        settings.turn_ttl,
        settings.turn_relay_only,
    )


async def start_node(settings: Settings, host: Host) -> Node:
    """Starts a media node on the engine that the settings name.

    Raises:
        OSError: the engine can't bind its port.
    """
    if settings.media == "janus":
        return _started(Node(host, _janus(settings)))
    # aiortc takes long to import, and a worker without a media node doesn't need it.
    from sitwith_server.media.aiortc.engine import AiortcEngine

    engine = AiortcEngine(
        media_address(settings),
        settings.media_port,
        bind=settings.media_bind,
        voices=settings.media_voices,
    )
    await engine.start()
    return _started(Node(host, engine, counts=engine.counts))


def _started(node: Node) -> Node:
    node.start()
    _log.info("media_node_serving", node=node.id)
    return node


def _janus(settings: Settings) -> Engine:
    from sitwith_server.media.janus.engine import GatewayAddress, JanusEngine, Secrets

    secrets = Secrets(
        api=settings.janus_secret or "",
        room=settings.janus_room_key or "",
    )
    guards = settings.janus_guards or ("",) * len(settings.janus_urls)
    addresses = zip(settings.janus_urls, guards, strict=True)
    return JanusEngine([GatewayAddress(*each) for each in addresses], secrets)


def media_address(settings: Settings) -> str:
    """The IP address that members send media to.

    It is `media_address` where that is set, else the address of `host`. Where the server listens on
    all addresses, it is this machine's address on its default route.
    """
    if settings.media_address is not None:
        return settings.media_address
    try:
        found = socket.getaddrinfo(settings.host, None, type=socket.SOCK_DGRAM)
        address = ip_address(str(found[0][4][0]).partition("%")[0])
    except (OSError, ValueError):
        return "127.0.0.1"
    if not address.is_unspecified:
        return str(address)
    family, far = (
        (socket.AF_INET6, "2001:db8::1") if address.version == 6 else (socket.AF_INET, "192.0.2.1")
    )
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((far, 9))  # sends nothing: it only asks the routing table
            return str(probe.getsockname()[0])
        except OSError:
            return "::1" if address.version == 6 else "127.0.0.1"
