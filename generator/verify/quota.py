"""Quotas: do a namespace's pods fit? Where not, no pod starts, and nothing says so but the events of a ReplicaSet.

Counted is the least that must run: each Deployment at its fewest replicas, no rolling update, no sidecar that the mesh
puts in. What does not fit even so can never run.
"""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from generator.diag import Diagnostic, Mark
from generator.names import object_file
from generator.seldon.operator import expand
from generator.seldon.quantity import canonical
from generator.tenancy import Object
from generator.verify.references import Cluster

_BINARY = {suffix: Fraction(1024**power) for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)}
_POWERS = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_DECIMAL = {suffix: Fraction(f"1e{power}") for suffix, power in _POWERS.items()}
Amounts = Mapping[str, Fraction]  # name as a quota has it, such as requests.cpu -> how much


def check(cluster: Cluster) -> Iterator[Diagnostic]:
    """Yield each resource of a quota that the namespace's pods exceed at their fewest."""
    needed = _needed(cluster)
    for folder, quota in cluster.of("ResourceQuota"):
        namespace = quota["metadata"]["namespace"]
        for name, hard in quota["spec"]["hard"].items():
            need = needed.get(namespace, {}).get(name, Fraction(0))
            if need > amount(hard):
                what = f"the pods of {namespace} need {_written(need)} {name} at the fewest, and its quota has {hard}"
                todo = "raise the quota in tenant.yaml, or ask for less: no pod beyond it starts"
                yield Diagnostic(Mark(f"{folder}/{object_file(quota)}"), "quota-too-small", what, todo)


def amount(text: object) -> Fraction:
    """Return a quantity as a number.

    Raises:
        ValueError: It is none.
    """
    written = str(text)
    if written[-2:] in _BINARY:
        return Fraction(written[:-2]) * _BINARY[written[-2:]]
    if written[-1:] in _DECIMAL:
        return Fraction(written[:-1]) * _DECIMAL[written[-1]]
    return Fraction(written)


def _needed(cluster: Cluster) -> dict[str, dict[str, Fraction]]:
    needed: dict[str, dict[str, Fraction]] = {}
    for _, obj in cluster.of("Deployment", "SeldonDeployment"):
        made: Sequence[Object] = expand(obj) if obj["kind"] == "SeldonDeployment" else (obj,)
        fewest = {
            o["metadata"]["name"]: o["spec"].get("minReplicas", 1)
            for o in made
            if o["kind"] == "HorizontalPodAutoscaler"
        }
        total = needed.setdefault(obj["metadata"]["namespace"], {})
        for one in made:
            if one["kind"] == "Deployment":
                replicas = one["spec"].get("replicas", fewest.get(one["metadata"]["name"], 1))
                for name, much in _pod(one["spec"]["template"]["spec"]).items():
                    total[name] = total.get(name, Fraction(0)) + much * replicas
    return needed


def _pod(spec: Object) -> Amounts:
    """Return what one pod counts as: its containers together, or its hungriest init container, and itself."""
    together: dict[str, Fraction] = {"pods": Fraction(1)}
    for container in spec["containers"]:
        for name, much in _container(container):
            together[name] = together.get(name, Fraction(0)) + much
    for container in spec.get("initContainers", ()):
        for name, much in _container(container):
            together[name] = max(together.get(name, Fraction(0)), much)
    return together


def _container(container: Object) -> Iterator[tuple[str, Fraction]]:
    resources = container.get("resources", {})
    limits = resources.get("limits", {})
    requests = limits | resources.get("requests", {})  # the API server takes a limit for the request that is not said
    for side, amounts in (("requests", requests), ("limits", limits)):
        for name, much in amounts.items():
            yield f"{side}.{name}", amount(much)


def _written(value: Fraction) -> str:
    for suffix, size in reversed(_BINARY.items()):
        if value % size == 0:
            return f"{value / size}{suffix}"
    return canonical(f"{float(value):f}")
