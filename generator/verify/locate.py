"""From what a server says of an object back to the line of the spec that it comes from."""

import re
from collections.abc import Iterator
from typing import Any

from generator.diag import Mark
from generator.document import Document, Path

# Where each kind comes from, the most telling place first; the name of the spec is the last resort.
SECTIONS: dict[str, tuple[Path, ...]] = {
    "SeldonDeployment": (("spec", "run"), ("spec", "nodes")),
    "PodDisruptionBudget": (("spec", "runtime", "replicas"), ("spec", "predictors")),
    "AuthorizationPolicy": (("spec", "access"),),
    "RequestAuthentication": (("spec", "api"), ("spec", "issuers")),
    "NetworkPolicy": (("spec", "access"), ("spec", "egress")),
    "ServiceEntry": (("spec", "egress"),),
    "Sidecar": (("spec", "egress"), ("spec", "mesh")),
    "ResourceQuota": (("spec", "quota"),),
    "RoleBinding": (("spec", "rbac"),),
    "Gateway": (("spec", "mesh", "gateway"),),
    "Telemetry": (("spec", "observability"),),
    "Job": (("spec", "run", "source"), ("spec", "build")),
    "Application": (("spec", "argocd"),),
    "AppProject": (("spec", "argocd"),),
}
SHORTEST = 3  # a shorter value, such as a number of replicas, stands in too many places


def locate(document: Document, text: str, *, name: str = "") -> Mark | None:
    """Return the longest value of the spec that a text quotes, None if it quotes none.

    ``name`` is the object's own, which every refusal quotes and which may well be a value of something else.
    """
    said = {word for word in re.findall(r'"((?:[^"\\]|\\.)*)"', text) if len(word) >= SHORTEST and word != name}
    found = [path for path, value in _scalars((), document.data) if path != ("metadata", "name") and str(value) in said]
    longest = max(found, key=lambda path: len(str(document.value(path))), default=None)
    return None if longest is None else document.value_mark(longest)


def section(document: Document, kind: str) -> Mark:
    """Return the section of the spec that a kind comes from, else the spec's name."""
    found = (path for path in SECTIONS.get(kind, ()) if document.has(path))
    return next((document.key_mark(path) for path in found), document.value_mark(("metadata", "name")))


def _scalars(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _scalars((*path, key), inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _scalars((*path, index), inner)
    else:
        yield path, value
