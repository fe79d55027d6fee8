"""Traps in pods: environment, labels, autoscaling, images, ports.

Source: Seldon Core 1.17.1, operator/controllers/ and operator/utils/utils.go (SetEnvVar).
"""

from generator.seldon import names
from generator.seldon.explainer import MLSERVER_TYPES, service_port
from generator.seldon.objects import (
    SEPARATE_ENGINE,
    V2_PROTOCOLS,
    Object,
    container_of,
    containers,
    has_engine,
    has_separate_engine,
    is_prepackaged,
    named,
    node_named,
)
from generator.seldon.settings import OperatorSettings
from generator.seldon.trap_rules import Finds, Found
from generator.seldon.verdict import Path, component_containers, component_parts, graph_nodes, predictors

PORT_ENV = (
    "PREDICTIVE_UNIT_HTTP_SERVICE_PORT",
    "PREDICTIVE_UNIT_GRPC_SERVICE_PORT",
    "MLSERVER_HTTP_PORT",
    "MLSERVER_GRPC_PORT",
)
APPENDED_ENV = (
    "PREDICTIVE_UNIT_ID",
    "MLSERVER_MODEL_NAME",
    "PREDICTIVE_UNIT_IMAGE",
    "PREDICTOR_ID",
    "PREDICTOR_LABELS",
    "SELDON_DEPLOYMENT_ID",
    "SELDON_EXECUTOR_ENABLED",
    "PREDICTIVE_UNIT_METRICS_SERVICE_PORT",
    "PREDICTIVE_UNIT_METRICS_ENDPOINT",
    "MLSERVER_METRICS_PORT",
    "MLSERVER_METRICS_ENDPOINT",
)
SCALED = ("cpu", "memory")
CONTROLLER_ID = "seldon.io/controller-id"


def environment(deployment: Object, _: OperatorSettings) -> Finds:
    """Find variables of nodes that wipe out the others, or that the operator overrides."""
    for path, predictor in predictors(deployment):
        for place, container in component_containers(predictor, path):
            node = node_named(predictor["graph"], container["name"])
            if node is None:
                continue
            wiping = [*PORT_ENV]
            wiping += ["PREDICTIVE_UNIT_PARAMETERS"] if node.get("parameters") else []
            wiping += ["MLSERVER_MODEL_URI"] if node.get("modelUri") else []
            for index, variable in enumerate(container.get("env") or ()):
                where = (*place, "env", index, "name")
                if variable["name"] in wiping:
                    yield Found("env-wiped", where, f"{variable['name']} is set by the operator")
                elif variable["name"] in APPENDED_ENV:
                    yield Found("env-overridden", where, f"{variable['name']} is set by the operator")


def images(deployment: Object, _: OperatorSettings) -> Finds:
    """Find containers without an image that no stock server fills in, and without requests or limits."""
    for path, predictor in predictors(deployment):
        for place, container in component_containers(predictor, path):
            node = node_named(predictor["graph"], container["name"])
            stock = node is not None and is_prepackaged(node)
            if not container.get("image") and not stock and container["name"] != "tfserving":
                yield Found("no-image", place, f'"{container["name"]}" has no image')
            resources = container.get("resources") or {}
            missing = [key for key in ("requests", "limits") if not resources.get(key)]
            if missing:
                text = f'"{container["name"]}" has no {" and no ".join(missing)}'
                yield Found("resources-unset", (*place, "resources"), text)


def initializers(deployment: Object, _: OperatorSettings) -> Finds:
    """Find own init containers that load a model and bring no volume for it."""
    for path, predictor in predictors(deployment):
        for _place, node in graph_nodes(predictor, path):
            found = container_of(predictor, node["name"])
            if not node.get("modelUri") or found is None:
                continue
            spec = predictor["componentSpecs"][found[0]]["spec"]
            name, volume = names.initializer_container(node["name"]), names.initializer_volume(node["name"])
            own = [index for index, c in enumerate(spec.get("initContainers") or ()) if c["name"] == name]
            if own and named(spec.get("volumes"), volume) is None:
                where = (*path, "componentSpecs", found[0], "spec", "initContainers", own[0])
                yield Found("initializer-volume", where, f'the volume "{volume}" is missing')


def autoscaling(deployment: Object, settings: OperatorSettings) -> Finds:
    """Find autoscalers that cannot work, and budgets that block each other."""
    budgets = 0
    for path, predictor in predictors(deployment):
        for place, component in component_parts(predictor, path):
            scaled = next((key for key in ("kedaSpec", "hpaSpec") if component.get(key)), None)
            if scaled == "kedaSpec" and not settings.keda_enabled:
                yield Found("keda-off", (*place, "kedaSpec"), "a kedaSpec without KEDA")
            if scaled == "hpaSpec":
                yield from _requests(deployment, predictor, component, place)
            if scaled and "replicas" in component:
                yield Found("replicas-and-autoscaler", (*place, "replicas"), f"replicas beside {scaled}")
            budgets += bool(component.get("pdbSpec"))
            if component.get("pdbSpec") and budgets > 1:
                yield Found("several-budgets", (*place, "pdbSpec"), "a second pdbSpec in one SeldonDeployment")


