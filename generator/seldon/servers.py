"""Lay the prepackaged servers over the pods: MLServer, the Seldon Python servers, TensorFlow Serving, Triton.

Source: Seldon Core 1.17.1, operator/controllers/seldondeployment_prepackaged_servers.go and mlserver.go.
"""

import json

from generator.seldon.containers import env_set, parameters_json
from generator.seldon.initializer import env_from, with_initializer
from generator.seldon.objects import (
    MODEL_MOUNT_PATH,
    TFSERVING_CONTAINER,
    V2_PROTOCOLS,
    Object,
    OperatorError,
    annotation_of,
    env,
    is_prepackaged,
    named,
)
from generator.seldon.settings import OperatorSettings, Server

TFSERVING_PORTS = {"grpcPort": 2000, "httpPort": 2001}
MLSERVER_RUNTIMES = {
    "HUGGINGFACE_SERVER": "mlserver_huggingface.HuggingFaceRuntime",
    "MLFLOW_SERVER": "mlserver_mlflow.MLflowRuntime",
    "SKLEARN_SERVER": "mlserver_sklearn.SKLearnModel",
    "TEMPO_SERVER": "tempo.mlserver.InferenceRuntime",
    "XGBOOST_SERVER": "mlserver_xgboost.XGBoostModel",
}
TRITON_OPTIONS = {
    "model_control_mode": "--model-control-mode=",
    "load_model": "--load-model=",
    "strict_model_config": "--strict-model-config=",
}


def with_server(pod: Object, node: Object, deployment: Object, settings: OperatorSettings) -> Object:
    """Return the pod with a node's server and model in it; as it is for a plain node without ``modelUri``.

    Raises:
        OperatorError: The operator's ConfigMap has no such server, or none that speaks v2.
    """
    if not is_prepackaged(node):
        return with_initializer(pod, node["name"], node, settings)
    if node.get("serviceAccountName"):
        pod = {**pod, "serviceAccountName": node["serviceAccountName"]}
    server = settings.server(node["implementation"])
    if server is None:
        raise OperatorError(f"Failed to get server config for {node['implementation']}")
    protocol = deployment["spec"].get("protocol", "")
    match node["implementation"]:
        case "TENSORFLOW_SERVER":
            return _tensorflow(pod, node, server, protocol=protocol, settings=settings)
        case "TRITON_SERVER":
            return _triton(pod, node, server, deployment=deployment, settings=settings)
        case _ if protocol in V2_PROTOCOLS:
            pod = _replaced(pod, _mlserver(_of(pod, node), node, server, deployment["metadata"]["namespace"]))
        case _:
            pod = _replaced(pod, _python_server(_of(pod, node), node, server, protocol))
    return with_initializer(pod, node["name"], node, settings)


def _of(pod: Object, node: Object) -> Object:
    found = named(pod["containers"], node["name"])
    if found is None:
        raise OperatorError(f"Invalid configuration: cannot find container: {node['name']}")
    return found


def _replaced(pod: Object, container: Object) -> Object:
    kept = (container if c["name"] == container["name"] else c for c in pod["containers"])
    return {**pod, "containers": list(kept)}


def _with_image(container: Object, image: str) -> Object:
    return {**container, "image": image} if image and not container.get("image") else container


def _python_server(container: Object, node: Object, server: Server, protocol: str) -> Object:
    uri = {"name": "model_uri", "value": MODEL_MOUNT_PATH, "type": "STRING"}
    value = parameters_json([*node.get("parameters", []), uri])
    variables = env_set(container.get("env", []), env("PREDICTIVE_UNIT_PARAMETERS", value))
    return {**_with_image(container, server.image(protocol)), "env": variables}


def _mlserver(container: Object, node: Object, server: Server, namespace: str) -> Object:
    image = server.mlserver_image()
    if image is None:
        raise OperatorError(f"no image compatible with kfserving protocol for {node['implementation']}")
    variables = _mlserver_env(node, namespace)
    for variable in container.get("env", []):
        variables = env_set(variables, variable)
    return {
        **_with_image(container, image),
        "env": variables,
        "ports": _v2_ports(node),
        # The times of the container's own probes stay; only what is asked is replaced.
        "readinessProbe": {**_times(container["readinessProbe"]), **_v2_handler("/v2/health/ready")},
        "livenessProbe": {**_times(container["livenessProbe"]), **_v2_handler("/v2/health/live")},
    }


