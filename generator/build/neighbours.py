"""What a model's own pods ask of each other: the executor asks nodes in other pods, the explainer asks a predictor.

Calls within a pod go by localhost, which no policy sees.

Source: Seldon Core 1.17.1, executor/api/client/client.go, executor/api/rest/client.go,
executor/predictor/predictor_process.go and executor/predictor/ready_checker.go. The executor passes gRPC on as gRPC:
a graph that is spread over several pods is not opened for it, since no port for it is declared.
"""

from generator.build.pods import containers, is_spread, node_ports
from generator.model import Model, Node, NodeType, Operation, Protocol

EXPLAINED = "predict"  # the operation that an explainer calls, many times with changed input
_SELDON_PATHS = {
    NodeType.MODEL: "/predict",
    NodeType.TRANSFORMER: "/transform-input",
    NodeType.OUTPUT_TRANSFORMER: "/transform-output",
    NodeType.ROUTER: "/route",
    NodeType.COMBINER: "/aggregate",
}
_VERBS = {NodeType.ROUTER: "route", NodeType.COMBINER: "aggregate"}  # the others: infer (v2), predict (tensorflow)
_HEALTH = {  # asked only where the operator has executor.fullHealthChecks
    Protocol.SELDON: ("/api/v1.0/health/status",),
    Protocol.V2: ("/v2/health/ready",),
}


def neighbour_operations(model: Model) -> list[Operation]:
    """Return what the model's pods may ask of each other; empty where each predictor is one pod and none explains."""
    return [*_node_operations(model), *_explained(model)]


def neighbour_ports(model: Model) -> tuple[int, ...]:
    """Return the ports on which the model's pods are called by its own pods, sorted."""
    ports = [port for operation in neighbour_operations(model) for port in (operation.port, operation.grpc_port)]
    return tuple(sorted(dict.fromkeys(port for port in ports if port)))


def _node_operations(model: Model) -> list[Operation]:
    nodes = [node for p in model.predictors if is_spread(p) for node in containers(p)]
    health = _HEALTH.get(model.protocol, ())
    made = []
    for port in node_ports(model):
        called = dict.fromkeys(path for node in nodes if _listens(node, port) for path in _called(model, node))
        made.append(_operation(("POST",), tuple(sorted(called)), port))
        made += [_operation(("GET",), health, port)] if health else []
    return made


def _explained(model: Model) -> list[Operation]:
    return [o for o in model.operations if model.explainer and o.name == EXPLAINED]


def _listens(node: Node, port: int) -> bool:
    return node.run is not None and node.run.port == port


def _called(model: Model, node: Node) -> tuple[str, ...]:
    """Return the paths that the executor may POST to at a node.

    With v2 and tensorflow a model name in the caller's URL goes on to every node in place of the node's own.
    """
    match model.protocol:
        case Protocol.SELDON:
            return (_SELDON_PATHS[node.type], "/send-feedback")
        case Protocol.V2:
            verb = _VERBS.get(node.type, "infer")
            return tuple(f"/v2/models/{name}/{verb}" for name in (node.name, model.name))
        case Protocol.TENSORFLOW:
            verb = _VERBS.get(node.type, "predict")
            return tuple(f"/v1/models/{name}:{verb}" for name in (node.name, model.name))
        case Protocol.BENTO:
            return ()  # one node, no executor


def _operation(methods: tuple[str, ...], paths: tuple[str, ...], port: int) -> Operation:
    return Operation(name="", methods=methods, paths=paths, grpc_paths=(), port=port, grpc_port=0, prefix="")
