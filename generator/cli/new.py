"""gen new: start a tenant or a model; asks only what it must."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from generator.cli.report import echo, report
from generator.diag import SpecError, errors
from generator.names import PLATFORM_SPEC, tenant_spec

if TYPE_CHECKING:
    from generator.scaffold import Answers

MAIL = "mail"  # as in #/$defs of the schemas
NO_INPUT = click.option("--no-input", is_flag=True, help="Ask nothing; what is missing is an error.")


@click.group("new", no_args_is_help=True, short_help="Start a tenant or a model.")
def command() -> None:
    """Start a tenant or a model: one short spec, valid from the first line.

    \b
      gen new tenant risk
      gen new model risk/fraud
    """  # noqa: D301  # \\b is click's mark for a paragraph that is not wrapped


@command.command("tenant", short_help="Start a tenant: tenants/NAME/tenant.yaml.")
@click.argument("name")
@click.option("--contact", metavar="E-MAIL", default="", help="Who answers for the tenant.")
@click.option("--environments", metavar="LIST", help='Where it runs, as in "dev, prod"; default: everywhere.')
@click.option(
    "--reviewers", metavar="TEAM", default="", help='The git team that reviews its specs, as in "@corp/risk".'
)
@click.option("--viewers", metavar="GROUP", default="", help="The OIDC group that may look into its namespaces.")
@NO_INPUT
@click.pass_obj
def tenant(root: Path, /, name: str, *, no_input: bool, environments: str | None, **given: str) -> int:
    """Start a tenant: tenants/NAME/tenant.yaml.

    \b
      gen new tenant risk
      gen new tenant risk --contact risk@corp.example --no-input
    """  # noqa: D301
    if "/" in name:
        raise click.UsageError(
            f'"{name}" is no name of a tenant\n  name it alone, like risk; gen new model makes models'
        )
    known = _environments(root)
    _must_be_new(root, tenant_spec(name))
    wanted = known if environments is None else [word.strip() for word in environments.split(",") if word.strip()]
    contact = given["contact"] or _asked("--contact", "e-mail of who answers for it", MAIL, no_input=no_input)
    return _write(root, "tenant", {**given, "tenant": name, "contact": contact, "environments": wanted})


@command.command("model", short_help="Start a model: tenants/TENANT/MODEL.yaml.")
@click.argument("name", metavar="TENANT/MODEL")
@click.option("--bento", metavar="NAME:VERSION", default="", help="The Bento that serves.")
@click.option("--oci", metavar="REF@SHA256", default="", help="Where the Bento lies: an OCI artifact by its digest.")
@click.option("--image", metavar="REF@SHA256", default="", help="Instead of a Bento: an image that is built elsewhere.")
@click.option(
    "--protocol", type=click.Choice(("bento", "seldon", "v2", "tensorflow")), default="bento", show_default=True
)
@click.option("--user", "users", multiple=True, metavar="E-MAIL", help="Who may call it; may be given several times.")
@click.option("--group", "groups", multiple=True, metavar="GROUP", help="Which OIDC group may call it; as above.")
@click.option("--client", "clients", multiple=True, metavar="ID", help="Which service account may call it; as above.")
@click.option("--reason", metavar="TEXT", default="", help="Why they may.")
@NO_INPUT
@click.pass_obj
def model(root: Path, /, name: str, *, no_input: bool, **given: Any) -> int:
    """Start a model: tenants/TENANT/MODEL.yaml.

    \b
      gen new model risk/fraud
      gen new model risk/fraud --no-input --user alice@corp.example \\
        --bento fraud:1.0.0 --oci registry.local/risk/bentos/fraud@sha256:…
    """  # noqa: D301
    from generator.names import model_spec  # noqa: PLC0415  # not needed for --help

    owner, _, short = name.partition("/")
    if not owner or not short or "/" in short:
        raise click.UsageError(f'"{name}" is not of the form TENANT/MODEL\n  write it like risk/fraud')
    _environments(root)
    if not (root / tenant_spec(owner)).is_file():
        raise click.UsageError(f'there is no tenant "{owner}"\n  run gen new tenant {owner} first')
    _must_be_new(root, model_spec(owner, short))
    answers = {**given, "tenant": owner, "model": short}
    for key, question, form in (
        ()
        if answers["image"]
        else (
            ("bento", f"Bento, as in {short}:1.0.0 (an image instead: --image)", "run/properties/bento"),
            ("oci", "where it lies, as REF@sha256:…", "source/properties/oci"),
        )
    ):
        answers[key] = answers[key] or _asked(f"--{key}", question, form, no_input=no_input)
    if not no_input and not (answers["users"] or answers["groups"] or answers["clients"]):
        user = _asked("--user", "who may call it, an e-mail (empty: nobody yet)", MAIL, no_input=False, default="")
        answers["users"] = (user,) if user else ()
    return _write(root, "model", answers)


def _asked(option: str, question: str, form: str, *, no_input: bool, default: str | None = None) -> str:
    """Return the answer to a question, which is asked again until it has the form that a schema's ``$defs`` names.

    Raises:
        click.UsageError: Nothing may be asked, or nobody answers.
    """
    if no_input:
        raise click.UsageError(f"{option} is missing\n  give it, or leave out --no-input to be asked")

    def fitting(answer: str) -> str:
        return answer.strip() if answer == default else _fitting(answer.strip(), form)

    try:
        return str(click.prompt(question, default=default, show_default=False, err=True, value_proc=fitting))
    except click.Abort as end:
        if isinstance(end.__context__, EOFError):
            echo("", err=True)
            raise click.UsageError(f"{option} is missing, and nobody answers\n  give it") from None
        raise


def _fitting(answer: str, form: str) -> str:
    from generator.schemas import at_pointer, compiled, resolve, schema  # noqa: PLC0415  # not needed for --help

    root = schema("Model")
    if not compiled({"$defs": root["$defs"], "$ref": f"#/$defs/{form}"}).is_valid(answer):
        must = resolve(root, at_pointer(root, f"#/$defs/{form}"))["x-must"]
        raise click.UsageError(f'"{answer}" must {must}')
    return answer


def _environments(root: Path) -> list[str]:
    """Return the platform's environments, in its order.

    Raises:
        SpecError: There is no platform.yaml, or it is broken.
    """
    from generator.pipeline import examine  # noqa: PLC0415  # not needed for --help

    specs, diagnostics = examine(root, datetime.now(UTC).date(), (PLATFORM_SPEC,))
    if specs.platform is None:
        raise SpecError(errors(diagnostics))
    return list(specs.platform.environments)


def _must_be_new(root: Path, path: str) -> None:
    import os  # noqa: PLC0415  # a link that leads nowhere is something too, which Path.exists does not say

    if os.path.lexists(root / path):
        raise click.UsageError(f"{path} is there already\n  edit it, or choose another name")


def _write(root: Path, kind: str, answers: "Answers") -> int:
    from generator import scaffold, write  # noqa: PLC0415  # not needed for --help
    from generator.pipeline import examine  # noqa: PLC0415

    _must_be_visible(answers)
    path, text = scaffold.draft(kind, answers)
    today = datetime.now(UTC).date()
    _, diagnostics = examine(root, today, drafts={path: text})
    # What is wrong elsewhere is no reason to refuse, unless the draft caused it or could not be judged for it.
    near = {path, PLATFORM_SPEC, tenant_spec(str(answers["tenant"]))}
    if {problem.mark.file for problem in errors(diagnostics)} - near:
        before = set(examine(root, today)[1])
        diagnostics = tuple(d for d in diagnostics if d.mark.file in near or d not in before)
    if found := errors(diagnostics):
        report(found, closing="nothing was written")
        return 1
    report([notice for notice in diagnostics if notice.mark.file == path])
    write.put(root, path, text)
    todo = f"gen new model {answers['tenant']}/…" if kind == "tenant" else f"gen validate {path} && gen render"
    echo(f"{path} is written; edit it, then: {todo}")
    return 0


def _must_be_visible(answers: "Answers") -> None:
    for given in answers.values():
        for text in (given,) if isinstance(given, str) else given:
            hidden = next((character for character in text if not character.isprintable()), "")
            if hidden:
                what = f"an answer holds the character U+{ord(hidden):04X}, which cannot be seen"
                raise click.UsageError(f"{what}\n  take it out: {text.replace(hidden, '…')}")
