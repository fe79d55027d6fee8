"""A difference in words: for a terminal, for a pull request, for programs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generator.audit.calls import ELSE
from generator.audit.diff import Change, Difference, told
from generator.audit.doors import Way
from generator.audit.grants import Grant
from generator.audit.identities import Identity
from generator.audit.markdown import code, escaped, table
from generator.audit.matrix import Cell
from generator.audit.records import record
from generator.audit.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The same change at several operations of a model, in several environments."""

    gains: bool
    identity: Identity
    place: str  # tenant/model
    operations: tuple[str, ...]
    ways: tuple[Way, ...]
    environments: tuple[str, ...]
    rule: str
    grants: tuple[Grant, ...]

    @property
    def what(self) -> str:
        """Return the operations in words."""
        return "anything" if ELSE in self.operations else ", ".join(self.operations)


def lines(changes: Iterable[Change], order: Sequence[str]) -> tuple[Line, ...]:
    """Return the changes gathered over operations and environments, gains first.

    ``order`` is that of the environments. Whom a wider identity with the same change stands for is left out.
    """
    by_operation: dict[tuple[Any, ...], list[Change]] = {}
    for change in told(changes):
        door = change.door
        rule = "" if change.grants else str(change.cell.rule or change.cell.reason.value)
        key = (not change.gains, door.tenant, door.model, change.identity, change.ways, change.grants, rule)
        by_operation.setdefault((*key, door.operation), []).append(change)
    gathered: dict[tuple[Any, ...], dict[str, Change]] = {}
    for (*front, operation), same in by_operation.items():
        environments = tuple(name for name in order if name in {change.door.environment for change in same})
        gathered.setdefault((*front, environments), {})[operation] = same[0]
    return tuple(_line(key[-1], gathered[key]) for key in sorted(gathered, key=lambda each: (*each[:5], each[-2:])))


def _line(environments: tuple[str, ...], by_operation: Mapping[str, Change]) -> Line:
    first = next(iter(by_operation.values()))
    return Line(
        gains=first.gains,
        identity=first.identity,
        place=f"{first.door.tenant}/{first.door.model}",
        operations=tuple(sorted(by_operation)),
        ways=first.ways,
        environments=environments,
        rule=str(first.cell.rule or first.cell.reason.value),
        grants=first.grants,
    )


def text(found: Sequence[Line]) -> str:
    """Return the lines for a terminal, two for each change."""
    said = []
    for line in found:
        sign = "+" if line.gains else "-"
        said.append(f"{sign} {line.identity}: {line.what} of {line.place} in {', '.join(line.environments)}")
        said.append(f"    {' and '.join(line.ways)}, {line.rule}; {_granted(line)}")
    return "".join(f"{line}\n" for line in said)


def strangers(cells: Iterable[Cell], order: Sequence[str]) -> tuple[str, ...]:
    """Return who gets in though no spec grants it, in words; ``cells`` are such, with the ways that are too many."""
    changes = [
        Change(gains=True, identity=cell.identity, door=cell.door, ways=cell.ways, cell=cell, grants=())
        for cell in cells
    ]
    return tuple(
        f"{line.identity} gets in, and no spec grants it: {line.what} of {line.place} in "
        f"{', '.join(line.environments)}, {' and '.join(line.ways)}, {line.rule}"
        for line in lines(changes, order)
    )


def summary(found: Sequence[Line]) -> str:
    """Return how many gain and lose, in words."""
    more, less = (sum(line.gains is gains for line in found) for gains in (True, False))
    if not found:
        return "nobody gains or loses access"
    parts = [f"{more} gain{'s' if more == 1 else ''} access"] if more else []
    parts += [f"{less} lose{'s' if less == 1 else ''} access"] if less else []
    return ", ".join(parts)


def markdown(found: Sequence[Line], owners: Mapping[str, str], since: str) -> str:
    """Return the difference as a comment for a pull request.

    ``owners``: "tenant environment" -> the team that has to agree; ``since`` says what it is compared with.
    """
    said = [f"### Access: {summary(found)}", "", f"Compared with {code(since)}, as the rendered policies decide.", ""]
    for gains, title in ((True, "Gains access"), (False, "Loses access")):
        side = [line for line in found if line.gains is gains]
        if side:
            head = ["who", "may" if gains else "may no longer", "in", "how", "by"]
            said += [f"#### {title}", "", *table(head, (_cells(line) for line in side)), ""]
    teams = dict.fromkeys(team for line in found if line.gains for team in _teams(line, owners))
    if teams:
        said += [f"Widening: this needs the agreement of {', '.join(map(code, teams))}.", ""]
    return "\n".join(said)


def records(difference: Difference) -> Iterator[dict[str, Any]]:
    """Yield every change as a flat record, none left out."""
    for change in difference.changes:
        made = record(change.identity, change.door, change.cell, change.grants)
        yield {
            "change": "gains" if change.gains else "loses",
            **made,
            "ways": [way.name.lower() for way in change.ways],
        }


def owners_of(taken: Snapshot) -> dict[str, str]:
    """Return the team that has to agree to changes of a tenant in an environment, as CODEOWNERS has it."""
    found = {}
    for models in taken.models.values():
        for model in models:
            place = model.place
            reviewers = dict(place.tenant.reviewers)
            team = reviewers.get(place.environment.name, reviewers.get("default", place.platform.reviewers))
            found[f"{place.tenant.name} {place.environment.name}"] = team
    return found


def _granted(line: Line) -> str:
    return f"granted by {', '.join(map(_grant, line.grants))}" if line.grants else "NOT GRANTED by any spec"


def _grant(grant: Grant) -> str:
    until = f" until {grant.until}" if grant.until else ""
    return f"{grant}{' ' if grant.reason else ''}{grant.reason}{until}"


def _cells(line: Line) -> list[str]:
    grants = "; ".join(
        f"{code(str(one))} {escaped(one.reason)}{escaped(f' until {one.until}' if one.until else '')}".strip()
        for one in line.grants
    )
    by = grants or f"**not granted by any spec**: {code(line.rule)}"
    what = f"{escaped(line.what)} of {escaped(line.place)}"
    return [
        code(str(line.identity)),
        what,
        ", ".join(map(escaped, line.environments)),
        escaped(" and ".join(line.ways)),
        by,
    ]


def _teams(line: Line, owners: Mapping[str, str]) -> Iterator[str]:
    tenant = line.place.partition("/")[0]
    for environment in line.environments:
        if team := owners.get(f"{tenant} {environment}"):
            yield team
