"""Which commit granted each access, by whom, with which reason; and which grants end when."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from generator import git
from generator.audit.doors import Door
from generator.audit.grants import Grant, Granted
from generator.audit.identities import Identity
from generator.diag import Mark
from generator.git import Commit


@dataclass(frozen=True, kw_only=True)
class Granting:
    """One grant to one identity at one model: what, where, and the commit of the line; None where none has it yet.

    A member of a named set has two lines: that of the grant, and that of the set. ``commit`` is the later one, since
    only with it was access there.
    """

    identity: Identity
    place: str  # tenant/model
    operations: tuple[str, ...]
    environments: tuple[str, ...]
    grant: Grant
    commit: Commit | None


def grantings(
    root: Path, granted: Granted, doors: Iterable[Door], identities: Iterable[Identity] = ()
) -> Iterator[Granting]:
    """Yield who is granted what at some doors, with the commits that did it, sorted; ``identities`` () is everybody.

    Raises:
        ToolError: git fails.
    """
    wanted, people = tuple(doors), frozenset(identities)
    gathered: dict[tuple[str, Identity, Grant], list[Door]] = {}
    for door in wanted:
        for identity, there in granted:
            if there == door and (not people or identity in people):
                for grant in granted[identity, door]:
                    if grant.index >= 0:
                        gathered.setdefault((f"{door.tenant}/{door.model}", identity, grant), []).append(door)
    lines: dict[Mark, Commit | None] = {}
    for (place, identity, grant), here in sorted(gathered.items(), key=lambda pair: pair[0][:2]):
        yield Granting(
            identity=identity,
            place=place,
            operations=tuple(dict.fromkeys(door.operation for door in here)),
            environments=tuple(dict.fromkeys(door.environment for door in here)),
            grant=grant,
            commit=_later([_commit(root, mark, lines) for mark in (grant.mark, grant.members) if mark]),
        )


def expiring(granted: Granted, today: date, days: int) -> tuple[tuple[date, Identity, Door, Grant], ...]:
    """Return the grants that end within some days, or have ended, the soonest first."""
    last = today + timedelta(days=days)
    found = {
        (day, identity, door, grant)
        for (identity, door), grants in granted.items()
        for grant in grants
        if grant.until and (day := date.fromisoformat(grant.until)) <= last
    }
    return tuple(sorted(found, key=lambda each: (each[0], each[2], each[1])))


def _commit(root: Path, mark: Mark, known: dict[Mark, Commit | None]) -> Commit | None:
    line = Mark(mark.file, mark.line)
    if line not in known:
        known[line] = git.blame(root, mark.file, mark.line)
    return known[line]


def _later(commits: list[Commit | None]) -> Commit | None:
    """Return the latest; a line that no commit has yet is later than all."""
    if not all(commits):
        return None
    return max((commit for commit in commits if commit), key=lambda commit: commit.time)
