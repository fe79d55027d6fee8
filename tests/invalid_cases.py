"""The cases of tests/invalid: a small valid repository, and changes that each break one thing.

A case is two files: ``<rule>/<name>.diff`` says what is changed, ``<name>.err`` what gen then says. In a diff
``--- path`` begins the changes of a file (its lines led by "-" give way to those led by "+", where the lines led by
a space stand; ``@@`` begins another place), ``+++ path`` a file that is new or wholly replaced, ``!!! path`` takes a
file away, ``>>> path target`` makes a symbolic link.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from generator import rules, sources
from generator.diag import Diagnostic, ordered

FOLDER = Path(__file__).parent / "invalid"
VALID = FOLDER / "_valid"
TODAY = date(2026, 11, 23)
_HEADS = ("--- ", "+++ ", "!!! ", ">>> ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One change and what gen says to it."""

    rule: str
    name: str
    diff: Path

    @property
    def wanted(self) -> Path:
        return self.diff.with_suffix(".err")

    def text(self) -> str:
        return self.diff.read_text(encoding="utf-8")

    def said(self) -> str:
        return self.wanted.read_text(encoding="utf-8")


def cases() -> tuple[Case, ...]:
    """Return all cases, by rule and name."""
    found = sorted(FOLDER.glob("*/*.diff"))
    return tuple(Case(rule=path.parent.name, name=path.stem, diff=path) for path in found)


def build(case: Case, root: Path) -> None:
    """Make the repository of a case in the empty folder ``root``."""
    shutil.copytree(VALID, root, dirs_exist_ok=True)
    for head, lines in _sections(case.text()):
        word, path, *target = head.split(" ")
        place = root / path
        if word == "---":
            place.write_text(_changed(place.read_text(encoding="utf-8"), lines, case.diff), encoding="utf-8")
        elif word == "+++":
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text("".join(f"{line[1:]}\n" for line in lines), encoding="utf-8")
        else:
            place.unlink(missing_ok=True)
            if target:
                place.symlink_to(target[0])


def judge(root: Path) -> tuple[Diagnostic, ...]:
    """Return everything that gen says of a repository."""
    read = sources.read(root)
    return ordered((*read.diagnostics, *rules.find(read.specs, TODAY)))


def _sections(text: str) -> Iterator[tuple[str, list[str]]]:
    head, lines = "", list[str]()
    for line in text.splitlines():
        if line.startswith(_HEADS):
            if head:
                yield head, lines
            head, lines = line, []
        else:
            lines.append(line)
    yield head, lines


def _changed(text: str, lines: list[str], diff: Path) -> str:
    for place in "\n".join(lines).split("\n@@\n"):
        hunk = place.split("\n")
        old = "".join(f"{line[1:]}\n" for line in hunk if line[:1] in "- ")
        new = "".join(f"{line[1:]}\n" for line in hunk if line[:1] in "+ ")
        if text.count(old) != 1:
            message = f"{diff}: these lines stand {text.count(old)} times in the file:\n{old}"
            raise AssertionError(message)
        text = text.replace(old, new)
    return text
