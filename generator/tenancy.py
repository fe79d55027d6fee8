"""Where models live, resolved: the platform, a tenant, and the place of a tenant in an environment.

Nothing here can be wrong any more: `check` and `rules` have passed. Sequences are tuples in canonical order (sorted,
or the order of the spec where order means something); quantities are Kubernetes quantity strings.
"""

from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]  # a Kubernetes object: plain data, keys in canonical order


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
    """The tracing provider of the mesh; ``service`` is ``host:port`` of its OTLP gRPC endpoint or "".

    ``jaeger`` is the URL of a Jaeger collector for the executors' own spans, or "".
    """

    provider: str
    percent: float
    service: str
    jaeger: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """A broker of a Kafka cluster, in the cluster or outside."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kafka:
    """A topic of a Kafka cluster; ``secret`` holds ca.crt, tls.crt and tls.key for TLS, or is ""."""

    brokers: tuple[Broker, ...]  # sorted
    topic: str
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """Where request payloads go: an HTTP endpoint inside the cluster, ``namespace`` taken from its host, or Kafka.

    With ``kafka`` the fields of the endpoint are "" and 0. ``forwards``: it passes payloads on to detectors.
    """

    name: str
    url: str
    host: str
    namespace: str
    port: int
    forwards: bool = False
    kafka: Kafka | None = None


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
    keda: bool = False  # KEDA is installed, and the operator may use it

    def issuer(self, name: str) -> Issuer:
        """Return the issuer of that name."""
        return next(i for i in self.issuers if i.name == name)

    def environment(self, name: str) -> Environment:
        """Return the environment of that name."""
        return next(e for e in self.environments if e.name == name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Egress:
    """An outside host that a tenant's pods may call; ``cidrs`` narrows the addresses behind the name."""

    host: str
    port: int
    cidrs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Callers:
    """A set of callers: people, their groups, OIDC service accounts, workloads in the mesh; each sorted."""

    users: tuple[str, ...]
    groups: tuple[str, ...]
    clients: tuple[str, ...]
    workloads: tuple[Account, ...]


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
    callers: tuple[tuple[str, Callers], ...] = ()  # sets of callers by name
    hosts: tuple[tuple[str, str], ...] = ()  # (environment, host) where a tenant has a host of its own


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
