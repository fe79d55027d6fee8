"""What a model's own pods ask of each other: the executor asks nodes in other pods, the explainer asks a predictor.

Calls within a pod go by localhost, which no policy sees.

Source: Seldon Core 1.17.1, executor/api/client/client.go, executor/api/rest/client.go, executor/api/grpc,
executor/predictor/predictor_process.go, executor/predictor/ready_checker.go, and
operator/controllers/seldondeployment_explainers.go.
"""

from collections.abc import Iterable

from generator.build.pods import EXECUTOR_HTTP, NODE_GRPC, containers, is_spread, node_ports
from generator.model import Model, Node, NodeType, Operation, Predictor, Protocol

POST, GET = ("POST",), ("GET",)
_SELDON_PATHS = {
    NodeType.MODEL: "/predict",
    NodeType.TRANSFORMER: "/transform-input",
    NodeType.OUTPUT_TRANSFORMER: "/transform-output",
    NodeType.ROUTER: "/route",
    NodeType.COMBINER: "/aggregate",
}
_SELDON_METHODS = {
    NodeType.MODEL: "Model/Predict",
    NodeType.TRANSFORMER: "Transformer/TransformInput",
    NodeType.OUTPUT_TRANSFORMER: "OutputTransformer/TransformOutput",
    NodeType.ROUTER: "Router/Route",
    NodeType.COMBINER: "Combiner/Aggregate",
}
_VERBS = {NodeType.ROUTER: "route", NodeType.COMBINER: "aggregate"}  # the others: infer (v2), predict (tensorflow)


def neighbour_operations(model: Model) -> list[Operation]:
    """Return what the model's pods may ask of each other; empty where each predictor is one pod and none explains."""
    return [*_node_operations(model), *_explained(model)]


def neighbour_ports(model: Model) -> tuple[int, ...]:
    """Return the ports on which the model's pods are called by its own pods, sorted."""
    ports = [port for operation in neighbour_operations(model) for port in (operation.port, operation.grpc_port)]
    return tuple(sorted(dict.fromkeys(port for port in ports if port)))


def _node_operations(model: Model) -> list[Operation]:
    nodes = [node for p in model.predictors if is_spread(p) for node in containers(p)]
    made = []
    for port in node_ports(model):
        here = [node for node in nodes if node.run and node.run.port == port]
        made.append(_operation(POST, (path for node in here for path in _called(model, node)), port))
        made.append(_operation(GET, (path for node in here for path in _asked(model, node)), port))
    for port in sorted({node.run.grpc_port or NODE_GRPC for node in nodes if node.run}):
        here = [node for node in nodes if node.run and (node.run.grpc_port or NODE_GRPC) == port]
        made.append(_grpc((path for node in here for path in _called_by_grpc(model, node)), port))
    return [operation for operation in made if operation.paths or operation.grpc_paths]


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


def _asked(model: Model, node: Node) -> tuple[str, ...]:
    """Return the paths that the executor may GET at a node: health (with fullHealthChecks), metadata."""
    match model.protocol:
        case Protocol.SELDON:
            return ("/api/v1.0/health/status", "/health/status", "/metadata")
        case Protocol.V2:
            return ("/v2/health/ready", f"/v2/models/{node.name}", f"/v2/models/{node.name}/ready")
        case Protocol.TENSORFLOW:
            return (f"/v1/models/{node.name}", f"/v1/models/{node.name}/metadata")
        case Protocol.BENTO:
            return ()


def _called_by_grpc(model: Model, node: Node) -> tuple[str, ...]:
    match model.protocol:
        case Protocol.SELDON:
            return (f"/seldon.protos.{_SELDON_METHODS[node.type]}", "/seldon.protos.Model/SendFeedback")
        case Protocol.V2:
            return ("/inference.GRPCInferenceService/ModelInfer",)
        case Protocol.TENSORFLOW:
            return ("/tensorflow.serving.PredictionService/Predict",)
        case Protocol.BENTO:
            return ()


def _explained(model: Model) -> list[Operation]:
    """Return what the explainer asks of its predictor: to predict, many times over, by the name of the graph's root.

    It is told the port of the predictor's Service: the executor's or, without one, the root's own.
    """
    explained = [p for p in model.predictors if model.explainer and p.name == model.explainer.predictor]
    return [operation for predictor in explained for operation in _predictions(model, predictor)]


def _predictions(model: Model, predictor: Predictor) -> list[Operation]:
    root, run = predictor.graph.name, predictor.graph.run
    port = EXECUTOR_HTTP if model.executor or run is None else run.port
    match model.protocol:
        case Protocol.SELDON:
            return [_operation(POST, ["/api/v1.0/predictions"], port)]
        case Protocol.V2:
            named = f"/v2/models/{root}"
            return [_operation(POST, [f"{named}/infer"], port), _operation(GET, [named], port)]
        case Protocol.TENSORFLOW:
            return [_operation(POST, [f"/v1/models/{root}:predict"], port)]
        case Protocol.BENTO:
            return [operation for operation in model.operations if operation.name == "predict"]


def _operation(methods: tuple[str, ...], paths: Iterable[str], port: int) -> Operation:
    return Operation(name="", methods=methods, paths=_sorted(paths), grpc_paths=(), port=port, grpc_port=0, prefix="")


def _grpc(paths: Iterable[str], port: int) -> Operation:
    grpc = _sorted(paths)
    return Operation(name="", methods=POST, paths=(), grpc_paths=grpc, port=0, grpc_port=port, prefix="")


def _sorted(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(dict.fromkeys(paths)))
