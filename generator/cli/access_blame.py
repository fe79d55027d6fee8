"""gen access blame: which commit granted it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from generator.cli.access import identities_of, who
from generator.cli.report import echo


@click.command("blame", short_help="Which commit granted it, by whom, why.")
@who
@click.option("--can", "operation", default="", help="Only this operation.")
@click.pass_obj
def command(root: Path, /, **given: Any) -> int:
    r"""Say which commit granted access, when, by whom and with which reason.

    It is the commit of the line in the spec as it stands; for a member of a set of callers, the later one of grant
    and membership. What is granted is read from the specs: gen access says whether the policies do it.

    \b
      gen access blame --model payments/fraud
      gen access blame --as bob@corp.example
    """
    from generator.audit.blame import grantings  # noqa: PLC0415
    from generator.audit.grants import granted  # noqa: PLC0415
    from generator.audit.rows import Wanted  # noqa: PLC0415
    from generator.diag import SpecError, errors  # noqa: PLC0415
    from generator.pipeline import examine  # noqa: PLC0415

    specs, found = examine(root, datetime.now(UTC).date())
    if errors(found):
        raise SpecError(found)
    people = identities_of(given["users"], given["groups"], given["clients"], given["workloads"])
    everything = granted(specs, given["environments"] or None)
    wanted = Wanted(models=given["models"])
    doors = sorted(
        {door for _, door in everything if wanted.has_model(door) and given["operation"] in ("", door.operation)}
    )
    order = tuple(specs.platform.environments) if specs.platform else ()
    said = 0
    for one in grantings(root, everything, doors, people):
        said += 1
        there = ", ".join(name for name in order if name in one.environments)
        echo(f"{one.identity}: {', '.join(one.operations)} of {one.place} in {there}")
        grant = one.grant
        extra = [f"reason: {grant.reason}"] if grant.reason else []
        extra += [f"until {grant.until}"] if grant.until else []
        echo(f"  {'; '.join([str(grant), *extra])}")
        echo(f"  {one.commit or 'not committed yet'}")
    if not said:
        echo("no spec grants that", err=True)
    return int(not said)
