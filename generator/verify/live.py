"""Hold the overlays against a live API server, and say of each refusal which line of which spec it comes from."""

from collections.abc import Iterator
from pathlib import Path

from generator import cluster, kustomize
from generator.cluster import Cluster, Refusal
from generator.diag import Diagnostic, Mark, ordered
from generator.document import Document
from generator.load import load
from generator.pipeline import Generated
from generator.verify import Report, environment_of
from generator.verify.law import key, named
from generator.verify.locate import locate


def connect(context: str) -> Cluster:
    """Return the cluster behind a context, by the bundled kubectl.

    Raises:
        ToolError: There is no kubectl, or the cluster does not answer.
    """
    return cluster.connect(kustomize.bundled(), context)


def ask(
    root: Path, made: Generated, found: Report, *, server: Cluster, environment: str | None = None
) -> tuple[int, tuple[Diagnostic, ...]]:
    """Return how many objects the server was asked about, and what it refuses.

    Args:
        root: The repository.
        made: What its specs make.
        found: What Kustomize printed.
        server: The server to ask.
        environment: Only what this environment's cluster gets; all of them if not given.
    """
    overlays = [
        overlay
        for overlay in made.overlays
        if overlay.folder in found.synced and environment in (None, environment_of(overlay.folder))
    ]
    refused = [
        _diagnostic(root, overlay.source, refusal)
        for overlay in overlays
        for refusal in cluster.refusals(server, found.printed[overlay.folder])
    ]
    return sum(len(found.printed[overlay.folder]) for overlay in overlays), ordered(refused)


def _diagnostic(root: Path, source: str, refusal: Refusal) -> Diagnostic:
    what = f"the API server refuses {named(key(refusal.obj))}: {' '.join(refusal.text.split())}"
    todo = "change what this line asks for, or what the cluster allows, then run gen render"
    return Diagnostic(_mark(root, source, refusal), "cluster-refuses", what, todo)


def _mark(root: Path, source: str, refusal: Refusal) -> Mark:
    document = load((root / source).read_bytes(), source)
    return locate(document, refusal.obj["kind"], refusal.text) if isinstance(document, Document) else Mark(source)


def homeless(made: Report, server: Cluster) -> tuple[str, ...]:
    """Return the namespaces that are not in the cluster yet, so that their objects were tried in ``default``."""
    return cluster.homeless(server, tuple(_all(made)))


def _all(made: Report) -> Iterator[dict[str, object]]:
    for folder in made.synced:
        yield from made.printed[folder]
