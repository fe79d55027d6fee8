"""gen access without a subcommand: read, ask, print."""

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import click

from generator import kustomize
from generator.audit import curl, html, markdown, records, table
from generator.audit.blame import expiring
from generator.audit.doors import frontages
from generator.audit.expect import broken
from generator.audit.identities import Identity
from generator.audit.matrix import Matrix
from generator.audit.rows import Row, Wanted, environments_of, own_needs, rows
from generator.audit.snapshot import Builder, Scope, Snapshot, snapshot
from generator.audit.told import strangers
from generator.audit.verdicts import beyond, refused
from generator.cli.access import identities_of, printed
from generator.cli.report import echo, is_watched, report

INTRO = (
    "Decided by the rendered policies. gateway: from outside, with a token; mesh: from a pod, by its ServiceAccount; "
    "-: refused; empty: the model is not there."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was asked for on the command line."""

    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    workloads: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    form: str = "table"
    output: Path | None = None
    everything: bool = False
    rules: bool = False
    with_curl: bool = False
    expiring: int | None = None
    live: str | None = None
    binary: str | None = None

    @property
    def identities(self) -> tuple[Identity, ...]:
        """Return whom the options name."""
        return identities_of(self.users, self.groups, self.clients, self.workloads)

    @property
    def wanted(self) -> Wanted:
        """Return which rows are asked for."""
        return Wanted(models=self.models, identities=self.identities, everything=self.everything)


def run(root: Path, options: Options, today: date) -> int:
    """Print the matrix of what lies on the disk; return the exit code."""
    taken = taken_now(root, options, today)
    if options.expiring is not None:
        return _ending(taken, options, today)
    return show(taken, options)


def show(taken: Snapshot, options: Options) -> int:
    """Print the matrix of a snapshot; return the exit code."""
    check_models(taken, options.models)
    with bar(sum(map(len, taken.models.values())), "judging") as step:
        made = taken.matrix(step=step)
    wanted = options.wanted
    found = rows(made, taken.granted, wanted)
    problems = _problems(taken, made, wanted)
    expected = broken(taken.specs, made)
    printed(_formatted(taken, made, found, options, problems), options.output)
    if options.form == "table" and not options.output:
        _closing(options, made, 0 if options.everything else own_needs(made, taken.granted, wanted))
    for problem in problems:
        echo(click.style(problem, fg="red"), err=True)
    report(expected)
    return int(bool(problems or expected))


def taken_now(root: Path, options: Options, today: date) -> Snapshot:
    """Return the repository as it lies on the disk.

    Raises:
        click.BadParameter: There is no such environment.
    """
    with growing("building") as step:
        scope = Scope(environments=options.environments or None, identities=options.identities)
        taken = snapshot(root, today, Builder(tool=kustomize.find(options.binary), step=step), scope)
    for name in options.environments:
        if name not in taken.models:
            raise click.BadParameter(f'there is no environment "{name}"', param_hint="--environment")
    return taken


def check_models(taken: Snapshot, models: Sequence[str]) -> None:
    """Refuse names of models and tenants that nobody has.

    Raises:
        click.BadParameter: There is no such model.
    """
    known = {
        name for one in taken.specs.models for name in (one.name, one.tenant.name, f"{one.tenant.name}/{one.name}")
    }
    for name in models:
        if name not in known:
            from generator.wording import choice  # noqa: PLC0415  # only where a name was mistyped

            raise click.BadParameter(f'there is no model "{name}"\n  {choice(name, known)}', param_hint="--model")


def _ending(taken: Snapshot, options: Options, today: date) -> int:
    """Print the grants that end within some days; return 1 if there are any."""
    wanted, people = options.wanted, options.identities
    found = [
        one
        for one in expiring(taken.granted, today, options.expiring or 0)
        if wanted.has_model(one[2]) and (not people or one[1] in people)
    ]
    for day, identity, door, grant in found:
        ended = f"ended on {day}" if day < today else f"ends on {day}, in {(day - today).days} days"
        echo(f"{grant}: {identity}, {door}: {ended}{f' ({grant.reason})' if grant.reason else ''}")
    if not found:
        echo(f"no grant ends within {options.expiring} days", err=True)
    return int(bool(found))


@contextmanager
def bar(length: int, label: str) -> Iterator[Any]:
    """Show progress on stderr while somebody watches it; yields what to call after each step."""
    with click.progressbar(length=length, label=label, file=sys.stderr, hidden=not is_watched()) as shown:
        yield lambda: shown.update(1)


@contextmanager
def growing(label: str) -> Iterator[Any]:
    """Show progress towards a length that only the steps tell."""
    with click.progressbar(length=1, label=label, file=sys.stderr, hidden=not is_watched()) as shown:

        def step(length: int) -> None:
            shown.length = length
            shown.update(1)

        yield step


def _formatted(taken: Snapshot, made: Matrix, found: Sequence[Row], options: Options, problems: Sequence[str]) -> str:
    environments = environments_of(found, tuple(taken.models))
    match options.form:
        case "csv":
            return records.as_csv(records.records(found, taken.granted))
        case "json":
            return records.as_json(records.records(found, taken.granted), problems=list(problems))
        case "html":
            said = [*problems, *(f"{one.mark}: {one.what}" for one in broken(taken.specs, made))]
            return html.page(found, environments, title="Who may call", intro=INTRO, problems=said)
        case "markdown":
            text = markdown.markdown(found, environments)
        case _:
            width = max(table.WIDTH, shutil.get_terminal_size((table.WIDTH, 24)).columns)
            text = table.table(found, environments, width=width, rules=options.rules)
    return text + _requests(taken, made, found, fenced=options.form == "markdown") if options.with_curl else text


def _requests(taken: Snapshot, made: Matrix, found: Sequence[Row], *, fenced: bool) -> str:
    wanted = {(row.identity, cell.door): cell for row in found for cell in row.cells.values() if cell}
    said = [
        curl.curl(frontage, wanted[identity, door])
        for name, cluster in taken.clusters.items()
        for frontage in frontages(cluster, taken.models[name])
        for door in frontage.doors
        for identity in made.asked[door]
        if (identity, door) in wanted
    ]
    text = "\n\n".join(said)
    return f"\n```sh\n{text}\n```\n" if fenced else f"\n{text}\n"


def _problems(taken: Snapshot, made: Matrix, wanted: Wanted) -> list[str]:
    open_ = [cell for cell in beyond(made, taken.granted) if wanted.has_model(cell.door)]
    shut = [(identity, door) for identity, door in refused(made, taken.granted) if wanted.has_model(door)]
    return [
        *strangers(open_, tuple(taken.models)),
        *(
            f"{identity} is refused at {door}, and {taken.granted[identity, door][0]} grants it"
            for identity, door in shut
        ),
    ]


def _closing(options: Options, made: Matrix, hidden: int) -> None:
    if options.identities and not options.everything:
        doors = [door for door in made.asked if options.wanted.has_model(door)]
        shut = sum(not any(made.allows(one, door) for one in options.identities) for door in doors)
        echo(f"refused at the {shut} other doors, of {len(doors)}: --all shows them", err=True)
    elif hidden:
        echo(f"and {hidden} that the platform itself needs (metrics, a model's own pods): --all shows them", err=True)
