"""Calls the operator's HTTP API."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from sitwith_server.cli import settings
from sitwith_server.cli.output import Failed

if TYPE_CHECKING:
    import httpx

TIMEOUT = 30.0


def add(action: argparse.ArgumentParser) -> None:
    """Adds the flags that `call` needs."""
    action.add_argument("--url", help="the server (default: public_url)")
    action.add_argument("--json", action="store_true", help="print one JSON object")
    settings.add(action, ("host", "port", "public_url", "operator_key"))


def call(asked: argparse.Namespace, method: str, path: str, body: object = None) -> Any:
    """Makes one call below `/api/`.

    Returns:
        The answer's JSON; its text if it is a calendar; `None` if it has no body.

    Raises:
        Failed: no answer, an error as the answer, or a proxy that would read the key.
    """
    import httpx

    from sitwith_client.proxies import PlainProxy, proxy_for

    wanted = settings.load(asked).settings
    if wanted.operator_key is None:
        raise Failed("operator_key is needed: set SITWITH_OPERATOR_KEY", code=2)
    base = (asked.url or wanted.public_url).rstrip("/")
    url = f"{base}/api/{path}"
    headers = {"Authorization": f"Bearer {wanted.operator_key}"}
    try:
        # With an explicit transport httpx ignores the environment's proxy.
        way = httpx.HTTPTransport(proxy=proxy_for(base))
    except PlainProxy as plain:
        raise Failed(str(plain), code=2) from None
    except (ValueError, ImportError, httpx.InvalidURL):
        raise Failed("the environment's proxy must be http:// or https://", code=2) from None
    try:
        with httpx.Client(transport=way, timeout=TIMEOUT) as http:
            answer = http.request(method, url, json=body, headers=headers)
    except httpx.UnsupportedProtocol:
        raise Failed(f"{base} is not an http or https address", code=2) from None
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise Failed(f"no answer from {base} ({type(error).__name__})") from None
    if not answer.is_success:
        raise Failed(_refusal(answer, base))
    if not answer.content:
        return None
    if answer.headers.get("content-type", "").startswith("text/calendar"):
        return answer.text
    try:
        content = answer.json()
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise Failed(f"{base} gave an unexpected answer and is probably not a Sitwith server")
    return content


def _refusal(answer: httpx.Response, base: str) -> str:
    try:
        error = answer.json()["error"]
        return f"{base} refused: {error['message']} ({answer.status_code} {error['code']})"
    except (ValueError, KeyError, TypeError):
        return f"{base} answered {answer.status_code} and is probably not a Sitwith server"
