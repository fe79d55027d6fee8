"""Print diagnostics: for people, for programs, for GitHub's annotations."""

import json
from collections.abc import Iterable, Sequence

import click

from generator.diag import Diagnostic, Severity, summary

FORMATS = ("text", "json", "github")
COLOURS = {Severity.ERROR: "red", Severity.NOTICE: "yellow"}


def report(diagnostics: Sequence[Diagnostic], form: str = "text", closing: str = "nothing was written") -> None:
    """Print all diagnostics: text on stderr with a closing line, json and github on stdout."""
    match form:
        case "json":
            click.echo(json.dumps([_plain(d) for d in diagnostics], indent=2, ensure_ascii=False))
        case "github":
            for diagnostic in diagnostics:
                click.echo(_annotation(diagnostic))
        case _:
            for diagnostic in diagnostics:
                click.echo(_coloured(diagnostic), err=True)
            if diagnostics:
                click.echo(f"\n{summary(diagnostics)}{f'; {closing}' if closing else ''}", err=True)


def say(lines: Iterable[str]) -> None:
    """Print result lines on stdout."""
    for line in lines:
        click.echo(line)


def _coloured(diagnostic: Diagnostic) -> str:
    where, _, rest = str(diagnostic).partition(" ")
    first, _, todo = rest.partition("\n")
    return f"{click.style(where, bold=True)} {click.style(first, fg=COLOURS[diagnostic.severity])}\n{todo}"


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
