"""gen access explain: one request, allowed or denied, and why."""

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from generator.cli.access import identities_of, who
from generator.cli.report import echo

if TYPE_CHECKING:
    from generator.audit.asking import Asked
    from generator.audit.identities import Identity
    from generator.audit.snapshot import Snapshot


@click.command("explain", short_help="One request: let in or refused, and why.")
@who
@click.option("--can", "operation", default="predict", show_default=True, help="The operation, with --model.")
@click.option("--curl", "curl", metavar="LINE", help="The request as a curl command; @FILE or - reads it.")
@click.option("--token", metavar="TOKEN", help="A JSON Web Token or its claims as JSON; @FILE or - reads it.")
@click.option("--log", metavar="LINE", help="A line of the mesh's access log; @FILE or - reads it.")
@click.option("--kustomize", "binary", metavar="PATH", help="The kustomize or kubectl to use.")
@click.pass_obj
def command(root: Path, /, **given: Any) -> int:
    """Say whether one request is let through, by which rule, proxy by proxy, and what would change the answer.

    The change is the smallest one of a spec, and it has been tried. The exit code is 0 for a request that gets in
    and 1 for one that does not.

    \b
      gen access explain --as eve@corp.example --model payments/fraud --environment prod
      gen access explain --curl 'curl -X POST https://… -H "Authorization: Bearer …"'
      gen access explain --token @token.jwt --model fraud --can explain
      kubectl logs … -c istio-proxy | tail -1 | gen access explain --log -
    """  # noqa: D301
    from generator.cli.access_matrix import Options, check_models, taken_now  # noqa: PLC0415  # not for --help

    names = ("users", "groups", "clients", "workloads", "models", "environments")
    options = Options(binary=given["binary"], **{name: given[name] for name in names})
    taken = taken_now(root, options, datetime.now(UTC).date())
    check_models(taken, options.models)
    people = identities_of(options.users, options.groups, options.clients, options.workloads)
    found = _asked(taken, people, given)
    if not found:
        raise click.UsageError("there is nothing to explain\n  name a --model, or give --curl or --log")
    for asked in found:
        _print(taken, asked)
    return int(not any(asked.allowed for asked in found))


def _asked(taken: "Snapshot", people: "Sequence[Identity]", given: dict[str, Any]) -> "list[Asked]":
    from generator.audit.asking import at_door  # noqa: PLC0415
    from generator.audit.composing import composed  # noqa: PLC0415
    from generator.audit.curlline import curl_line  # noqa: PLC0415
    from generator.audit.identities import NOBODY, STRANGER  # noqa: PLC0415
    from generator.audit.reading import Read, claims, log_line  # noqa: PLC0415

    now = int(time.time())  # a token's own times are held against it
    token = claims(_text(given["token"])) if given["token"] else None
    if given["log"]:
        objects = [obj for cluster in taken.clusters.values() for obj in cluster.objects]
        return list(composed(taken, log_line(_text(given["log"]), objects, now), next(iter(people), None)))
    if given["curl"]:
        read = curl_line(_text(given["curl"]), now)
        if token:
            read = Read(request=read.request, token=token, shows_token=True)
        return list(composed(taken, read, next(iter(people), None)))
    found: list[Asked] = []
    for door in _doors(taken, given["models"], given["operation"]):
        for person in people or ((STRANGER,) if token else (NOBODY,)):
            for asked in at_door(taken, door, person):
                found += (
                    [asked]
                    if not token
                    else composed(taken, Read(request=_at(asked.request, now), token=token, shows_token=True))
                )
    return found


def _at(request: Any, now: int) -> Any:
    """Return the request without whoever was put into it, now."""
    from dataclasses import replace  # noqa: PLC0415

    headers = tuple(pair for pair in request.headers if pair[0].lower() != "authorization")
    return replace(request, headers=headers, tokens=(), time=now)


def _doors(taken: "Snapshot", models: Sequence[str], operation: str) -> list[Any]:
    from generator.audit.doors import frontages  # noqa: PLC0415
    from generator.audit.rows import Wanted  # noqa: PLC0415

    wanted = Wanted(models=tuple(models))
    doors = [
        door
        for name, cluster in taken.clusters.items()
        for frontage in frontages(cluster, taken.models[name])
        for door in frontage.doors
        if models and wanted.has_model(door)
    ]
    known = sorted({door.operation for door in doors})
    if doors and operation not in known:
        from generator.wording import choice  # noqa: PLC0415

        raise click.BadParameter(
            f'the model has no operation "{operation}"\n  {choice(operation, known)}', param_hint="--can"
        )
    return [door for door in doors if door.operation == operation]


def _print(taken: "Snapshot", asked: "Asked") -> None:
    from generator.audit.edits import edit_for  # noqa: PLC0415
    from generator.audit.explain import advice  # noqa: PLC0415

    codes = asked.decision.code
    word = click.style("let in", fg="green") if asked.allowed else click.style("refused", fg="red")
    request = asked.request
    where = asked.cluster.environment
    echo(f"{word} ({codes}): {asked.identity} in {where}: {request.method} {request.authority}{request.path}")
    for assumed in asked.assumed:
        echo(f"  taken for granted: {assumed}")
    if asked.logged:
        agrees = (asked.logged == "200") is asked.allowed
        ending = (
            "as git has it" if agrees else "git has it otherwise: what runs is something else, or the caller had more"
        )
        echo(f"  the log says {asked.logged}: {ending}")
    for line in _lines(asked):
        echo(line)
    edit = edit_for(taken, asked)
    if edit and edit.changes:
        echo(f"  to change it (tried): {edit.what}")
    elif said := advice(asked):
        echo(f"  to change it: {said}")


def _lines(asked: "Asked") -> list[str]:
    """Return what every proxy says, no line twice: two predictors often have the same rules before them."""
    from generator.audit.explain import steps  # noqa: PLC0415

    told: dict[str, None] = {}
    for trail in asked.decision.trails:
        for index, step in enumerate(steps(asked, trail)):
            mark = "let through" if step.allowed else f"refused, {step.code}"
            mirror = " (a shadow's copy)" if trail.is_mirror and index else ""
            told[f"  {step.where}{mirror}: {mark}: {step.why}"] = None
            told |= {f"    {wish.rule} does not match: {', '.join(wish.unmet)}": None for wish in step.wishes}
    return list(told)


def _text(value: str) -> str:
    if value == "-":
        return sys.stdin.read()
    if value.startswith("@"):
        path = Path(value[1:])
        if not path.is_file():
            raise click.UsageError(f'there is no file "{path}"')
        return path.read_text(encoding="utf-8")
    return value
