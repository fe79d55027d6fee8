"""A repository at one time: its specs, the clusters that its trees make, and who gets in there."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from generator.access.tree import Cluster, clusters
from generator.audit.expect import expected_of
from generator.audit.grants import Granted, granted_of, resolved
from generator.audit.identities import Identity
from generator.audit.matrix import Matrix, matrix
from generator.audit.verdicts import named_by
from generator.diag import Diagnostic, SpecError, errors
from generator.kustomize import Kustomize
from generator.model import Model
from generator.pipeline import examine
from generator.rules.specs import Specs


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What to look at: some environments (None: all), and whom to ask about at every door besides."""

    environments: tuple[str, ...] | None = None
    identities: tuple[Identity, ...] = ()


NOTHING = Scope()


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """The Kustomize that builds overlays; ``step`` is called after each with the number of overlays in all."""

    tool: Kustomize
    step: Callable[[int], None] = lambda _: None


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
        named = named_by(self.granted)
        for model, identities in (more or {}).items():
            named[model] = (*named.get(model, ()), *identities)
        alone = {**expected_of(self.specs), ("", ""): self.identities}
        return matrix(self.clusters, self.models, named, alone=alone, step=step)


def snapshot(root: Path, today: date, builder: Builder, scope: Scope = NOTHING) -> Snapshot:
    """Read a repository as it lies on the disk.

    Args:
        root: The repository; its trees need not be what the specs say.
        today: The day that notices are held against; it changes nothing else.
        builder: What builds the overlays.
        scope: What to look at.

    Raises:
        SpecError: The specs have problems.
        ToolError: Kustomize fails, or a file cannot be read.
    """
    specs, found = examine(root, today)
    if errors(found):
        raise SpecError(found)
    return snapshot_of(
        specs, found, clusters(root, builder.tool, environments=scope.environments, step=builder.step), scope
    )


def snapshot_of(
    specs: Specs, found: Iterable[Diagnostic], made: Mapping[str, Cluster], scope: Scope = NOTHING
) -> Snapshot:
    """Return a snapshot of specs and of the clusters that were made of their trees, or that run.

    Raises:
        SpecError: The specs have problems: ``found`` has an error.
    """
    problems = tuple(found)
    if errors(problems):
        raise SpecError(problems)
    models = resolved(specs, scope.environments)
    return Snapshot(
        specs=specs,
        clusters={name: made[name] for name in models if name in made},
        models=models,
        granted=granted_of(specs, models),
        identities=scope.identities,
    )
