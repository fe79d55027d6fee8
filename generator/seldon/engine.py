"""Build the executor: its container, the predictor that it reads from ENGINE_PREDICTOR, its own Deployment.

Source: Seldon Core 1.17.1, operator/controllers/seldondeployment_engine.go and utils/controller_utils.go.
"""

import base64
import re

from generator.seldon import names
from generator.seldon.containers import go_json
from generator.seldon.deployments import as_deployment
from generator.seldon.initializer import requirements
from generator.seldon.objects import (
    ENGINE_CONTAINER,
    PODINFO_MOUNT,
    Object,
    OperatorError,
    annotation,
    components,
    env,
    named,
    namespace_of,
)
from generator.seldon.pods import pod_defaults
from generator.seldon.settings import OperatorSettings

ENV_ANNOTATION = "seldon.io/engine-"
PROBE_DELAY_S = 20
PROBE_TIMEOUT_S = 60


def engine_predictor(predictor: Object) -> str:
    """Return ENGINE_PREDICTOR: base64 of the predictor's JSON without traffic, replicas and explainer.

    A change of this text restarts the executor's pod. The operator writes the keys in the order of its Go types,
    we in ours; the executor reads JSON and sees no difference.
    """
    own = {key: value for key, value in predictor.items() if key not in ("traffic", "replicas", "explainer")}
    parts = [{**part, "metadata": {**part.get("metadata", {}), "creationTimestamp": None}} for part in components(own)]
    own |= {"componentSpecs": parts} if parts else {}
    own |= {"replicas": 0, "engineResources": own.get("engineResources", {}), "svcOrchSpec": own.get("svcOrchSpec", {})}
    return base64.b64encode(go_json(own).encode()).decode()


def with_engine(pod: Object, deployment: Object, predictor: Object, seen: Object, settings: OperatorSettings) -> Object:
    """Return the pod with the executor as its last container, unless it has one of that name.

    ``seen``: the predictor as the executor is told of it, with the containers completed.
    """
    if named(pod["containers"], ENGINE_CONTAINER):
        return pod
    engine = engine_container(deployment, predictor, seen, settings)
    return {**pod, "containers": [*pod["containers"], engine]}


def orchestrator(deployment: Object, predictor: Object, settings: OperatorSettings) -> Object:
    """Return the executor's own Deployment (``seldon.io/engine-separate-pod``).

    Its label ``seldon-deployment-id`` is the predictor's Service, not the SeldonDeployment; of all annotations
    the pod carries Prometheus' alone.
    """
    sdep = deployment["metadata"]["name"]
    name = names.orchestrator_deployment(sdep, predictor["name"])
    service = names.service_of(sdep, predictor)
    chosen = {"seldon-app": service, "seldon-deployment-id": service}
    account = settings.executor_service_account
    pod = {
        "containers": [engine_container(deployment, predictor, predictor, settings)],
        "serviceAccountName": account,
        "serviceAccount": account,
        "securityContext": {},
    }
    replicas = (predictor.get("svcOrchSpec", {}), predictor, deployment["spec"])
    own = {**chosen, "app": name}
    pod_annotations = {"prometheus.io/path": settings.executor_prometheus_path, "prometheus.io/scrape": "true"}
    return as_deployment(
        {"name": name, "namespace": namespace_of(deployment)},
        labels={
            **own,
            "seldon-deployment-contains-svcorch": "true",
            "version": "v1",
            "fluentd": "true",
            **predictor["labels"],
        },
        annotations=deployment["spec"].get("annotations", {}),
        template={"labels": {**own, **predictor["labels"]}, "annotations": pod_annotations},
        spec={
            "selector": {"matchLabels": chosen},
            "pod": {**pod_defaults(pod, settings), **_default_user(settings)},
            "replicas": next((part["replicas"] for part in replicas if "replicas" in part), None),
        },
    )


