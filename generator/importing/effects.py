"""What a SeldonDeployment does, told so that two can be compared: by predictor and node, without names of objects.

The operator's own objects are the source (`seldon/operator.py`). What a person chose stands by its value; a port that
the operator counts up stands as "counted", since nobody asked for that number.
"""

import base64
import json
import re
from typing import Any

from generator.importing.beside import whole_url
from generator.importing.container import whole_image
from generator.importing.nodes import typed_parameter
from generator.importing.pods import container_effects, pod_effects, variables
from generator.seldon import names
from generator.seldon.defaults import defaulted
from generator.seldon.explainer import service_port
from generator.seldon.objects import (
    ENGINE_CONTAINER,
    TFSERVING_CONTAINER,
    V2_PROTOCOLS,
    Object,
    containers,
    has_explainer,
    named,
    nodes,
)
from generator.seldon.operator import expand
from generator.seldon.settings import OperatorSettings

Effects = dict[str, Any]
COUNTED = "counted"
_WHOLE = 100  # percent


def effects(deployment: Object, settings: OperatorSettings) -> Effects:
    """Return what the operator makes of a SeldonDeployment, by predictor and node.

    Raises:
        OperatorError: It makes nothing of it.
    """
    whole, made = defaulted(deployment, settings), list(expand(deployment, settings))
    return {
        "route": _route(whole, made),
        "services": {o["metadata"]["name"]: _service(o["spec"]) for o in made if o["kind"] == "Service"},
        "destinations": {o["metadata"]["name"]: o["spec"] for o in made if o["kind"] == "DestinationRule"},
        "predictors": {
            one["name"]: _predictor(whole, one, made, _declared(deployment, one["name"]))
            for one in whole["spec"]["predictors"]
        },
    }


def idle_view(deployment: Object, settings: OperatorSettings) -> list[Object]:
    """Return all that the operator makes; of what the executor is told, only what it reads.

    Of a node's endpoint the executor reads host and ports, never the type (Seldon Core 1.17.1,
    executor/predictor/predictor_process.go).
    """
    found = []
    for made in expand(deployment, settings):
        text = json.loads(json.dumps(made))
        for container in _pod(text).get("containers", ()):
            for variable in container.get("env") or ():
                if variable["name"] == "ENGINE_PREDICTOR":
                    variable["value"] = _graph(_told(variable["value"])["graph"], endpoints=True)
        found.append(text)
    return found


def _route(whole: Object, made: list[Object]) -> Effects:
    name = names.virtual_service(whole["metadata"]["name"])
    spec = next(o for o in made if o["kind"] == "VirtualService" and o["metadata"]["name"] == name)["spec"]
    rest = spec["http"][0]
    shares = {one["destination"]["subset"]: one.get("weight", 0) for one in rest["route"]}
    mirror = rest.get("mirror", {}).get("subset")
    return {
        "hosts": spec["hosts"],
        "gateways": spec["gateways"],
        "prefix": rest["match"][0]["uri"]["prefix"],
        "retries": rest.get("retries"),
        # A single destination gets everything, whatever its weight (Istio VirtualService reference).
        "shares": dict.fromkeys(shares, _WHOLE) if len(shares) == 1 and set(shares.values()) <= {0, _WHOLE} else shares,
        "mirror": {mirror: rest.get("mirrorPercentage", {}).get("value", _WHOLE)} if mirror else None,
    }


def _service(spec: Object) -> Effects:
    """Return whom a Service leads to; its numbers are those of the containers, told there."""
    words = [port["name"] for port in spec["ports"]]
    return {"selector": spec["selector"], "headless": spec.get("clusterIP") == "None", "ports": words}


def _predictor(whole: Object, predictor: Object, made: list[Object], declared: dict[str, list[str]]) -> Effects:
    sdep = whole["metadata"]["name"]
    found = {}
    engine: Object = {}
    for node in nodes(predictor["graph"]):
        label, wanted = (
            names.container_label(node["name"]),
            names.container_service(sdep, predictor["name"], node["name"]),
        )
        workload = next((o for o in made if _labels(o).get(label) == wanted), None)
        if workload is not None:
            found[node["name"]] = _node(node, workload, made, declared.get(node["name"], []))
            engine = named(_pod(workload)["containers"], ENGINE_CONTAINER) or engine
    separate = names.orchestrator_deployment(sdep, predictor["name"])
    apart = next((o for o in made if o["kind"] == "Deployment" and o["metadata"]["name"] == separate), None)
    engine = engine or (_pod(apart)["containers"][0] if apart else {})
    told = _told(named(engine["env"], "ENGINE_PREDICTOR")["value"]) if engine else predictor  # type: ignore[index]
    return {
        "service": names.service_of(sdep, predictor),
        "version": predictor["labels"]["version"],
        "engine": _engine(engine) if engine else None,
        "graph": _graph(told["graph"]),
        "nodes": found,
        "explainer": _explainer(whole, predictor, made) if has_explainer(predictor) else None,
        "progressDeadlineSeconds": predictor.get("progressDeadlineSeconds"),
    }


def _engine(container: Object) -> Effects:
    given = container["args"]
    words = given[:-1]
    told = dict(zip(words[::2], words[1::2], strict=True))
    told["--protocol"] = "v2" if told["--protocol"] in V2_PROTOCOLS else told["--protocol"]
    return {
        "args": {**told, "health": given[-1]},
        "env": {key: value for key, value in variables(container["env"]).items() if key != "ENGINE_PREDICTOR"},
        "resources": container["resources"],
        "image": container["image"],
    }


def _told(text: str) -> Object:
    told: Object = json.loads(base64.b64decode(text))
    return told


