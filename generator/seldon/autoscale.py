"""Build what scales and guards a component: HorizontalPodAutoscaler, ScaledObject, PodDisruptionBudget.

Source: Seldon Core 1.17.1, operator/controllers/seldondeployment_controller.go (createHpa, createKeda, createPdb)
and operator/apis/machinelearning.seldon.io/v1/conversion.go.
"""

from generator.seldon import names
from generator.seldon.objects import Object, namespace_of

_KINDS = {
    "ScaledObject": "keda.sh/v1alpha1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "PodDisruptionBudget": "policy/v1",
}


def scalers(deployment: Object, component: Object, workload: str, *, keda: bool) -> list[Object]:
    """Return what the component's hpaSpec, kedaSpec and pdbSpec ask for; kedaSpec shuts hpaSpec out.

    ``workload``: the Deployment's name. ``keda``: without it a kedaSpec makes nothing at all.
    """
    made = []
    target = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": workload}}
    if "kedaSpec" in component:
        if keda:
            made.append(_object(deployment, "ScaledObject", workload, component["kedaSpec"] | target))
    elif "hpaSpec" in component:
        made.append(_object(deployment, "HorizontalPodAutoscaler", workload, _hpa(component["hpaSpec"]) | target))
    if "pdbSpec" in component:
        # The selector is the whole SeldonDeployment, not this component.
        selector = {"selector": {"matchLabels": _identity(deployment)}}
        made.append(_object(deployment, "PodDisruptionBudget", workload, component["pdbSpec"] | selector))
    return made


def _object(deployment: Object, kind: str, name: str, spec: Object) -> Object:
    return {
        "apiVersion": _KINDS[kind],
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace_of(deployment), "labels": _identity(deployment)},
        "spec": spec,
    }


def _identity(deployment: Object) -> Object:
    return {"seldon-deployment-id": names.virtual_service(deployment["metadata"]["name"])}


def _hpa(given: Object) -> Object:
    spec: Object = {key: given[key] for key in ("minReplicas", "maxReplicas") if key in given}
    metrics = [_as_v2(metric) for metric in given.get("metrics", [])] or given.get("metricsv2")
    return {**spec, "metrics": metrics} if metrics else spec


def _as_v2(metric: Object) -> Object:
    """Turn an autoscaling/v2beta1 metric into autoscaling/v2."""
    result = {"type": metric["type"]}
    for key, source in metric.items():
        if key != "type":
            result[key] = _SOURCES[key](source)
    return result


def _resource(source: Object) -> Object:
    kept: Object = {key: source[key] for key in ("name", "container") if key in source}
    value = {"averageValue": source["targetAverageValue"]} if "targetAverageValue" in source else {}
    share = {"averageUtilization": source["targetAverageUtilization"]} if "targetAverageUtilization" in source else {}
    return {**kept, "target": {"type": "AverageValue" if value else "Utilization", **share, **value}}


def _pods(source: Object) -> Object:
    target = {"type": "AverageValue", "averageValue": source["targetAverageValue"]}
    return {"metric": _metric(source, "selector"), "target": target}


def _object_source(source: Object) -> Object:
    average = {"averageValue": source["averageValue"]} if "averageValue" in source else {}
    described = {key: source["target"][key] for key in ("kind", "name", "apiVersion") if key in source["target"]}
    return {
        "describedObject": described,
        "metric": _metric(source, "selector"),
        "target": {"type": "AverageValue" if average else "Value", "value": source["targetValue"], **average},
    }


def _external(source: Object) -> Object:
    value = {"value": source["targetValue"]} if "targetValue" in source else {}
    average = {"averageValue": source["targetAverageValue"]} if "targetAverageValue" in source else {}
    target = {"type": "Value" if value else "AverageValue", **value, **average}
    return {"metric": _metric(source, "metricSelector"), "target": target}


def _metric(source: Object, selector: str) -> Object:
    return {"name": source["metricName"], **({"selector": source[selector]} if selector in source else {})}


_SOURCES = {
    "resource": _resource,
    "containerResource": _resource,
    "pods": _pods,
    "object": _object_source,
    "external": _external,
}
