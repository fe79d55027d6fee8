"""gen access at: the matrix as it was."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click

from generator.cli.access import FORMS, who
from generator.cli.report import echo

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@click.command("at", short_help="Who could call on a day, or in a commit.")
@click.argument("when", metavar="DATE|REF")
@who
@click.option("--format", "form", type=click.Choice(FORMS), default="table", show_default=True)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write there instead of to stdout.")
@click.option("--all", "everything", is_flag=True, help="Also the platform's own needs: metrics, …")
@click.option("--rules", is_flag=True, help="Also the rule of the policy that lets in.")
@click.option("--kustomize", "binary", metavar="PATH", help="The kustomize or kubectl to use.")
@click.pass_obj
def command(root: Path, /, *, when: str, **given: Any) -> int:
    r"""Print who could call what at the end of a day (UTC, by what was committed then), or in a commit.

    What counts is when a commit was made: when it was merged and when Argo CD applied it may have been later.

    \b
      gen access at 2026-10-01 --model payments/fraud
      gen access at v1.4.0 --as bob@corp.example
    """
    from generator import git, kustomize  # noqa: PLC0415  # not needed for --help
    from generator.audit.past import past  # noqa: PLC0415
    from generator.audit.snapshot import Builder, Scope, snapshot  # noqa: PLC0415
    from generator.cli.access_matrix import Options, growing, show  # noqa: PLC0415
    from generator.diag import SpecError  # noqa: PLC0415

    commit = git.at(root, _day(when)) if DAY.fullmatch(when) else git.find(root, when)
    options = Options(**given)
    tool = kustomize.find(options.binary)
    scope = Scope(environments=options.environments or None, identities=options.identities)
    with growing(f"building {commit.hash[:10]}") as step:
        try:
            taken = past(root, commit, Builder(tool=tool, step=step), scope=scope)
        except SpecError:
            now = snapshot(root, datetime.now(UTC).date(), Builder(tool=tool), scope)
            taken = past(root, commit, Builder(tool=tool, step=step), now=now, scope=scope)
            echo("the specs of then are not what this gen accepts: nothing is said of what they granted", err=True)
    echo(f"{commit}", err=True)
    return show(taken, options)


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise click.BadParameter(f'"{text}" is no day; write it as 2027-01-31', param_hint="DATE") from None