def engine_container(deployment: Object, predictor: Object, seen: Object, settings: OperatorSettings) -> Object:
    """Return the executor's container.

    Raises:
        OperatorError: A logger annotation is no whole number.
    """
    given = predictor.get("svcOrchSpec", {}).get("env", [])
    container = {
        "name": ENGINE_CONTAINER,
        "image": settings.executor_image,
        "args": _args(deployment, predictor, settings),
        "imagePullPolicy": settings.executor_pull_policy,
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "volumeMounts": [dict(PODINFO_MOUNT)],
        "env": [
            env("ENGINE_PREDICTOR", engine_predictor(seen)),
            env("REQUEST_LOGGER_DEFAULT_ENDPOINT", settings.request_logger_endpoint),
            *given,
            *_env_from_annotations(deployment, given),
        ],
        "ports": [
            {"containerPort": settings.executor_http_port, "protocol": "TCP", "name": "http"},
            {
                "containerPort": settings.executor_http_port,
                "protocol": "TCP",
                "name": settings.executor_metrics_port_name,
            },
            {"containerPort": settings.executor_grpc_port, "protocol": "TCP", "name": "grpc"},
        ],
        "readinessProbe": _probe(predictor, "/ready", settings),
        "livenessProbe": _probe(predictor, "/live", settings),
        "resources": predictor.get("svcOrchSpec", {}).get("resources", requirements(settings.executor_resources)),
    }
    if settings.executor_user_id is not None:
        user = settings.executor_user_id
        container["securityContext"] = {"runAsUser": user, "allowPrivilegeEscalation": False}
    return container


def _args(deployment: Object, predictor: Object, settings: OperatorSettings) -> list[str]:
    spec = deployment["spec"]
    size = _whole_number(
        deployment,
        "seldon.io/executor-logger-queue-size",
        settings.request_logger_queue_size,
        told="EXECUTOR_REQUEST_LOGGER_WORK_QUEUE_SIZE",
    )
    timeout_ms = _whole_number(
        deployment,
        "seldon.io/executor-logger-write-timeout-ms",
        settings.request_logger_write_timeout_ms,
        told="EXECUTOR_REQUEST_LOGGER_WRITE_TIMEOUT_MS",
    )
    pairs = {
        "--sdep": deployment["metadata"]["name"],
        "--namespace": namespace_of(deployment),
        "--predictor": predictor["name"],
        "--http_port": str(settings.executor_http_port),
        "--grpc_port": str(settings.executor_grpc_port),
        "--protocol": spec.get("protocol", "seldon"),
        "--transport": spec.get("transport", "rest"),
        "--prometheus_path": settings.executor_prometheus_path,
        "--server_type": spec.get("serverType", "rpc"),
        "--log_work_buffer_size": size,
        "--log_write_timeout_ms": timeout_ms,
    }
    full = "true" if settings.executor_full_health_checks else "false"
    return [*(word for pair in pairs.items() for word in pair), f"--full_health_checks={full}"]


def _whole_number(deployment: Object, key: str, default: str, *, told: str) -> str:
    value = annotation(deployment, key, default)
    if not re.fullmatch(r"[+-]?[0-9]+", value):
        # For the timeout the operator prints its own setting instead of the annotation.
        shown = default if "timeout" in key else value
        raise OperatorError(
            f'Failed to parse {shown} as integer for {told}. strconv.Atoi: parsing "{value}": invalid syntax'
        )
    return value


def _probe(predictor: Object, path: str, settings: OperatorSettings) -> Object:
    scheme = "HTTPS" if (predictor.get("ssl") or {}).get("certSecretName") else "HTTP"
    return {
        "httpGet": {"port": settings.executor_http_port, "path": path, "scheme": scheme},
        "initialDelaySeconds": PROBE_DELAY_S,
        "periodSeconds": 5,
        "failureThreshold": 3,
        "successThreshold": 1,
        "timeoutSeconds": PROBE_TIMEOUT_S,
    }


def _env_from_annotations(deployment: Object, given: list[Object]) -> list[Object]:
    known = [variable["name"] for variable in given]
    added = []
    for key, value in sorted(deployment["spec"].get("annotations", {}).items()):
        name = key.removeprefix(ENV_ANNOTATION).replace("-", "_").upper()
        if key.startswith(ENV_ANNOTATION) and key != "seldon.io/engine-separate-pod" and name not in known:
            known.append(name)
            added.append(env(name, value))
    return added


def _default_user(settings: OperatorSettings) -> Object:
    return {} if settings.default_user_id is None else {"securityContext": {"runAsUser": settings.default_user_id}}
