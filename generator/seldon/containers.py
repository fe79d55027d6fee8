"""Complete a graph node's container: ports, probes, preStop and the environment that its server reads.

Source: Seldon Core 1.17.1, operator/controllers/seldondeployment_controller.go (createContainerService) and
operator/utils/utils.go.
"""

import json
from typing import Any

from generator.seldon.objects import MODEL_MOUNT_PATH, Object, env, named, uses_grpc
from generator.seldon.settings import OperatorSettings

PRE_STOP: Object = {"preStop": {"exec": {"command": ["/bin/sh", "-c", "/bin/sleep 10"]}}}
LIVENESS_DELAY_S = 60
READINESS_DELAY_S = 20


def node_container(
    deployment: Object, predictor: Object, container: Object, *, node: Object, settings: OperatorSettings
) -> Object:
    """Return a node's container as it stands in the pod, before a prepackaged server is laid over it."""
    endpoint = node["endpoint"]
    probed = endpoint["grpcPort"] if uses_grpc(deployment, endpoint) else endpoint["httpPort"]
    result = {
        "livenessProbe": tcp_probe(probed, delay_s=LIVENESS_DELAY_S),
        "readinessProbe": tcp_probe(probed, delay_s=READINESS_DELAY_S),
        "lifecycle": PRE_STOP,
        **container,
        "ports": _ports(container.get("ports", []), endpoint),
    }
    variables = _first_env(container.get("env", []), node, probed)
    variables += _identity(deployment, predictor, container)
    result["env"] = variables + _metrics(result["ports"], settings)
    return result


def tcp_probe(port: int | str, *, delay_s: int, failures: int = 3) -> Object:
    """Return the probe that the operator sets where a container has none."""
    return {
        "tcpSocket": {"port": port},
        "initialDelaySeconds": delay_s,
        "timeoutSeconds": 1,
        "periodSeconds": 5,
        "successThreshold": 1,
        "failureThreshold": failures,
    }


def env_set(variables: list[Object], variable: Object) -> list[Object]:
    """Return the environment with the variable in place of the last of that name, or at the end."""
    at = [index for index, known in enumerate(variables) if known["name"] == variable["name"]]
    if not at:
        return [*variables, variable]
    return [*variables[: at[-1]], variable, *variables[at[-1] + 1 :]]


def env_added(variables: list[Object], variable: Object) -> list[Object]:
    """Return the environment with the variable at the end, or an EMPTY one if it was there already.

    That is what the operator does: SetEnvVar without override returns nil for a name it finds, and all
    variables of the container are lost.
    """
    return [] if named(variables, variable["name"]) else [*variables, variable]


def parameters_json(parameters: list[Object]) -> str:
    """Return a node's parameters as the operator writes them for the server."""
    keys = ("name", "value", "type")
    return go_json([{key: parameter.get(key, "") for key in keys} for parameter in parameters])


def go_json(value: Any) -> str:
    """Return JSON text as Go writes it: compact, with <, >, & and the two line separators escaped."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _ports(ports: list[Object], endpoint: Object) -> list[Object]:
    wanted = (("http", endpoint["httpPort"]), ("grpc", endpoint["grpcPort"]))
    missing = [(name, number) for name, number in wanted if named(ports, name) is None]
    return [*ports, *({"name": name, "containerPort": number, "protocol": "TCP"} for name, number in missing)]


def _first_env(variables: list[Object], node: Object, probed: int) -> list[Object]:
    endpoint = node["endpoint"]
    result = list(variables)
    if named(result, "PREDICTIVE_UNIT_SERVICE_PORT") is None:
        result.append(env("PREDICTIVE_UNIT_SERVICE_PORT", probed))
    added = [
        env("PREDICTIVE_UNIT_HTTP_SERVICE_PORT", endpoint["httpPort"]),
        env("MLSERVER_HTTP_PORT", endpoint["httpPort"]),
        env("PREDICTIVE_UNIT_GRPC_SERVICE_PORT", endpoint["grpcPort"]),
        env("MLSERVER_GRPC_PORT", endpoint["grpcPort"]),
    ]
    if node.get("parameters"):
        added.append(env("PREDICTIVE_UNIT_PARAMETERS", parameters_json(node["parameters"])))
    if node.get("modelUri"):
        added.append(env("MLSERVER_MODEL_URI", MODEL_MOUNT_PATH))
    for variable in added:
        result = env_added(result, variable)
    return result


def _identity(deployment: Object, predictor: Object, container: Object) -> list[Object]:
    labels = dict(sorted(predictor["labels"].items()))
    return [
        env("PREDICTIVE_UNIT_ID", container["name"]),
        env("MLSERVER_MODEL_NAME", container["name"]),
        env("PREDICTIVE_UNIT_IMAGE", container.get("image", "")),
        env("PREDICTOR_ID", predictor["name"]),
        env("PREDICTOR_LABELS", go_json(labels)),
        env("SELDON_DEPLOYMENT_ID", deployment["metadata"]["name"]),
        env("SELDON_EXECUTOR_ENABLED", "true"),
    ]


def _metrics(ports: list[Object], settings: OperatorSettings) -> list[Object]:
    port = named(ports, settings.node_metrics_port_name)
    if port is None:
        return []
    return [
        env("PREDICTIVE_UNIT_METRICS_SERVICE_PORT", port["containerPort"]),
        env("PREDICTIVE_UNIT_METRICS_ENDPOINT", settings.executor_prometheus_path),
        env("MLSERVER_METRICS_PORT", port["containerPort"]),
        env("MLSERVER_METRICS_ENDPOINT", settings.executor_prometheus_path),
    ]
