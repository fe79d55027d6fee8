"""How the operator is installed: its environment and its ConfigMap, by default those of the Helm chart 1.17.1."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A prepackaged server: its image for each protocol that it speaks.

    ``images``: protocol -> image with tag, in the form of the chart's ``predictor_servers`` joined by ``:``.
    """

    images: tuple[tuple[str, str], ...]

    def image(self, protocol: str) -> str:
        """Return the image for a protocol, "" if the server does not speak it; v2 and kfserving are one.

        Source: operator/apis/machinelearning.seldon.io/v1/prepack.go, PrepackImageName.
        """
        wanted = protocol or "seldon"
        twin = {"v2": "kfserving", "kfserving": "v2"}.get(wanted, wanted)
        table = dict(self.images)
        return table.get(wanted, table.get(twin, ""))

    def mlserver_image(self) -> str | None:
        """Return the image that speaks v2, None if there is none (operator/controllers/mlserver.go)."""
        table = dict(self.images)
        return table.get("kfserving", table.get("v2"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Requests and limits of a container the operator adds, as Kubernetes quantities."""

    cpu_request: str
    cpu_limit: str
    memory_request: str
    memory_limit: str


# helm-charts/seldon-core-operator/values.yaml 1.17.1, predictor_servers
SERVERS: tuple[tuple[str, Server], ...] = (
    ("HUGGINGFACE_SERVER", Server(images=(("v2", "seldonio/mlserver:1.3.5-huggingface"),))),
    (
        "MLFLOW_SERVER",
        Server(images=(("seldon", "seldonio/mlflowserver:1.17.1"), ("v2", "seldonio/mlserver:1.3.5-mlflow"))),
    ),
    (
        "SKLEARN_SERVER",
        Server(images=(("seldon", "seldonio/sklearnserver:1.17.1"), ("v2", "seldonio/mlserver:1.3.5-sklearn"))),
    ),
    ("TEMPO_SERVER", Server(images=(("v2", "seldonio/mlserver:1.3.5-slim"),))),
    (
        "TENSORFLOW_SERVER",
        Server(images=(("seldon", "seldonio/tfserving-proxy:1.17.1"), ("tensorflow", "tensorflow/serving:2.1.0"))),
    ),
    ("TRITON_SERVER", Server(images=(("v2", "nvcr.io/nvidia/tritonserver:21.08-py3"),))),
    (
        "XGBOOST_SERVER",
        Server(images=(("seldon", "seldonio/xgboostserver:1.17.1"), ("v2", "seldonio/mlserver:1.3.5-xgboost"))),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorSettings:
    """The operator's environment and ConfigMap ``seldon-config``.

    Every default is the Helm chart's (helm-charts/seldon-core-operator/values.yaml 1.17.1), except
    ``istio_enabled``, which the chart leaves off.
    """

    istio_enabled: bool = True
    istio_gateway: str = "istio-system/seldon-gateway"
    istio_tls_mode: str = ""
    keda_enabled: bool = False
    default_user_id: int | None = 8888
    deployment_name_as_prefix: bool = False

    executor_image: str = "docker.io/seldonio/seldon-core-executor:1.17.1"
    executor_pull_policy: str = "IfNotPresent"
    executor_user_id: int | None = 8888
    executor_service_account: str = "default"
    executor_http_port: int = 8000
    executor_grpc_port: int = 5001
    executor_metrics_port_name: str = "metrics"
    executor_prometheus_path: str = "/prometheus"
    executor_full_health_checks: bool = False
    executor_resources: Resources = Resources(
        cpu_request="500m", cpu_limit="500m", memory_request="512Mi", memory_limit="512Mi"
    )
    request_logger_endpoint: str = "http://default-broker"
    request_logger_queue_size: str = "10000"
    request_logger_write_timeout_ms: str = "2000"

    # What Services and VirtualServices point to. The chart sets the executor's port alone, so a changed
    # executor_http_port leaves these two behind (seldon-core issue 5037).
    engine_http_port: int = 8000
    engine_grpc_port: int = 5001

    node_http_port: int = 9000
    node_grpc_port: int = 9500
    node_metrics_port: int = 6000
    node_metrics_port_name: str = "metrics"
    node_env_secret: str = ""
    cert_mount_path: str = "/cert/"

    storage_initializer_image: str = "seldonio/rclone-storage-initializer:1.17.1"
    storage_initializer_resources: Resources = Resources(
        cpu_request="100m", cpu_limit="1", memory_request="100Mi", memory_limit="1Gi"
    )
    explainer_image: str = "seldonio/alibiexplainer:1.17.1"
    explainer_image_v2: str = "seldonio/mlserver:1.3.5-alibi-explain"
    servers: tuple[tuple[str, Server], ...] = field(default=SERVERS)

    def server(self, implementation: str) -> Server | None:
        """Return the prepackaged server of that name, None if the ConfigMap has no entry."""
        return dict(self.servers).get(implementation)
