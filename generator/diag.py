"""Diagnostics: what is wrong, where, and the one thing to do about it; and the errors that carry them."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

QUOTE_MAX = 60  # a quoted value longer than this is cut: a message is read in one glance


class Severity(StrEnum):
    """An error decides the exit code; a notice is only said."""

    ERROR = "error"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in a file: path relative to the repository with ``/``, line and column counted from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Diagnostic:
    """One problem: where, which rule, what is wrong in the words of the spec, and one action."""

    mark: Mark
    rule: str
    what: str
    todo: str
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        kind = "notice: " if self.severity is Severity.NOTICE else ""
        return f"{self.mark}: {kind}{self.what} [{self.rule}]\n  {self.todo}"


class GenError(Exception):
    """An error that a person can act on; every other exception is a bug in gen."""


class SpecError(GenError):
    """The specs have problems; carries all of them, sorted, without duplicates."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = ordered(diagnostics)
        super().__init__("\n".join(map(str, self.diagnostics)))


class ToolError(GenError):
    """A program that gen runs, or the machine it runs on, failed; the text says what to do."""


def ordered(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return the diagnostics sorted by file, line, column and rule, each once."""
    return tuple(sorted(set(diagnostics)))


def errors(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return only what decides the exit code."""
    return tuple(d for d in diagnostics if d.severity is Severity.ERROR)


def quoted(value: object) -> str:
    """Return what the person wrote in double quotes, cut at 60 characters."""
    text = str(value)
    return f'"{text if len(text) <= QUOTE_MAX else text[: QUOTE_MAX - 1] + "…"}"'


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """Return the closing line: how many problems and notices in how many files."""
    found = tuple(diagnostics)
    bad = errors(found)
    parts = []
    if bad:
        parts.append(f"{_count(len(bad), 'problem')} in {_count(len({d.mark.file for d in bad}), 'file')}")
    if len(found) > len(bad):
        parts.append(_count(len(found) - len(bad), "notice"))
    return ", ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