def _mlserver_env(node: Object, namespace: str) -> list[Object]:
    tempo = {"k8s_options": {"defaultRuntime": "tempo.seldon.SeldonKubernetesRuntime", "namespace": namespace}}
    variables = [
        env("MLSERVER_HTTP_PORT", node["endpoint"]["httpPort"]),
        env("MLSERVER_GRPC_PORT", node["endpoint"]["grpcPort"]),
        env("MLSERVER_MODEL_IMPLEMENTATION", MLSERVER_RUNTIMES.get(node["implementation"], "")),
        env("MLSERVER_MODEL_NAME", node["name"]),
        env("MLSERVER_MODEL_VERSION", "v1"),
        env("MLSERVER_MODEL_URI", MODEL_MOUNT_PATH),
        env("TEMPO_RUNTIME_OPTIONS", json.dumps(tempo)),
    ]
    if node["implementation"] == "HUGGINGFACE_SERVER":
        variables += [env("MLSERVER_PARALLEL_WORKERS", 0), env("XDG_CACHE_HOME", "/opt/mlserver")]
    return variables


def _v2_ports(node: Object) -> list[Object]:
    endpoint = node["endpoint"]
    return [{"name": name, "containerPort": endpoint[f"{name}Port"], "protocol": "TCP"} for name in ("grpc", "http")]


def _v2_handler(path: str) -> Object:
    return {"httpGet": {"path": path, "port": "http", "scheme": "HTTP"}}


def _times(probe: Object) -> Object:
    return {key: value for key, value in probe.items() if key not in ("exec", "httpGet", "tcpSocket", "grpc")}


def _tensorflow(pod: Object, node: Object, server: Server, *, protocol: str, settings: OperatorSettings) -> Object:
    container = _of(pod, node)
    if protocol == "tensorflow":
        serving = _tfserving(container, node["name"], node, ports=node["endpoint"], image=server.image("tensorflow"))
        return with_initializer(_replaced(pod, serving), node["name"], node, settings)
    proxy = {**container, "image": server.image(protocol)} if server.image(protocol) else _without_image(container)
    value = parameters_json(_proxy_parameters(node))
    proxy["env"] = env_set(proxy.get("env", []), env("PREDICTIVE_UNIT_PARAMETERS", value))
    pod = _replaced(pod, proxy)
    given = named(pod["containers"], TFSERVING_CONTAINER)
    serving = _tfserving(
        given or _bare(TFSERVING_CONTAINER),
        TFSERVING_CONTAINER,
        node,
        ports=TFSERVING_PORTS,
        image=server.image("tensorflow"),
    )
    pod = _replaced(pod, serving) if given else {**pod, "containers": [*pod["containers"], serving]}
    return with_initializer(pod, TFSERVING_CONTAINER, node, settings)


def _without_image(container: Object) -> Object:
    return {key: value for key, value in container.items() if key != "image"}


def _bare(name: str) -> Object:
    return {
        "name": name,
        "imagePullPolicy": "IfNotPresent",
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "resources": {},
    }


def _tfserving(container: Object, name: str, node: Object, *, ports: Object, image: str) -> Object:
    grpc, http = ports["grpcPort"], ports["httpPort"]
    args = [
        f"--port={grpc}",
        f"--rest_api_port={http}",
        f"--model_name={node['name']}",
        f"--model_base_path={MODEL_MOUNT_PATH}",
    ]
    listening = [{"containerPort": number, "protocol": "TCP"} for number in (grpc, http)]
    return {"args": args, "ports": listening, **_with_image(container, image), "name": name}


def _proxy_parameters(node: Object) -> list[Object]:
    given = node.get("parameters", [])
    own = [
        {"name": "rest_endpoint", "type": "STRING", "value": f"http://0.0.0.0:{TFSERVING_PORTS['httpPort']}"},
        {"name": "grpc_endpoint", "type": "STRING", "value": f"0.0.0.0:{TFSERVING_PORTS['grpcPort']}"},
    ]
    if any(parameter["name"] in ("rest_endpoint", "grpc_endpoint") for parameter in given):
        own = []
    return [*given, *own, {"name": "model_name", "type": "STRING", "value": node["name"]}]


def _triton(pod: Object, node: Object, server: Server, *, deployment: Object, settings: OperatorSettings) -> Object:
    stored = annotation_of(deployment["spec"], "seldon.io/no-storage-initializer").lower() != "true"
    endpoint = node["endpoint"]
    args = [
        "/opt/tritonserver/bin/tritonserver",
        f"--grpc-port={endpoint['grpcPort']}",
        f"--http-port={endpoint['httpPort']}",
        f"--model-repository={MODEL_MOUNT_PATH if stored else node.get('modelUri', '')}",
        *(["--strict-model-config=false"] if stored else _triton_options(node)),
    ]
    container = _with_image(_of(pod, node), server.image(deployment["spec"].get("protocol", "")))
    credentials = {} if stored else env_from(node, settings)
    pod = _replaced(pod, {"args": args, **credentials, **container, "ports": _v2_ports(node)})
    return with_initializer(pod, node["name"], node, settings) if stored else pod


def _triton_options(node: Object) -> list[str]:
    pairs = ((p["name"].lower(), p.get("value", "")) for p in node.get("parameters", []))
    return [f"{TRITON_OPTIONS[name]}{value}" for name, value in pairs if name in TRITON_OPTIONS]
