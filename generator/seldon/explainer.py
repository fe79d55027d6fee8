"""Build an explainer's Deployment.

Source: Seldon Core 1.17.1, operator/controllers/seldondeployment_explainers.go and mlserver.go.
"""

from generator.seldon import names
from generator.seldon.containers import LIVENESS_DELAY_S, PRE_STOP, READINESS_DELAY_S, tcp_probe
from generator.seldon.deployments import as_deployment, base_labels, type_labels
from generator.seldon.initializer import with_initializer
from generator.seldon.objects import (
    MODEL_MOUNT_PATH,
    V2_PROTOCOLS,
    Object,
    OperatorError,
    env,
    named,
    namespace_of,
    uses_grpc,
)
from generator.seldon.pods import pod_defaults
from generator.seldon.settings import OperatorSettings

DEFAULT_PORT = 9000
ALIBI_RUNTIME = "mlserver_alibi_explain.AlibiExplainRuntime"
MLSERVER_TYPES = {
    "AnchorTabular": "anchor_tabular",
    "AnchorImages": "anchor_image",
    "AnchorText": "anchor_text",
    "Counterfactuals": "counterfactuals",
    "Contrastive": "contrastive",
    "KernelShap": "kernel_shap",
    "IntegratedGradients": "integrated_gradients",
    "ALE": "ALE",
    "TreeShap": "tree_shap",
}


def service_port(explainer: Object) -> int:
    """Return the port of the explainer's Service; a port of its container does not change it."""
    port: int = (explainer.get("endpoint") or {}).get("service_port") or DEFAULT_PORT
    return port


def explainer_deployment(
    deployment: Object, predictor: Object, ports: tuple[int, int], settings: OperatorSettings
) -> Object:
    """Return the Deployment of a predictor's explainer.

    ``ports``: http and grpc of the predictor's Service, which the explainer calls.

    Raises:
        OperatorError: The protocol is v2 and MLServer has no explainer of that type.
    """
    explainer = predictor["explainer"]
    sdep = deployment["metadata"]["name"]
    name = names.explainer_name(sdep, predictor["name"])
    container = _container(deployment, predictor, ports, name=name, settings=settings)
    pod = {**pod_defaults({}, settings), "containers": [container]}
    if explainer.get("modelUri"):
        pod = with_initializer(pod, container["name"], explainer, settings)
    if explainer.get("serviceAccountName"):
        pod["serviceAccountName"] = explainer["serviceAccountName"]
    labels = base_labels(deployment, predictor, name) | type_labels(None, predictor) | {"seldon-app": name}
    annotations = {**deployment["spec"].get("annotations", {}), **predictor.get("annotations", {})}
    return as_deployment(
        {"name": name, "namespace": namespace_of(deployment)},
        labels=labels,
        annotations=annotations,
        template={"labels": labels, "annotations": annotations},
        spec={
            # Not narrowed to the explainer: it matches the predictors' pods as well.
            "selector": {"matchLabels": {"seldon-deployment-id": names.virtual_service(sdep)}},
            "pod": pod,
            "replicas": _replicas(deployment, predictor),
            "progressDeadlineSeconds": predictor.get("progressDeadlineSeconds"),
        },
    )


def _container(
    deployment: Object, predictor: Object, ports: tuple[int, int], *, name: str, settings: OperatorSettings
) -> Object:
    explainer = predictor["explainer"]
    given = explainer.get("containerSpec", {"resources": {}})
    v2 = deployment["spec"].get("protocol") in V2_PROTOCOLS
    declared = named(given.get("ports"), "http")
    port = service_port(explainer) if declared is None else declared["containerPort"]
    opened = [] if declared else [{"name": "http", "containerPort": port, "protocol": "TCP"}]
    container = {
        "imagePullPolicy": "IfNotPresent",
        "livenessProbe": tcp_probe("http", delay_s=LIVENESS_DELAY_S, failures=5),
        "readinessProbe": tcp_probe("http", delay_s=READINESS_DELAY_S, failures=7),
        "lifecycle": PRE_STOP,
        **given,
        "name": given.get("name") or name,
        "image": given.get("image") or (settings.explainer_image_v2 if v2 else settings.explainer_image),
        "ports": [*given.get("ports", []), *opened],
    }
    service = names.service_of(deployment["metadata"]["name"], predictor)
    grpc = uses_grpc(deployment, explainer.get("endpoint") or {})
    called = f"{service}.{namespace_of(deployment)}:{ports[1] if grpc else ports[0]}"
    if v2:
        return container | {"env": _mlserver_env(predictor, container["name"], port, called=called)}
    return container | {"args": _alibi_args(deployment, predictor, port, called=called, grpc=grpc)}


def _alibi_args(deployment: Object, predictor: Object, port: int, *, called: str, grpc: bool) -> list[str]:
    explainer = predictor["explainer"]
    protocol = "tensorflow" if deployment["spec"].get("protocol") == "tensorflow" else "seldon"
    uri = explainer.get("modelUri", "")
    # What lies below the model's address is loaded with it.
    config = {
        key: value.replace(uri, MODEL_MOUNT_PATH, 1) if uri else value
        for key, value in sorted(explainer.get("config", {}).items())
    }
    return [
        f"--model_name={predictor['graph']['name']}",
        f"--predictor_host={called}",
        f"--protocol={protocol}.{'grpc' if grpc else 'http'}",
        f"--http_port={port}",
        *([f"--storage_uri={MODEL_MOUNT_PATH}"] if uri else []),
        explainer["type"],
        *(["--tf_data_type=float32"] if explainer["type"] == "AnchorImages" else []),
        *(f"--{key}={value}" for key, value in config.items()),
    ]


def _mlserver_env(predictor: Object, name: str, port: int, *, called: str) -> list[Object]:
    explainer = predictor["explainer"]
    if explainer["type"] not in MLSERVER_TYPES:
        raise OperatorError(f"{explainer['type']} not supported")
    uri = f"http://{called}/v2/models/{predictor['graph']['name']}/infer"
    extra = f'"explainer_type":"{MLSERVER_TYPES[explainer["type"]]}","infer_uri":"{uri}"'
    if explainer.get("initParameters"):
        extra += f',"init_parameters":{explainer["initParameters"]}'
    return [
        env("MLSERVER_HTTP_PORT", port),
        env("MLSERVER_MODEL_IMPLEMENTATION", ALIBI_RUNTIME),
        env("MLSERVER_MODEL_NAME", name),
        env("MLSERVER_MODEL_URI", MODEL_MOUNT_PATH),
        env("MLSERVER_MODEL_EXTRA", f"{{{extra}}}"),
    ]


def _replicas(deployment: Object, predictor: Object) -> int | None:
    main: int | None = predictor.get("replicas", deployment["spec"].get("replicas"))
    return 0 if main == 0 else predictor["explainer"].get("replicas")
