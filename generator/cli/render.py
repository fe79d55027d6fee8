"""gen render: write base/, overlays/ and CODEOWNERS, or say what would change."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator.cli.report import echo, report, stage
from generator.diag import SpecError

if TYPE_CHECKING:
    from generator.tree import Plan

COLOURS = {"create": "green", "update": "yellow", "delete": "red"}


@click.command("render", short_help="Write base/, overlays/ and CODEOWNERS from the specs.")
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

    writes = not (check or diff)
    if writes and (note := write.recover(root, names.OWNED)):
        echo(note, err=True)
    try:
        plan = _plan(root)
    except SpecError as problem:
        report(problem.diagnostics, closing="nothing was written" if writes else "")
        return 1
    if diff:
        echo(tree.unified(plan), nl=False)
    elif not quiet:
        echo("".join(f"{click.style(verb, fg=COLOURS[verb])} {path}\n" for verb, path in _changes(plan)), nl=False)
    if writes:
        stage(f"writing {len(plan.create) + len(plan.update)} files")
        write.apply(plan, root)
        stage("")
    echo(_closing(plan, done=writes), err=diff)
    return int(not writes and not plan.is_clean)


def _plan(root: Path) -> "Plan":
    """Return what would change on the disk, and say on the way what there is to notice.

    Raises:
        SpecError: The specs have problems, or a person's file lies in a generated folder.
    """
    from generator import names, tree  # noqa: PLC0415  # not needed for --help
    from generator.pipeline import generate  # noqa: PLC0415

    stage("reading the specs and building the objects")
    try:
        made = generate(root, datetime.now(UTC).date())
        stage(f"comparing {len(made.files)} files")
        plan = tree.plan(made.files, root, names.OWNED)
    finally:
        stage("")
    if plan.refused:
        raise SpecError(plan.refused)
    report(made.notices)
    return plan


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
