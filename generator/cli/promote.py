"""gen promote: copy the pins of one environment to the next."""

from pathlib import Path

import click

from generator.cli.place import complete_environment, complete_model


@click.command("promote", short_help="Copy pins from one environment to the next.")
@click.argument("name", metavar="TENANT/MODEL", shell_complete=complete_model)
@click.option(
    "--from",
    "source",
    metavar="ENV",
    shell_complete=complete_environment,
    required=True,
    help="Where the images run now.",
)
@click.option(
    "--to", "target", metavar="ENV", shell_complete=complete_environment, required=True, help="Where they shall run."
)
@click.pass_obj
def command(root: Path, name: str, source: str, target: str) -> int:
    """Promote a model: the same images, by digest, in the next environment. Nothing is built again.

    \b
      gen promote payments/fraud --from staging --to prod
    """  # noqa: D301
    from generator import pinning  # noqa: PLC0415  # not needed for --help
    from generator.cli.specs import ModelFile  # noqa: PLC0415

    model = ModelFile.open(root, name)
    order = [environment.name for environment in model.platform.environments]
    if source in order and target in order and order.index(source) >= order.index(target):
        raise click.UsageError(f"{source} does not come before {target}\n  the order is {', '.join(order)}")
    return model.save(target, pinning.promoted(model.pins(source), source, model.resolved(target)))
