"""The golden cases and the repository itself, each as specs, as what gen makes of them, and as Kustomize prints it."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from generator import kustomize
from generator.names import HUB
from generator.pipeline import Generated, generate
from generator.tenancy import Object
from generator.verify import Report, environment_of, verify

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests/golden"
CRDS = ROOT.parent / "shared/referee/crds"
TODAY = date(2026, 11, 1)  # decides about notices only
CASES = tuple(sorted(path.name for path in GOLDEN.iterdir() if path.is_dir()))
REPOSITORY = "repository"  # the specs at the root of the project; their trees lie beside them
EVERYWHERE = (*CASES, REPOSITORY)
WAVE = "argocd.argoproj.io/sync-wave"

each_case = pytest.mark.parametrize("case", CASES)
everywhere = pytest.mark.parametrize("case", EVERYWHERE)


@dataclass(frozen=True, kw_only=True)
class Tree:
    """A tree: its files, the specs' place, and what Kustomize prints for each overlay."""

    files: dict[str, str]
    made: Generated
    printed: dict[str, list[Object]]

    @property
    def hub(self) -> list[Object]:
        """Return the AppProjects, Applications and settings of Argo CD."""
        return self.printed[HUB]

    @property
    def synced(self) -> dict[str, list[Object]]:
        """Return what Applications sync, by the folder that they name."""
        return {path: self.printed[path] for path in sorted(paths(self.hub)) if path in self.printed}


def specs(case: str) -> Path:
    """Return the folder of a case's platform.yaml and tenants/."""
    return ROOT if case == REPOSITORY else GOLDEN / case


def trees(case: str) -> Path:
    """Return the folder of a case's base/ and overlays/."""
    return ROOT if case == REPOSITORY else GOLDEN / case / "want"


@cache
def made(case: str) -> Generated:
    """Return what gen makes of a case's specs."""
    return generate(specs(case), TODAY)


@cache
def verified(case: str) -> Report:
    """Return what `gen verify` says of a case's trees on the disk."""
    return verify(trees(case), made(case), tool=kustomize.find(), crds=CRDS if CRDS.is_dir() else None)


@cache
def tree(case: str) -> Tree:
    """Return a case's tree as it lies on the disk."""
    here = made(case)
    files = {path: (trees(case) / path).read_text(encoding="utf-8") for path in here.files}
    return Tree(
        files=files, made=here, printed={folder: list(found) for folder, found in verified(case).printed.items()}
    )


def paths(hub: list[Object]) -> set[str]:
    """Return the folders that Applications name."""
    return {one["spec"]["source"]["path"] for one in hub if one["kind"] == "Application"}


def environments(here: Generated) -> dict[str, list[Object]]:
    """Return the objects that each cluster gets, in the order in which Argo CD applies them; the hub's too."""
    hub = next(overlay.objects for overlay in here.overlays if overlay.folder == HUB)
    named = paths(list(hub))
    found: dict[str, list[Object]] = {}
    for overlay in here.overlays:
        if overlay.folder in named:
            found.setdefault(environment_of(overlay.folder), []).extend(overlay.objects)
    return {environment: sorted(objects, key=_order) for environment, objects in found.items()}


def _order(obj: Object) -> tuple[int, bool]:
    return int(obj["metadata"].get("annotations", {}).get(WAVE, "0")), obj["kind"] != "Namespace"
