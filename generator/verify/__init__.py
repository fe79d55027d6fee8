"""Prove the trees: by the real Kustomize, by the schemas of the objects, by what names what, by Argo CD's own rules."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from generator import kustomize, names, tree
from generator.diag import Diagnostic, Mark, ToolError, ordered
from generator.kustomize import Kustomize
from generator.pipeline import Generated
from generator.tenancy import Object, Platform
from generator.verify import law, objects, operator, patches, projects, quota, references

WORKERS = 2  # a Kustomize takes a core for 40 ms; more of them than cores only wait for each other


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was looked at, in words, with its number; what was left out and why; and what was found."""

    looked_at: tuple[tuple[str, int], ...]
    left_out: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...]
    printed: Mapping[str, Sequence[Object]]  # what Kustomize printed, by overlay
    synced: tuple[str, ...] = ()  # the overlays that an Application names


def verify(
    root: Path,
    made: Generated,
    *,
    tool: Kustomize,
    crds: Path | None = None,
    step: Callable[[], None] = lambda: None,
) -> Report:
    """Hold the trees on disk against everything that must be true of them.

    Args:
        root: The repository.
        made: What its specs make; the trees must be equal to it.
        tool: The Kustomize that builds the overlays.
        crds: A folder of CustomResourceDefinitions; without it only Kubernetes' own kinds are held to a schema.
        step: Called after each overlay, for progress.

    Raises:
        ToolError: Kustomize cannot be run, or a file is not to be read.
    """
    stale = ordered(_stale(root, made))
    if stale:
        return Report(looked_at=(), left_out=(), diagnostics=stale, printed={})
    printed: dict[str, Sequence[Object]] = {}
    failed = []
    for folder, built in kustomize.build_many(root, [o.folder for o in made.overlays], workers=WORKERS, kustomize=tool):
        if isinstance(built, ToolError):
            failed.append(_failed(folder, built))
        else:
            printed[folder] = built
        step()
    if failed:
        return Report(looked_at=(), left_out=(), diagnostics=ordered(failed), printed=printed)
    schemas = objects.checker(crds, dict(made.platform.versions)["kubernetes"])
    synced = _synced(printed)
    clusters = tuple(_clusters(made.platform, synced))
    found = [
        *(problem for overlay in made.overlays for problem in law.check(overlay, printed[overlay.folder])),
        *patches.check(made.files),
        *(problem for folder in synced for problem in schemas.check(folder, printed[folder])),
        *(problem for cluster in clusters for problem in (*references.check(cluster), *quota.check(cluster))),
        *(problem for one in _by_environment(synced) for problem in operator.check(made.platform, one)),
        *projects.check(printed[names.HUB], {folder: printed[folder] for folder in printed}),
    ]
    return Report(
        looked_at=(
            ("overlays built by Kustomize, each object as it was resolved", len(printed)),
            ("patches, each with one target", sum(path.rpartition("/")[2].startswith("patch-") for path in made.files)),
            ("objects held against the schema of their kind", schemas.count(synced.values())),
            ("objects whose references, walls and policies are closed", sum(map(len, synced.values()))),
            ("SeldonDeployments shown to what the operator would say", operator.count(synced)),
            ("Applications that their AppProject permits", _applications(printed[names.HUB])),
        ),
        left_out=schemas.left_out(synced.values()),
        diagnostics=ordered(found),
        printed=printed,
        synced=tuple(synced),
    )


def environment_of(folder: str) -> str:
    """Return the environment that an overlay belongs to, or "argocd" for the hub."""
    return folder.split("/")[1]


def _failed(folder: str, problem: ToolError) -> Diagnostic:
    said = [line.strip() for line in str(problem).splitlines()]
    return Diagnostic(Mark(f"{folder}/{names.KUSTOMIZATION}"), "kustomize-fails", " ".join(said[:-1]), said[-1])


def _stale(root: Path, made: Generated) -> Iterator[Diagnostic]:
    plan = tree.plan(made.files, root, names.OWNED)
    yield from plan.refused
    for what, paths in (
        ("is missing", plan.create),
        ("is not what the specs say", plan.update),
        ("is left over", plan.delete),
    ):
        for path in paths:
            yield Diagnostic(Mark(path), "stale-tree", f"{path} {what}", "run gen render, then verify again")


def _synced(printed: Mapping[str, Sequence[Object]]) -> dict[str, Sequence[Object]]:
    """Return what Applications sync: a listing of models or the models themselves, never both."""
    paths = {o["spec"]["source"]["path"] for o in printed[names.HUB] if o["kind"] == "Application"}
    return {folder: objects for folder, objects in printed.items() if folder in paths}


def _by_environment(synced: Mapping[str, Sequence[Object]]) -> list[dict[str, Sequence[Object]]]:
    found: dict[str, dict[str, Sequence[Object]]] = {}
    for folder, printed in synced.items():
        found.setdefault(environment_of(folder), {})[folder] = printed
    return list(found.values())


def _clusters(platform: Platform, synced: Mapping[str, Sequence[Object]]) -> Iterator[references.Cluster]:
    outside = frozenset(
        (platform.mesh.gateway.namespace, platform.mesh.root_namespace, platform.seldon, platform.argocd)
    )
    for environment in dict.fromkeys(environment_of(folder) for folder in synced):
        inside = [(f, obj) for f, objects in synced.items() if environment_of(f) == environment for obj in objects]
        yield references.Cluster(objects=tuple(inside), outside=outside)


def _applications(hub: Sequence[Object]) -> int:
    return sum(obj["kind"] == "Application" for obj in hub)
