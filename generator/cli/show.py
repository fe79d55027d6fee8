"""gen show: what Kustomize makes of an overlay."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from generator import names
from generator.cli.place import complete_environment, folders_below, must_be_repository, offered, root_of
from generator.cli.report import echo
from generator.tenancy import Object

PLATFORM = names.platform_folder("").rpartition("/")[2]
HUB = names.HUB.rpartition("/")[2]


def complete_what(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
    """Return the tenants of the environment that begin so; behind a slash, the models of the tenant."""
    root, environment = root_of(ctx), ctx.params.get("environment") or ""
    tenant, slash, _ = incomplete.partition("/")
    if slash:
        known = [f"{tenant}/{model}" for model in folders_below(root, names.models_folder(environment, tenant))]
    else:
        known = folders_below(root, f"{names.OVERLAYS}/{environment}")
    return offered(known, incomplete)


@click.command("show", short_help="Print what Kustomize makes of an environment, a tenant or a model.")
@click.argument("environment", metavar="ENV", shell_complete=complete_environment)
@click.argument("what", metavar="[TENANT[/MODEL]]", default="", shell_complete=complete_what)
@click.option("--kind", "kinds", multiple=True, help="Only objects of this kind; may be given several times.")
@click.option("--expanded", is_flag=True, help="Also what the Seldon operator will make of it, marked as such.")
@click.option("--format", "form", type=click.Choice(("yaml", "json")), default="yaml", show_default=True)
@click.option(
    "--kustomize", "binary", metavar="PATH", help="The kustomize or kubectl to use; default: the bundled one."
)
@click.pass_obj
def command(  # noqa: PLR0913  # click passes one argument per option
    root: Path, environment: str, what: str, *, kinds: tuple[str, ...], expanded: bool, form: str, binary: str | None
) -> int:
    """Print the objects that an environment, a tenant in it or one model will get, as Kustomize builds them.

    ENV may be argocd, for the hub; TENANT may be platform, for the gateway and the mesh.

    \b
      gen show prod risk/fraud
      gen show prod risk --kind AuthorizationPolicy
      gen show prod risk/fraud --expanded --kind Service
      gen show dev --format json
    """  # noqa: D301
    from generator import kustomize  # noqa: PLC0415  # not needed for --help
    from generator.emit import emit  # noqa: PLC0415

    folders = tuple(_folders(root, environment, what))
    tool = kustomize.find(binary)
    built = [obj for folder in folders for obj in kustomize.build(root, folder, kustomize=tool)]
    made = _expanded(root, built) if expanded else []
    objects = _only(kinds, [*built, *made])
    if form == "json":
        echo(json.dumps(objects, indent=2, ensure_ascii=False))
    else:
        echo("---\n".join(_mark(obj, made) + emit(obj) for obj in objects), nl=False)
    return 0


def _expanded(root: Path, objects: Sequence[Object]) -> list[Object]:
    """Return what the Seldon operator makes of the SeldonDeployments; each names its own as its owner."""
    from datetime import UTC, datetime  # noqa: PLC0415  # only with --expanded

    from generator.build.operator import settings_of  # noqa: PLC0415
    from generator.pipeline import examine, platform_of  # noqa: PLC0415
    from generator.seldon.operator import expand  # noqa: PLC0415

    deployments = [obj for obj in objects if obj["kind"] == "SeldonDeployment"]
    if not deployments:
        return []
    settings = settings_of(platform_of(examine(root, datetime.now(UTC).date(), (names.PLATFORM_SPEC,))[0]))
    return [made for deployment in deployments for made in expand(deployment, settings)]


def _mark(obj: Object, made: Sequence[Object]) -> str:
    """Return the comment that stands above an object which is not rendered but made by the operator."""
    if not any(obj is one for one in made):
        return ""
    owner = obj["metadata"]["ownerReferences"][0]["name"]
    return f"# made in the cluster by the Seldon operator, of SeldonDeployment {owner}\n"


def _only(kinds: tuple[str, ...], objects: list[Object]) -> list[Object]:
    """Return the objects of the kinds asked for.

    Raises:
        click.UsageError: There is none of a kind.
    """
    there = {obj["kind"].lower(): obj["kind"] for obj in objects}
    for kind in kinds:
        if kind.lower() not in there:
            raise click.UsageError(_choices("object here of kind", kind, sorted(there.values())))
    wanted = {kind.lower() for kind in kinds}
    return [obj for obj in objects if not wanted or obj["kind"].lower() in wanted]


def _folders(root: Path, environment: str, what: str) -> Iterator[str]:
    """Yield the overlays asked for.

    Raises:
        click.UsageError: There is none such; the text lists what there is.
        SpecError: There is no repository here.
    """
    tenant, _, model = what.partition("/")
    known = folders_below(root, names.OVERLAYS)
    if environment not in known:
        must_be_repository(root)
        raise click.UsageError(_choices("environment", environment, known))
    if environment == HUB:
        if what:
            raise click.UsageError(f"{HUB} has no tenants\n  gen show {HUB} prints all of it")
        yield names.HUB
        return
    tenants = folders_below(root, f"{names.OVERLAYS}/{environment}")
    if tenant and tenant not in tenants:
        raise click.UsageError(_choices(f"tenant in {environment}", tenant, tenants))
    if model:
        yield _model(root, environment, tenant, model)
    elif tenant == PLATFORM:
        yield names.platform_folder(environment)
    else:
        yield from _all(root, environment, [tenant] if tenant else tenants)


def _all(root: Path, environment: str, tenants: Sequence[str]) -> Iterator[str]:
    for name in sorted(tenants, key=lambda name: (name != PLATFORM, name)):
        if name == PLATFORM:
            yield names.platform_folder(environment)
            continue
        folder = f"{names.OVERLAYS}/{environment}/{name}"
        yield from (f"{folder}/{part}" for part in folders_below(root, folder))


def _model(root: Path, environment: str, tenant: str, model: str) -> str:
    models = folders_below(root, names.models_folder(environment, tenant))
    if model in models:
        return names.model_folder(environment, tenant, model)
    spec = names.model_spec(tenant, model)
    if (root / spec).is_file():
        todo = f"gen validate {spec} says why, or run gen render first"
        raise click.UsageError(f"{tenant}/{model} is not deployed in {environment}\n  {todo}")
    raise click.UsageError(_choices(f"model of {tenant} in {environment}", model, models))


def _choices(noun: str, name: str, known: list[str]) -> str:
    from generator.wording import closest, listed  # noqa: PLC0415  # only where something is wrong

    near = closest(name, known)
    hint = f'did you mean "{near}"?' if near else f"one of: {listed(known)}" if known else "run gen render first"
    return f'there is no {noun} "{name}"\n  {hint}'
