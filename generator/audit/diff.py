"""Who gains and who loses between two times: the matrix of the one without that of the other.

Both are asked about the same people at the same doors, so a name that only one of them has makes no difference by
itself. diff(a, a) is empty, diff(a, b) is diff(b, a) with gains and losses exchanged.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from generator.access.tree import Cluster
from generator.audit.doors import Door, Place, Way, frontage_of
from generator.audit.grants import Grant
from generator.audit.identities import TOKENED, Identity
from generator.audit.matrix import Cell, Matrix, asked_at, everywhere
from generator.audit.rows import widest
from generator.audit.snapshot import Snapshot
from generator.audit.verdicts import grants_for, named_by

Asked = Mapping[tuple[str, str], tuple[Identity, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Somebody who gets through a door by some ways at one of two times only; ``cell`` and ``grants`` are of then.

    ``by_name`` says that a grant names the identity itself, not everybody with a token.
    """

    gains: bool
    identity: Identity
    door: Door
    ways: tuple[Way, ...]
    cell: Cell
    grants: tuple[Grant, ...]
    by_name: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Difference:
    """Everything that changed, sorted by door and identity; ``before`` and ``after`` are what was compared."""

    changes: tuple[Change, ...]
    before: Matrix
    after: Matrix

    @property
    def gains(self) -> tuple[Change, ...]:
        """Return who gets in now and did not."""
        return tuple(change for change in self.changes if change.gains)

    @property
    def losses(self) -> tuple[Change, ...]:
        """Return who got in and does not now."""
        return tuple(change for change in self.changes if not change.gains)


def difference(before: Snapshot, after: Snapshot, step: Callable[[], None] = lambda: None) -> Difference:
    """Return who gains and who loses from one time to the other.

    Raises:
        UnsupportedError: Something in a cluster may change who gets in, and is not judged.
    """
    everyone = _union(asked_of(before), asked_of(after))
    then, now = before.matrix(everyone, step), after.matrix(everyone, step)
    changes = [*_more(now, then, after, gains=True), *_more(then, now, before, gains=False)]
    ordered = sorted(changes, key=lambda change: (change.door, change.identity, not change.gains))
    return Difference(changes=tuple(ordered), before=then, after=now)


def asked_of(taken: Snapshot) -> dict[tuple[str, str], tuple[Identity, ...]]:
    """Return whom a snapshot's specs and policies speak of, by tenant and model, in whatever environment."""
    named = {**named_by(taken.granted), ("", ""): taken.identities}

    def asked(item: tuple[Cluster, Place]) -> tuple[str, str, tuple[Identity, ...]]:
        return item[1].tenant, item[1].model, asked_at(frontage_of(*item), named)

    found: dict[tuple[str, str], dict[Identity, None]] = {}
    for tenant, model, identities in everywhere(taken.clusters, taken.models, asked):
        here = found.setdefault((tenant, model), {})
        here |= dict.fromkeys(identities)
    return {model: tuple(identities) for model, identities in found.items()}


def told(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Leave out those whom a wider identity with the same change stands for."""
    given = tuple(changes)
    kept: list[Change] = []
    for gains in (True, False):
        side = {(one.identity, one.door): one for one in given if one.gains is gains}
        told_cells = widest(_narrowed(one) for one in side.values())
        kept += [side[cell.identity, cell.door] for cell in told_cells]
    # Whoever is granted by name is told too: that is the line that somebody wrote.
    named = [one for one in given if one not in kept and one.by_name]
    named = [one for one in named if one.identity.kind not in TOKENED or Way.GATEWAY in one.ways]
    order = {id(one): index for index, one in enumerate(given)}
    return tuple(sorted({id(one): one for one in (*kept, *named)}.values(), key=lambda one: order[id(one)]))


def _narrowed(change: Change) -> Cell:
    cell = change.cell
    return Cell(identity=cell.identity, door=cell.door, ways=change.ways, rule=cell.rule, reason=cell.reason)


def _more(one: Matrix, other: Matrix, of: Snapshot, *, gains: bool) -> Iterable[Change]:
    for (identity, door), cell in one.cells.items():
        before = other.cells.get((identity, door))
        ways = tuple(way for way in cell.ways if before is None or way not in before.ways)
        if ways:
            grants = grants_for(of.granted, identity, door)
            by_name = any(grant.index >= 0 for grant in of.granted.get((identity, door), ()))
            change = Change(gains=gains, identity=identity, door=door, ways=ways, cell=cell, grants=grants)
            yield replace(change, by_name=by_name)


def _union(one: Asked, other: Asked) -> dict[tuple[str, str], tuple[Identity, ...]]:
    return {
        model: tuple(dict.fromkeys((*one.get(model, ()), *other.get(model, ()))))
        for model in dict.fromkeys((*one, *other))
    }
