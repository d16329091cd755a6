"""Asks the databases of known faults about the lock files, where they can be reached.

`pip-audit` runs in a venv of its own (`requirements-audit.txt`, each package by its hash), `npm
audit` by the Node of `.venv`. Each says what it found, or that it was not reached: that is no
error, since a machine without a way out can be as good as one with it. Ends with 1 where a fault
is known.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from deploy.dev.setup import (
    MEMORY,
    PYTHON,
    ROOT,
    environment,
    npm,
    npm_environment,
)

AUDIT = MEMORY / "audit"
LOCK = ROOT / "requirements-audit.txt"
#: Asked about: what runs, and what builds, tests and audits it.
ASKED = ("requirements.txt", "requirements-dev.txt", "requirements-audit.txt")
#: Seconds for one connection, and for all of a tool.
CONNECT = 5
PATIENCE = 90


def say(line: str) -> None:
    print(f"audit: {line}", flush=True)


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:160] if lines else "it said nothing"


def run(words: list[str | Path], more: dict[str, str]) -> tuple[str, str]:
    """What the command says on both ways; empty and why, where it takes too long."""
    try:
        done = subprocess.run(
            [str(word) for word in words], cwd=ROOT, env=environment(more), check=False,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            timeout=PATIENCE,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "", f"no answer within {PATIENCE} s"
    return done.stdout, done.stderr


def have_pip_audit() -> str:
    """Empty once the tool is there, else why not."""
    stamp = AUDIT / ".lock"
    wanted = LOCK.read_text(encoding="utf-8")
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return ""
    _, error = run([PYTHON, "-m", "venv", "--clear", AUDIT], {})
    python = AUDIT / "bin" / "python"
    if not python.exists():
        return last_line(error)
    install: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--no-deps"]
    _, error = run([*install, "--require-hashes", "-r", LOCK], {})
    if not (AUDIT / "bin" / "pip-audit").exists():
        return last_line(error)
    stamp.write_text(wanted, encoding="utf-8")
    return ""


# ---------------------------------------------------------------------------------------- answers


@dataclass(frozen=True, slots=True)
class Answer:
    """What a database said of so many packages; `unknown` are those that it did not know."""

    faults: tuple[str, ...]
    judged: int
    unknown: int


def of_pip_audit(text: str) -> Answer | None:
    """What pip-audit's JSON says; None where it is no such answer, or speaks of nothing."""
    try:
        packages = json.loads(text)["dependencies"]
        judged = [each for each in packages if "skip_reason" not in each]
        faults = tuple(
            f"{each['name']} {each['version']}: {fault['id']}, mended in "
            f"{', '.join(fault['fix_versions']) or 'no version yet'}"
            for each in judged
            for fault in each["vulns"]
        )
    except (ValueError, KeyError, TypeError):
        return None
    return Answer(faults, len(judged), len(packages) - len(judged)) if judged else None


def of_npm(text: str) -> Answer | None:
    """What npm's JSON says; None where it is no such answer."""
    try:
        found = json.loads(text)
        faults = tuple(
            f"{name} {each['range']}: {each['severity']}"
            for name, each in found["vulnerabilities"].items()
        )
        return Answer(faults, found["metadata"]["dependencies"]["total"], 0)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def refused_by(text: str) -> str:
    """Why npm has no answer, as it says in its JSON."""
    try:
        return last_line(str(json.loads(text)["message"]))
    except (ValueError, KeyError, TypeError):
        return ""


def ask_pip_audit() -> tuple[Answer | None, str]:
    if why := have_pip_audit():
        return None, why
    words: list[str | Path] = [AUDIT / "bin" / "pip-audit", "--disable-pip", "--require-hashes"]
    words += ["--format", "json", "--progress-spinner", "off", "--timeout", str(CONNECT)]
    text, error = run([*words, *(word for lock in ASKED for word in ("-r", lock))], {})
    # Of a package that its database does not have it says "skipped", and "no vulnerabilities".
    skipped = "it knew none of these packages" if '"skip_reason"' in text else last_line(error)
    return of_pip_audit(text), skipped


def ask_npm() -> tuple[Answer | None, str]:
    wait = {
        "npm_config_fetch_timeout": str(CONNECT * 1000),
        "npm_config_fetch_retries": "0",
        "npm_config_audit": "true",
    }
    words = npm("audit", "--json", "--package-lock-only")
    text, error = run(words, {**npm_environment(), **wait})
    return of_npm(text), refused_by(text) or last_line(error)


def verdict(tool: str, answer: Answer | None, why: str) -> tuple[list[str], bool]:
    """The lines to print, and whether a fault is known."""
    if answer is None:
        return [f"{tool}: not reached, so nothing is known from it ({why})"], False
    if answer.faults:
        return [f"{tool}: {line}" for line in answer.faults], True
    rest = f", and nothing is known of {answer.unknown} more" if answer.unknown else ""
    return [f"{tool}: no known fault in {answer.judged} packages{rest}"], False


def main() -> int:
    bad = False
    for tool, ask in (("pip-audit", ask_pip_audit), ("npm audit", ask_npm)):
        lines, known = verdict(tool, *ask())
        for line in lines:
            say(line)
        bad = bad or known
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
