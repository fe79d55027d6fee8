"""Doors: what can be asked of a model in an environment, and the requests that ask it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from generator.access.mesh import Mesh, Workload, guard
from generator.access.request import Protocol, Request
from generator.access.tree import Cluster
from generator.audit.calls import Call, calls_of, detector_label, harvested
from generator.build.meta import DEPLOYMENT_LABEL, NAME, pods_labelled
from generator.model import Model

HTTPS = 443
TIME = 1_800_000_000  # seconds; tokens are good for a while around it, and nothing else looks at it


class Way(StrEnum):
    """How a request comes to the model's pods."""

    GATEWAY = "through the gateway"
    MESH = "inside the mesh"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Door:
    """What somebody may be let do: ``operation`` is a name of the spec, or one of the side doors (metrics, …)."""

    environment: str
    tenant: str
    model: str
    operation: str

    def __str__(self) -> str:
        return f"{self.operation} of {self.tenant}/{self.model} in {self.environment}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Knock:
    """One request that asks for a door's operation, without identity; it is sent to the workload ``to``."""

    way: Way
    to: str
    call: Call
    request: Request


@dataclass(frozen=True, kw_only=True, eq=False)
class Frontage:
    """A model's doors in one environment, each with its knocks; ``pods`` are the workloads behind them.

    ``resolved`` is None for a model that no spec knows.
    """

    cluster: Cluster
    tenant: str
    model: str
    resolved: Model | None
    pods: tuple[Workload, ...]
    doors: Mapping[Door, tuple[Knock, ...]] = field(default_factory=dict)

    @property
    def environment(self) -> str:
        """Return the environment."""
        return self.cluster.environment


@dataclass(frozen=True, slots=True)
class Place:
    """A model in a cluster before anything is looked up about it: its names, and the pods behind it."""

    tenant: str
    model: str
    resolved: Model | None
    pods: tuple[Workload, ...]


def frontages(cluster: Cluster, models: Iterable[Model]) -> Iterator[Frontage]:
    """Yield the frontage of every model in a cluster: of those that specs know, then of those that none knows.

    Args:
        cluster: What is rendered, or runs.
        models: The models of its environment, resolved from specs; those that are not deployed have no doors.

    Raises:
        UnsupportedError: Something in the cluster may change who gets in, and is not judged.
    """
    yield from (frontage_of(cluster, place) for place in places(cluster, models))


def places(cluster: Cluster, models: Iterable[Model]) -> Iterator[Place]:
    """Yield every model in a cluster with its pods, in the order of `frontages`."""
    pods = _by_model(cluster.workloads)
    detectors = _by_detected(cluster.workloads)
    known, tenants = set(), {}
    for model in models:
        label = (model.place.namespace, pods_labelled(model.name)[DEPLOYMENT_LABEL])
        behind = (*pods.get(label, ()), *detectors.get((model.place.namespace, model.name), ()))
        known.add(label)
        tenants[model.place.namespace] = model.place.tenant.name
        if behind:
            yield Place(model.place.tenant.name, model.name, model, behind)
    for (namespace, name), behind in sorted(pods.items()):
        if (namespace, name) not in known:
            yield Place(tenants.get(namespace, namespace), name, None, behind)


def frontage_of(cluster: Cluster, named: Place) -> Frontage:
    """Return a model's doors with what knocks at them."""
    pods = named.pods
    namespace, model = pods[0].namespace, named.resolved
    pods = tuple(sorted(pods, key=lambda pod: (-_traffic(pod, model), pod.name)))
    host = model.place.host if model else _host(cluster.mesh, namespace)
    prefix = f"/seldon/{namespace}/{named.model}"
    calls = calls_of(model) if model else {}
    calls = {**calls, **harvested(cluster.mesh, pods, calls)}
    doors: dict[Door, list[Knock]] = {}
    for call, operation in calls.items():
        door = Door(environment=cluster.environment, tenant=named.tenant, model=named.model, operation=operation)
        doors.setdefault(door, []).extend(_knocks(cluster, call, pods, _outside(call, host, prefix) if host else None))
    return Frontage(
        cluster=cluster,
        tenant=named.tenant,
        model=named.model,
        resolved=model,
        pods=pods,
        doors={door: tuple(doors[door]) for door in sorted(doors)},
    )


def _knocks(cluster: Cluster, call: Call, pods: Iterable[Workload], outside: Request | None) -> Iterator[Knock]:
    if outside and not call.detector:
        yield Knock(way=Way.GATEWAY, to=str(cluster.gateway), call=call, request=outside)
    chosen = [pod for pod in pods if call.detector == detector_label(pod)]
    listening = [pod for pod in chosen if any(call.port in (port.number, port.container) for port in pod.ports)]
    for pod in _unlike(cluster.mesh, listening or chosen):
        yield Knock(way=Way.MESH, to=str(pod), call=call, request=_inside(call, pod))


def _unlike(mesh: Mesh, pods: Iterable[Workload]) -> Iterator[Workload]:
    """Yield one pod of those before which the very same policies stand: the others give the same answers."""
    seen = []
    for pod in pods:
        here = guard(mesh, pod)
        same = (here.policies, here.token_rules, here.mtls, here.port_mtls, pod.sidecar, pod.ports)
        if same not in seen:
            seen.append(same)
            yield pod


def _outside(call: Call, host: str, prefix: str) -> Request:
    """Return the request as a client outside sends it: gRPC is routed by headers, everything else by its path."""
    _, _, namespace, model = prefix.split("/")
    headers = (("seldon", model), ("namespace", namespace)) if call.protocol == Protocol.GRPC else ()
    path = call.path if call.protocol == Protocol.GRPC else (call.prefix or prefix) + call.path
    return Request(
        method=call.method,
        path=path,
        authority=host,
        headers=headers,
        port=HTTPS,
        protocol=call.protocol,
        sni=host,
        time=TIME,
    )


def _inside(call: Call, pod: Workload) -> Request:
    host = min(pod.services, key=len) if pod.services else f"{pod.name}.{pod.namespace}"
    return Request(
        method=call.method,
        path=call.path,
        authority=f"{host}:{call.port}",
        port=call.port,
        protocol=call.protocol,
        time=TIME,
    )


def _traffic(pod: Workload, model: Model | None) -> int:
    """Return how much of a model's traffic a pod's predictor gets, 0 where nobody knows."""
    predictors = model.predictors if model else ()
    return next((one.traffic for one in predictors if one.name == pod.labels.get("version")), 0)


def _host(mesh: Mesh, namespace: str) -> str:
    """Return a host of the gateway that a namespace's VirtualServices may use, "" without one."""
    hosts = [host for gateway in mesh.gateways for server in gateway.servers for host in server.hosts]
    return next((host.partition("/")[2] for host in hosts if host.startswith(f"{namespace}/")), "")


def _by_model(workloads: Iterable[Workload]) -> dict[tuple[str, str], tuple[Workload, ...]]:
    found: dict[tuple[str, str], tuple[Workload, ...]] = {}
    for each in workloads:
        if label := each.labels.get(DEPLOYMENT_LABEL):
            found[each.namespace, label] = (*found.get((each.namespace, label), ()), each)
    return found


def _by_detected(workloads: Iterable[Workload]) -> dict[tuple[str, str], tuple[Workload, ...]]:
    found: dict[tuple[str, str], tuple[Workload, ...]] = {}
    for each in workloads:
        if detector_label(each) and (name := each.labels.get(NAME)):
            found[each.namespace, name] = (*found.get((each.namespace, name), ()), each)
    return found
