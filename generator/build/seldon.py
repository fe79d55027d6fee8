"""A model as a SeldonDeployment, complete: whatever the operator would default or number is written out."""

from generator.build import component, explainer, orchestrator
from generator.build.meta import Kind, filled, model_scope, obj
from generator.model import Log, Model, Node, Predictor, Protocol
from generator.seldon.objects import API_VERSION, NO_ENGINE
from generator.tenancy import Object

SELDON_DEPLOYMENT = Kind(api=API_VERSION, name="SeldonDeployment")

# Scheduling and pulling an image, on top of what the model itself takes: Kubernetes' default for all of it.
_PROGRESS_S = 600
_MILLISECONDS = 1000


def build(model: Model) -> list[Object]:
    """Return the SeldonDeployment of a model, named like it."""
    spec = filled(
        name=model.name,  # what the webhook calls the object when it denies it; metadata.name it does not print
        annotations=_route(model),
        protocol="" if model.protocol is Protocol.BENTO else model.protocol.value,
        predictors=[_predictor(model, predictor) for predictor in model.predictors],
    )
    return [obj(model_scope(model), SELDON_DEPLOYMENT, model.name, {"spec": spec})]


def _route(model: Model) -> dict[str, str]:
    """Return where the operator's VirtualService listens: exactly one gateway and one host (1.17.1 splits no list)."""
    gateway = model.place.platform.mesh.gateway
    return filled(
        **{"seldon.io/istio-gateway": f"{gateway.namespace}/{gateway.name}", "seldon.io/istio-host": model.place.host}
    )


def _predictor(model: Model, predictor: Predictor) -> Object:
    explained = model.explainer if model.explainer and model.explainer.predictor == predictor.name else None
    starts = [node.runtime.startup_s for node in predictor.nodes() if node.run is not None]
    starts += [explained.runtime.startup_s] if explained else []
    return filled(
        name=predictor.name,
        traffic=predictor.traffic,
        shadow=predictor.shadow or None,
        replicas=None if predictor.scale.auto else predictor.scale.low,
        annotations=_annotations(model, predictor),
        progressDeadlineSeconds=_PROGRESS_S + max(starts),
        svcOrchSpec=orchestrator.build(model),
        graph=_graph(predictor.graph, model.log),
        componentSpecs=component.build(model, predictor),
        explainer=explainer.build(model, explained) if explained else {},
    )


def _annotations(model: Model, predictor: Predictor) -> dict[str, str]:
    """Return what the executor is told, or that there is none.

    The timeouts stand on the predictor: on the whole they would restart every predictor when one of them changes. No
    value may hold a "=": the executor would ignore all annotations (executor/k8s/annotation.go).
    """
    if not model.executor:
        return {NO_ENGINE: "true"}
    limit = str(_MILLISECONDS * max(node.runtime.timeout_s for node in predictor.nodes()))
    grpc = {"seldon.io/grpc-timeout": limit} if any(one.grpc_port for one in model.operations) else {}
    return {**grpc, "seldon.io/rest-timeout": limit}


def _graph(node: Node, log: Log | None) -> Object:
    """Return a node with its children; the request log is the root's.

    RANDOM_ABTEST has no type: with one the executor calls a container (executor/predictor/predictor_process.go).
    """
    run = node.run
    return filled(
        name=node.name,
        type="" if node.implementation else node.type.value,
        implementation=node.implementation or (run.server if run else ""),
        modelUri=run.model_uri if run else "",
        parameters=[{"name": name, "value": value, "type": kind} for name, value, kind in node.parameters],
        logger=filled(mode=log.mode, url=log.sink.url) if log else {},
        children=[_graph(child, None) for child in node.children],
    )
