"""Read workloads out of Deployments and the Services that select their pods.

Source: Istio "Protocol Selection" and istio/istio 1.30.3 pkg/config/protocol/instance.go (Parse); "Installing
the Sidecar" (which pods get one); "Resource Annotations" (which take ports away from it).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from generator.access.mesh import Port, Settings, Workload
from generator.access.reading import Ref, Unsupported, UnsupportedError

Json = dict[str, Any]
KINDS = ("Deployment", "StatefulSet", "DaemonSet")
INJECT = "sidecar.istio.io/inject"
# Annotations by which a pod keeps connections from its sidecar, and so from every policy.
BYPASSES = (
    "traffic.sidecar.istio.io/excludeInboundPorts",
    "traffic.sidecar.istio.io/includeInboundPorts",
    "traffic.sidecar.istio.io/kubevirtInterfaces",
    "sidecar.istio.io/interceptionMode",
)
PROTOCOLS = {"http": "http", "http2": "http", "grpc-web": "http", "grpc": "grpc"}
APP_PROTOCOLS = {"kubernetes.io/h2c": "http2", "kubernetes.io/ws": "http"}
OPAQUE = ("tcp", "https", "tls", "mongo", "mysql", "redis")


def workloads_of(objects: Iterable[Json], settings: Settings | None = None) -> tuple[Workload, ...]:
    """Return the workloads of all Deployments, StatefulSets and DaemonSets, sorted by namespace and name.

    A namespace that is not among the objects is taken to inject sidecars.

    Raises:
        UnsupportedError: A pod takes ports away from its sidecar, or Services disagree over a port's protocol.
    """
    everything = tuple(objects)
    plain = {each["metadata"]["name"] for each in everything if each.get("kind") == "Namespace" and not _injects(each)}
    services = [each for each in everything if each.get("kind") == "Service"]
    found: list[Unsupported] = []
    domain = (settings or Settings()).cluster_domain
    made = [
        _workload(each, services, domain, found, is_plain=_namespace(each) in plain)
        for each in everything
        if each.get("kind") in KINDS
    ]
    if found:
        raise UnsupportedError(found)
    return tuple(sorted(made, key=str))


def protocol_of(port: Mapping[str, Any]) -> str:
    """Return what Istio takes a Service's port for: http, grpc, tcp, or "auto" when it finds out by itself."""
    said = str(port.get("appProtocol") or "")
    name = APP_PROTOCOLS.get(said, said or str(port.get("name") or "")).lower()
    first = name.partition("-")[0]
    for word in (name, "grpc-web" if name.startswith("grpc-web") else first):
        if word in PROTOCOLS:
            return PROTOCOLS[word]
        if word in OPAQUE:
            return "tcp"
    return "auto"


def _workload(obj: Json, services: list[Json], domain: str, found: list[Unsupported], *, is_plain: bool) -> Workload:
    template = obj["spec"]["template"]
    meta = template.get("metadata") or {}
    labels = dict(meta.get("labels") or {})
    ref = Ref(obj["kind"], _namespace(obj), obj["metadata"]["name"])
    for name in BYPASSES:
        if name in (meta.get("annotations") or {}):
            field = f"spec.template.metadata.annotations[{name}]"
            found.append(Unsupported(ref, field, "takes ports away from the sidecar and its policies", "take it out"))
    selecting = [each for each in services if _namespace(each) == ref.namespace and _selects(each, labels)]
    wish = str(labels.get(INJECT) or (meta.get("annotations") or {}).get(INJECT) or "")
    return Workload(
        namespace=ref.namespace,
        name=ref.name,
        labels=labels,
        service_account=template["spec"].get("serviceAccountName") or "default",
        ports=_ports(selecting, template["spec"], found),
        services=tuple(sorted(f"{each['metadata']['name']}.{ref.namespace}.svc.{domain}" for each in selecting)),
        sidecar=wish != "false" and (wish == "true" or not is_plain),
    )


def _ports(services: list[Json], pod: Json, found: list[Unsupported]) -> tuple[Port, ...]:
    named = {
        port["name"]: port["containerPort"]
        for container in (*(pod.get("initContainers") or ()), *(pod.get("containers") or ()))
        for port in container.get("ports") or ()
        if "name" in port
    }
    ports: dict[tuple[int, int], Port] = {}
    protocols: dict[int, str] = {}
    for service in sorted(services, key=lambda each: str(each["metadata"]["name"])):
        for index, entry in enumerate(service["spec"].get("ports") or ()):
            if entry.get("protocol", "TCP") != "TCP":
                continue
            target = entry.get("targetPort") or entry["port"]
            container = named.get(target, 0) if isinstance(target, str) else int(target)
            made = Port(number=int(entry["port"]), protocol=protocol_of(entry), target=container)
            if protocols.setdefault(container, made.protocol) != made.protocol:
                ref = Ref("Service", _namespace(service), service["metadata"]["name"])
                why = f'calls port {container} of the pods "{made.protocol}", another Service "{protocols[container]}"'
                found.append(Unsupported(ref, f"spec.ports[{index}]", why, "name the protocol once"))
            ports.setdefault((made.number, container), made)
    return tuple(ports[key] for key in sorted(ports))


def _selects(service: Json, labels: Mapping[str, str]) -> bool:
    selector = service["spec"].get("selector") or {}
    return bool(selector) and all(labels.get(name) == value for name, value in selector.items())


def _namespace(obj: Json) -> str:
    return str(obj["metadata"].get("namespace") or "default")


def _injects(namespace: Json) -> bool:
    labels = namespace["metadata"].get("labels") or {}
    return labels.get("istio-injection") == "enabled" or ("istio.io/rev" in labels and "istio-injection" not in labels)
