"""Print: results on stdout, diagnostics on stderr; for people, for programs, for GitHub's annotations."""

import json
import os
import re
import sys
from collections.abc import Sequence
from typing import IO

import click

from generator.diag import Diagnostic, Severity, ToolError, summary

FORMATS = ("text", "json", "github")
COLOURS = {Severity.ERROR: "red", Severity.NOTICE: "yellow"}
# What a terminal would obey instead of showing it: C0 without the line break, DEL, C1 (ECMA-48).
_CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")


def echo(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print text; in colour only on a terminal, and never where NO_COLOR is set (https://no-color.org).

    A reader that has gone (``gen show dev | head -1``) is no failure: what it did not want is dropped.

    Raises:
        ToolError: The system refuses, say because the disk is full that stdout leads to.
    """
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    try:
        click.echo(text, err=err, nl=nl, color=False if plain else None)
    except BrokenPipeError:
        drop(sys.stderr if err else sys.stdout)
    except OSError as problem:
        drop(sys.stderr if err else sys.stdout)
        raise ToolError(f"the output cannot be written: {problem.strerror}\n  send it elsewhere") from None


def drop(stream: IO[str]) -> None:
    """Lead a stream that takes nothing any more into the void, so that Python does not stumble over it at its end."""
    void = os.open(os.devnull, os.O_WRONLY)
    os.dup2(void, stream.fileno())
    os.close(void)


def is_watched() -> bool:
    """Tell whether somebody sees stderr as it is written: only then is progress shown."""
    return bool(sys.stderr) and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def stage(what: str) -> None:
    """Say what gen is at, on a terminal only; the next line of any kind takes its place."""
    if is_watched():
        sys.stderr.write(f"\r\x1b[K{what}")
        sys.stderr.flush()


def report(diagnostics: Sequence[Diagnostic], form: str = "text", closing: str = "") -> None:
    """Print all diagnostics: text on stderr with a line that sums up, json and github on stdout."""
    match form:
        case "json":
            echo(json.dumps([_plain(d) for d in diagnostics], indent=2, ensure_ascii=False))
        case "github":
            for diagnostic in diagnostics:
                echo(_annotation(diagnostic))
        case _:
            if not diagnostics:
                return
            ending = f"; {closing}" if closing else ""
            echo("\n".join([*map(_coloured, diagnostics), "", f"{summary(diagnostics)}{ending}"]), err=True)


def _coloured(diagnostic: Diagnostic) -> str:
    kind = "notice: " if diagnostic.severity is Severity.NOTICE else ""
    what = f"{kind}{diagnostic.what} [{diagnostic.rule}]"
    where = click.style(f"{_shown(str(diagnostic.mark))}:", bold=True)
    return f"{where} {click.style(_shown(what), fg=COLOURS[diagnostic.severity])}\n  {_shown(diagnostic.todo)}"


def _shown(text: str) -> str:
    return _CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def _plain(diagnostic: Diagnostic) -> dict[str, object]:
    mark = diagnostic.mark
    return {
        "file": mark.file,
        "line": mark.line,
        "column": mark.column,
        "severity": diagnostic.severity.value,
        "rule": diagnostic.rule,
        "what": diagnostic.what,
        "todo": diagnostic.todo,
    }


def _annotation(diagnostic: Diagnostic) -> str:
    """Return a workflow command; its properties and message have characters of their own to escape.

    Source: GitHub Docs, "Workflow commands for GitHub Actions"; actions/toolkit packages/core/src/command.ts.
    """
    mark = diagnostic.mark
    message = _escape(f"{diagnostic.what}\n{diagnostic.todo}")
    file, title = (_escape(text).replace(":", "%3A").replace(",", "%2C") for text in (mark.file, diagnostic.rule))
    return f"::{diagnostic.severity.value} file={file},line={mark.line},col={mark.column},title={title}::{message}"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
