"""Fill in what the operator fills in before it makes anything: types, ports, endpoints, stock-server containers.

The operator does this in memory at every reconcile and never writes it back.

Source: Seldon Core 1.17.1, operator/apis/machinelearning.seldon.io/v1/defaults.go.
"""

from dataclasses import dataclass, field

from generator.seldon import names
from generator.seldon.objects import (
    OLD_PODINFO_VOLUME,
    PODINFO_MOUNT,
    PODINFO_VOLUME,
    Object,
    components,
    container_of,
    containers,
    has_separate_engine,
    is_prepackaged,
    named,
    namespace_of,
    node_named,
    nodes,
    uses_grpc,
)
from generator.seldon.settings import OperatorSettings
from generator.seldon.typed import typed


@dataclass(slots=True)
class _Ports:
    """The counters of one SeldonDeployment; http and grpc go by container name, metrics by container."""

    settings: OperatorSettings
    index_by_name: dict[str, int] = field(default_factory=dict)
    metrics: int = 0

    def index(self, container: str) -> int:
        return self.index_by_name.setdefault(container, len(self.index_by_name))

    def next_metrics(self) -> int:
        self.metrics += 1
        return self.settings.node_metrics_port + self.metrics - 1


def defaulted(deployment: Object, settings: OperatorSettings) -> Object:
    """Return a deep copy of the SeldonDeployment as the operator sees it after its own defaulting."""
    result = typed(deployment)
    result["metadata"]["namespace"] = namespace_of(result)
    ports = _Ports(settings)
    for predictor in result["spec"].get("predictors", ()):
        predictor["labels"] = {"version": predictor["name"], **predictor.get("labels", {})}
        _default_types(predictor["graph"])
        _default_containers(result, predictor, ports)
        _add_server_containers(result, predictor, ports)
    return result


def _default_types(graph: Object) -> None:
    for node in nodes(graph):
        if not any(key in node for key in ("type", "methods", "implementation")):
            node["type"] = "MODEL"
        node.setdefault("implementation", "UNKNOWN_IMPLEMENTATION")
        if is_prepackaged(node):
            node["type"] = "MODEL"


def _default_containers(deployment: Object, predictor: Object, ports: _Ports) -> None:
    for index, component in enumerate(components(predictor)):
        for container in containers(component):
            ports.index(container["name"])
            node = node_named(predictor["graph"], container["name"])
            if node is not None:
                _default_node(deployment, predictor, (node, index, container), ports)


def _add_server_containers(deployment: Object, predictor: Object, ports: _Ports) -> None:
    for node in filter(is_prepackaged, list(nodes(predictor["graph"]))):
        found = container_of(predictor, node["name"])
        index, container = found or (0, {"name": node["name"], "resources": {}, "volumeMounts": [dict(PODINFO_MOUNT)]})
        ports.index(node["name"])
        _default_node(deployment, predictor, (node, index, container), ports)
        server = ports.settings.server(node["implementation"])
        protocol = deployment["spec"].get("protocol", "")
        if server and protocol != "tensorflow" and not container.get("image") and server.image(protocol):
            container["image"] = server.image(protocol)
        if found is None:
            first = predictor.setdefault("componentSpecs", [{"spec": {"containers": []}}])[0]
            first["spec"]["containers"] = [*containers(first), container]


def _default_node(deployment: Object, predictor: Object, bound: tuple[Object, int, Object], ports: _Ports) -> None:
    node, index, container = bound
    container.setdefault("imagePullPolicy", "IfNotPresent")
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    container["volumeMounts"] = _mounts(container.get("volumeMounts", []))
    declared = container.get("ports", [])
    http, grpc = (_declared(declared, name) for name in ("http", "grpc"))
    offset = ports.index(container["name"])
    if named(declared, ports.settings.node_metrics_port_name) is None:
        port = {"name": ports.settings.node_metrics_port_name, "containerPort": ports.next_metrics(), "protocol": "TCP"}
        container["ports"] = [*declared, port]
    node["endpoint"] = _endpoint(
        deployment,
        node.get("endpoint", {}),
        host=_host(deployment, predictor, index, container["name"]),
        http=ports.settings.node_http_port + offset if http is None else http,
        grpc=ports.settings.node_grpc_port + offset if grpc is None else grpc,
    )


def _declared(ports: list[Object], name: str) -> int | None:
    port = named(ports, name)
    return None if port is None else int(port["containerPort"])


def _endpoint(deployment: Object, given: Object, *, host: str, http: int, grpc: int) -> Object:
    port = grpc if uses_grpc(deployment, given) else http
    return {**given, "service_host": host, "service_port": port, "httpPort": http, "grpcPort": grpc}


def _host(deployment: Object, predictor: Object, index: int, container: str) -> str:
    if index == 0 and not has_separate_engine(deployment):
        return "localhost"
    service = names.container_service(deployment["metadata"]["name"], predictor["name"], container)
    return names.host(service, namespace_of(deployment))


def _mounts(mounts: list[Object]) -> list[Object]:
    kept = list(mounts)
    old = [index for index, mount in enumerate(kept) if mount["name"] == OLD_PODINFO_VOLUME]
    if old:
        # The operator overwrites the last of them with the last mount, and so do we.
        kept[old[-1]] = kept[-1]
        kept.pop()
    present = any(mount["name"] == PODINFO_VOLUME for mount in mounts)
    return kept if present else [*kept, dict(PODINFO_MOUNT)]
