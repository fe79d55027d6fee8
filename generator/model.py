"""What a spec means, resolved: frozen data for builders, one value per (platform, tenant, model, environment).

Nothing here knows YAML or Kustomize, and nothing can be wrong any more: `check` and `rules` have passed.
Sequences are tuples in canonical order (sorted, or the order of the spec where order means something).
Quantities (cpu, memory) are Kubernetes quantity strings; times end in ``_s`` and are whole seconds.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Object = dict[str, Any]  # a Kubernetes object: plain data, keys in canonical order


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


# --- platform ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """One OIDC provider: its tokens' issuer, the audiences it may name, where its keys are, which claim says what."""

    name: str
    url: str  # the token's `iss`, byte for byte
    audiences: tuple[str, ...]  # the first is the default
    jwks: str  # the public keys as canonical JSON text, or "" where jwks_uri is used
    jwks_uri: str  # or ""
    user_claim: str
    groups_claim: str
    client_claim: str
    user_domains: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A ServiceAccount, written ``namespace/name`` in specs."""

    namespace: str
    name: str

    def principal(self, trust_domain: str) -> str:
        """Return the mesh principal, e.g. ``cluster.local/ns/api/sa/seldon-gateway``."""
        return f"{trust_domain}/ns/{self.namespace}/sa/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """The ingress gateway that the platform runs: the Gateway object, its pods, their account and certificate."""

    namespace: str
    name: str
    account: Account
    selector: tuple[tuple[str, str], ...]  # labels of the gateway's pods
    certificate: str  # name of the TLS Secret beside the gateway


@dataclass(frozen=True, slots=True, kw_only=True)
class Mesh:
    """Where the mesh lives and what every proxy trusts."""

    trust_domain: str
    root_namespace: str
    cni: bool
    gateway: Gateway


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracing:
    """The tracing provider of the mesh; ``service`` is ``host:port`` of its OTLP gRPC endpoint or ""."""

    provider: str
    percent: float
    service: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """Where request payloads go: an HTTP endpoint inside the cluster, ``namespace`` taken from its host."""

    name: str
    url: str
    host: str
    namespace: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSettings:
    """How and where images are built from Bentos."""

    environment: str
    engine: str  # buildkit | external
    namespace: str  # template with {tenant}
    registry: str  # template with {tenant}
    push_secret: str  # dockerconfigjson Secret in the build namespace
    seccomp: str  # localhost profile path, or "unconfined"
    images: tuple[tuple[str, str], ...]  # (tool, image): buildkit, oras, s3, bento


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One cluster and what it demands of the models that run there."""

    name: str
    after: str  # the environment that promotes into this one, or ""
    cluster: str  # API server URL, as Argo CD knows it
    namespace: str  # template with {tenant}
    host: str  # template with {tenant}
    pins: bool  # a model without its pins is not deployed here
    replicas: int  # fewest replicas of a predictor
    pod_security: str  # lowest Pod Security level without a waiver: restricted | baseline
    forbid: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """platform.yaml, resolved."""

    name: str
    repository: str  # git URL
    branch: str
    reviewers: str  # git team, for CODEOWNERS
    versions: tuple[tuple[str, str], ...]
    issuers: tuple[Issuer, ...]  # the default first, then by name
    mesh: Mesh
    prometheus: Account | None  # the one identity that may scrape
    access_log: str  # extension provider of the mesh
    tracing: Tracing | None
    sinks: tuple[Sink, ...]
    build: BuildSettings
    registries: tuple[str, ...]
    pull_secret: str  # dockerconfigjson Secret in every serving namespace, or ""
    argocd: str  # namespace of Argo CD
    seldon: str  # namespace of the Seldon operator
    environments: tuple[Environment, ...]  # in promotion order

    def issuer(self, name: str) -> Issuer:
        """Return the issuer of that name."""
        return next(i for i in self.issuers if i.name == name)

    def environment(self, name: str) -> Environment:
        """Return the environment of that name."""
        return next(e for e in self.environments if e.name == name)


# --- tenant -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Egress:
    """An outside host that a tenant's pods may call; ``cidrs`` narrows the addresses behind the name."""

    host: str
    port: int
    cidrs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """tenants/<tenant>/tenant.yaml, resolved."""

    name: str
    contact: str
    data: str
    environments: tuple[str, ...]  # in promotion order
    pod_security: str
    reviewers: tuple[tuple[str, str], ...]  # (environment or "default", git team)
    view: tuple[str, ...]  # OIDC groups that may look
    quota: tuple[tuple[str, str], ...]  # (cpu | memory | gpu | pods, quantity)
    egress: tuple[Egress, ...]
    calls: tuple[tuple[str, str], ...]  # (tenant, model) inside the mesh that this tenant's pods call
    registries: tuple[str, ...]
    applications: str  # one Argo CD Application per "tenant" (default), or per "model": spec.applications


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A tenant in an environment: the namespace that its models live in."""

    platform: Platform
    tenant: Tenant
    environment: Environment
    namespace: str
    host: str  # of the tenant's APIs at the gateway
    build_namespace: str  # "" outside the build environment

    @property
    def gateway_principal(self) -> str:
        """Return the principal that every request from outside the mesh arrives with."""
        return self.platform.mesh.gateway.account.principal(self.platform.mesh.trust_domain)


# --- model ------------------------------------------------------------------------------------------------------


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
class Scale:
    """How many replicas; ``cpu_percent`` is the autoscaler's target where low < high."""

    low: int
    high: int
    cpu_percent: int

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
