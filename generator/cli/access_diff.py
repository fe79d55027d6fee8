"""gen access diff: who gains and who loses access since a commit."""

from datetime import UTC, datetime
from pathlib import Path

import click

from generator.cli.access import printed
from generator.cli.report import echo


@click.command("diff", short_help="Who gains and who loses since a commit.")
@click.argument("ref", default="HEAD")
@click.option("--format", "form", type=click.Choice(("text", "markdown", "json")), default="text", show_default=True)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write there instead of to stdout.")
@click.option("--exit-code", is_flag=True, help="End with 1 if anything changed.")
@click.option("--fail-on", type=click.Choice(("widening",)), help="End with 1 if anybody gains access.")
@click.option("--kustomize", "binary", metavar="PATH", help="The kustomize or kubectl to use.")
@click.pass_obj
def command(  # noqa: PLR0913  # click passes one argument per option
    root: Path, ref: str, *, form: str, output: Path | None, exit_code: bool, fail_on: str | None, binary: str | None
) -> int:
    """Print who gains and who loses access between REF (by default HEAD) and what lies on the disk.

    Each change has its environments, the rule that lets in, and the line that grants it.

    \b
      gen access diff                       what my changes do
      gen access diff origin/main --format markdown
      gen access diff HEAD^ --fail-on widening
    """  # noqa: D301
    from generator import git, kustomize  # noqa: PLC0415  # not needed for --help
    from generator.audit import records, told  # noqa: PLC0415
    from generator.audit.diff import difference  # noqa: PLC0415
    from generator.audit.past import past  # noqa: PLC0415
    from generator.audit.snapshot import Builder, snapshot  # noqa: PLC0415
    from generator.cli.access_matrix import bar, growing  # noqa: PLC0415

    commit = git.find(root, ref)
    tool = kustomize.find(binary)
    with growing("building") as step:
        now = snapshot(root, datetime.now(UTC).date(), Builder(tool=tool, step=step))
    with growing(f"building {commit.hash[:10]}") as step:
        then = past(root, commit, Builder(tool=tool, step=step), now=now)
    with bar(sum(map(len, (*now.models.values(), *then.models.values()))), "judging") as step:
        found = difference(then, now, step)
    lines = told.lines(found.changes, tuple(dict.fromkeys((*now.models, *then.models))))
    match form:
        case "json":
            printed(records.as_json(told.records(found), since=commit.hash), output)
        case "markdown":
            printed(told.markdown(lines, told.owners_of(now), f"{ref} ({commit.hash[:10]})"), output)
        case _:
            printed(told.text(lines), output)
            echo(f"{told.summary(lines)} since {commit}", err=True)
    return int(bool((exit_code and found.changes) or (fail_on and found.gains)))
