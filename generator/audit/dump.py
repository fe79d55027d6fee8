"""What runs, read from a dump of `kubectl get … -o yaml` or from a cluster, as a cluster that can be asked."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from generator.access.mesh import Settings, Workload, is_selected
from generator.access.paths import PathNormalization
from generator.access.pods import workloads_of
from generator.access.reading import Unsupported, UnsupportedError
from generator.access.traffic import gateway as parsed_gateway
from generator.access.tree import MESH_SETTINGS, Cluster, operated
from generator.access.world import GROUPS, read
from generator.diag import ToolError
from generator.tenancy import Object

# What has a say in who gets in, and what pods there are; asked of a live cluster.
KINDS = (
    "namespaces", "services", "configmaps", "deployments.apps", "statefulsets.apps", "daemonsets.apps", "pods",
    "seldondeployments.machinelearning.seldon.io",
    "authorizationpolicies.security.istio.io", "requestauthentications.security.istio.io",
    "peerauthentications.security.istio.io",
    "gateways.networking.istio.io", "virtualservices.networking.istio.io", "destinationrules.networking.istio.io",
    "sidecars.networking.istio.io", "envoyfilters.networking.istio.io", "serviceentries.networking.istio.io",
    "workloadentries.networking.istio.io", "workloadgroups.networking.istio.io",
    "wasmplugins.extensions.istio.io",
    "gateways.gateway.networking.k8s.io", "httproutes.gateway.networking.k8s.io",
    "grpcroutes.gateway.networking.k8s.io",
)  # fmt: skip
ISTIO = "istio"  # istiod's own ConfigMap; its key mesh lies over that of the platform's
FORETOLD = ("VirtualService", "DestinationRule", "Gateway")  # taken from git where a dump has none at all


@dataclass(frozen=True, kw_only=True, eq=False)
class Running:
    """What runs: a cluster without what cannot be judged, what that is, and what had to be taken from git."""

    cluster: Cluster
    objects: tuple[Object, ...]
    unjudged: tuple[Unsupported, ...]
    from_git: tuple[str, ...]


def objects_in(path: Path) -> tuple[Object, ...]:
    """Return the objects of a dump: YAML or JSON, one or many documents, lists opened.

    Raises:
        ToolError: It is no YAML, or holds what is no object.
    """
    try:
        documents = list(yaml.load_all(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise ToolError(f"{path} cannot be read: {problem}\n  dump it again: kubectl get … -A -o yaml") from None
    return tuple(_opened(document, path) for document in documents for document in _items(document, path))


def running(objects: Iterable[Object], git: Cluster) -> Running:
    """Return what runs, judged with the settings of the mesh that runs.

    Args:
        objects: What the cluster holds.
        git: The same environment as git has it: kinds that the dump lacks are taken from there.
    """
    given = tuple(objects)
    kinds = {str(obj["kind"]) for obj in given}
    borrowed = [kind for kind in FORETOLD if kind not in kinds]
    pods = [each for each in workloads_of(given) if each.namespace]
    made = given if pods or "SeldonDeployment" not in kinds else (*given, *operated(given))
    taken = tuple(obj for obj in git.objects if obj["kind"] in borrowed)
    whole = (*made, *taken)
    found = workloads_of(whole) if pods or "SeldonDeployment" in kinds else git.workloads
    # A dump without Namespaces does not say where sidecars are injected.
    sidecars = found if "Namespace" in kinds else tuple(replace(each, sidecar=True) for each in found)
    gateway = _gateway(whole, sidecars, git)
    workloads = (gateway, *(each for each in sidecars if str(each) != str(gateway)))
    settings = settings_of(given, git.settings)
    judged, unjudged = _judged(whole, settings, workloads)
    cluster = replace(git, objects=judged, settings=settings, workloads=workloads, gateway=gateway, printed={})
    names = [*borrowed, *([] if pods or "SeldonDeployment" in kinds else ["pods"])]
    names += [] if "Namespace" in kinds else ["Namespace"]
    return Running(cluster=cluster, objects=given, unjudged=unjudged, from_git=tuple(names))


def settings_of(objects: Iterable[Object], otherwise: Settings) -> Settings:
    """Return the settings of the mesh that runs: istiod's ConfigMap over the platform's, field by field."""
    said: dict[str, Any] = {}
    configs = {obj["metadata"]["name"]: obj for obj in objects if obj["kind"] == "ConfigMap"}
    for name in (MESH_SETTINGS, ISTIO):
        found = yaml.load(((configs.get(name) or {}).get("data") or {}).get("mesh", ""), Loader=yaml.CSafeLoader)
        said |= found if isinstance(found, dict) else {}
    if not said:
        return otherwise
    normalization = (said.get("pathNormalization") or {}).get("normalization", "BASE")
    return replace(
        otherwise,
        trust_domain=str(said.get("trustDomain") or otherwise.trust_domain),
        trust_domain_aliases=tuple(said.get("trustDomainAliases") or ()),
        root_namespace=str(said.get("rootNamespace") or otherwise.root_namespace),
        path_normalization=PathNormalization("BASE" if normalization == "DEFAULT" else normalization),
    )


def key_of(obj: Object) -> tuple[str, str, str]:
    """Return kind, namespace and name of an object."""
    metadata = obj["metadata"]
    return str(obj["kind"]), str(metadata.get("namespace", "")), str(metadata["name"])


def _judged(
    objects: tuple[Object, ...], settings: Settings, workloads: tuple[Workload, ...]
) -> tuple[tuple[Object, ...], tuple[Unsupported, ...]]:
    """Return the objects that can be judged, and what is against the others."""
    found: dict[Unsupported, None] = {}
    left = objects
    while True:
        try:
            read(left, settings, workloads)
        except UnsupportedError as problem:
            found |= dict.fromkeys(problem.findings)
            refs = {(each.ref.kind, each.ref.namespace, each.ref.name) for each in problem.findings}
            rest = tuple(obj for obj in left if not (_is_istio(obj) and key_of(obj) in refs))
            if len(rest) == len(left):
                raise
            left = rest
        else:
            return left, tuple(found)


def _is_istio(obj: Mapping[str, Any]) -> bool:
    return str(obj.get("apiVersion")).partition("/")[0] in GROUPS


def _gateway(objects: Iterable[Object], workloads: Iterable[Workload], git: Cluster) -> Workload:
    """Return the pods that the Gateways select, as they run; git's where none are there."""
    selectors = [parsed_gateway(obj, []).selector for obj in objects if obj["kind"] == "Gateway" and _is_istio(obj)]
    for each in workloads:
        if any(selector and is_selected(selector, each) for selector in selectors):
            return replace(each, ports=each.ports or git.gateway.ports)
    return git.gateway


def _items(document: Any, path: Path) -> Iterator[Any]:
    if isinstance(document, Mapping) and str(document.get("kind", "")).endswith("List"):
        for item in document.get("items") or ():
            yield from _items(item, path)
    elif document is not None:
        yield document


def _opened(document: Any, path: Path) -> Object:
    is_object = isinstance(document, dict) and isinstance(document.get("metadata"), dict)
    if not is_object or not document.get("kind") or not document["metadata"].get("name"):
        raise ToolError(
            f"{path} holds something that is no Kubernetes object\n  dump it again: kubectl get … -A -o yaml"
        )
    found: Object = document
    return found
