"""Strangers in a cluster: what runs there and git does not know, or knows otherwise, and what each of them opens."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from generator.access.tree import Cluster
from generator.audit.diff import Change, difference
from generator.audit.dump import Running, key_of
from generator.audit.snapshot import Snapshot
from generator.diag import quoted
from generator.tenancy import Object

Key = tuple[str, str, str]
# Kinds whose objects git renders and that have a say in who gets in, with the parts that have it.
KNOWN = ("AuthorizationPolicy", "RequestAuthentication", "PeerAuthentication", "Gateway")
OTHERS = (
    "EnvoyFilter", "WasmPlugin", "VirtualService", "DestinationRule", "Sidecar", "WorkloadEntry", "WorkloadGroup",
    "HTTPRoute", "GRPCRoute",
)  # fmt: skip
SAY = ("istio.io/dry-run",)
LABELS = ("istio-injection", "istio.io/rev", "istio.io/dataplane-mode")


@dataclass(frozen=True, kw_only=True, eq=False)
class Stranger:
    """An object that is not as git has it: which, in what way, and who gains or loses by it.

    Where it is not ``is_judged``, nobody knows who does.
    """

    key: Key
    what: str
    is_judged: bool
    changes: tuple[Change, ...] = ()

    @property
    def name(self) -> str:
        """Return kind, namespace and name as people write them."""
        kind, namespace, name = self.key
        return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


def live_snapshot(git: Snapshot, environment: str, found: Running) -> Snapshot:
    """Return what runs as a snapshot of one environment, with the specs of git."""
    return replace(git, clusters={environment: found.cluster}, models={environment: git.models.get(environment, ())})


def strangers(git: Snapshot, environment: str, found: Running) -> tuple[Stranger, ...]:
    """Return everything in a cluster that is not as git has it and has a say in who gets in, sorted.

    What a stranger changes is found by taking it away, or by putting git's own in its place.
    """
    cluster = git.clusters[environment]
    rendered = {key_of(obj): obj for obj in cluster.objects}
    unjudged = {
        (each.ref.kind, each.ref.namespace, each.ref.name): f"{each.field} {each.why}" for each in found.unjudged
    }
    here = live_snapshot(git, environment, found)
    made = []
    for key, what, wanted in _different(cluster, found, rendered, unjudged):
        changes: tuple[Change, ...] = ()
        is_judged = key not in unjudged and key[0] != "Pod"
        if is_judged:
            changes = difference(_without(here, environment, key, wanted), here).changes
        made.append(Stranger(key=key, what=what, is_judged=is_judged, changes=changes))
    return tuple(sorted(made, key=lambda each: each.key))


def _different(
    git: Cluster, found: Running, rendered: Mapping[Key, Object], unjudged: Mapping[Key, str]
) -> Iterator[tuple[Key, str, Object | None]]:
    running = {key_of(obj): obj for obj in found.objects}
    spaces = {obj["metadata"].get("namespace") for obj in git.objects} | {git.settings.root_namespace}
    kinds = {str(obj["kind"]) for obj in found.objects}
    for key, obj in running.items():
        if key[1] not in spaces and key[0] != "Namespace":
            continue
        known = rendered.get(key)
        if key[0] in (*KNOWN, *OTHERS) and known is None and not _is_sidecar(obj):
            yield key, f"git does not know it{_named(unjudged, key)}", None
        elif key[0] in KNOWN and known is not None and (said := _changed(known, obj)):
            yield key, f"{said}{_named(unjudged, key)}", known
        elif key[0] == "Namespace" and known is not None and (said := _relabelled(known, obj)):
            yield key, said, known
    for key, obj in rendered.items():
        if key[0] in KNOWN and key[0] in kinds and key not in running:
            yield key, "git has it and the cluster does not", obj
    yield from _pods(git, found)


def _named(unjudged: Mapping[Key, str], key: Key) -> str:
    return f"; {unjudged[key]}: what it opens cannot be said" if key in unjudged else ""


def _is_sidecar(obj: Object) -> bool:
    """Say whether it is a Sidecar without ingress: it limits what leaves pods."""
    return obj["kind"] == "Sidecar" and not (obj.get("spec") or {}).get("ingress")


def _changed(known: Object, obj: Object) -> str:
    """Return the first place where an object departs from git's, in words, "" where nowhere."""
    for annotation in SAY:
        old, new = (((one["metadata"].get("annotations") or {}).get(annotation)) for one in (known, obj))
        if old != new:
            return (
                f"its annotation {annotation} is {new}" if new is not None else f"its annotation {annotation} is gone"
            )
    return _first(known.get("spec") or {}, obj.get("spec") or {}, "spec")


def _first(old: Any, new: Any, path: str) -> str:
    if old == new or (not old and not new):
        return ""
    pairs: list[tuple[Any, Any, str]] = []
    if isinstance(old, dict) and isinstance(new, dict):
        pairs = [(old.get(name), new.get(name), f"{path}.{name}") for name in sorted({*old, *new})]
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = [(a, b, f"{path}[{index}]") for index, (a, b) in enumerate(zip(old, new, strict=True))]
    if pairs:
        return next((text for pair in pairs if (text := _first(*pair))), "")
    if isinstance(old, list) and isinstance(new, list):
        return f"{path} has {len(new)} entries where git has {len(old)}"
    if new is None:
        return f"{path} is gone"
    return f"{path} is {_short(new)} where git has {_short(old)}"


def _short(value: Any) -> str:
    return "nothing" if value is None else quoted(value)


def _relabelled(known: Object, obj: Object) -> str:
    for label in LABELS:
        old, new = ((one["metadata"].get("labels") or {}).get(label) for one in (known, obj))
        if old != new:
            return f"its label {label} is {_short(new)} where git has {_short(old)}"
    return ""


def _pods(git: Cluster, found: Running) -> Iterator[tuple[Key, str, Object | None]]:
    """Yield pods in the tenants' namespaces that git does not lead to, or leads to otherwise."""
    known = {str(each): each for each in git.workloads}
    spaces = {each.namespace for each in git.workloads} - {git.gateway.namespace}
    for each in found.cluster.workloads:
        if each.namespace not in spaces or "pods" in found.from_git:
            continue
        key = ("Pod", each.namespace, each.name)
        own = known.get(str(each))
        if own is None:
            yield key, f"git does not know these pods; they run as the ServiceAccount {each.service_account}", None
        elif own.sidecar and not each.sidecar:
            yield key, "these pods have no sidecar: no policy stands before them", None
        elif own.service_account != each.service_account:
            yield key, f"these pods run as {each.service_account} where git has {own.service_account}", None


def _without(here: Snapshot, environment: str, key: Key, wanted: Object | None) -> Snapshot:
    """Return what runs with one object as git has it, or without it where git has none."""
    cluster = here.clusters[environment]
    rest = [obj for obj in cluster.objects if key_of(obj) != key]
    objects = tuple(_with(rest, wanted))
    workloads = cluster.workloads
    if key[0] == "Namespace":
        workloads = tuple(replace(each, sidecar=True) if each.namespace == key[2] else each for each in workloads)
    return replace(here, clusters={environment: replace(cluster, objects=objects, workloads=workloads)})


def _with(objects: Iterable[Object], wanted: Object | None) -> Iterator[Object]:
    yield from objects
    if wanted is not None:
        yield wanted
