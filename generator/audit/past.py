"""The repository as it was in a commit, with as few builds as possible."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from generator import git
from generator.access.tree import clusters
from generator.audit.snapshot import NOTHING, Builder, Scope, Snapshot, snapshot_of
from generator.diag import SpecError
from generator.git import Commit
from generator.names import KUSTOMIZATION
from generator.pipeline import examine
from generator.tenancy import Object

FOLDERS = ("resources", "components", "bases")  # fields of a kustomization that lead elsewhere


def past(
    root: Path, commit: Commit, builder: Builder, *, now: Snapshot | None = None, scope: Scope = NOTHING
) -> Snapshot:
    """Return the repository as it was in a commit.

    Args:
        root: The repository.
        commit: The commit.
        builder: What builds the overlays.
        now: What lies on the disk: overlays that are the same now are not built again.
        scope: What to look at.

    Raises:
        ToolError: Kustomize or git fails.
        SpecError: The specs had problems, and there is no ``now`` whose models would say what to ask about.
    """
    with TemporaryDirectory(prefix="gen-") as name:
        folder = Path(name)
        git.export(root, commit.hash, folder)
        known = unchanged(folder, now, git.changed(root, commit.hash)) if now else {}
        made = clusters(folder, builder.tool, environments=scope.environments, known=known, step=builder.step)
        # Notices may depend on the day, and they are not looked at.
        specs, found = examine(folder, date.min)
        try:
            return snapshot_of(specs, found, made, scope)
        except SpecError:
            if now is None:
                raise
            # What was accepted then may be refused now: the policies of then are asked about the models of now.
            return replace(now, clusters=made, granted={}, identities=scope.identities)


def unchanged(folder: Path, now: Snapshot, changed: Iterable[str]) -> dict[str, tuple[Object, ...]]:
    """Return what Kustomize prints now for the overlays that lay in ``folder`` just as they lie on the disk."""
    different = tuple(changed)
    same = {}
    for cluster in now.clusters.values():
        for overlay, printed in cluster.printed.items():
            parts = closure(folder, overlay)
            if parts and not any(path.startswith(tuple(f"{part}/" for part in parts)) for path in different):
                same[overlay] = printed
    return same


def closure(root: Path, overlay: str) -> tuple[str, ...]:
    """Return the folders that a build reads, () where it cannot be told: the overlay's and all that it leads to."""
    found: dict[str, None] = {}
    waiting = [overlay]
    while waiting:
        folder = waiting.pop()
        if folder in found:
            continue
        found[folder] = None
        said = _kustomization(root / folder / KUSTOMIZATION)
        if said is None:
            return ()
        for entry in (entry for field in FOLDERS for entry in said.get(field) or ()):
            place = (root / folder / str(entry)).resolve()
            if place.is_dir() and place.is_relative_to(root.resolve()):
                waiting.append(place.relative_to(root.resolve()).as_posix())
            elif not place.is_file():
                return ()
    return tuple(found)


def _kustomization(path: Path) -> Mapping[str, Any] | None:
    if not path.is_file():
        return None
    said = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return said if isinstance(said, dict) else None