def _graph(node: Object, *, endpoints: bool = False) -> Effects:
    endpoint = {key: value for key, value in node.get("endpoint", {}).items() if key != "type"}
    return {
        "name": node["name"],
        "type": node.get("type"),
        "implementation": node.get("implementation"),
        "modelUri": node.get("modelUri"),
        "methods": node.get("methods"),
        "logger": _logger(node.get("logger") or {}),
        "parameters": {one["name"]: _parameter(one) for one in node.get("parameters", ())},
        "children": [_graph(child, endpoints=endpoints) for child in node.get("children", ())],
        **({"endpoint": endpoint} if endpoints else {}),
    }


def _logger(given: Object) -> Object:
    return {**given, "url": whole_url(given["url"])} if given.get("url") else given


def _parameter(given: Object) -> Any:
    value = typed_parameter(given.get("value", ""), given["type"])
    return given if value is None else value


def _declared(deployment: Object, predictor: str) -> dict[str, list[str]]:
    """Return the names of the ports that the original declares, by container."""
    given = next(one for one in deployment["spec"]["predictors"] if one["name"] == predictor)
    return {
        container["name"]: [str(port.get("name") or "") for port in container.get("ports") or ()]
        for part in given.get("componentSpecs") or ()
        for container in containers(part)
    }


def _node(node: Object, workload: Object, made: list[Object], declared: list[str]) -> Effects:
    pod, name = _pod(workload), node["name"]
    container = named(pod["containers"], name) or {}
    behind = TFSERVING_CONTAINER if node.get("implementation") == "TENSORFLOW_SERVER" else ""
    serving = named(pod["containers"], behind)
    endpoint = node["endpoint"]
    ports = {"http": endpoint["httpPort"], "grpc": endpoint["grpcPort"]}
    named_ports = {one["name"]: one["containerPort"] for one in container.get("ports", ()) if one.get("name")}
    bare = [one["containerPort"] for one in container.get("ports", ()) if not one.get("name") and "" in declared]
    numbers = {**named_ports, **ports}
    return {
        **container_effects(_by_word(container, ports), pod, number=endpoint["httpPort"]),
        "bare ports": bare,
        "ports": {key: value if key in declared else COUNTED for key, value in numbers.items()},
        "pod": pod_effects(pod, (name, behind) if behind else (name,)),
        "scale": _scale(workload, made),
        "annotations": dict(workload["spec"]["template"]["metadata"].get("annotations", {})),
        "labels": {key: value for key, value in _labels(workload).items() if not _operators(key)},
        "tfserving": container_effects(serving, pod, number=0) if serving else None,
    }


def _by_word(container: Object, ports: dict[str, int]) -> Object:
    """Return the container with the arguments that the operator writes telling its ports by word."""
    words = {f"={number}": f"={name}" for name, number in ports.items()}
    args = list(container.get("args", ()))
    for number, word in words.items():
        args = [arg.removesuffix(number) + word if arg.endswith(number) else arg for arg in args]
    return {**container, "args": args} if args else container


def _operators(label: str) -> bool:
    return label in ("app", "fluentd", "version", "app.kubernetes.io/managed-by") or label.startswith("seldon")


def _scale(workload: Object, made: list[Object]) -> Effects:
    name = workload["metadata"]["name"]
    own = {o["kind"]: o["spec"] for o in made if o["metadata"]["name"] == name}
    autoscaler = own.get("HorizontalPodAutoscaler")
    return {
        "replicas": workload["spec"].get("replicas", 1) if autoscaler is None else None,
        "autoscaler": _autoscaler(autoscaler) if autoscaler else None,
        "budget": own.get("PodDisruptionBudget", {}).get("maxUnavailable"),
        "keda": {key: value for key, value in own.get("ScaledObject", {}).items() if key != "scaleTargetRef"},
    }


def _autoscaler(spec: Object) -> Effects:
    sources = [one.get("resource") or one.get("containerResource") or one for one in spec.get("metrics", ())]
    targets = [(one.get("name"), (one.get("target") or {}).get("averageUtilization")) for one in sources]
    return {"min": spec.get("minReplicas", 1), "max": spec["maxReplicas"], "targets": targets}


def _explainer(whole: Object, predictor: Object, made: list[Object]) -> Effects:
    name = names.explainer_name(whole["metadata"]["name"], predictor["name"])
    workload = next(o for o in made if o["kind"] == "Deployment" and o["metadata"]["name"] == name)
    pod, given = _pod(workload), predictor["explainer"]
    container = pod["containers"][0]
    port = service_port(given)
    v2 = whole["spec"].get("protocol") in V2_PROTOCOLS
    stated = (given.get("endpoint") or {}).get("service_port") or named(
        (given.get("containerSpec") or {}).get("ports"), "http"
    )
    # Whom it asks is the predictor's Service, on the port that is told there.
    asked = f"{names.service_of(whole['metadata']['name'], predictor)}.{whole['metadata']['namespace']}:"
    told = json.loads(re.sub(f"{re.escape(asked)}[0-9]+", asked, json.dumps(container)))
    args = ["--http_port" if word.startswith("--http_port=") else word for word in told.get("args", ())]
    return {
        **container_effects({**told, "args": args}, pod, number=port),
        "image": whole_image(container["image"]).removeprefix("docker.io/"),
        "name": container["name"] if v2 else None,
        "port": port if stated else COUNTED,
        "replicas": workload["spec"].get("replicas", 1),
        "pod": pod_effects(pod, (container["name"],)),
    }


def _labels(workload: Object) -> Object:
    template = workload["spec"].get("template") or {} if workload["kind"] == "Deployment" else {}
    found: Object = (template.get("metadata") or {}).get("labels") or {}
    return found


def _pod(workload: Object) -> Object:
    pod: Object = ((workload.get("spec") or {}).get("template") or {}).get("spec") or {}
    return pod
