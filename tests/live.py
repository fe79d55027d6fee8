"""What Argo CD would call a difference between an object that was sent and the object that the cluster has.

Argo CD 3.5.1 compares an object that it applies on the server by a merge patch from the manifest to the live object
(gitops-engine/pkg/diff, ThreeWayDiff without a last-applied annotation): a JSON merge patch for custom resources, so
that a field which the server adds inside an element of a list is a difference for ever; for Kubernetes' own kinds a
strategic merge patch over defaulted objects, so that it is none.
"""

from collections.abc import Iterator, Mapping
from typing import Any

OWN = ("v1", "apps/v1", "batch/v1", "policy/v1", "networking.k8s.io/v1", "rbac.authorization.k8s.io/v1")


def differences(sent: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[str]:
    """Yield the places where the live object is not what was sent."""
    for name, value in sent.items():
        yield from _different(value, live.get(name), name, exact=False, own=sent["apiVersion"] in OWN)


def kept(live: Mapping[str, Any], manager: str) -> dict[str, Any]:
    """Return what a second apply of the same manifest must leave as it is; a status and others' notes may change."""
    metadata = live["metadata"]
    own = [entry for entry in metadata["managedFields"] if entry["manager"] == manager]
    body = {key: value for key, value in live.items() if key not in {"metadata", "status"}}
    return {**body, "generation": metadata.get("generation"), "own": own}


def _different(sent: Any, live: Any, path: str, *, exact: bool, own: bool) -> Iterator[str]:
    if isinstance(sent, Mapping) and isinstance(live, Mapping):
        for name, value in sent.items():
            yield from _different(value, live.get(name), f"{path}.{name}", exact=exact, own=own)
        if exact and (added := sorted(live.keys() - sent.keys())):
            yield f"{path} has {', '.join(added)}, which was not sent"
    elif isinstance(sent, list) and isinstance(live, list) and len(sent) == len(live):
        for index, (left, right) in enumerate(zip(sent, live, strict=True)):
            yield from _different(left, right, f"{path}[{index}]", exact=not own, own=own)
    elif sent != live or isinstance(sent, bool) is not isinstance(live, bool):
        yield f"{path} is {live!r} where {sent!r} was sent"
