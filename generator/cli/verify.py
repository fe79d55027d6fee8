"""gen verify: prove the trees."""

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator.cli.report import FORMATS, report

if TYPE_CHECKING:
    from generator.verify import Report


@click.command("verify")
@click.option(
    "--crds",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of CustomResourceDefinitions (Istio, Seldon, Argo CD) to hold the objects against.",
)
@click.option("--cluster", metavar="CONTEXT", help="Also ask a live API server: dry run, strict; nothing is changed.")
@click.option("--environment", metavar="ENV", help="With --cluster: only what this environment's cluster gets.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option(
    "--kustomize", "binary", metavar="PATH", help="The kustomize or kubectl to use; default: the bundled one."
)
@click.pass_obj
def command(  # noqa: PLR0913  # click passes one argument per option
    root: Path, *, crds: Path | None, cluster: str | None, environment: str | None, form: str, binary: str | None
) -> int:
    """Prove that the trees on disk are what the specs say, and whole.

    Every overlay goes through the real Kustomize and must come out object for object as it was resolved, without a
    warning; every patch has a target; every reference resolves; every pod has its policies; every object fits its
    schema; Argo CD's projects permit all that is synced.

    \b
      gen verify
      gen verify --crds crds/
      gen verify --cluster staging --environment staging
    """  # noqa: D301
    from generator import kustomize  # noqa: PLC0415  # not needed for --help
    from generator.pipeline import generate  # noqa: PLC0415
    from generator.verify import verify  # noqa: PLC0415

    made = generate(root, datetime.now(UTC).date())
    if environment and environment not in {e.name for e in made.platform.environments}:
        raise click.BadParameter(f'there is no environment "{environment}"', param_hint="--environment")
    tool = kustomize.find(binary)
    label = f"Kustomize {tool.version}"
    with click.progressbar(length=len(made.overlays), label=label, file=sys.stderr) as bar:
        found = verify(root, made, tool=tool, crds=crds, step=lambda: bar.update(1))
    problems = list(found.diagnostics)
    if cluster and not problems:
        from generator.verify import live  # noqa: PLC0415  # only with --cluster

        server = live.connect(cluster)
        asked, refused = live.ask(root, made, found, server=server, environment=environment)
        absent = live.homeless(made, found, server, environment)
        problems += refused
        found = replace(
            found,
            looked_at=(*found.looked_at, (f"objects that the API server behind {cluster} was asked about", asked)),
            left_out=(
                *found.left_out,
                *(f"namespace {name} is not there yet: tried in default" for name in absent),
            ),
        )
    report(problems, form, closing="")
    if form == "text":
        _summary(found, verified=not problems)
    return int(bool(problems))


def _summary(found: "Report", *, verified: bool) -> None:
    for what, count in found.looked_at:
        click.echo(f"{count:6} {what}")
    for what in found.left_out:
        click.echo(f"not checked: {what}")
    if verified:
        click.echo(click.style("verified", fg="green"))
