"""Put a pod into a Deployment: labels, selector, annotations, replicas.

Source: Seldon Core 1.17.1, operator/controllers/seldondeployment_controller.go and labels.go.
"""

from collections.abc import Iterator

from generator.seldon import names
from generator.seldon.objects import (
    ENGINE_CONTAINER,
    Object,
    containers,
    has_engine,
    has_explainer,
    named,
    namespace_of,
    node_named,
)
from generator.seldon.pods import served_node
from generator.seldon.settings import OperatorSettings

TYPE_LABELS = {
    "ROUTER": "seldon.io/router",
    "COMBINER": "seldon.io/combiner",
    "MODEL": "seldon.io/model",
    "TRANSFORMER": "seldon.io/transformer",
    "OUTPUT_TRANSFORMER": "seldon.io/output-transformer",
}
# The operator means 10% but fills in the field for numbers: it comes out as 0.
STRATEGY: Object = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0}}


def as_deployment(metadata: Object, *, labels: Object, annotations: Object, template: Object, spec: Object) -> Object:
    """Return a Deployment.

    ``template``: the pod's labels and annotations. ``spec``: selector, pod (its spec), replicas and
    progressDeadlineSeconds; None leaves a field to the API server.
    """
    own = {key: spec[key] for key in ("replicas", "progressDeadlineSeconds") if spec.get(key) is not None}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {**metadata, "labels": labels, **_under("annotations", annotations)},
        "spec": {
            **own,
            "selector": spec["selector"],
            "template": {
                "metadata": {"labels": template["labels"], **_under("annotations", template["annotations"])},
                "spec": spec["pod"],
            },
            "strategy": STRATEGY,
        },
    }


def component_deployment(
    deployment: Object, predictor: Object, index: int, *, pod: Object, settings: OperatorSettings
) -> Object:
    """Return the Deployment of a componentSpec around its finished pod."""
    component = predictor["componentSpecs"][index]
    brought = named(containers(component), ENGINE_CONTAINER)
    with_engine = brought is None and named(pod["containers"], ENGINE_CONTAINER) is not None
    sdep = deployment["metadata"]["name"]
    suffix = names.component_suffix(component)
    name = names.deployment_name(sdep, predictor["name"], index, suffix, as_prefix=settings.deployment_name_as_prefix)
    own = _own_labels(deployment, predictor, component, name)
    chosen = dict(_selecting_labels(deployment, predictor, component, with_engine=with_engine))
    types = dict(_type_labels(predictor, component))
    return as_deployment(
        {"name": name, "namespace": namespace_of(deployment)},
        labels=own | types | chosen | ({"seldon-deployment-contains-svcorch": "true"} if with_engine else {}),
        annotations=_annotations(deployment, predictor, component, with_engine=with_engine),
        template={
            "labels": own | types | chosen,
            "annotations": {
                "prometheus.io/path": settings.executor_prometheus_path,
                "prometheus.io/scrape": "true",
                **_annotations(deployment, predictor, component, with_engine=with_engine),
            },
        },
        spec={
            "selector": {"matchLabels": {"seldon-deployment-id": names.virtual_service(sdep)} | chosen},
            "pod": pod,
            "replicas": _replicas(deployment, predictor, component),
            "progressDeadlineSeconds": predictor.get("progressDeadlineSeconds"),
        },
    )


def type_labels(node: Object | None, predictor: Object) -> Object:
    """Return the labels that say what a pod or Service does in the graph; ``node`` None is a sidecar or explainer."""
    labels = {}
    if node is not None and "type" in node:
        if node["type"] in TYPE_LABELS:
            labels[TYPE_LABELS[node["type"]]] = "true"
    elif has_explainer(predictor):
        labels["seldon.io/explainer"] = "true"
    if predictor.get("shadow"):
        labels["seldon.io/shadow"] = "true"
    return {**labels, "app.kubernetes.io/managed-by": "seldon-core"}


def base_labels(deployment: Object, predictor: Object, name: str) -> Object:
    """Return the labels with which every Deployment of a predictor begins; the user's come after and can win."""
    return {
        "seldon-deployment-id": names.virtual_service(deployment["metadata"]["name"]),
        "app": name,
        "fluentd": "true",
        **predictor["labels"],
    }


def _own_labels(deployment: Object, predictor: Object, component: Object, name: str) -> Object:
    given = component.get("metadata", {}).get("labels", {})
    return {**base_labels(deployment, predictor, name), **given}


def _type_labels(predictor: Object, component: Object) -> Iterator[tuple[str, str]]:
    for container in containers(component):
        yield from type_labels(node_named(predictor["graph"], container["name"]), predictor).items()


def _selecting_labels(
    deployment: Object, predictor: Object, component: Object, *, with_engine: bool
) -> Iterator[tuple[str, str]]:
    sdep = deployment["metadata"]["name"]
    served = [c["name"] for c in containers(component) if served_node(predictor, c) is not None]
    for name in served:
        yield names.container_label(name), names.container_service(sdep, predictor["name"], name)
    if with_engine or (served and not has_engine(predictor)):
        yield "seldon-app", names.service_of(sdep, predictor)


def _annotations(deployment: Object, predictor: Object, component: Object, *, with_engine: bool) -> Object:
    predictors: Object = predictor.get("annotations", {})
    own: Object = component.get("metadata", {}).get("annotations", {})
    merged = {**deployment["spec"].get("annotations", {}), **predictors, **own}
    # The executor's pod gets the predictor's once more, so there they win.
    return {**merged, **predictors} if with_engine else merged


def _replicas(deployment: Object, predictor: Object, component: Object) -> int | None:
    if "kedaSpec" in component or "hpaSpec" in component:
        return None
    owners = (component, predictor, deployment["spec"])
    return next((owner["replicas"] for owner in owners if "replicas" in owner), None)


def _under(key: str, value: Object) -> Object:
    return {key: value} if value else {}
