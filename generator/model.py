"""What a model spec means in one environment, resolved: everything that a builder needs to know.

Nothing here knows YAML or Kustomize, and nothing can be wrong any more: `check` and `rules` have passed.
Sequences are tuples in canonical order (sorted, or the order of the spec where order means something).
Quantities (cpu, memory) are Kubernetes quantity strings; times end in ``_s`` and are whole seconds.
"""

from dataclasses import dataclass
from enum import StrEnum

from generator.tenancy import Account, Issuer, Place, Sink


class Protocol(StrEnum):
    """What clients speak: any Bento route, or one of the protocols of Seldon's executor."""

    BENTO = "bento"
    SELDON = "seldon"
    V2 = "v2"
    TENSORFLOW = "tensorflow"


class NodeType(StrEnum):
    """What a node of the inference graph does; spelled as Seldon spells it."""

    MODEL = "MODEL"
    TRANSFORMER = "TRANSFORMER"
    OUTPUT_TRANSFORMER = "OUTPUT_TRANSFORMER"
    ROUTER = "ROUTER"
    COMBINER = "COMBINER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a Bento is fetched from: ``kind`` oci (ref by digest), s3 (url and sha256) or git (url and commit)."""

    kind: str
    location: str
    digest: str  # sha256:… | 64 hex | 40 hex


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a node's container is: a built Bento, a given image, or one of Seldon's stock servers.

    ``image`` is the full reference that is deployed (pin, given image, or the tag that the build Job pushes) and
    "" for a stock server. ``source`` is set for a Bento only; ``tag_image`` is then what the build Job pushes.
    """

    kind: str  # bento | image | server
    image: str
    bento: str  # name of the Bento (its service), "" unless kind is bento
    version: str  # of the Bento
    source: Source | None
    tag_image: str
    server: str  # Seldon implementation, e.g. SKLEARN_SERVER
    model_uri: str
    port: int  # HTTP port of the container
    user: int  # uid and gid of the process
    live: str  # path of the liveness probe, "" for a TCP probe
    ready: str  # path of the readiness probe, "" for a TCP probe
    grpc_port: int = 0  # on which it speaks the model's protocol by gRPC, 0 where it is not known to


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """An environment variable taken from a Secret that exists in the namespace."""

    variable: str
    secret: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A volume that exists (claim, configMap, secret) or is made empty with the pod."""

    name: str
    path: str
    kind: str  # claim | configMap | secret | empty
    source: str  # name of the object, or the size limit of an empty one
    read_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Toleration:
    """A taint that the pods tolerate."""

    key: str
    value: str  # "" means any
    effect: str  # "" means every effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """What the pods get."""

    cpu: str
    memory: str
    gpu: int
    timeout_s: int
    workers: int
    startup_s: int  # how long a pod may take until it answers
    env: tuple[tuple[str, str], ...]  # sorted by name
    secrets: tuple[Secret, ...]
    volumes: tuple[Volume, ...]
    node_selector: tuple[tuple[str, str], ...]
    tolerations: tuple[Toleration, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """One thing that KEDA scales by; ``metadata`` are its settings, sorted by name."""

    type: str  # prometheus | cron
    metadata: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How many replicas; where low < high, KEDA's ``triggers`` decide, or without them the busy processor's share."""

    low: int
    high: int
    cpu_percent: int
    triggers: tuple[Trigger, ...] = ()

    @property
    def auto(self) -> bool:
        """Say whether an autoscaler moves the number of replicas."""
        return self.low < self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node of a predictor's graph; ``name`` is also its container's."""

    name: str
    type: NodeType
    implementation: str  # RANDOM_ABTEST or "" (a stock server is in run.server)
    run: Run | None  # None where the executor itself is the node
    runtime: Runtime
    parameters: tuple[tuple[str, str, str], ...]  # (name, value, Seldon type)
    children: tuple["Node", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictor:
    """One slot of a model: a graph with its share of the traffic. A shadow gets a copy of ``traffic`` percent."""

    name: str
    traffic: int
    shadow: bool
    scale: Scale
    graph: Node

    def nodes(self) -> tuple[Node, ...]:
        """Return the nodes of the graph, root first, depth first."""
        return _walk(self.graph)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explainer:
    """The explainer of one predictor."""

    type: str
    predictor: str
    run: Run
    runtime: Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """A drift or outlier detector that reads the request log, off the request path."""

    name: str
    run: Run
    runtime: Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """Which payloads go to which sink."""

    mode: str  # request | response | all
    sink: Sink


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What a caller may be granted: requests to ``paths`` (as the pod sees them) on ``port`` of the model's pods."""

    name: str  # predict, explain, feedback, … or a name of api.routes
    methods: tuple[str, ...]
    paths: tuple[str, ...]  # exact, sorted
    grpc_paths: tuple[str, ...]  # /package.Service/Method, exact, sorted; always POST
    port: int
    grpc_port: int  # 0 where there is none
    prefix: str  # what the gateway's route puts in front of the path, e.g. /seldon/payments/fraud


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """Who may do what in one environment: everybody whose list of operations is the same, gathered."""

    operations: tuple[str, ...]
    users: tuple[str, ...]
    groups: tuple[str, ...]
    clients: tuple[str, ...]
    workloads: tuple[Account, ...]
    anyone: bool  # any caller with a valid token for the audience


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model in one environment: everything a builder needs."""

    place: Place
    name: str
    owner: str
    data: str
    protocol: Protocol
    executor: bool  # Seldon's executor stands in front of the nodes
    issuer: Issuer
    audience: str
    operations: tuple[Operation, ...]
    predictors: tuple[Predictor, ...]
    explainer: Explainer | None
    detectors: tuple[Detector, ...]
    log: Log | None
    grants: tuple[Grants, ...]
    missing_pins: tuple[str, ...]  # predictors (or predictor/node) whose image this environment wants pinned

    @property
    def deployed(self) -> bool:
        """Say whether the model is deployed in its environment."""
        return not self.missing_pins

    @property
    def account(self) -> Account:
        """Return the ServiceAccount of every pod of the model."""
        return Account(namespace=self.place.namespace, name=self.name)


def _walk(node: Node) -> tuple[Node, ...]:
    return (node, *(found for child in node.children for found in _walk(child)))
