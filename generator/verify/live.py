"""Hold the overlays against a live API server, and say of each refusal which line of which spec it comes from."""

from pathlib import Path

from generator import cluster, kustomize, names
from generator.cluster import Cluster, Refusal
from generator.diag import Diagnostic, Mark, ordered
from generator.document import Document
from generator.layout import Overlay
from generator.load import load
from generator.pipeline import Generated
from generator.tenancy import Object
from generator.verify import Report, environment_of
from generator.verify.law import key, named
from generator.verify.locate import locate, section


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
    overlays = _overlays(made, found, environment)
    refused = [
        _diagnostic(root, _source(made, overlay, refusal.obj), refusal)
        for overlay in overlays
        for refusal in cluster.refusals(server, found.printed[overlay.folder])
    ]
    return sum(len(found.printed[overlay.folder]) for overlay in overlays), ordered(refused)


def homeless(made: Generated, found: Report, server: Cluster, environment: str | None = None) -> tuple[str, ...]:
    """Return the namespaces that are not in the cluster yet, so that their objects were tried in ``default``."""
    objects = [obj for overlay in _overlays(made, found, environment) for obj in found.printed[overlay.folder]]
    return cluster.homeless(server, objects)


def _overlays(made: Generated, found: Report, environment: str | None) -> list[Overlay]:
    return [
        overlay
        for overlay in made.overlays
        if overlay.folder in found.synced and environment in (None, environment_of(overlay.folder))
    ]


def _source(made: Generated, overlay: Overlay, obj: Object) -> str:
    """Return the spec of an object: a model's where the overlay only lists the folders of models."""
    inside = [one for one in made.overlays if one.folder.startswith(f"{overlay.folder}/")]
    return next((one.source for one in inside if any(key(own) == key(obj) for own in one.objects)), overlay.source)


def _diagnostic(root: Path, source: str, refusal: Refusal) -> Diagnostic:
    what = f"the API server refuses {named(key(refusal.obj))}: {' '.join(refusal.text.split())}"
    todo = "change what this line asks for, or what the cluster allows, then run gen render"
    return Diagnostic(_mark(root, source, refusal), "cluster-refuses", what, todo)


def _mark(root: Path, source: str, refusal: Refusal) -> Mark:
    """Return the value that the server speaks of, in the spec or in those above it; else the section of the spec."""
    documents = [read for path in _above(source) if (read := _read(root, path)) is not None]
    name = refusal.obj["metadata"]["name"]
    found = next((mark for document in documents if (mark := locate(document, refusal.text, name=name))), None)
    if found is not None:
        return found
    return section(documents[0], refusal.obj["kind"]) if documents else Mark(source)


def _above(source: str) -> list[str]:
    tenants, _, rest = source.partition("/")
    own = [names.tenant_spec(rest.partition("/")[0])] if tenants == names.TENANTS else []
    return list(dict.fromkeys((source, *own, names.PLATFORM_SPEC)))


def _read(root: Path, path: str) -> Document | None:
    found = load((root / path).read_bytes(), path)
    return found if isinstance(found, Document) else None
