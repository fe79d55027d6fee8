"""What the trees let in against what the specs grant."""

from dataclasses import replace

from generator.audit.doors import Door, Way
from generator.audit.grants import Grant, Granted
from generator.audit.identities import ANYONE, TOKENED, Identity, Kind, workload
from generator.audit.matrix import Cell, Matrix, parts


def named_by(granted: Granted) -> dict[tuple[str, str], tuple[Identity, ...]]:
    """Return whom the specs name at each model, in whatever environment."""
    found: dict[tuple[str, str], dict[Identity, None]] = {}
    for identity, door in granted:
        found.setdefault((door.tenant, door.model), {})[identity] = None
    return {model: tuple(identities) for model, identities in found.items()}


def grants_for(granted: Granted, identity: Identity, door: Door) -> tuple[Grant, ...]:
    """Return the grants that let somebody through a door: by name, by namespace, or as anyone with a token."""
    if identity.variant:
        return ()
    for one in parts(identity) or (identity,):
        said = granted.get((one, door), ())
        if not said and one.kind is Kind.WORKLOAD:
            said = granted.get((workload(f"{one.name.partition('/')[0]}/*"), door), ())
        if not said and one.kind in TOKENED:
            said = granted.get((ANYONE, door), ())
        if said:
            return said
    return ()


def uncovered(granted: Granted, cell: Cell) -> tuple[Way, ...]:
    """Return the ways by which somebody gets in and no spec grants it: whoever shows a token comes by the gateway."""
    if not grants_for(granted, cell.identity, cell.door):
        return cell.ways
    is_pod = any(one.kind is Kind.WORKLOAD for one in (cell.identity, *cell.identity.also))
    if cell.identity.kind in TOKENED and not is_pod:
        return tuple(way for way in cell.ways if way is not Way.GATEWAY)
    return ()


def beyond(made: Matrix, granted: Granted) -> tuple[Cell, ...]:
    """Return who gets in though no spec grants it, each with the ways that are too many, sorted."""
    found = [replace(cell, ways=ways) for cell in made.cells.values() if (ways := uncovered(granted, cell))]
    return tuple(sorted(found, key=lambda cell: (cell.door, cell.identity)))


def refused(made: Matrix, granted: Granted) -> tuple[tuple[Identity, Door], ...]:
    """Return who is refused though a spec grants it, sorted."""
    return tuple(sorted((pair for pair in granted if pair not in made.cells), key=lambda pair: (pair[1], pair[0])))
