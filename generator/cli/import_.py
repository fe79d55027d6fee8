"""gen import: turn SeldonDeployments and their policies into specs; what a spec cannot say is listed, never dropped."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from generator.cli.report import report

if TYPE_CHECKING:
    from generator.importing.importer import Imported
    from generator.importing.ledger import Remainder
    from generator.importing.planning import Plan
    from generator.importing.reading import Original

COLOURS = {"left out": "red", "said otherwise": "yellow", "without effect": "bright_black"}
VALUE_MAX = 60  # characters of a value that are shown


@click.command("import", short_help="Write specs from SeldonDeployments that run already.")
@click.argument(
    "files", metavar="FILE…", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--output", required=True, type=click.Path(file_okay=False, path_type=Path), help="The repository to write to."
)
@click.option("--tenant", metavar="NAME", default="", help="Whose the models become; default: as the namespace.")
@click.option(
    "--crds", type=click.Path(exists=True, file_okay=False, path_type=Path), help="A folder with Seldon's CRD."
)
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
def command(files: tuple[Path, ...], output: Path, *, tenant: str, crds: Path | None, form: str) -> int:
    """Turn SeldonDeployments (v1, v1alpha2, v1alpha3) and their Istio policies into specs.

    Each spec is rendered and held against its original: what the operator makes of both is equal, but for what is
    listed and for what gen adds to every model. What a cluster refuses is refused here, in its words.

    \b
      gen import seldon/*.yaml --output .
      kubectl get sdep,authorizationpolicy,requestauthentication -n risk -o yaml > risk.yaml
      gen import risk.yaml --output . --format json
    """  # noqa: D301
    from generator import write  # noqa: PLC0415  # not needed for --help
    from generator.importing.planning import plan  # noqa: PLC0415

    made = plan(files, output, datetime.now(UTC).date(), tenant=tenant, crds=crds)
    there = [path for path in made.texts if (output / path).exists()]
    if there:
        raise click.UsageError(f"{there[0]} is there already\n  take it away, or import into another tenant")
    if not made.failed:
        for path, text in made.texts.items():
            write.put(output, path, text)
    if form == "json":
        click.echo(json.dumps(_plain(made), indent=2, ensure_ascii=False))
    else:
        _tell(made)
    return int(bool(made.failed))


def _tell(made: "Plan") -> None:
    for one in made.imports:
        for line in _lines(one):
            click.echo(line)
    for other in made.others:
        click.echo(f"{other.mark()}: {other.kind or 'an object'} {other.name} is not taken: {_why(other)}")
    report(_refusals(made), closing="nothing was written")
    if made.failed:
        return
    for diagnostic in made.asked:
        click.echo(f"gen validate will say: {diagnostic}")
    click.echo(_closing(made))


def _lines(one: "Imported") -> Iterator[str]:
    named = f"SeldonDeployment {one.original.name}"
    if one.refused is not None:
        return
    where = f"{click.style(str(one.original.mark()), bold=True)}: {named}"
    yield f"{where} → {one.path}, {one.outcome}" if one.spec else f"{where} has no spec"
    for left in one.remainder:
        yield from _left(left, "")
    for policy, left in one.policies:
        yield from _left(left, f"{policy.kind} {policy.name}: ")
    for difference in one.differences:
        yield f"  differs: {difference.place} was {difference.before!r}, is {difference.after!r}"
    if one.additions:
        yield f"  gen adds: {', '.join(one.additions)} (docs/import.md says why)"


def _left(left: "Remainder", of: str) -> Iterator[str]:
    value = left.value if isinstance(left.value, str) else json.dumps(left.value, ensure_ascii=False, default=str)
    short = value if len(value) <= VALUE_MAX else f"{value[: VALUE_MAX - 1]}…"
    yield f"  {click.style(left.change.value, fg=COLOURS[left.change.value])}: {of}{left.place} = {short}"
    if left.change.value != "without effect":
        yield f"    {left.reason}"
        yield f"    {left.todo}"


def _why(other: "Original") -> str:
    if other.kind == "PeerAuthentication":
        return "gen makes the walls of every namespace itself"
    return "gen imports SeldonDeployments and their AuthorizationPolicies and RequestAuthentications"


def _refusals(made: "Plan") -> list[Any]:
    from generator.diag import Diagnostic  # noqa: PLC0415  # not needed for --help

    found = []
    for one in made.failed:
        mark, name = one.original.mark(), one.original.name
        if one.refused is not None:
            what = f"the {one.refused.by} refuses {name}: {one.refused.text}"
            where = one.original.mark(one.refused.path)
            found.append(Diagnostic(where, f"refused-by-{one.refused.by.lower().replace(' ', '-')}", what, _MEND))
        else:
            what = f"the spec of {name} would not do the same: {one.differences[0].place}"
            found.append(Diagnostic(mark, "not-equal", what, "report it with the file: this is a fault of gen import"))
    return found


_MEND = "mend it there, until the cluster takes it"


def _closing(made: "Plan") -> str:
    from collections import Counter  # noqa: PLC0415  # not needed for --help

    counted = Counter(one.outcome.value for one in made.imports)
    told = ", ".join(f"{number} {outcome}" for outcome, number in sorted(counted.items())) or "no SeldonDeployment"
    granted = sum("access" not in one.spec.get("spec", {}) for one in made.imports if one.spec)
    nobody = f"\n{granted} of them admit nobody yet: name callers under access" if granted else ""
    platform = "" if made.has_platform else "\nthere is no platform.yaml yet; `gen validate` says more when there is"
    return f"\n{told}; {len(made.texts)} files written{nobody}{platform}"


def _plain(made: "Plan") -> dict[str, Any]:
    from generator.importing.equality import ADDITIONS  # noqa: PLC0415  # not needed for --help

    return {
        "imports": [_import(one) for one in made.imports],
        "additions": {known.id: known.why for known in ADDITIONS},
        "notTaken": [{"file": str(one.mark()), "kind": one.kind, "name": one.name} for one in made.others],
        "asked": [{"at": str(one.mark), "rule": one.rule, "what": one.what, "todo": one.todo} for one in made.asked],
        "written": [] if made.failed else list(made.texts),
    }


def _import(one: "Imported") -> dict[str, Any]:
    refused = one.refused
    return {
        "at": str(one.original.mark()),
        "name": one.original.name,
        "namespace": one.original.namespace,
        "tenant": one.tenant,
        "outcome": one.outcome.value,
        "spec": one.path if one.spec else None,
        "refused": None
        if refused is None
        else {"by": refused.by, "text": refused.text, "at": str(one.original.mark(refused.path))},
        "remainder": [_remainder(left, None) for left in one.remainder]
        + [_remainder(left, policy) for policy, left in one.policies],
        "additions": list(one.additions),
        "differences": [{"at": d.place, "before": d.before, "after": d.after} for d in one.differences],
    }


def _remainder(left: "Remainder", policy: "Original | None") -> dict[str, Any]:
    of = {"of": f"{policy.kind} {policy.name}"} if policy else {}
    return {
        **of,
        "path": left.place,
        "value": left.value,
        "change": left.change.value,
        "reason": left.reason,
        "todo": left.todo,
    }
