"""Rows: the matrix as people read it, one line per identity and operation with a column per environment."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from generator.audit.doors import Door, Way
from generator.audit.grants import Grant, Granted
from generator.audit.identities import TOKENED, Identity, Kind
from generator.audit.matrix import Cell, Matrix
from generator.audit.verdicts import grants_for, uncovered

WORDS: Mapping[tuple[Way, ...], str] = {(Way.GATEWAY,): "gateway", (Way.MESH,): "mesh"}
NAMED = (Kind.USER, Kind.GROUP, Kind.CLIENT, Kind.CLAIM)
BOTH, NO, ABSENT = "both", "-", ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One identity at one operation of a model: its cell in each environment where the door is.

    ``cells`` has None where it is refused, and no entry where the model has no such door; ``grants`` are those of all
    environments, each once; ``beyond`` are the environments where it gets in and no spec grants it.
    """

    tenant: str
    model: str
    operation: str
    identity: Identity
    cells: Mapping[str, Cell | None]
    grants: tuple[Grant, ...]
    beyond: tuple[str, ...]

    @property
    def is_own(self) -> bool:
        """Say whether only the platform's own needs let it in: metrics, a model's own pods, the log's sink."""
        return bool(self.grants) and not self.beyond and all(grant.index < 0 for grant in self.grants)

    def word(self, environment: str) -> str:
        """Return how it gets in in an environment, as one word of a table."""
        if environment not in self.cells:
            return ABSENT
        cell = self.cells[environment]
        return WORDS.get(cell.ways, BOTH) if cell else NO


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which rows: of some models ("tenant/model", "tenant" or "model"), of certain identities, with the own needs."""

    models: tuple[str, ...] = ()
    identities: tuple[Identity, ...] = ()
    everything: bool = False

    def has_model(self, door: Door) -> bool:
        """Say whether a door's model is wanted."""
        names = (door.model, door.tenant, f"{door.tenant}/{door.model}")
        return not self.models or any(name in names for name in self.models)


def rows(made: Matrix, granted: Granted, wanted: Wanted) -> tuple[Row, ...]:
    """Return the rows, sorted by model, operation and identity: of who gets in somewhere.

    With ``everything``, those whom only the platform's own needs let in too, and asked identities where they do not.
    """
    by_operation: dict[tuple[str, str, str], dict[str, Door]] = {}
    for door in made.asked:
        if wanted.has_model(door):
            by_operation.setdefault((door.tenant, door.model, door.operation), {})[door.environment] = door
    found = []
    for (tenant, model, operation), doors in sorted(by_operation.items()):
        for identity in _shown(made, granted, doors.values(), wanted):
            cells = {name: made.cells.get((identity, door)) for name, door in doors.items()}
            row = Row(
                tenant=tenant,
                model=model,
                operation=operation,
                identity=identity,
                cells=cells,
                grants=_grants(granted, identity, doors.values()),
                beyond=tuple(name for name, cell in cells.items() if cell and uncovered(granted, cell)),
            )
            if wanted.everything or not row.is_own:
                found.append(row)
    return tuple(found)


def own_needs(made: Matrix, granted: Granted, wanted: Wanted) -> int:
    """Return how many cells only the platform's own needs let in."""
    return sum(
        wanted.has_model(door) and bool(grants) and all(grant.index < 0 for grant in grants)
        for identity, door in made.cells
        for grants in (grants_for(granted, identity, door),)
    )


def widest(cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """Leave out, door by door, whom a wider identity stands for: nobody for everybody, any workload for all pods, …."""
    by_door: dict[Door, list[Cell]] = {}
    for cell in cells:
        by_door.setdefault(cell.door, []).append(cell)
    return tuple(cell for here in by_door.values() for cell in here if not _is_implied(cell, here))


def environments_of(found: Iterable[Row], order: Sequence[str]) -> tuple[str, ...]:
    """Return the environments that any of the rows has, in the platform's order."""
    there = {name for row in found for name in row.cells}
    return tuple(name for name in order if name in there)


def _shown(made: Matrix, granted: Granted, doors: Iterable[Door], wanted: Wanted) -> Iterator[Identity]:
    here = tuple(doors)
    if wanted.identities:
        for identity in wanted.identities:
            if wanted.everything or any(made.allows(identity, door) for door in here):
                yield identity
        return
    let_in = {identity for door in here for identity in made.asked[door] if made.allows(identity, door)}
    for identity in sorted(let_in):
        cells = [made.cells[identity, door] for door in here if made.allows(identity, door)]
        if any(_says_more(made, granted, cell) for cell in cells):
            yield identity


def _says_more(made: Matrix, granted: Granted, cell: Cell) -> bool:
    """Say whether a cell is more than what a wider one of the same door says already."""
    if (cell.identity, cell.door) in granted:
        return True
    here = [made.cells[one, cell.door] for one in made.asked[cell.door] if made.allows(one, cell.door)]
    return not _is_implied(cell, here)


def _is_implied(cell: Cell, here: Iterable[Cell]) -> bool:
    for other in here:
        if other is cell or not set(cell.ways) <= set(other.ways):
            continue
        kind, wide = cell.identity.kind, other.identity.kind
        if wide is Kind.NOBODY and other.identity.variant is None:
            return True
        if wide is Kind.ANY_WORKLOAD and kind in (Kind.WORKLOAD, *TOKENED) and cell.ways == (Way.MESH,):
            return True
        if _is_wildcard(other) and kind is Kind.WORKLOAD and cell.identity.name.startswith(other.identity.name[:-1]):
            return True
        same = cell.identity.variant == other.identity.variant
        if wide is Kind.ANYONE and kind in TOKENED and same:
            return True
        if wide is Kind.STRANGER and kind in NAMED and "*" not in cell.identity.name and same:
            return True
    return False


def _is_wildcard(cell: Cell) -> bool:
    identity = cell.identity
    return identity.kind is Kind.WORKLOAD and identity.name.endswith("/*") and not identity.also


def _grants(granted: Granted, identity: Identity, doors: Iterable[Door]) -> tuple[Grant, ...]:
    return tuple(dict.fromkeys(grant for door in doors for grant in grants_for(granted, identity, door)))
