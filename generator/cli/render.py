"""gen render: write base/, overlays/ and CODEOWNERS, or say what would change."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator.cli.place import must_be_repository
from generator.cli.report import echo, report, stage
from generator.diag import SpecError

if TYPE_CHECKING:
    from generator.diag import Diagnostic
    from generator.tree import Changes, Plan

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
    try:
        must_be_repository(root)
        done = _compare(root, diff=diff) if check or diff else _write(root)
    except SpecError as problem:
        stage("")
        report(problem.diagnostics, closing="" if check or diff else "nothing was written")
        return 1
    finally:
        stage("")
    report(done.notices)
    if diff:
        echo(done.diff, nl=False)
    elif not quiet:
        echo("".join(f"{click.style(verb, fg=COLOURS[verb])} {path}\n" for verb, path in _changes(done)), nl=False)
    is_clean = not (done.created or done.updated or done.deleted)
    echo(_closing(done, is_clean=is_clean, written=not (check or diff)), err=diff)
    return int((check or diff) and not is_clean)


@dataclass(frozen=True, kw_only=True)
class _Done:
    """What was done, or would be: paths, each sorted; how many files are as they should be; what there is to say."""

    created: tuple[str, ...]
    updated: tuple[str, ...]
    deleted: tuple[str, ...]
    same: int
    notices: "tuple[Diagnostic, ...]"
    diff: str = ""


def _write(root: Path) -> _Done:
    """Render, with what is remembered of the last time.

    Raises:
        SpecError: The specs have problems, or a person's file lies in a generated folder.
    """
    from generator.refresh import refresh  # noqa: PLC0415  # not needed for --help

    stage("comparing specs and files with what was rendered last")
    done = refresh(root, datetime.now(UTC).date())
    if done.note:
        echo(done.note, err=True)
    return _Done(created=done.created, updated=done.updated, deleted=done.deleted, same=done.same, notices=done.notices)


def _compare(root: Path, *, diff: bool) -> _Done:
    """Render in memory and compare every byte; nothing that an earlier run remembers is asked.

    Raises:
        SpecError: The specs have problems, or a person's file lies in a generated folder.
    """
    from generator import tree  # noqa: PLC0415  # not needed for --help
    from generator.rendering import render  # noqa: PLC0415

    def keep(plan: "Plan") -> "tuple[Changes, dict[str, str]]":
        return plan.changes(), tree.diffs(plan) if diff else {}

    stage("reading the specs, building the objects and comparing the files")
    made = render(root, datetime.now(UTC).date(), keep)
    changes = tree.together([one for one, _ in made.kept])
    if changes.refused:
        raise SpecError(changes.refused)
    parts = {path: text for _, some in made.kept for path, text in some.items()}
    return _Done(
        created=changes.create,
        updated=changes.update,
        deleted=changes.delete,
        same=changes.same,
        notices=made.notices,
        diff="".join(parts[path] for path in sorted(parts)),
    )


def _changes(done: _Done) -> Iterator[tuple[str, str]]:
    verbs = {
        **dict.fromkeys(done.created, "create"),
        **dict.fromkeys(done.updated, "update"),
        **dict.fromkeys(done.deleted, "delete"),
    }
    for path in sorted(verbs):
        yield verbs[path], path


def _closing(done: _Done, *, is_clean: bool, written: bool) -> str:
    if is_clean:
        return f"{done.same} files: up to date"
    counts = f"{len(done.created)} created, {len(done.updated)} updated, {len(done.deleted)} deleted"
    return f"{counts}, {done.same} unchanged" if written else f"stale: {counts} by `gen render`"
