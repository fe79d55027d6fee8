"""Which pods a model has and which ports they listen on, so that the workload and its walls speak of the same ones.

A predictor with one container is one pod. With several, each container has its own pod, and the executor stands in
the pod of the first: two Bentos in one pod would want the same port.
"""

from generator.model import Model, Node, Predictor, Protocol

# Ports of Seldon's executor; Seldon Core 1.17.1, operator/controllers/seldondeployment_engine.go. The operator's
# Services lead to these numbers whatever the executor is told (issue 5037), so they are never changed.
EXECUTOR_HTTP = 8000
EXECUTOR_GRPC = 5001
EXECUTOR_METRICS = "/prometheus"
# The operator numbers a container's ports `grpc` and `metrics` from here on, unless it declares them, which ours do;
# operator/constants/constants.go.
NODE_GRPC = 9500
NODE_METRICS = 6000
NODE_METRICS_PATH = "/prometheus"
BENTO_METRICS_PATH = "/metrics"  # on the Bento's own port, with BentoML 1.x and 0.13 alike


def containers(predictor: Predictor) -> tuple[Node, ...]:
    """Return the nodes that are containers, root first; the others are the executor's own (RANDOM_ABTEST)."""
    return tuple(node for node in predictor.nodes() if node.run is not None)


def is_spread(predictor: Predictor) -> bool:
    """Say whether the nodes are in several pods, so that the executor calls them over the network."""
    return len(containers(predictor)) > 1


def node_ports(model: Model) -> tuple[int, ...]:
    """Return the HTTP ports of the nodes that are reached from other pods of the model, sorted."""
    ports = [node.run.port for p in model.predictors if is_spread(p) for node in containers(p) if node.run]
    return tuple(sorted(dict.fromkeys(ports)))


def metrics(model: Model) -> tuple[tuple[int, str], ...]:
    """Return (port, path) of everything in the model's pods that Prometheus reads, sorted."""
    executor = [(EXECUTOR_HTTP, EXECUTOR_METRICS)] if model.executor else []
    nodes = [found for p in model.predictors for node in containers(p) if (found := node_metrics(model, node))]
    return tuple(sorted(dict.fromkeys([*executor, *nodes])))


def node_metrics(model: Model, node: Node) -> tuple[int, str] | None:
    """Return (port, path) of a node's own metrics, or None where it has none that the operator or we can place."""
    match node.run:
        case None:
            return None
        case run if run.server == "TRITON_SERVER" or (run.server and model.protocol is Protocol.TENSORFLOW):
            return None  # they count on a port of their own choice, which nobody is told
        case run if run.kind == "bento" or model.protocol is Protocol.BENTO:
            return run.port, BENTO_METRICS_PATH
        case _:
            return NODE_METRICS, NODE_METRICS_PATH
