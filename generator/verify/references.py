"""References: everything in an environment's overlays names only what is there, and every pod has its policies."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from generator.diag import Diagnostic, Mark
from generator.names import object_file
from generator.seldon.operator import expand
from generator.tenancy import Object
from generator.verify.law import key, named

ACTION = "run gen render; if it stays, this is a bug of gen: report it"
POLICIES = ("AuthorizationPolicy", "RequestAuthentication")


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """What the overlays of one environment put into its cluster.

    ``objects`` are (folder, object) of every overlay that an Application syncs; ``outside`` are the namespaces that
    the platform runs itself (its gateway's, the mesh's, the operator's).
    """

    objects: tuple[tuple[str, Object], ...]
    outside: frozenset[str] = field(default_factory=frozenset)

    @cached_property
    def pods(self) -> tuple[tuple[str, str, Object], ...]:
        """Return (folder, namespace, pod template) of every pod that the objects lead to, the operator's included."""
        return tuple(_pods(self.objects))

    def of(self, *kinds: str) -> Iterator[tuple[str, Object]]:
        """Yield the objects of some kinds."""
        return ((folder, obj) for folder, obj in self.objects if obj["kind"] in kinds)


def check(cluster: Cluster) -> Iterator[Diagnostic]:
    """Yield what is named and not there, is there twice, or is reachable without a policy."""
    yield from _unique(cluster)
    yield from _namespaces(cluster)
    yield from _accounts(cluster)
    yield from _selectors(cluster)
    yield from _pairs(cluster)
    yield from _guards(cluster)


def _unique(cluster: Cluster) -> Iterator[Diagnostic]:
    counts = Counter(key(obj) for _, obj in cluster.objects)
    for folder, obj in cluster.objects:
        if counts[key(obj)] > 1:
            yield _problem(folder, obj, "two-owners", "is in several overlays of one cluster")


def _namespaces(cluster: Cluster) -> Iterator[Diagnostic]:
    known = {obj["metadata"]["name"] for _, obj in cluster.of("Namespace")} | cluster.outside
    for folder, obj in cluster.objects:
        namespace = obj["metadata"].get("namespace")
        if namespace is not None and namespace not in known:
            yield _problem(folder, obj, "reference-open", f"is in a namespace that is not there: {namespace}")


def _accounts(cluster: Cluster) -> Iterator[Diagnostic]:
    accounts = {(o["metadata"]["namespace"], o["metadata"]["name"]) for _, o in cluster.of("ServiceAccount")}
    for folder, namespace, template in cluster.pods:
        account = template["spec"].get("serviceAccountName", "default")
        if (namespace, account) not in accounts:
            what = f"a pod in {namespace} runs as the ServiceAccount {account}, which is not there"
            yield Diagnostic(Mark(folder), "reference-open", what, ACTION)


def _selectors(cluster: Cluster) -> Iterator[Diagnostic]:
    kinds = (*POLICIES, "NetworkPolicy", "PodDisruptionBudget")
    for folder, obj in cluster.of(*kinds):
        labels = _selector(obj)
        namespace = obj["metadata"]["namespace"]
        if labels and namespace not in cluster.outside and not any(_selected(cluster, namespace, labels)):
            yield _problem(folder, obj, "selects-nothing", "selects no pod")


def _pairs(cluster: Cluster) -> Iterator[Diagnostic]:
    """A RequestAuthentication without an ALLOW policy lets in a request that has no token at all."""
    found = {
        (obj["kind"], obj["metadata"]["namespace"], tuple(sorted(_selector(obj).items())))
        for _, obj in cluster.of(*POLICIES)
    }
    for folder, obj in cluster.of("RequestAuthentication"):
        where = (obj["metadata"]["namespace"], tuple(sorted(_selector(obj).items())))
        if ("AuthorizationPolicy", *where) not in found:
            yield _problem(folder, obj, "policy-missing", "has no AuthorizationPolicy with the same selector beside it")


def _guards(cluster: Cluster) -> Iterator[Diagnostic]:
    """Every pod in the mesh is in a namespace with strict mTLS and default deny, and has an ALLOW policy of its own."""
    meshed = {o["metadata"]["name"] for _, o in cluster.of("Namespace") if _is_meshed(o)}
    strict = {
        o["metadata"]["namespace"]
        for _, o in cluster.of("PeerAuthentication")
        if o["spec"] == {"mtls": {"mode": "STRICT"}}
    }
    denied = {o["metadata"]["namespace"] for _, o in cluster.of("AuthorizationPolicy") if o.get("spec") == {}}
    for namespace in sorted(meshed - strict):
        yield Diagnostic(Mark(namespace), "wall-missing", f"namespace {namespace} does not demand mTLS", ACTION)
    for namespace in sorted(meshed - denied):
        yield Diagnostic(Mark(namespace), "wall-missing", f"namespace {namespace} has no default deny", ACTION)
    policies = [
        (o["metadata"]["namespace"], _selector(o)) for _, o in cluster.of("AuthorizationPolicy") if _selector(o)
    ]
    for folder, namespace, template in cluster.pods:
        labels = template["metadata"].get("labels", {})
        if namespace in meshed and not any(ns == namespace and _matches(want, labels) for ns, want in policies):
            what = f"a pod in {namespace} has no AuthorizationPolicy of its own"
            yield Diagnostic(Mark(folder), "policy-missing", what, ACTION)


def _pods(objects: Sequence[tuple[str, Object]]) -> Iterator[tuple[str, str, Object]]:
    for folder, obj in objects:
        made = expand(obj) if obj["kind"] == "SeldonDeployment" else (obj,)
        for one in made:
            if one["kind"] in {"Deployment", "Job"}:
                yield folder, obj["metadata"]["namespace"], one["spec"]["template"]


def _selector(obj: Object) -> Mapping[str, str]:
    spec = obj.get("spec", {})
    selector = spec.get("podSelector") if obj["kind"] == "NetworkPolicy" else spec.get("selector")
    labels: Mapping[str, str] = (selector or {}).get("matchLabels", {})
    return labels


def _selected(cluster: Cluster, namespace: str, labels: Mapping[str, str]) -> Iterator[bool]:
    return (
        space == namespace and _matches(labels, template["metadata"].get("labels", {}))
        for _, space, template in cluster.pods
    )


def _matches(wanted: Mapping[str, str], labels: Mapping[str, Any]) -> bool:
    return all(labels.get(name) == value for name, value in wanted.items())


def _is_meshed(namespace: Object) -> bool:
    return bool(namespace["metadata"].get("labels", {}).get("istio-injection") == "enabled")


def _problem(folder: str, obj: Object, rule: str, what: str) -> Diagnostic:
    return Diagnostic(Mark(f"{folder}/{object_file(obj)}"), rule, f"{named(key(obj))} {what}", ACTION)
