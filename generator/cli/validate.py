"""gen validate: what is wrong with the specs."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from generator.cli.place import offered, root_of
from generator.cli.report import FORMATS, echo, report, stage
from generator.diag import errors
from generator.names import PLATFORM_SPEC, TENANTS

if TYPE_CHECKING:
    from generator.diag import Diagnostic

SUFFIX = ".yaml"
_DEPTH = 3  # tenants/<tenant>/<file>


def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
    """Return the specs whose path begins so, as one would type them where one stands."""
    root = root_of(ctx)
    specs = [root / PLATFORM_SPEC, *sorted((root / TENANTS).glob(f"*/*{SUFFIX}"))]
    typed = (os.path.relpath(path) for path in specs if path.is_file())
    return offered(typed, incomplete)


@click.command("validate", short_help="Say what is wrong with the specs, where, and what to do.")
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path), shell_complete=complete)
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.pass_obj
def command(root: Path, paths: tuple[Path, ...], form: str) -> int:
    """Check specs against their schema and every rule.

    With PATHs, files or folders of tenants, only those, each with its tenant and platform; without, every file and
    the rules between them. What passes is also shown to what Seldon's webhook and operator would say of it.

    \b
      gen validate
      gen validate tenants/risk/fraud.yaml
      gen validate --format github      annotations in a pull request

    Errors decide the exit code; a notice never does.
    """  # noqa: D301
    only = _specs(root, paths)
    stage("checking the specs")
    try:
        diagnostics, counted = _examine(root, only)
    finally:
        stage("")
    report(diagnostics, form)
    if errors(diagnostics):
        return 1
    if form == "text":
        echo(f"{counted}: no problems")
    return 0


def _examine(root: Path, only: tuple[str, ...]) -> "tuple[tuple[Diagnostic, ...], str]":
    """Return what is to be said, and in words what was looked at."""
    from generator.examine import examine  # noqa: PLC0415  # not needed for --help

    today = datetime.now(UTC).date()
    if PLATFORM_SPEC in only:  # what it says of tenants can be judged only where all of them are read
        _, diagnostics = examine(root, today, foreseen=True)
        return tuple(problem for problem in diagnostics if problem.mark.file in only), ", ".join(only)
    specs, diagnostics = examine(root, today, only, foreseen=True)
    return diagnostics, ", ".join(only) or f"{len(specs.models)} models of {len(specs.tenants)} tenants"


def _specs(root: Path, paths: tuple[Path, ...]) -> tuple[str, ...]:
    """Return the paths of the specs asked for, relative to the repository; empty if that is all of them.

    Raises:
        click.UsageError: There is nothing at a path, or no spec.
    """
    asked = [_inside(root, path) for path in paths]
    if {"", TENANTS} & set(asked):
        return ()
    return tuple(dict.fromkeys(spec for path in asked for spec in _at(root, path)))


def _at(root: Path, path: str) -> Iterator[str]:
    place = root / path
    parts = path.split("/")
    if place.is_dir() and parts[0] == TENANTS:
        below = sorted(entry.name for entry in place.iterdir() if entry.name.endswith(SUFFIX))
        if not below:
            raise click.UsageError(f"there are no specs in {path}\n  name a tenant's folder, or a file in one")
        yield from (f"{path}/{name}" for name in below)
    elif path == PLATFORM_SPEC or (parts[0] == TENANTS and len(parts) == _DEPTH and path.endswith(SUFFIX)):
        yield path
    else:
        raise click.UsageError(f'"{path}" is no spec\n  specs are {PLATFORM_SPEC} and {TENANTS}/<tenant>/*{SUFFIX}')


def _inside(root: Path, path: Path) -> str:
    """Return the path relative to the repository, as specs are named; empty for the repository itself."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100  # a symbolic link is named by its own place
    if not os.path.lexists(absolute):
        raise click.UsageError(f'there is nothing at "{path}"\n  name a spec, or leave it out to check all of them')
    here = absolute.parent.resolve() / absolute.name
    if here == root.resolve() or absolute.resolve() == root.resolve():
        return ""
    try:
        return here.relative_to(root.resolve()).as_posix()
    except ValueError:
        todo = "name a file of the repository, or the repository with -C"
        raise click.UsageError(f'"{path}" is outside the repository {root}\n  {todo}') from None
