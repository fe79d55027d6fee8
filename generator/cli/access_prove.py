"""gen access prove: a real Envoy with the rendered policies, and everything that is known to go round them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator.cli.access import printed
from generator.cli.report import echo, stage
from generator.diag import ToolError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.access.tree import Cluster
    from generator.audit.prove_specs import Declared


@click.command("prove")
@click.argument("models", nargs=-1, metavar="[TENANT/MODEL]...")
@click.option("--environment", "environments", multiple=True, metavar="ENV", help="Only this environment.")
@click.option("--format", "form", type=click.Choice(("text", "html", "json")), default="text", show_default=True)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write there instead of to stdout.")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path, exists=True),
    help="Leave Envoy's configuration, certificates and log there, failures or not.",
)
@click.option(
    "--mutants", is_flag=True, help="Then plant every mistake in the policies, and print how many are caught."
)
@click.option("--seconds", type=float, default=600, show_default=True, help="Time for each environment.")
@click.option("--kustomize", "binary", metavar="PATH", help="The kustomize or kubectl to use.")
@click.pass_obj
def command(  # noqa: PLR0913  # click passes one argument per option
    root: Path,
    models: tuple[str, ...],
    *,
    environments: tuple[str, ...],
    form: str,
    output: Path | None,
    keep: Path | None,
    mutants: bool,
    seconds: float,
    binary: str | None,
) -> int:
    r"""Start a real Envoy with the policies on the disk, and fire at it what is granted and every way round it.

    Gateway and sidecars are one Envoy on loopback, with throw-away keys and certificates in place of the real ones.
    Each answer must be the evaluator's and what the specs grant; the access log must show who called. Then z3 proves
    for every request that nobody outside the grants gets in, or shows one who does.

    \b
      gen access prove
      gen access prove payments/fraud --environment prod
      gen access prove --format html --output proof.html
      gen access prove payments/fraud --environment prod --mutants      minutes
    """
    from generator import kustomize  # noqa: PLC0415  # not needed for --help
    from generator.access.signing import MISSING  # noqa: PLC0415
    from generator.access.tree import clusters  # noqa: PLC0415
    from generator.audit import prove_told as told  # noqa: PLC0415
    from generator.audit.prove import Scope, name_of, prove  # noqa: PLC0415
    from generator.audit.prove_specs import declared  # noqa: PLC0415

    specs = declared(root, datetime.now(UTC).date())
    known = dict.fromkeys(name_of(model) for here in specs.models.values() for model in here)
    for asked, names, hint in ((models, known, "MODEL"), (environments, specs.models, "--environment")):
        for name in asked:
            if name not in names:
                raise click.BadParameter(f'there is no "{name}"\n  one of: {", ".join(names)}', param_hint=hint)
    stage("building with Kustomize")
    found = clusters(root, kustomize.find(binary), environments=environments or None)
    scope = Scope(environments=environments, models=models, seconds=seconds, folder=keep)
    try:
        from generator.audit.invariants_replay import with_invariants  # noqa: PLC0415  # z3, with the extra only
    except ImportError:
        raise ToolError(MISSING) from None
    proofs = []
    for cluster in found.values():
        proof = prove(cluster, specs, scope, step=stage)
        proofs.append(with_invariants(proof, cluster, specs, scope, step=stage))
    lines = [line for cluster in found.values() for line in _scored(cluster, specs, models)] if mutants else []
    stage("")
    forms = {"text": told.text, "html": told.html, "json": told.as_json}
    printed(forms[form](proofs), output)
    for line in lines:
        echo(line, err=form != "text" and output is None)
    missed = any(line.startswith("missed") for line in lines)
    return int(missed or not all(proof.is_green for proof in proofs))


def _scored(cluster: "Cluster", specs: "Declared", models: tuple[str, ...]) -> "Iterator[str]":
    """Yield the mutation score of every model in a cluster."""
    from generator.audit.mutate_run import score, summary  # noqa: PLC0415  # minutes of work
    from generator.audit.prove import name_of  # noqa: PLC0415

    for model in specs.models[cluster.environment]:
        if not models or name_of(model) in models:
            yield f"{name_of(model)} in {cluster.environment}:"
            try:
                yield from summary(score(cluster, specs, model, step=stage))
            except ValueError as problem:
                yield f"missed: {problem}"
