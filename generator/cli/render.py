"""gen render: write base/, overlays/ and CODEOWNERS, or say what would change."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator.cli.report import report

if TYPE_CHECKING:
    from generator.tree import Plan

COLOURS = {"create": "green", "update": "yellow", "delete": "red"}


@click.command("render")
@click.option("--check", is_flag=True, help="Write nothing; fail if the trees are stale.")
@click.option("--diff", is_flag=True, help="Write nothing; print a unified diff, and fail if there is any.")
@click.option("-q", "--quiet", is_flag=True, help="Name no files, only count them.")
@click.pass_obj
def command(root: Path, *, check: bool, diff: bool, quiet: bool) -> int:
    """Render base/, overlays/ and CODEOWNERS from the specs.

    If anything is wrong with any spec, nothing is written. What a person put into the generated folders is never
    overwritten or deleted: gen names it and stops.

    \b
      gen render
      gen render --check      for CI: are the trees what the specs say?
      gen render --diff       what a render would change
    """  # noqa: D301
    from generator import names, tree, write  # noqa: PLC0415  # not needed for --help
    from generator.pipeline import generate  # noqa: PLC0415

    writes = not (check or diff)
    if writes and (note := write.recover(root, names.OWNED)):
        click.echo(note, err=True)
    made = generate(root, datetime.now(UTC).date())
    plan = tree.plan(made.files, root, names.OWNED)
    if plan.refused:
        report(plan.refused)
        return 1
    report(made.notices, closing="")
    if diff:
        click.echo(tree.unified(plan), nl=False)
    elif not quiet:
        for verb, path in _changes(plan):
            click.echo(f"{click.style(verb, fg=COLOURS[verb])} {path}")
    if writes:
        write.apply(plan, root)
    click.echo(_closing(plan, done=writes), err=diff)
    return int(not writes and not plan.is_clean)


def _changes(plan: "Plan") -> Iterator[tuple[str, str]]:
    verbs = {
        **dict.fromkeys(plan.create, "create"),
        **dict.fromkeys(plan.update, "update"),
        **dict.fromkeys(plan.delete, "delete"),
    }
    for path in sorted(verbs):
        yield verbs[path], path


def _closing(plan: "Plan", *, done: bool) -> str:
    if plan.is_clean:
        return f"{len(plan.made)} files: up to date"
    counts = f"{len(plan.create)} created, {len(plan.update)} updated, {len(plan.delete)} deleted"
    same = len(plan.made) - len(plan.create) - len(plan.update)
    return f"{counts}, {same} unchanged" if done else f"stale: {counts} by `gen render`"
