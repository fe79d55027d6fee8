"""gen doctor: what is installed, and what is missing."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from generator.cli.report import echo


@click.command("doctor", short_help="Say what is installed, what is missing, and what to do.")
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
@click.option("--kustomize", "binary", metavar="PATH", help="The kustomize or kubectl to look at.")
@click.pass_obj
def command(root: Path, *, form: str, binary: str | None) -> int:
    """Say what gen needs, what it found, and what to do about the rest.

    Ends with 3 if something that every command needs is missing.
    """
    from generator.doctor import examine  # noqa: PLC0415  # not needed for --help

    findings = examine(root, binary)
    if form == "json":
        echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        width = max(len(finding.what) for finding in findings)
        for finding in findings:
            colour = "green" if finding.is_fine else "red" if finding.needed else "yellow"
            echo(f"{click.style(finding.what.ljust(width), fg=colour)}  {finding.found}")
            if finding.todo:
                echo(f"{'':{width}}  {finding.todo}")
    return 3 if any(finding.needed and not finding.is_fine for finding in findings) else 0
