"""What the CustomResourceDefinition of SeldonDeployments knows, as far as imports need it: fields and their types.

The Seldon part is whole; of Kubernetes' own types the pod and the container are known by their fields, and what lies
below those is taken on trust. With the real definition at hand (`--crds`) nothing is.

Source: Seldon Core 1.17.1, CRD of SeldonDeployments; Kubernetes API reference, PodSpec and Container.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from generator.document import Path, dotted

Schema = dict[str, Any]
DEPTH = 10  # levels of children that the CRD writes out


class Fault(StrEnum):
    """How a value does not fit."""

    UNKNOWN = "unknown field"
    TYPE = "type"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """One place where an object does not fit; ``wanted`` and ``found`` are words of the schema, for TYPE."""

    fault: Fault
    path: Path
    wanted: str = ""
    found: str = ""

    @property
    def place(self) -> str:
        """Return the path as the API server writes it."""
        return dotted(self.path).replace('"', "")


def misfits(schema: Schema, value: Any, path: Path = ()) -> Iterator[Misfit]:
    """Yield where a value does not fit a structural schema; null is dropped by the server where it does not fit."""
    if value is None:
        return
    wanted = schema.get("type")
    if wanted and not _is(value, wanted):
        yield Misfit(fault=Fault.TYPE, path=path, wanted=wanted, found=_word(value))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from misfits(schema.get("items") or {}, item, (*path, index))
    elif isinstance(value, dict):
        yield from _fields(schema, value, path)


def _fields(schema: Schema, value: dict[str, Any], path: Path) -> Iterator[Misfit]:
    known = schema.get("properties")
    free = schema.get("additionalProperties")
    for key, item in value.items():
        inner = (known or {}).get(key, free if isinstance(free, dict) else None)
        if inner is not None:
            yield from misfits(inner, item, (*path, key))
        elif known is not None and not schema.get("x-kubernetes-preserve-unknown-fields"):
            yield Misfit(fault=Fault.UNKNOWN, path=(*path, key))
    for key in schema.get("required") or ():
        if value.get(key) is None:
            yield Misfit(fault=Fault.MISSING, path=(*path, key))


_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}


def _is(value: Any, wanted: str) -> bool:
    if isinstance(value, bool):
        return wanted == "boolean"
    if isinstance(value, float) and wanted == "integer":
        return value.is_integer()
    return isinstance(value, _TYPES[wanted])


def _word(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "integer"}
_SWITCH: Schema = {"type": "boolean"}
_ANY: Schema = {}
_TEXTS: Schema = {"type": "object", "additionalProperties": _TEXT}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _open(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "x-kubernetes-preserve-unknown-fields": True}


def _fixed(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": required}


_OPEN = _open()
_RESOURCES = _fixed(limits=_OPEN, requests=_OPEN)
_VARIABLE = _fixed(("name",), name=_TEXT, value=_TEXT, valueFrom=_OPEN)
_PORT = _fixed(("containerPort",), containerPort=_NUMBER, hostIP=_TEXT, hostPort=_NUMBER, name=_TEXT, protocol=_TEXT)
_MOUNT = _fixed(
    ("mountPath", "name"),
    mountPath=_TEXT,
    mountPropagation=_TEXT,
    name=_TEXT,
    readOnly=_SWITCH,
    subPath=_TEXT,
    subPathExpr=_TEXT,
)
_CONTAINER = _fixed(
    ("name",),
    args=_list(_TEXT),
    command=_list(_TEXT),
    env=_list(_VARIABLE),
    envFrom=_list(_OPEN),
    image=_TEXT,
    imagePullPolicy=_TEXT,
    lifecycle=_OPEN,
    livenessProbe=_OPEN,
    name=_TEXT,
    ports=_list(_PORT),
    readinessProbe=_OPEN,
    resources=_RESOURCES,
    securityContext=_OPEN,
    startupProbe=_OPEN,
    stdin=_SWITCH,
    stdinOnce=_SWITCH,
    terminationMessagePath=_TEXT,
    terminationMessagePolicy=_TEXT,
    tty=_SWITCH,
    volumeDevices=_list(_OPEN),
    volumeMounts=_list(_MOUNT),
    workingDir=_TEXT,
)
_POD_TEXTS = (
    "dnsPolicy", "hostname", "nodeName", "preemptionPolicy", "priorityClassName", "restartPolicy", "runtimeClassName",
    "schedulerName", "serviceAccount", "serviceAccountName", "subdomain",
)  # fmt: skip
_POD_SWITCHES = (
    "automountServiceAccountToken", "enableServiceLinks", "hostIPC", "hostNetwork", "hostPID", "setHostnameAsFQDN",
    "shareProcessNamespace",
)  # fmt: skip
_POD_LISTS = (
    "ephemeralContainers", "hostAliases", "imagePullSecrets", "readinessGates", "tolerations",
    "topologySpreadConstraints", "volumes",
)  # fmt: skip
_POD = _fixed(
    ("containers",),
    **dict.fromkeys(_POD_TEXTS, _TEXT),
    **dict.fromkeys(_POD_SWITCHES, _SWITCH),
    **dict.fromkeys(_POD_LISTS, _list(_OPEN)),
    **dict.fromkeys(("activeDeadlineSeconds", "priority", "terminationGracePeriodSeconds"), _NUMBER),
    **dict.fromkeys(("affinity", "dnsConfig", "os", "overhead", "securityContext"), _OPEN),
    containers=_list(_CONTAINER),
    initContainers=_list(_CONTAINER),
    nodeSelector=_TEXTS,
)
_COMPONENT = _fixed(
    metadata=_open(name=_TEXT, labels=_TEXTS, annotations=_TEXTS),
    spec=_POD,
    replicas=_NUMBER,
    hpaSpec=_fixed(
        ("maxReplicas",), maxReplicas=_NUMBER, minReplicas=_NUMBER, metrics=_list(_OPEN), metricsv2=_list(_OPEN)
    ),
    kedaSpec=_fixed(
        ("triggers",),
        **dict.fromkeys(
            ("cooldownPeriod", "idleReplicaCount", "maxReplicaCount", "minReplicaCount", "pollingInterval"), _NUMBER
        ),
        advanced=_OPEN,
        fallback=_OPEN,
        triggers=_list(_OPEN),
    ),
    pdbSpec=_fixed(maxUnavailable=_ANY, minAvailable=_ANY),
)
_ENDPOINT = _fixed(service_host=_TEXT, type=_TEXT, grpcPort=_NUMBER, httpPort=_NUMBER, service_port=_NUMBER)
_NODE: Schema = {
    **dict.fromkeys(
        (
            "envSecretRefName", "implementation", "modelUri", "name", "serviceAccountName", "storageInitializerImage",
            "type",
        ),
        _TEXT,
    ),
    "endpoint": _ENDPOINT,
    "logger": _fixed(mode=_TEXT, url=_TEXT),
    "methods": _list(_TEXT),
    "parameters": _list(_fixed(("name", "type", "value"), name=_TEXT, type=_TEXT, value=_TEXT)),
}  # fmt: skip
_EXPLAINER = _fixed(
    (),
    **dict.fromkeys(
        (
            "envSecretRefName", "initParameters", "modelUri", "serviceAccountName", "storageInitializerImage", "type",
        ),
        _TEXT,
    ),
    config=_TEXTS,
    containerSpec=_CONTAINER,
    endpoint=_ENDPOINT,
    replicas=_NUMBER,
)  # fmt: skip


def _graph(depth: int) -> Schema:
    below = {"children": _list(_graph(depth - 1))} if depth else {}
    return _fixed(("name",), **_NODE, **below)


SELDON_DEPLOYMENT: Schema = _open(
    apiVersion=_TEXT,
    kind=_TEXT,
    metadata=_open(name=_TEXT, namespace=_TEXT, labels=_TEXTS, annotations=_TEXTS),
    spec=_fixed(
        ("predictors",),
        **dict.fromkeys(("name", "oauth_key", "oauth_secret", "protocol", "serverType", "transport"), _TEXT),
        annotations=_TEXTS,
        replicas=_NUMBER,
        predictors=_list(
            _fixed(
                ("graph", "name"),
                annotations=_TEXTS,
                componentSpecs=_list(_COMPONENT),
                engineResources=_RESOURCES,
                explainer=_EXPLAINER,
                graph=_graph(DEPTH),
                labels=_TEXTS,
                name=_TEXT,
                progressDeadlineSeconds=_NUMBER,
                replicas=_NUMBER,
                shadow=_SWITCH,
                ssl=_fixed(certSecretName=_TEXT),
                svcOrchSpec=_fixed(env=_list(_VARIABLE), replicas=_NUMBER, resources=_RESOURCES),
                traffic=_NUMBER,
            )
        ),
    ),
)
