"""gen access --live: the same questions to what runs, held against what git says."""

from datetime import date
from pathlib import Path

import click

from generator import cluster as clusters
from generator import kustomize
from generator.audit.dump import KINDS, objects_in, running
from generator.audit.live import Stranger, live_snapshot, strangers
from generator.audit.told import lines
from generator.cli.access_matrix import Options, growing, show, taken_now
from generator.cli.report import echo
from generator.tenancy import Object


def run(root: Path, options: Options, today: date) -> int:
    """Print the matrix of what runs and every stranger there; return the exit code.

    Raises:
        click.UsageError: It is not said which environment's cluster it is.
    """
    taken = taken_now(root, options, today)
    if len(taken.clusters) != 1:
        known = ", ".join(taken.clusters)
        raise click.UsageError(f"--live looks at one environment's cluster\n  name it: --environment, one of {known}")
    (environment,) = taken.clusters
    found = running(_objects(str(options.live)), taken.clusters[environment])
    for kind in found.from_git:
        echo(f"no {kind} was given: taken as git has it", err=True)
    with growing("judging"):
        others = strangers(taken, environment, found)
    code = show(live_snapshot(taken, environment, found), options)
    for stranger in others:
        _print(stranger, environment)
    if not others:
        echo(
            click.style(f"nothing in the cluster has a say that git does not know, in {environment}", fg="green"),
            err=True,
        )
    return int(bool(code or others))


def _objects(source: str) -> tuple[Object, ...]:
    path = Path(source)
    if path.is_file():
        return objects_in(path)
    if path.suffix or "/" in source:
        raise click.BadParameter(f'there is no file "{source}"', param_hint="--live")
    return clusters.dump(clusters.connect(kustomize.bundled(), source), KINDS)


def _print(stranger: Stranger, environment: str) -> None:
    echo(click.style(f"stranger: {stranger.name}: {stranger.what}", fg="red"), err=True)
    if not stranger.changes and stranger.is_judged:
        echo("  by itself it lets nobody in or out", err=True)
    for line in lines(stranger.changes, (environment,)):
        verb = "opens" if line.gains else "shuts"
        echo(f"  {verb}: {line.what} of {line.place} to {line.identity}, {' and '.join(line.ways)}", err=True)
