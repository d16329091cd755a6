"""Somebody at a Firefox: Debian's own, driven by WebDriver BiDi, which it speaks by itself.

Only what the media tests need: presses that the browser takes for a person's, and questions to the
page. https://w3c.github.io/webdriver-bidi/
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from .voices import PATIENCE

BROWSERS = ("firefox-esr", "firefox")
PREFERENCES: Mapping[str, bool | int | str] = {
    # A microphone and a camera of the browser's own making, and leave to use them.
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    # This machine may have no way to anywhere, by which the one to use would be found.
    "media.peerconnection.ice.default_address_only": False,
    # A page that nobody looks at is a page all the same.
    "dom.min_background_timeout_value": 4,
    "widget.windows.window_occlusion_tracking.enabled": False,
    "ui.prefersReducedMotion": 1,
    # Nothing goes out by itself.
    "app.update.enabled": False,
    "app.normandy.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.search.update": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "captivedetect.canonicalURL": "",
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.getAddons.cache.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "http://127.0.0.1:9/",
    "toolkit.telemetry.enabled": False,
}
_FIND = r"""(role, name) => {
  const said = (each) => (each.ariaLabel ?? each.textContent).replace(/\s+/g, " ").trim();
  const all = [...document.querySelectorAll(role)].filter((each) => each.checkVisibility());
  return all.find((each) => said(each).startsWith(name) && !each.disabled) ?? null;
}"""
_NAMES = r"""() => [...document.querySelectorAll("h1, h2, h3, button")]
  .map((each) => each.textContent.replace(/\s+/g, " ").trim()).join(" | ")"""


def own_address() -> str | None:
    """An address of this machine that is not the loopback's, which Firefox has no media on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it only asks the routing table
        except OSError:
            return None
        found: str = probe.getsockname()[0]
    return None if found.startswith("127.") else found


def why_not() -> str | None:
    """Why there can be no Firefox with voices here, or None."""
    if installed() is None:
        return "no Firefox found (Debian: apt-get install firefox-esr)"
    if own_address() is None:
        return "this machine has no address but the loopback's"
    return None


def installed() -> str | None:
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


class Fox:
    """One page in one Firefox."""

    def __init__(self, socket: ClientConnection, name: str) -> None:
        self.name = name
        self.trouble: list[str] = []
        self._socket = socket
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reader = asyncio.create_task(self._read())
        self._page = ""

    @property
    def page(self) -> Fox:
        return self

    async def begin(self, link: str, script: str) -> None:
        """Opens the page; `script` runs in it before its own."""
        await self._call("session.new", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}})
        await self._call("session.subscribe", events=["log.entryAdded"])
        tree = await self._call("browsingContext.getTree")
        self._page = tree["contexts"][0]["context"]
        await self._call(
            "script.addPreloadScript",
            functionDeclaration=f"() => {{ if (globalThis.MediaDevices) {{ {script} }} }}",
        )
        await self.go(link)

    async def go(self, link: str) -> None:
        await self._call("browsingContext.navigate", context=self._page, url=link, wait="complete")

    async def reload(self) -> None:
        await self._call("browsingContext.reload", context=self._page, wait="complete")

    async def evaluate(self, function: str, *given: Any) -> Any:
        """What a function of plain values gives back, as plain values."""
        text = f"async (...given) => JSON.stringify((await ({function})(...given)) ?? null)"
        result = await self._run(text, *given)
        return json.loads(result["value"])

    async def press(self, name: str) -> None:
        """Presses the button whose name begins so, as soon as it is there."""
        await self._pointer(await self._find("button", name))

    async def see(self, name: str, element: str = "button") -> None:
        """Waits until there is such a button (or heading)."""
        await self._find(element, name)

    async def join(self) -> None:
        await self._pointer(await self._find("input", ""))
        keys = [{"type": kind, "value": c} for c in self.name for kind in ("keyDown", "keyUp")]
        await self._act({"type": "key", "id": "keys", "actions": keys})
        await self.press("Join the circle")
        await self.press("I agree to this")
        await self.see("More")

    # -- the wire

    async def _find(self, element: str, name: str) -> Any:
        ends = time.monotonic() + PATIENCE
        while True:
            found = await self._run(_FIND, element, name)
            if found["type"] == "node":
                return {"sharedId": found["sharedId"]}
            if time.monotonic() > ends:
                there = (await self._run(_NAMES))["value"]
                raise AssertionError(f"{self.name} sees no {element} {name!r}, but: {there}")
            await asyncio.sleep(0.1)

    async def _pointer(self, node: Any) -> None:
        await self._run("(each) => each.scrollIntoView({ block: 'center' })", node)
        move = {
            "type": "pointerMove",
            "x": 0,
            "y": 0,
            "origin": {"type": "element", "element": node},
        }
        press = [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        await self._act({"type": "pointer", "id": "mouse", "actions": [move, *press]})

    async def _act(self, source: dict[str, Any]) -> None:
        await self._call("input.performActions", context=self._page, actions=[source])

    async def _run(self, function: str, *given: Any) -> dict[str, Any]:
        arguments = [
            each if isinstance(each, dict) else {"type": "string", "value": each} for each in given
        ]
        answer = await self._call(
            "script.callFunction",
            functionDeclaration=function,
            arguments=arguments,
            target={"context": self._page},
            awaitPromise=True,
        )
        assert answer["type"] == "success", answer["exceptionDetails"]["text"]
        result: dict[str, Any] = answer["result"]
        return result

    async def _call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._ids)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        async with asyncio.timeout(60):
            answer = await self._waiting[number]
        assert answer["type"] == "success", f"{method}: {answer}"
        result: dict[str, Any] = answer["result"]
        return result

    async def _read(self) -> None:
        async for text in self._socket:
            message = json.loads(text)
            if (future := self._waiting.pop(message.get("id"), None)) is not None:
                if not future.done():
                    future.set_result(message)
            elif message.get("method") == "log.entryAdded":
                entry = message["params"]
                if entry["level"] == "error":
                    self.trouble.append(entry["text"])

    async def close(self) -> None:
        self._reader.cancel()
        await self._socket.close()


@asynccontextmanager
async def firefox(folder: Path, name: str, link: str, script: str) -> AsyncIterator[Fox]:
    """Somebody's Firefox with a profile of its own, at that link; gone at the end."""
    program = installed()
    assert program is not None
    profile = folder / "profile"
    profile.mkdir(parents=True)
    lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(lines))
    words = ["--headless", "--no-remote", "--remote-debugging-port", "0", "--profile", str(profile)]
    tied = [leash, "--pdeathsig", "KILL", "--"] if (leash := shutil.which("setpriv")) else []
    with (folder / "firefox.log").open("wb") as log:
        process = subprocess.Popen(
            [*tied, program, *words, "about:blank"],
            env={**os.environ, "HOME": str(folder), "MOZ_HEADLESS": "1"},
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        at = profile / "WebDriverBiDiServer.json"
        ends = time.monotonic() + 3 * PATIENCE
        while not at.exists() or not at.read_text().strip():
            assert process.poll() is None, (folder / "firefox.log").read_text(errors="replace")
            assert time.monotonic() < ends, "Firefox never listened"
            await asyncio.sleep(0.1)
        place = json.loads(at.read_text())
        url = f"ws://{place['ws_host']}:{place['ws_port']}/session"
        fox = Fox(await connect(url, max_size=None, proxy=None, ping_interval=None), name)
        try:
            await fox.begin(link, script)
            yield fox
        finally:
            await fox.close()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
