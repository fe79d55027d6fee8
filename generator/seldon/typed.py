"""Read a SeldonDeployment as the operator's Go types do: empty values are absent, quantities in Go's form.

Go drops an empty string, list, map, number 0 and false unless the field is a pointer. This module knows which
fields are pointers, so that what the operator writes on (Deployments, ENGINE_PREDICTOR) can be foretold.
"""

from copy import deepcopy
from typing import Any

from generator.seldon.objects import Object
from generator.seldon.quantity import rewritten

# k8s.io/api types behind pointers or without omitempty: an empty value stays.
_KEPT = frozenset({
    "activeDeadlineSeconds", "allowPrivilegeEscalation", "automountServiceAccountToken", "containerPort", "defaultMode",
    "enableServiceLinks", "expirationSeconds", "failureThreshold", "fsGroup", "hostUsers", "idleReplicaCount", "key",
    "maxReplicas", "maxSkew", "maxUnavailable", "methods", "minAvailable", "minReplicaCount", "minReplicas", "mode",
    "mountPath", "name", "optional", "port", "priority", "privileged", "progressDeadlineSeconds",
    "readOnlyRootFilesystem", "replicas", "runAsGroup", "runAsNonRoot", "runAsUser", "setHostnameAsFQDN",
    "shareProcessNamespace", "storageClassName", "terminationGracePeriodSeconds", "tolerationSeconds", "topologyKey",
    "type", "weight", "whenUnsatisfiable",
})  # fmt: skip
# Free maps: their values are data; an empty map is absent.
_MAPS = frozenset({"annotations", "config", "labels", "matchLabels", "nodeSelector", "options", "volumeAttributes"})
_QUANTITY_MAPS = frozenset({"limits", "requests"})
_QUANTITIES = frozenset({"averageValue", "divisor", "sizeLimit", "targetAverageValue", "targetValue"})
_VERBATIM = frozenset({"kedaSpec"})  # trigger metadata and the HPA behaviour inside are written on as they are
_CONTAINER_LISTS = frozenset({"containers", "initContainers"})


def typed(deployment: Object) -> Object:
    """Return a deep copy of the SeldonDeployment without what Go would not write."""
    return {**deployment, "metadata": _object(deployment["metadata"]), "spec": _object(deployment["spec"])}


def _object(source: Object) -> Object:
    pairs = ((key, _value(key, value)) for key, value in source.items() if value is not None)
    return {key: value for key, value in pairs if not _is_absent(key, value)}


def _value(key: str, value: Any) -> Any:
    if key in _VERBATIM or key in _MAPS:
        return deepcopy(value)
    if key in _QUANTITIES:
        return rewritten(value)
    match value:
        case dict():
            return _nested(key, value)
        case list():
            items = [_object(item) if isinstance(item, dict) else item for item in value]
            return [_with_resources(item) for item in items] if key in _CONTAINER_LISTS else items
        case _:
            return value


def _nested(key: str, source: Object) -> Object:
    if key in _QUANTITY_MAPS:
        return {name: rewritten(amount) for name, amount in source.items()}
    value = _object(source)
    if key == "target" and "value" in value:  # MetricTarget; elsewhere `value` is free text
        return {**value, "value": rewritten(value["value"])}
    return _with_resources(value) if key == "containerSpec" else value


def _with_resources(container: Object) -> Object:
    # Container.Resources is a struct, not a pointer: always written.
    return {**container, "resources": container.get("resources", {})}


def _is_absent(key: str, value: Any) -> bool:
    if isinstance(value, dict):
        return not value and key in _MAPS | _QUANTITY_MAPS
    return key not in _KEPT and not value
