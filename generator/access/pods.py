"""From Deployments, Services and Namespaces to the workloads that policies guard."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from generator.access.mesh import Port, Workload
from generator.tenancy import Object

TEMPLATED = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job")
INJECT = "sidecar.istio.io/inject"
SOMEWHERE = "192.0.2.1"  # RFC 5737: nobody's address, since no object says what a pod's will be
# Istio "Protocol Selection": the first word of a Service port's name, or its appProtocol.
HTTP, GRPC = ("http", "http2"), ("grpc", "grpc-web")
OPAQUE = ("tcp", "tls", "https", "mongo", "mysql", "redis", "udp")


def workloads_of(objects: Iterable[Object]) -> tuple[Workload, ...]:
    """Return the workloads that the objects make, sorted: pods of one template are one workload.

    A pod has a sidecar where its namespace asks for injection and it does not decline, or where it asks itself.
    Source: Istio "Installing the Sidecar".
    """
    given = tuple(objects)
    injected = {obj["metadata"]["name"]: _asks(_labels(obj)) for obj in given if obj["kind"] == "Namespace"}
    services = _by_selector(given)
    found = [
        _workload(namespace, name, template, services, injected.get(namespace, False))
        for namespace, name, template in _templates(given)
    ]
    return tuple(sorted(found, key=str))


def _templates(objects: Iterable[Object]) -> Iterator[tuple[str, str, Object]]:
    for obj in objects:
        metadata = obj["metadata"]
        namespace, owners = metadata.get("namespace", "default"), metadata.get("ownerReferences") or ()
        if obj["kind"] in TEMPLATED:
            # What a Deployment or a CronJob makes is the same pods once more.
            if not any(owner.get("kind") in ("Deployment", "CronJob") for owner in owners):
                yield namespace, metadata["name"], obj["spec"]["template"]
        elif obj["kind"] == "Pod" and not owners:
            yield namespace, metadata["name"], obj


def _workload(
    namespace: str,
    name: str,
    template: Object,
    services: Mapping[tuple[str, str, str], list[Object]],
    injected: bool,  # noqa: FBT001  # one of five facts of equal weight
) -> Workload:
    labels, pod = _labels(template), template.get("spec") or {}
    behind = [
        service
        for pair in sorted(labels.items())
        for service in services.get((namespace, *pair), ())
        if service["spec"]["selector"].items() <= labels.items()
    ]
    return Workload(
        namespace=namespace,
        name=name,
        labels=labels,
        service_account=pod.get("serviceAccountName") or "default",
        ports=tuple(_ports(behind, pod)),
        services=tuple(sorted(f"{s['metadata']['name']}.{namespace}.svc.cluster.local" for s in behind)),
        address=SOMEWHERE,
        sidecar=_has_sidecar(template, labels, injected=injected),
    )


def _by_selector(objects: Iterable[Object]) -> dict[tuple[str, str, str], list[Object]]:
    """Return the Services by namespace and the first label that they select by."""
    found: dict[tuple[str, str, str], list[Object]] = {}
    for obj in objects:
        selector = (obj.get("spec") or {}).get("selector") if obj["kind"] == "Service" else None
        if selector:
            first = min(selector.items())
            found.setdefault((obj["metadata"].get("namespace", "default"), *first), []).append(obj)
    return found


def _ports(services: Iterable[Object], pod: Mapping[str, Any]) -> Iterator[Port]:
    named = {
        port["name"]: int(port["containerPort"])
        for container in pod.get("containers") or ()
        for port in container.get("ports") or ()
        if "name" in port
    }
    found: dict[int, Port] = {}
    for service in services:
        for port in service["spec"].get("ports") or ():
            target = port.get("targetPort", port["port"])
            number = named.get(target, 0) if isinstance(target, str) else int(target)
            found.setdefault(int(port["port"]), Port(number=int(port["port"]), protocol=_protocol(port), target=number))
    return (found[number] for number in sorted(found))


def _protocol(port: Mapping[str, Any]) -> str:
    word = str(port.get("appProtocol") or str(port.get("name", "")).split("-", 1)[0]).lower()
    if word in HTTP:
        return "http"
    if word in GRPC:
        return "grpc"
    return "tcp" if word in OPAQUE else ""


def _labels(obj: Mapping[str, Any]) -> dict[str, str]:
    return dict((obj.get("metadata") or {}).get("labels") or {})


def _asks(labels: Mapping[str, str]) -> bool:
    """Say whether a namespace asks for sidecars, by the old label or by that of a revision."""
    said = labels.get("istio-injection")
    return said == "enabled" or (said is None and bool(labels.get("istio.io/rev")))


def _has_sidecar(template: Mapping[str, Any], labels: Mapping[str, str], *, injected: bool) -> bool:
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    said = str(labels.get(INJECT, annotations.get(INJECT, ""))).lower()
    return said == "true" or (injected and said != "false")
