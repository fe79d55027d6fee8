"""gen new: start a tenant or a model; asks only what it must."""

from datetime import UTC, datetime
from pathlib import Path

import click

from generator.cli.report import report
from generator.diag import errors

NO_INPUT = click.option("--no-input", is_flag=True, help="Ask nothing; what is missing is an error.")


@click.group("new", no_args_is_help=True)
def command() -> None:
    r"""Start a tenant or a model: one short spec, valid from the first line.

    \b
      gen new tenant risk
      gen new model risk/fraud
    """


@command.command("tenant")
@click.argument("name")
@click.option("--contact", metavar="E-MAIL", help="Who answers for the tenant.")
@click.option("--environments", metavar="LIST", help='Where it runs, as in "dev, prod"; default: everywhere.')
@click.option(
    "--reviewers", metavar="TEAM", default="", help='The git team that reviews its specs, as in "@corp/risk".'
)
@click.option("--viewers", metavar="GROUP", default="", help="The OIDC group that may look into its namespaces.")
@NO_INPUT
@click.pass_obj
def tenant(root: Path, /, name: str, *, no_input: bool, **given: str | None) -> int:
    r"""Start a tenant: tenants/NAME/tenant.yaml.

    \b
      gen new tenant risk
      gen new tenant risk --contact risk@corp.example --no-input
    """
    contact = given["contact"] or _asked("--contact", "e-mail of who answers for it", no_input=no_input)
    environments = given["environments"] or ", ".join(_environments(root))
    answers = {"tenant": name, "contact": contact, "environments": environments}
    return _write(root, "tenant", {**answers, "reviewers": given["reviewers"] or "", "viewers": given["viewers"] or ""})


@command.command("model")
@click.argument("name", metavar="TENANT/MODEL")
@click.option("--bento", metavar="NAME:VERSION", help="The Bento that serves.")
@click.option("--oci", metavar="REF@SHA256", help="Where the Bento lies: an OCI artifact by its digest.")
@click.option("--image", metavar="REF@SHA256", help="Instead of a Bento: an image that is built elsewhere.")
@click.option(
    "--protocol", type=click.Choice(("bento", "seldon", "v2", "tensorflow")), default="bento", show_default=True
)
@click.option("--user", metavar="E-MAIL", default="", help="Who may call it.")
@click.option("--group", metavar="GROUP", default="", help="Which OIDC group may call it.")
@click.option("--client", metavar="ID", default="", help="Which service account may call it.")
@click.option("--reason", metavar="TEXT", default="", help="Why they may.")
@NO_INPUT
@click.pass_obj
def model(root: Path, /, name: str, *, no_input: bool, **given: str) -> int:
    r"""Start a model: tenants/TENANT/MODEL.yaml.

    \b
      gen new model risk/fraud
      gen new model risk/fraud --no-input --user alice@corp.example \
        --bento fraud:1.0.0 --oci registry.local/risk/bentos/fraud@sha256:…
    """
    owner, _, short = name.partition("/")
    if not short or "/" in short:
        raise click.BadParameter(f'"{name}" is not of the form TENANT/MODEL', param_hint="TENANT/MODEL")
    answers = {**given, "tenant": owner, "model": short}
    if not answers["image"]:
        answers["bento"] = answers["bento"] or _asked("--bento", f"Bento, as in {short}:1.0.0", no_input=no_input)
        answers["oci"] = answers["oci"] or _asked("--oci", "where it lies, as REF@sha256:…", no_input=no_input)
    if not no_input and not (answers["user"] or answers["group"] or answers["client"]):
        answers["user"] = click.prompt("who may call it, an e-mail (empty: nobody yet)", default="", show_default=False)
    return _write(root, "model", {key: value or "" for key, value in answers.items()})


def _asked(option: str, question: str, *, no_input: bool) -> str:
    if no_input:
        raise click.UsageError(f"{option} is missing\n  give it, or leave out --no-input to be asked")
    return str(click.prompt(question))


def _environments(root: Path) -> list[str]:
    from generator import sources  # noqa: PLC0415  # not needed for --help

    platform = sources.read(root, ("platform.yaml",)).specs.platform
    return list(platform.environments) if platform else []


def _write(root: Path, kind: str, answers: dict[str, str]) -> int:
    from generator import scaffold, write  # noqa: PLC0415  # not needed for --help
    from generator.pipeline import examine  # noqa: PLC0415

    path, text = scaffold.draft(kind, answers)
    if (root / path).exists():
        raise click.UsageError(f"{path} is there already\n  edit it, or choose another name")
    _, diagnostics = examine(root, datetime.now(UTC).date(), drafts={path: text})
    mine = [diagnostic for diagnostic in diagnostics if diagnostic.mark.file == path]
    if errors(mine):
        report(mine)
        return 1
    report(mine, closing="")
    write.put(root, path, text)
    click.echo(f"{path} is written; edit it, then: gen validate {path} && gen render")
    return 0
