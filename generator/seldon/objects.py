"""The plain Kubernetes object and the few ways the operator looks into a SeldonDeployment."""

from collections.abc import Iterator
from typing import Any

from generator.diag import GenError

Object = dict[str, Any]

API_VERSION = "machinelearning.seldon.io/v1"
ENGINE_CONTAINER = "seldon-container-engine"  # operator/controllers/seldondeployment_engine.go
TFSERVING_CONTAINER = "tfserving"  # operator/constants/constants.go
PODINFO_VOLUME = "seldon-podinfo"
OLD_PODINFO_VOLUME = "podinfo"  # written by operators before 1.2
PODINFO_MOUNT: Object = {"name": PODINFO_VOLUME, "mountPath": "/etc/podinfo"}
MODEL_MOUNT_PATH = "/mnt/models"
PORT_NAMES = ("http", "grpc")

NO_ENGINE = "seldon.io/no-engine"
SEPARATE_ENGINE = "seldon.io/engine-separate-pod"
SERVICE_NAME = "seldon.io/svc-name"

BUILT_IN = ("", "UNKNOWN_IMPLEMENTATION", "SIMPLE_MODEL", "SIMPLE_ROUTER", "RANDOM_ABTEST", "AVERAGE_COMBINER")
V2_PROTOCOLS = ("v2", "kfserving")


class OperatorError(GenError):
    """What the operator would write into ``status.description`` next to the state Failed."""


def nodes(graph: Object) -> Iterator[Object]:
    """Yield a graph's nodes, parents first, children in order."""
    yield graph
    for child in graph.get("children") or ():
        yield from nodes(child)


def node_named(graph: Object, name: str) -> Object | None:
    """Return the first node of that name: the one that the operator binds to the container."""
    return next((node for node in nodes(graph) if node["name"] == name), None)


def is_prepackaged(node: Object) -> bool:
    """Say whether the operator takes the node for a prepackaged server: every implementation it does not know."""
    return (node.get("implementation") or "") not in BUILT_IN


def components(predictor: Object) -> list[Object]:
    """Return the predictor's componentSpecs; empty if it has none."""
    return predictor.get("componentSpecs") or []


def containers(component: Object) -> list[Object]:
    """Return a componentSpec's containers; empty if it has none."""
    return (component.get("spec") or {}).get("containers") or []


def container_of(predictor: Object, name: str) -> tuple[int, Object] | None:
    """Return the index of the componentSpec and the first container of that name, or None."""
    found = ((index, c) for index, part in enumerate(components(predictor)) for c in containers(part))
    return next(((index, c) for index, c in found if c["name"] == name), None)


def named(items: list[Object] | None, name: str) -> Object | None:
    """Return the first item with that ``name``, or None."""
    return next((item for item in items or () if item.get("name") == name), None)


def has_engine(predictor: Object) -> bool:
    """Say whether the predictor runs behind the executor; only "true" in any case switches it off."""
    return annotation_of(predictor, NO_ENGINE).lower() != "true"


def has_separate_engine(deployment: Object) -> bool:
    """Say whether the executor gets a pod of its own; read from ``spec.annotations`` only."""
    return annotation_of(deployment["spec"], SEPARATE_ENGINE).lower() == "true"


def has_explainer(predictor: Object) -> bool:
    """Say whether the operator makes an explainer: without a ``type`` it makes none."""
    return bool((predictor.get("explainer") or {}).get("type"))


def annotation_of(owner: Object, key: str, default: str = "") -> str:
    """Return an annotation of a part that carries ``annotations`` itself."""
    value: str = (owner.get("annotations") or {}).get(key, default)
    return value


def annotation(deployment: Object, key: str, default: str) -> str:
    """Return an annotation from ``spec.annotations``, else from ``metadata.annotations``, else the default."""
    return annotation_of(deployment["spec"], key, annotation_of(deployment["metadata"], key, default))


def namespace_of(deployment: Object) -> str:
    """Return the namespace, ``default`` if none is set."""
    return deployment["metadata"].get("namespace") or "default"


def uses_grpc(deployment: Object, endpoint: Object) -> bool:
    """Say whether the one port that old images open is the gRPC port."""
    return deployment["spec"].get("transport") == "grpc" or endpoint.get("type") == "GRPC"


def env(name: str, value: object) -> Object:
    """Return one environment variable as the API keeps it: an empty value is left out."""
    return {"name": name, "value": str(value)} if str(value) else {"name": name}
