"""The pods of a predictor: one componentSpec per node, so that a node scales, restarts and fails alone."""

from generator.build import container, pods, server
from generator.build.meta import filled
from generator.model import Model, Node, Predictor, Run
from generator.tenancy import Object

NATIVE_SIDECAR = "sidecar.istio.io/nativeSidecar"


def build(model: Model, predictor: Predictor) -> list[Object]:
    """Return the componentSpecs, the root's container first: that is the pod that gets the executor.

    A node that the executor is itself (RANDOM_ABTEST) has no pod, so the first child's comes first.
    """
    served = [(node, node.run) for node in pods.containers(predictor) if node.run is not None]
    timeout_s = max(node.runtime.timeout_s for node, _ in served)
    return [
        filled(
            metadata={"name": node.name, "annotations": _annotations(model, node, run, first=index == 0)},
            hpaSpec=_autoscaler(model, predictor, node),
            kedaSpec=_keda(predictor),
            spec=_pod(model, node, run, timeout_s),
        )
        for index, (node, run) in enumerate(served)
    ]


def _annotations(model: Model, node: Node, run: Run, *, first: bool) -> dict[str, str]:
    """Return where the mesh's agent finds metrics: it serves one endpoint per pod, and none without a port.

    The operator writes the path but no port (seldondeployment_controller.go, createDeploymentWithoutEngine). The
    annotations stand here alone and not on the predictor, because which of the two wins differs between pods.
    """
    executor = (pods.EXECUTOR_HTTP, pods.EXECUTOR_METRICS) if model.executor and first else None
    # The model is fetched through the mesh, so the proxy has to be up before any other init container runs.
    native = {NATIVE_SIDECAR: "true"} if run.model_uri else {}
    match executor or pods.node_metrics(model, node):
        case None:
            return {"prometheus.io/scrape": "false", **native}
        case port, path:
            scrape = {"prometheus.io/path": path, "prometheus.io/port": str(port), "prometheus.io/scrape": "true"}
            return {**scrape, **native}


def _autoscaler(model: Model, predictor: Predictor, node: Node) -> Object:
    """Return the hpaSpec of an autoscaled predictor.

    The operator leaves the number of replicas alone only where the autoscaler is its own; a Deployment with neither
    replicas nor hpaSpec it rewrites without end (Seldon Core 1.17.1, operator/controllers/
    seldondeployment_controller.go, createDeployments: IgnoreReplicas after deploymentHasHpa).
    """
    scale = predictor.scale
    if not scale.auto or scale.triggers:
        return {}
    # The node's container alone: idle neighbours (executor, proxy) would thin out the pod's average.
    target = {"type": "Utilization", "averageUtilization": scale.cpu_percent}
    metric = {"name": "cpu", "container": server.worker(model, node), "target": target}
    return {
        "minReplicas": scale.low,
        "maxReplicas": scale.high,
        "metricsv2": [{"type": "ContainerResource", "containerResource": metric}],
    }


def _keda(predictor: Predictor) -> Object:
    """Return the kedaSpec of a predictor that scales by triggers; without KEDA the operator would make nothing of it.

    Each pod of the predictor's graph scales by the same triggers: they count requests, which every node sees.
    """
    scale = predictor.scale
    triggers = [{"type": one.type, "metadata": dict(one.metadata)} for one in scale.triggers]
    return {"minReplicaCount": scale.low, "maxReplicaCount": scale.high, "triggers": triggers} if triggers else {}


def _pod(model: Model, node: Node, run: Run, timeout_s: int) -> Object:
    stock = run.kind == "server"
    variables = server.environment if stock else container.environment
    own = container.serving(node.name, run, node.runtime, _ports(model, run), variables(run, node.runtime))
    return filled(
        serviceAccountName=model.account.name,
        automountServiceAccountToken=False,
        enableServiceLinks=False,
        securityContext=container.pod_walls(run.user),
        **container.placement(node.runtime),
        terminationGracePeriodSeconds=container.grace_s(timeout_s),
        initContainers=server.loaders(model, node, run) if stock else [],
        containers=server.containers(model, node, run, own) if stock else [own],
        volumes=[*container.volumes(node.runtime), *(server.volumes(model, node, run) if stock else [])],
    )


def _ports(model: Model, run: Run) -> list[Object]:
    """Return the ports: `http` is the one that the operator believes; gRPC only where it is real or counted up.

    Behind an executor the operator would number gRPC ports in the order of the containers, so that a node that is
    added renumbers the others' and restarts them (Seldon Core 1.17.1, operator, v1/defaults.go).
    """
    grpc = run.grpc_port or (pods.NODE_GRPC if model.executor else 0)
    found = (("http", run.port), ("grpc", grpc), ("metrics", pods.NODE_METRICS))
    return [container.port(name, number) for name, number in found if number]
