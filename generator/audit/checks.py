"""What is wrong about access in trees that Kustomize has built already: for `gen verify`."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from generator.access.tree import cluster_of, environment_of, facts_of
from generator.audit.expect import broken
from generator.audit.matrix import Matrix
from generator.audit.snapshot import Snapshot, snapshot_of
from generator.audit.told import strangers
from generator.audit.verdicts import beyond, refused
from generator.diag import Diagnostic, Mark, ordered
from generator.names import OVERLAYS
from generator.rules.specs import Specs
from generator.tenancy import Object

ACTION = "run gen access to see all of it; if run gen render does not mend it, this is a bug of gen: report it"


def check(
    root: Path, specs: Specs, printed: Mapping[str, Iterable[Object]], synced: Iterable[str]
) -> tuple[int, tuple[Diagnostic, ...]]:
    """Return how many accesses were judged, and what is not as the specs grant and expect it.

    Args:
        root: The repository.
        specs: Its specs, which have passed every rule.
        printed: What Kustomize printed, by overlay.
        synced: The overlays that Applications name.

    Raises:
        UnsupportedError: Something in the trees may change who gets in, and is not judged.
    """
    facts = facts_of(root)
    folders = [folder for folder in synced if environment_of(folder) in facts.environments]
    clusters = {
        name: cluster_of(name, {f: printed[f] for f in folders if environment_of(f) == name}, facts)
        for name in facts.environments
    }
    taken = snapshot_of(specs, (), clusters)
    made = taken.matrix()
    count = sum(len(identities) for identities in made.asked.values())
    return count, ordered([*_unlike(taken, made), *broken(specs, made)])


def _unlike(taken: Snapshot, made: Matrix) -> Iterator[Diagnostic]:
    order = tuple(taken.models)
    for text in strangers(beyond(made, taken.granted), order):
        yield Diagnostic(Mark(OVERLAYS), "access-not-granted", text, ACTION)
    for identity, door in refused(made, taken.granted):
        grant = taken.granted[identity, door][0]
        yield Diagnostic(grant.mark, "access-refused", f"{identity} is refused at {door}, and this grants it", ACTION)
