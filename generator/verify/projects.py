"""AppProjects: would Argo CD let each Application sync what its overlay holds?

A port of Argo CD 3.5.1's own decision: pkg/apis/application/v1alpha1/app_project_types.go,
IsGroupKindNamePermitted and IsDestinationPermitted. Lists that are absent and lists that are empty differ: no
`namespaceResourceWhitelist` permits every kind, an empty one none.
"""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from generator.diag import Diagnostic, Mark
from generator.names import HUB, object_file
from generator.tenancy import Object
from generator.verify.law import key, named

CLUSTER_KINDS = frozenset(("Namespace",))  # the only cluster-scoped kind that is rendered


def check(hub: Sequence[Object], overlays: Mapping[str, Sequence[Object]]) -> Iterator[Diagnostic]:
    """Yield what Argo CD would refuse or could not find.

    Args:
        hub: The objects of the hub: AppProjects and Applications.
        overlays: What Kustomize printed, by folder.
    """
    projects = {obj["metadata"]["name"]: obj for obj in hub if obj["kind"] == "AppProject"}
    applications = [obj for obj in hub if obj["kind"] == "Application"]
    for application in applications:
        yield from _check(application, projects, overlays)
    synced = {application["spec"]["source"]["path"] for application in applications}
    for folder in sorted(overlays.keys() - synced):
        if not any(folder.startswith(f"{path}/") or path.startswith(f"{folder}/") for path in synced):
            what = f"no Application syncs {folder}"
            yield Diagnostic(Mark(folder), "application-missing", what, "run gen render")


def permits_kind(project: Object, group: str, kind: str, name: str = "") -> bool:
    """Say whether a project lets its Applications sync a kind; ``name`` counts for cluster-scoped kinds only."""
    spec = project["spec"]
    if kind in CLUSTER_KINDS and not group:
        allowed, denied = spec.get("clusterResourceWhitelist", []), spec.get("clusterResourceBlacklist", [])
        return _lists(allowed, group, kind, name) and not _lists(denied, group, kind, name)
    allowed, denied = spec.get("namespaceResourceWhitelist"), spec.get("namespaceResourceBlacklist", [])
    return (allowed is None or _lists(allowed, group, kind)) and not _lists(denied, group, kind)


def permits_destination(project: Object, server: str, namespace: str) -> bool:
    """Say whether a project lets its Applications sync into a namespace of a cluster.

    An entry with ``!`` stands for everything but what follows, and one that it does not stand for denies, whatever
    other entries permit. Destinations by name are not looked at: gen writes none.
    """
    found = [
        (_verdict(item.get("server", ""), server), _verdict(item.get("namespace", ""), namespace))
        for item in project["spec"].get("destinations", [])
    ]
    denied = any("denied" in pair for pair in found)
    return ("matched", "matched") in found and not denied


def _check(
    application: Object, projects: Mapping[str, Object], overlays: Mapping[str, Sequence[Object]]
) -> Iterator[Diagnostic]:
    spec, place = application["spec"], Mark(f"{HUB}/{object_file(application)}")
    project = projects.get(spec["project"])
    if project is None:
        yield Diagnostic(place, "project-closure", f"there is no AppProject {spec['project']}", "run gen render")
        return
    path, server = spec["source"]["path"], spec["destination"]["server"]
    if path not in overlays:
        yield Diagnostic(place, "project-closure", f"there is no overlay {path}", "run gen render")
    if spec["source"]["repoURL"] not in project["spec"].get("sourceRepos", []):
        what = f"AppProject {spec['project']} does not know the repository {spec['source']['repoURL']}"
        yield Diagnostic(place, "project-closure", what, "run gen render")
    for obj in overlays.get(path, ()):
        group = obj["apiVersion"].rpartition("/")[0]
        metadata = obj["metadata"]
        if not permits_kind(project, group, obj["kind"], metadata["name"]):
            what = f"AppProject {spec['project']} does not permit {named(key(obj))}"
            yield Diagnostic(place, "project-closure", what, "run gen render: Argo CD would refuse the whole sync")
        if "namespace" in metadata and not permits_destination(project, server, metadata["namespace"]):
            what = f"AppProject {spec['project']} does not permit {named(key(obj))} in its namespace on {server}"
            yield Diagnostic(place, "project-closure", what, "run gen render: Argo CD would refuse the whole sync")


def _lists(items: Sequence[Mapping[str, Any]], group: str, kind: str, name: str = "") -> bool:
    return any(
        _matches(item["group"], group)
        and _matches(item["kind"], kind)
        and (not item.get("name") or _matches(item["name"], name))
        for item in items
    )


def _verdict(pattern: str, text: str) -> str:
    """Return "matched", "missed", or "denied" where a pattern with ``!`` leaves the text out."""
    if pattern.startswith("!"):
        return "denied" if _matches(pattern[1:], text) else "matched"
    return "matched" if _matches(pattern, text) else "missed"


def _matches(pattern: str, text: str) -> bool:
    return pattern == text or fnmatchcase(text, pattern)
