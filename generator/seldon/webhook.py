"""Judge a SeldonDeployment as the operator's validating webhook does, with its exact words.

The webhook sees the object as it was sent, after the CRD's schema, and none at all if the object or its namespace
has the label ``seldon.io/controller-id``.

Source: Seldon Core 1.17.1, operator/apis/machinelearning.seldon.io/v1/seldondeployment_webhook.go; the form of
the text: k8s.io/apimachinery, pkg/util/validation/field and pkg/api/errors.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from generator.seldon.objects import NO_ENGINE, SERVICE_NAME, Object, container_of, is_prepackaged, nodes
from generator.seldon.settings import OperatorSettings
from generator.seldon.verdict import Outcome, Path, Verdict, graph_nodes, nearest, predictors

PROTOCOLS = ("seldon", "tensorflow", "kfserving", "v2")
TRANSPORTS = ("rest", "grpc")
SERVER_TYPES = ("rpc", "kafka")
KAFKA_ENV = ("KAFKA_BROKER", "KAFKA_INPUT_TOPIC", "KAFKA_OUTPUT_TOPIC")
NO_TENSORFLOW = ("SKLEARN_SERVER", "XGBOOST_SERVER", "MLFLOW_SERVER", "HUGGINGFACE_SERVER")
WHOLE_TRAFFIC = 100  # percent
CONSEQUENCE = "the API server refuses the SeldonDeployment"


@dataclass(frozen=True, slots=True)
class _Finding:
    """A rule that fires: our path, the webhook's own field and value, its text."""

    rule: str
    path: Path
    field: str
    value: str
    text: str


def verdicts(deployment: Object, settings: OperatorSettings | None = None) -> tuple[Verdict, ...]:
    """Return what the webhook finds, in its order; empty if it admits the object."""
    return tuple(
        Verdict(
            rule=found.rule,
            path=nearest(deployment, found.path),
            message=found.text,
            consequence=CONSEQUENCE,
            outcome=Outcome.REFUSED,
            refusal=f"{found.field}: Invalid value: {json.dumps(found.value, ensure_ascii=False)}: {found.text}",
        )
        for found in _findings(deployment, settings or OperatorSettings())
    )


def denial(deployment: Object, settings: OperatorSettings | None = None) -> str:
    """Return the message with which the API server refuses the object, "" if the webhook admits it.

    The name in it is the deprecated ``spec.name``, so mostly "".
    """
    lines = list(dict.fromkeys(verdict.refusal for verdict in verdicts(deployment, settings)))
    if not lines:
        return ""
    name = deployment["spec"].get("name") or ""
    text = lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]"
    return (
        'admission webhook "v1.vseldondeployment.kb.io" denied the request: '
        f'SeldonDeployment.machinelearing.seldon.io "{name}" is invalid: {text}'
    )


def _findings(deployment: Object, settings: OperatorSettings) -> Iterator[_Finding]:
    spec = deployment["spec"]
    yield from _words(spec)
    yield from _kafka(deployment)
    yield from _lone_shadow(spec)
    yield from _service_names(deployment)
    if not spec.get("predictors"):
        text = "Graph contains no predictors"
        yield _Finding("no-predictors", ("spec", "predictors"), "spec", spec.get("transport") or "", text)
    seen: list[str] = []
    for path, predictor in predictors(deployment):
        yield from _predictor(deployment, predictor, path, seen=seen, settings=settings)
        seen.append(predictor["name"])
    yield from _transports(deployment)
    yield from _traffic(spec)


def _words(spec: Object) -> Iterator[_Finding]:
    words = (("protocol", PROTOCOLS), ("transport", TRANSPORTS), ("serverType", SERVER_TYPES))
    for key, allowed in words:
        value = spec.get(key) or ""
        if value and value not in allowed:
            yield _Finding(f"unknown-{key.lower()}", ("spec", key), "spec", value, f"Invalid {key}")


def _kafka(deployment: Object) -> Iterator[_Finding]:
    if deployment["spec"].get("serverType") != "kafka":
        return
    text = f"For kafka please supply svcOrchSpec envs {', '.join(KAFKA_ENV)}"
    for path, predictor in predictors(deployment):
        variables = (predictor.get("svcOrchSpec") or {}).get("env") or ()
        if sum(variable["name"] in KAFKA_ENV for variable in variables) < len(KAFKA_ENV):
            yield _Finding("kafka-env", (*path, "svcOrchSpec", "env"), _field(path), predictor["name"], text)


def _lone_shadow(spec: Object) -> Iterator[_Finding]:
    found = spec.get("predictors") or []
    if len(found) == 1 and found[0].get("shadow"):
        path: Path = ("spec", "predictors", 0)
        text = "Shadow can not exist as only predictor"
        yield _Finding("shadow-alone", (*path, "shadow"), _field(path), found[0]["name"], text)


