"""gen show: what Kustomize makes of an overlay."""

import json
from collections.abc import Iterator
from pathlib import Path

import click

from generator import names


@click.command("show")
@click.argument("environment", metavar="ENV")
@click.argument("what", metavar="[TENANT[/MODEL]]", default="")
@click.option("--kind", "kinds", multiple=True, help="Only objects of this kind; may be given several times.")
@click.option("--format", "form", type=click.Choice(("yaml", "json")), default="yaml", show_default=True)
@click.option(
    "--kustomize", "binary", metavar="PATH", help="The kustomize or kubectl to use; default: the bundled one."
)
@click.pass_obj
def command(  # noqa: PLR0913  # click passes one argument per option
    root: Path, environment: str, what: str, *, kinds: tuple[str, ...], form: str, binary: str | None
) -> int:
    """Print the objects that an environment, a tenant in it or one model will get, as Kustomize builds them.

    \b
      gen show prod risk/fraud
      gen show prod risk --kind AuthorizationPolicy
      gen show dev --format json
    """  # noqa: D301
    from generator import kustomize  # noqa: PLC0415  # not needed for --help
    from generator.emit import emit  # noqa: PLC0415

    tool = kustomize.find(binary)
    wanted = {kind.lower() for kind in kinds}
    objects = [
        obj
        for folder in _folders(root, environment, what)
        for obj in kustomize.build(root, folder, kustomize=tool)
        if not wanted or obj["kind"].lower() in wanted
    ]
    if form == "json":
        click.echo(json.dumps(objects, indent=2, ensure_ascii=False))
    else:
        click.echo("---\n".join(map(emit, objects)), nl=False)
    return 0


def _folders(root: Path, environment: str, what: str) -> Iterator[str]:
    """Yield the overlays asked for.

    Raises:
        click.UsageError: There is none such; the text lists what there is.
    """
    tenant, _, model = what.partition("/")
    known = _below(root, names.OVERLAYS)
    if environment not in known:
        raise click.UsageError(_choices("environment", environment, known))
    if environment == names.HUB.rpartition("/")[2]:
        yield names.HUB
        return
    tenants = [name for name in _below(root, f"{names.OVERLAYS}/{environment}") if name != "platform"]
    if tenant and tenant not in tenants:
        raise click.UsageError(_choices(f"tenant in {environment}", tenant, tenants))
    if model:
        models = _below(root, names.models_folder(environment, tenant))
        if model not in models:
            raise click.UsageError(_choices(f"model of {tenant} in {environment}", model, models))
        yield names.model_folder(environment, tenant, model)
        return
    if not tenant:
        yield names.platform_folder(environment)
    for name in [tenant] if tenant else tenants:
        yield from (
            f"{names.OVERLAYS}/{environment}/{name}/{part}"
            for part in _below(root, f"{names.OVERLAYS}/{environment}/{name}")
        )


def _below(root: Path, folder: str) -> list[str]:
    place = root / folder
    return sorted(path.name for path in place.iterdir() if path.is_dir()) if place.is_dir() else []


def _choices(noun: str, name: str, known: list[str]) -> str:
    hint = f"one of: {', '.join(known)}" if known else "run gen render first"
    return f'there is no {noun} "{name}"\n  {hint}'