def _requests(deployment: Object, predictor: Object, component: Object, path: Path) -> Finds:
    wanted = _utilised(component["hpaSpec"])
    all_of_them = [(c["name"], c.get("resources")) for c in containers(component)]
    # The operator's own defaults have requests; svcOrchSpec.resources replaces them whole.
    orchestrator = (predictor.get("svcOrchSpec") or {}).get("resources")
    hosted = has_engine(predictor) and not has_separate_engine(deployment) and path[-1] == 0
    if hosted and orchestrator is not None:
        all_of_them.append(("svcOrchSpec", orchestrator))
    for name, resources in all_of_them:
        given = [*((resources or {}).get("requests") or ()), *((resources or {}).get("limits") or ())]
        for resource in wanted:
            if resource not in given:
                yield Found("hpa-without-requests", (*path, "hpaSpec"), f'"{name}" requests no {resource}')


def _utilised(spec: Object) -> list[str]:
    metrics = [*(spec.get("metrics") or ()), *(spec.get("metricsv2") or ())]
    if not metrics:
        return ["cpu"]  # autoscaling/v2 defaults to 80% of the requested CPU
    sources = [metric.get("resource") or {} for metric in metrics]
    by_share = [
        source["name"]
        for source in sources
        if "targetAverageUtilization" in source or "averageUtilization" in (source.get("target") or {})
    ]
    return [name for name in SCALED if name in by_share]


def replicas(deployment: Object, _: OperatorSettings) -> Finds:
    """Find predictors whose Deployments get no number of replicas from anyone."""
    for path, predictor in predictors(deployment):
        if any("replicas" in owner for owner in (predictor, deployment["spec"])):
            continue
        parts = list(component_parts(predictor, path)) or [(path, {})]
        if any(not ({"kedaSpec", "hpaSpec", "replicas"} & part.keys()) for _, part in parts):
            yield Found("replicas-unset", path, f'"{predictor["name"]}" has no replicas')


def labels(deployment: Object, _: OperatorSettings) -> Finds:
    """Find labels that break the selectors the operator writes."""
    sdep = names.virtual_service(deployment["metadata"]["name"])
    for path, predictor in predictors(deployment):
        own = predictor.get("labels") or {}
        parts = [((*path, "labels"), own), *_component_labels(predictor, path)]
        for place, given in parts:
            if given.get("seldon-deployment-id", sdep) != sdep:
                where = (*place, "seldon-deployment-id")
                yield Found("selector-label", where, "seldon-deployment-id is not the SeldonDeployment's name")
        version = own.get("version", predictor["name"])
        # Behind an executor only its own pod, the first, is reached through the DestinationRule.
        for place, given in parts[1:2] if has_engine(predictor) else parts[1:]:
            if given.get("version", version) != version:
                text = f'version is "{version}" in the predictor\'s labels'
                yield Found("version-label", (*place, "version"), text)


def _component_labels(predictor: Object, path: Path) -> list[tuple[Path, Object]]:
    return [
        ((*place, "metadata", "labels"), (component.get("metadata") or {}).get("labels") or {})
        for place, component in component_parts(predictor, path)
    ]


def controllers(deployment: Object, _: OperatorSettings) -> Finds:
    """Find the label that takes the object away from webhook and operator; on the namespace it does the same."""
    if CONTROLLER_ID in (deployment["metadata"].get("labels") or {}):
        where = ("metadata", "labels", CONTROLLER_ID)
        yield Found("controller-id", where, f"{CONTROLLER_ID} hands the object to another operator")


def engines(deployment: Object, _: OperatorSettings) -> Finds:
    """Find an executor in a pod of its own, and a gRPC port that nobody serves."""
    if has_separate_engine(deployment):
        where = ("spec", "annotations", SEPARATE_ENGINE)
        yield Found("separate-engine", where, "the executor runs in a pod of its own")
    for path, predictor in predictors(deployment):
        for place, container in component_containers(predictor, path):
            node = node_named(predictor["graph"], container["name"])
            plain = node is not None and not is_prepackaged(node) and not has_engine(predictor)
            if plain and named(container.get("ports"), "grpc") is None:
                yield Found("dead-grpc-port", place, f'"{container["name"]}" declares no port named grpc')


def explainers(deployment: Object, _: OperatorSettings) -> Finds:
    """Find explainers that are not made, or that listen elsewhere."""
    for path, predictor in predictors(deployment):
        explainer = predictor.get("explainer")
        place = (*path, "explainer")
        if explainer is None:
            continue
        if not explainer.get("type"):
            yield Found("explainer-without-type", place, "an explainer without type")
            continue
        if explainer["type"] not in MLSERVER_TYPES:
            text = f'"{explainer["type"]}" is none of {", ".join(MLSERVER_TYPES)}'
            yield Found("explainer-type", (*place, "type"), text)
        container = explainer.get("containerSpec") or {}
        replaced = "env" if deployment["spec"].get("protocol") in V2_PROTOCOLS else "args"
        if container.get(replaced):
            text = f"{replaced} of an explainer are set by the operator"
            yield Found("explainer-overwritten", (*place, "containerSpec", replaced), text)
        declared = named(container.get("ports"), "http")
        if declared is not None and declared["containerPort"] != service_port(explainer):
            text = (
                f"the Service points to {service_port(explainer)}, the container declares {declared['containerPort']}"
            )
            yield Found("explainer-port", (*place, "containerSpec", "ports"), text)


RULES = (environment, images, initializers, autoscaling, replicas, labels, controllers, engines, explainers)
