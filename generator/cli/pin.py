"""gen pin: write the digest of a built image into a spec."""

from pathlib import Path

import click

from generator.cli.place import complete_environment, complete_model


@click.command("pin", short_help="Write the digest of a built image into a spec.")
@click.argument("name", metavar="TENANT/MODEL", shell_complete=complete_model)
@click.argument("images", metavar="IMAGE@DIGEST…", nargs=-1, required=True)
@click.option(
    "--environment",
    metavar="ENV",
    shell_complete=complete_environment,
    help="Where to pin; default: where the platform builds.",
)
@click.pass_obj
def command(root: Path, name: str, images: tuple[str, ...], environment: str | None) -> int:
    """Pin built images: an environment that requires pins deploys nothing else.

    A build Job prints the image with its digest as its last line; give it here as it is. Which predictor it belongs
    to follows from its tag. Comments and layout of the spec stay.

    \b
      gen pin payments/fraud registry.local/payments/fraud:2.4.1-3c1f0e9d8b7a@sha256:5e4d…
      gen promote payments/fraud --from dev --to staging
    """  # noqa: D301
    from generator import pinning  # noqa: PLC0415  # not needed for --help
    from generator.cli.specs import ModelFile  # noqa: PLC0415

    model = ModelFile.open(root, name)
    where = environment or model.platform.build.environment
    return model.save(where, pinning.matched(model.resolved(where), images))
