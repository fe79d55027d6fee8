"""A repository at one time: its specs, the clusters that its trees make, and who gets in there."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from generator.access.tree import Cluster, clusters
from generator.audit.grants import Granted, granted_of, resolved
from generator.audit.identities import Identity
from generator.audit.matrix import Matrix, matrix, named_by
from generator.diag import SpecError, errors
from generator.kustomize import Kustomize
from generator.model import Model
from generator.pipeline import examine
from generator.rules.specs import Specs


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What to look at: some environments (None: all), and whom to ask about at every door besides."""

    environments: tuple[str, ...] | None = None
    identities: tuple[Identity, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Snapshot:
    """Everything that is to be known about access at one time."""

    specs: Specs
    clusters: Mapping[str, Cluster]
    models: Mapping[str, tuple[Model, ...]]
    granted: Granted
    identities: tuple[Identity, ...] = field(default=())

    def matrix(
        self, more: Mapping[tuple[str, str], Iterable[Identity]] | None = None, step: Callable[[], None] = lambda: None
    ) -> Matrix:
        """Return who gets in; ``more`` are identities to ask about beside those that specs and policies name."""
        named: dict[tuple[str, str], tuple[Identity, ...]] = {**named_by(self.granted), ("", ""): self.identities}
        for model, identities in (more or {}).items():
            named[model] = (*named.get(model, ()), *identities)
        return matrix(self.clusters, self.models, named, step=step)


def snapshot(
    root: Path, today: date, *, tool: Kustomize, scope: Scope = Scope(), step: Callable[[int], None] = lambda _: None
) -> Snapshot:
    """Read a repository as it lies on the disk.

    Args:
        root: The repository; its trees need not be what the specs say.
        today: The day that notices are held against; it changes nothing else.
        tool: The Kustomize that builds the overlays.
        scope: What to look at.
        step: Called after each overlay with the number of overlays in all, for progress.

    Raises:
        SpecError: The specs have problems.
        ToolError: Kustomize fails, or a file cannot be read.
    """
    specs, found = examine(root, today)
    if errors(found):
        raise SpecError(found)
    models = resolved(specs, scope.environments)
    made = clusters(root, tool, environments=tuple(models), step=step)
    return Snapshot(
        specs=specs,
        clusters={name: made[name] for name in models if name in made},
        models=models,
        granted=granted_of(specs, models),
        identities=scope.identities,
    )