def _service_names(deployment: Object) -> Iterator[_Finding]:
    seen: list[str] = []
    for path, predictor in predictors(deployment):
        name = (predictor.get("annotations") or {}).get(SERVICE_NAME)
        if name is None:
            continue
        if name in seen:
            text = f"Found duplicate service name in {SERVICE_NAME} with value {name}"
            place = (*path, "annotations", SERVICE_NAME)
            yield _Finding("duplicate-service-name", place, _field(path), predictor["name"], text)
        seen.append(name)


def _predictor(
    deployment: Object, predictor: Object, path: Path, *, seen: list[str], settings: OperatorSettings
) -> Iterator[_Finding]:
    name = predictor["name"]
    if NO_ENGINE in (predictor.get("annotations") or {}) and len(list(nodes(predictor["graph"]))) > 1:
        text = "Running without engine only valid for single element graphs"
        yield _Finding("no-engine-graph", (*path, "annotations", NO_ENGINE), _field(path), name, text)
    if name in seen:
        yield _Finding("duplicate-predictor", (*path, "name"), _field(path), name, "Duplicate predictor name")
    for place, node in graph_nodes(predictor, path):
        for rule, key, text in _node(deployment["spec"], predictor, node, settings):
            yield _Finding(rule, (*place, key), _field(place), node["name"], text)
        logger = node.get("logger")
        if logger is not None and not logger.get("mode"):
            yield _Finding("logger-mode", (*place, "logger"), _field(place), "", "No logger mode specified")


def _node(spec: Object, predictor: Object, node: Object, settings: OperatorSettings) -> Iterator[tuple[str, str, str]]:
    """Yield rule, key within the node, text."""
    implementation = node.get("implementation")
    found = container_of(predictor, node["name"])
    if implementation in (None, "UNKNOWN_IMPLEMENTATION"):
        if found is None:
            yield "no-container", "name", "Can't find container for Predictive Unit"
        if node.get("type") == "UNKNOWN_TYPE" and not node.get("methods"):
            hint = "Change to a known type or add what methods it defines"
            yield "no-methods", "type", f"Predictive Unit has no implementation methods defined. {hint}"
    elif is_prepackaged(node):
        if not node.get("modelUri") and implementation != "HUGGINGFACE_SERVER":
            text = "Predictive unit modelUri required when using standalone servers"
            yield "no-model-uri", "modelUri", text
        if spec.get("protocol") == "tensorflow" and implementation in NO_TENSORFLOW:
            text = f"Prepackaged server does not handle tensorflow protocol {implementation}"
            yield "server-tensorflow", "implementation", text
        if (found is None or not found[1].get("image")) and settings.server(str(implementation)) is None:
            yield "unknown-server", "implementation", f"No entry in predictors map for {implementation}"


def _transports(deployment: Object) -> Iterator[_Finding]:
    places: dict[str, Path] = {}
    for path, predictor in predictors(deployment):
        for place, node in graph_nodes(predictor, path):
            kind = (node.get("endpoint") or {}).get("type")
            if kind:
                places.setdefault(kind, (*place, "endpoint", "type"))
    transport = deployment["spec"].get("transport") or ""
    if len(places) > 1:
        text = "Multiple endpoint.types found - can only have 1 type in graph. Please use spec.transport"
        yield _Finding("endpoint-types", list(places.values())[1], "spec", "", text)
    elif transport:
        text = "Mixed transport types found. Remove graph endpoint.types if transport set at deployment level"
        for kind, place in places.items():
            if {"REST": "rest", "GRPC": "grpc"}.get(kind, transport) != transport:
                yield _Finding("endpoint-transport", place, "spec", "", text)


def _traffic(spec: Object) -> Iterator[_Finding]:
    found = spec.get("predictors") or []
    shadows = [index for index, predictor in enumerate(found) if predictor.get("shadow")]
    for count, index in enumerate(shadows, start=1):
        path: Path = ("spec", "predictors", index)
        if count > 1:
            yield _Finding("several-shadows", (*path, "shadow"), "spec", found[index]["name"], _SHADOWS)
        if not 0 <= _percent(found[index]) <= WHOLE_TRAFFIC:
            yield _Finding("shadow-traffic", (*path, "traffic"), "spec", found[index]["name"], _SHADOW_RANGE)
    total = sum(_percent(predictor) for predictor in found if not predictor.get("shadow"))
    if total != WHOLE_TRAFFIC and len(found) - len(shadows) > 1:
        text = "Traffic must sum to 100 for multiple predictors"
        yield _Finding("traffic-sum", ("spec", "predictors"), "spec", found[0]["name"], text)
    if 0 < total < WHOLE_TRAFFIC and len(found) == 1:
        text = "Traffic must sum be 100 for a single predictor when set"
        yield _Finding("traffic-single", ("spec", "predictors", 0, "traffic"), "spec", found[0]["name"], text)


_SHADOWS = "Multiple shadows are not allowed"
_SHADOW_RANGE = "shadow traffic is illegal, the traffic number should be between [0, 100]"


def _percent(predictor: Object) -> int:
    traffic: int = predictor.get("traffic") or 0
    return traffic


def _field(path: Path) -> str:
    """Write a path as the webhook does: it leaves out the word `children`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path if step != "children")
    return "".join(steps).removeprefix(".")
