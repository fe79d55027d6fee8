"""The law: what Kustomize prints for an overlay is, object for object, what was built for it."""

from collections.abc import Iterator, Sequence
from typing import Any

from generator.diag import Diagnostic, Mark, quoted
from generator.layout import Overlay
from generator.names import KUSTOMIZATION
from generator.tenancy import Object

Key = tuple[str, str, str, str]  # apiVersion, kind, namespace, name


def key(obj: Object) -> Key:
    """Return what makes an object itself within a cluster."""
    metadata = obj["metadata"]
    return obj["apiVersion"], obj["kind"], metadata.get("namespace", ""), metadata["name"]


def check(overlay: Overlay, printed: Sequence[Object]) -> Iterator[Diagnostic]:
    """Yield where Kustomize's output departs from what was built: an object too many, too few, or different."""
    wanted, made = {key(obj): obj for obj in overlay.objects}, {key(obj): obj for obj in printed}
    for lost in wanted.keys() - made.keys():
        yield _broken(overlay, f"Kustomize does not print {named(lost)}")
    for extra in made.keys() - wanted.keys():
        yield _broken(overlay, f"Kustomize prints {named(extra)}, which nothing asks for")
    for both in wanted.keys() & made.keys():
        if wanted[both] != made[both]:
            path, old, new = _first_difference(wanted[both], made[both])
            yield _broken(overlay, f"{named(both)}: {path} is {quoted(new)} where {quoted(old)} was built")


def named(which: Key) -> str:
    """Return an object's kind, namespace and name as people write them."""
    _, kind, namespace, name = which
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


def _broken(overlay: Overlay, what: str) -> Diagnostic:
    mark = Mark(f"{overlay.folder}/{KUSTOMIZATION}")
    return Diagnostic(mark, "kustomize-differs", what, "run gen render; if it stays, this is a bug of gen: report it")


def _first_difference(old: Any, new: Any, path: str = "") -> tuple[str, Any, Any]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            if old.get(name) != new.get(name):
                return _first_difference(old.get(name, "nothing"), new.get(name, "nothing"), f"{path}.{name}")
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (left, right) in enumerate(zip(old, new, strict=True)):
            if left != right:
                return _first_difference(left, right, f"{path}[{index}]")
    return path.removeprefix("."), old, new
