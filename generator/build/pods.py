"""Which pods a model has and which ports they listen on, so that the workload and its walls speak of the same ones.

A predictor with one container is one pod. With several, each container has its own pod, and the executor stands in
the pod of the first: two Bentos in one pod would want the same port.
"""

from collections.abc import Iterable

from generator.model import Model, Node, Predictor, Protocol

# Ports of Seldon's executor; Seldon Core 1.17.1, operator/controllers/seldondeployment_engine.go. The operator's
# Services lead to these numbers whatever the executor is told (issue 5037), so they are never changed.
EXECUTOR_HTTP = 8000
EXECUTOR_GRPC = 5001
EXECUTOR_METRICS = "/prometheus"
# Where a container of Seldon's own kind serves its metrics; operator/constants/constants.go. The operator counts up
# from it per container unless the container declares the port ``metrics``, which ours do.
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
    return _sorted(node.run.port for p in model.predictors if is_spread(p) for node in containers(p) if node.run)


def entry_ports(model: Model) -> tuple[int, ...]:
    """Return the ports that callers are let in to, of the operations that somebody is granted or not, sorted."""
    return _sorted(port for operation in model.operations for port in (operation.port, operation.grpc_port) if port > 0)


def metrics(model: Model) -> tuple[tuple[int, str], ...]:
    """Return (port, path) of everything in the model's pods that Prometheus reads, sorted."""
    nodes = [found for p in model.predictors for node in containers(p) if (found := node_metrics(model, node))]
    executor = [(EXECUTOR_HTTP, EXECUTOR_METRICS)] if model.executor else []
    return tuple(sorted(dict.fromkeys([*executor, *nodes])))


def node_metrics(model: Model, node: Node) -> tuple[int, str] | None:
    """Return (port, path) of a node's own metrics, or None where it has none that anybody documents."""
    match node.run:
        case None:
            return None
        case run if run.kind == "bento" or model.protocol is Protocol.BENTO:
            return run.port, BENTO_METRICS_PATH
        case _ if model.protocol is Protocol.SELDON:
            return NODE_METRICS, NODE_METRICS_PATH
        case _:
            return None  # stock servers of the other protocols declare no port ``metrics``


def _sorted(ports: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(dict.fromkeys(ports)))
