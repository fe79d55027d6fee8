"""Expand a SeldonDeployment into every object that the Seldon operator makes of it.

A pure function over plain objects. It foretells what the operator sends to the API server; what the server fills
in after that (replicas, revisionHistoryLimit, the defaults of probes and volumes) is not added.

Source: Seldon Core 1.17.1, operator/controllers/seldondeployment_controller.go (createComponents).
"""

from dataclasses import dataclass

from generator.seldon import istio, services
from generator.seldon.autoscale import scalers
from generator.seldon.defaults import defaulted
from generator.seldon.deployments import component_deployment
from generator.seldon.engine import orchestrator, with_engine
from generator.seldon.explainer import explainer_deployment, service_port
from generator.seldon.objects import (
    API_VERSION,
    Object,
    OperatorError,
    components,
    container_of,
    containers,
    has_engine,
    has_explainer,
    has_separate_engine,
    is_prepackaged,
    nodes,
)
from generator.seldon.pods import component_pod, served_node, with_certificate
from generator.seldon.servers import with_server
from generator.seldon.settings import OperatorSettings

KINDS = (
    "Deployment",
    "Service",
    "VirtualService",
    "DestinationRule",
    "HorizontalPodAutoscaler",
    "PodDisruptionBudget",
    "ScaledObject",
)
Pods = dict[int, Object]  # index of the componentSpec -> pod spec
Ports = tuple[int, int]  # http and grpc; 0 for none


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """What one predictor becomes, and the ports of its Service."""

    objects: tuple[Object, ...]
    ports: Ports


def expand(deployment: Object, settings: OperatorSettings | None = None) -> tuple[Object, ...]:
    """Return the objects that the operator makes, sorted by kind (as in ``KINDS``) and name.

    The SeldonDeployment must have passed its CRD schema; its own object is not changed.

    Raises:
        OperatorError: The operator would end in the state Failed before making anything; the text is its
            ``status.description``.
    """
    settings = settings or OperatorSettings()
    whole = defaulted(deployment, settings)
    made = [_predictor(whole, predictor, settings) for predictor in whole["spec"].get("predictors", ())]
    objects = [item for part in made for item in part.objects]
    if settings.istio_enabled:
        objects.append(istio.virtual_service(whole, tuple(part.ports for part in made), settings))
        objects += [istio.destination_rule(whole, predictor, settings) for predictor in whole["spec"]["predictors"]]
    owned = [_owned(item, whole) for item in objects]
    return tuple(sorted(owned, key=lambda item: (KINDS.index(item["kind"]), item["metadata"]["name"])))


def _predictor(deployment: Object, predictor: Object, settings: OperatorSettings) -> _Made:
    engine, separate = has_engine(predictor), has_separate_engine(deployment)
    pods, seen = _served(deployment, predictor, settings)
    host = _engine_pod(predictor, pods) if engine and not separate else None
    if host is not None:
        pods = pods | {host: with_engine(pods[host], deployment, predictor, seen, settings)}
    if engine:
        pods = _certified(predictor, pods, settings)
    objects = [orchestrator(deployment, predictor, settings)] if engine and separate else []
    if engine and separate:
        pod = objects[0]["spec"]["template"]
        pod["spec"] = with_certificate(pod["spec"], predictor, settings)
    for index, pod in pods.items():
        item = component_deployment(deployment, predictor, index, pod=pod, settings=settings)
        part = predictor["componentSpecs"][index]
        objects += [item, *scalers(deployment, part, item["metadata"]["name"], keda=settings.keda_enabled)]
    made, ports = _services(deployment, predictor, settings)
    return _Made(
        objects=(*objects, *made, *_explainer(deployment, predictor, ports, settings)),
        ports=ports,
    )


def _served(deployment: Object, predictor: Object, settings: OperatorSettings) -> tuple[Pods, Object]:
    """Return the pods with stock servers and models, and the predictor as the executor is told of it."""
    pods = {
        index: component_pod(deployment, predictor, part, settings)
        for index, part in enumerate(components(predictor))
        if containers(part)
    }
    told = {index: pod["containers"] for index, pod in pods.items()}
    for node in nodes(predictor["graph"]):
        if not is_prepackaged(node) and not node.get("modelUri"):
            continue
        found = container_of(predictor, node["name"])
        if found is None:
            raise OperatorError(f"Failed to find PodSpec for Prepackaged server PreditiveUnit named {node['name']}")
        index, before = found[0], len(pods[found[0]]["containers"])
        pods[index] = with_server(pods[index], node, deployment, settings)
        # A container that is put at the end moves the list in Go: later changes do not reach the executor's copy.
        if len(told[index]) == before:
            told[index] = pods[index]["containers"][:before]
    parts = [
        {**part, "spec": {**part["spec"], "containers": told.get(index, [])}}
        for index, part in enumerate(components(predictor))
    ]
    return pods, {**predictor, **({"componentSpecs": parts} if parts else {})}


def _engine_pod(predictor: Object, pods: Pods) -> int:
    local = (node["name"] for node in nodes(predictor["graph"]) if _is_local(node))
    name = next(local, None)
    if name is None:
        raise OperatorError("engine not separate and no pu with localhost service - not clear where to inject engine")
    hosts = [index for index, pod in pods.items() if any(c["name"] == name for c in pod["containers"])]
    if not hosts:
        raise OperatorError(
            "engine not separate and no deployment for pu with localhost service - not clear where to inject engine"
        )
    return hosts[-1]


def _is_local(node: Object) -> bool:
    return bool(node.get("endpoint", {}).get("service_host") == "localhost")


def _certified(predictor: Object, pods: Pods, settings: OperatorSettings) -> Pods:
    found = container_of(predictor, predictor["graph"]["name"])
    if found is None:
        return pods
    return pods | {found[0]: with_certificate(pods[found[0]], predictor, settings)}


def _services(deployment: Object, predictor: Object, settings: OperatorSettings) -> tuple[list[Object], Ports]:
    served = [
        (container["name"], node)
        for part in components(predictor)
        for container in containers(part)
        if (node := served_node(predictor, container)) is not None
    ]
    made = [services.container_service(deployment, predictor, name, node) for name, node in served]
    if has_engine(predictor):
        ports = (settings.engine_http_port, settings.engine_grpc_port)
        return [*made, services.predictor_service(deployment, predictor, ports, None)], ports
    if not served:
        return made, (0, 0)
    node = served[-1][1]
    ports = (node["endpoint"]["httpPort"], node["endpoint"]["grpcPort"])
    return [*made, services.predictor_service(deployment, predictor, ports, node)], ports


def _explainer(deployment: Object, predictor: Object, ports: Ports, settings: OperatorSettings) -> list[Object]:
    if not has_explainer(predictor):
        return []
    port = service_port(predictor["explainer"])
    made = [
        explainer_deployment(deployment, predictor, ports, settings),
        services.explainer_service(deployment, predictor, port),
    ]
    routes = istio.explainer_routes(deployment, predictor, port, settings) if settings.istio_enabled else []
    return made + routes


def _owned(item: Object, deployment: Object) -> Object:
    owner = {
        "apiVersion": API_VERSION,
        "kind": "SeldonDeployment",
        "name": deployment["metadata"]["name"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return {**item, "metadata": {**item["metadata"], "ownerReferences": [owner]}}
