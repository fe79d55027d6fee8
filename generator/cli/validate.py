"""gen validate: what is wrong with the specs."""

from datetime import UTC, datetime
from pathlib import Path

import click

from generator.cli.report import FORMATS, report
from generator.diag import errors


@click.command("validate")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.pass_obj
def command(root: Path, paths: tuple[Path, ...], form: str) -> int:
    """Check specs against their schema and every rule.

    With PATHs, only those files, each with its tenant and platform; without, every file and the rules between them.

    \b
      gen validate
      gen validate tenants/risk/fraud.yaml
      gen validate --format github      annotations in a pull request

    Models that pass are also shown to what the Seldon operator's webhook and controller would say of them.

    Errors decide the exit code; a notice never does.
    """  # noqa: D301
    from generator.pipeline import examine  # noqa: PLC0415  # not needed for --help

    only = tuple(_inside(root, path) for path in paths)
    specs, diagnostics = examine(root, datetime.now(UTC).date(), only, foreseen=True)
    report(diagnostics, form, closing="")
    if errors(diagnostics):
        return 1
    if form == "text":
        click.echo(f"{', '.join(only) or f'{len(specs.models)} models of {len(specs.tenants)} tenants'}: no problems")
    return 0


def _inside(root: Path, path: Path) -> str:
    """Return the path relative to the repository, as specs are named."""
    absolute = path if path.is_absolute() else Path.cwd() / path
    if not absolute.is_file():
        raise click.BadParameter(f'there is no file "{path}"', param_hint="PATHS")
    try:
        return absolute.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        raise click.BadParameter(f'"{path}" is outside the repository {root}', param_hint="PATHS") from None
