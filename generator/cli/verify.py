"""gen verify: prove the trees."""

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator.cli.report import FORMATS, echo, is_watched, report, stage
from generator.diag import SpecError

if TYPE_CHECKING:
    from generator.pipeline import Generated
    from generator.verify import Report


@click.command("verify", short_help="Prove that the trees are what the specs say, and whole.")
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

    stage("reading the specs and building the objects")
    try:
        made = generate(root, datetime.now(UTC).date())
    except SpecError as problem:
        report(problem.diagnostics, form)
        return 1
    finally:
        stage("")
    _must_be_environment(environment, made)
    tool = kustomize.find(binary)
    label = f"Kustomize {tool.version}"
    with click.progressbar(length=len(made.overlays), label=label, file=sys.stderr, hidden=not is_watched()) as bar:
        found = verify(root, made, tool=tool, crds=crds, step=lambda: bar.update(1))
    if not found.diagnostics:
        found = _judged(root, found)
    if cluster and not found.diagnostics:
        found = _asked(root, made, found, context=cluster, environment=environment)
    report(found.diagnostics, form)
    if form == "text":
        _summary(found)
    return int(bool(found.diagnostics))


def _must_be_environment(environment: str | None, made: "Generated") -> None:
    known = [one.name for one in made.platform.environments]
    if environment and environment not in known:
        raise click.UsageError(f'there is no environment "{environment}"\n  one of: {", ".join(known)}')


def _judged(root: Path, found: "Report") -> "Report":
    """Return the report with what the policies let in, held against grants and expectations."""
    from generator import sources  # noqa: PLC0415  # not needed for --help
    from generator.audit.checks import check  # noqa: PLC0415

    stage("judging who gets in")
    count, problems = check(root, sources.read(root).specs, found.printed, found.synced)
    stage("")
    return replace(
        found,
        diagnostics=problems,
        looked_at=(*found.looked_at, ("answers of the policies, as the specs grant and expect them", count)),
    )


def _asked(root: Path, made: "Generated", found: "Report", *, context: str, environment: str | None) -> "Report":
    """Return the report with what the API server behind a context says added."""
    from generator.verify import live  # noqa: PLC0415  # only with --cluster

    server = live.connect(context)
    asked, refused = live.ask(root, made, found, server=server, environment=environment)
    homeless = live.homeless(made, found, server, environment)
    return replace(
        found,
        diagnostics=refused,
        looked_at=(*found.looked_at, (f"objects that the API server behind {context} was asked about", asked)),
        left_out=(*found.left_out, *(f"namespace {n} is not there yet: tried in default" for n in homeless)),
    )


def _summary(found: "Report") -> None:
    lines = [f"{count:6} {what}" for what, count in found.looked_at]
    lines += [f"not checked: {what}" for what in found.left_out]
    if not found.diagnostics:
        lines.append(click.style("verified", fg="green"))
    if lines:
        echo("\n".join(lines))
