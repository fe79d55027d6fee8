"""The mesh as its objects describe it: settings, policies by namespace, workloads, and what guards a workload."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from generator.access.authentication import JwtRule, Mode, PeerAuthentication, RequestAuthentication
from generator.access.jwt import jwt_rules
from generator.access.keys import Key
from generator.access.paths import PathNormalization
from generator.access.policy import Action, AuthorizationPolicy
from generator.access.traffic import DestinationRule, Gateway, VirtualService


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What meshConfig says; `authorizers` gives the answer of each provider that CUSTOM policies name."""

    trust_domain: str = "cluster.local"
    trust_domain_aliases: tuple[str, ...] = ()
    root_namespace: str = "istio-system"
    path_normalization: PathNormalization = PathNormalization.BASE
    trusted_proxies: int = 0  # gatewayTopology.numTrustedProxies
    authorizers: tuple[tuple[str, bool], ...] = ()

    @property
    def trust_domains(self) -> tuple[str, ...]:
        """The mesh's own trust domain, then its aliases."""
        return (self.trust_domain, *self.trust_domain_aliases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A port of a workload's Service: `target` is the container's port, where policies apply (0: the same)."""

    number: int
    protocol: str = "http"  # http, grpc or tcp, as Istio takes it from the Service port's name or appProtocol
    target: int = 0

    @property
    def container(self) -> int:
        """The port that the pod listens on."""
        return self.target or self.number


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Pods that are alike: `services` are the full host names of the Services that select them."""

    namespace: str
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    service_account: str = "default"
    ports: tuple[Port, ...] = ()
    services: tuple[str, ...] = ()
    address: str = ""
    sidecar: bool = True

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What stands before one workload: hold on to it when many requests are judged there.

    `policies` are in istiod's order (root namespace first, each namespace by name).
    """

    settings: Settings
    workload: Workload
    is_gateway: bool
    policies: tuple[AuthorizationPolicy, ...]
    authentications: tuple[RequestAuthentication, ...]
    token_rules: tuple[JwtRule, ...]
    mtls: Mode
    port_mtls: Mapping[int, Mode]

    def of(self, action: Action, *, dry_run: bool = False) -> tuple[AuthorizationPolicy, ...]:
        """Return the policies of one action."""
        return tuple(each for each in self.policies if each.action is action and each.dry_run is dry_run)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mesh:
    """Everything that decides over access, each kind under the name that it is asked for by.

    Policies lie under their namespace, VirtualServices under their hosts in lower case ("*" for those with a
    wildcard), DestinationRules under their host, workloads and their guards under "namespace/name", and workloads
    under the hosts of their Services too.
    """

    settings: Settings = field(default_factory=Settings)
    authorizations: Mapping[str, tuple[AuthorizationPolicy, ...]] = field(default_factory=dict)
    requests: Mapping[str, tuple[RequestAuthentication, ...]] = field(default_factory=dict)
    peers: Mapping[str, tuple[PeerAuthentication, ...]] = field(default_factory=dict)
    gateways: tuple[Gateway, ...] = ()
    virtual_services: Mapping[str, tuple[VirtualService, ...]] = field(default_factory=dict)
    destination_rules: Mapping[str, tuple[DestinationRule, ...]] = field(default_factory=dict)
    workloads: Mapping[str, tuple[Workload, ...]] = field(default_factory=dict)
    guards: Mapping[str, Guard] = field(default_factory=dict)


def guard(mesh: Mesh, workload: Workload) -> Guard:
    """Gather the policies that select a workload and its mutual TLS modes.

    Source: istio/istio 1.30.3, pilot/pkg/model/authorization.go (ListAuthorizationPolicies),
    policyattachment.go, authentication.go and security/authn/policy_applier.go (ComposePeerAuthentication).
    """
    known = mesh.guards.get(str(workload))
    if known is not None and known.workload == workload:
        return known
    root = mesh.settings.root_namespace
    spaces = dict.fromkeys((root, workload.namespace))
    authentications = _selecting(mesh.requests, spaces, workload)
    mode, ports = _mutual_tls(mesh, workload)
    return Guard(
        settings=mesh.settings,
        workload=workload,
        is_gateway=any(is_selected(each.selector, workload) for each in mesh.gateways),
        policies=_selecting(mesh.authorizations, spaces, workload),
        authentications=authentications,
        token_rules=jwt_rules(authentications),
        mtls=mode,
        port_mtls=ports,
    )


def with_guards(mesh: Mesh, workloads: Iterable[Workload]) -> Mesh:
    """Return the mesh with its workloads, each with what guards it."""
    everyone = tuple(workloads)
    named = grouped((name, each) for each in everyone for name in (str(each), *each.services))
    return replace(mesh, workloads=named, guards={str(each): guard(mesh, each) for each in everyone})


def grouped(pairs: Iterable[tuple[str, Any]]) -> dict[str, tuple[Any, ...]]:
    """Return the values of each key in the order in which they come, none twice."""
    groups: dict[str, dict[int, Any]] = {}
    for key, value in pairs:
        groups.setdefault(key, {})[id(value)] = value
    return {key: tuple(values.values()) for key, values in groups.items()}


def keys_at(guard_: Guard, issuer: str) -> tuple[Key, ...]:
    """Return the keys that a token of an issuer may be signed with at a workload, sorted by name."""
    found = {key.name: key for rule in guard_.token_rules if rule.issuer in ("", issuer) for key in rule.keys}
    return tuple(found[name] for name in sorted(found))


def is_selected(selector: tuple[tuple[str, str], ...], workload: Workload) -> bool:
    """Say whether all labels of a selector are on the workload; an empty selector selects everything."""
    return all(workload.labels.get(name) == value for name, value in selector)


def principal_of(workload: Workload, settings: Settings) -> str:
    """Return the principal in the workload's certificate."""
    return f"{settings.trust_domain}/ns/{workload.namespace}/sa/{workload.service_account}"


def _selecting(by_namespace: Mapping[str, tuple[Any, ...]], spaces: Mapping[str, None], workload: Workload) -> Any:
    return tuple(
        each for space in spaces for each in by_namespace.get(space, ()) if is_selected(each.selector, workload)
    )


def _mutual_tls(mesh: Mesh, workload: Workload) -> tuple[Mode, Mapping[int, Mode]]:
    root = mesh.settings.root_namespace
    mode = Mode.PERMISSIVE
    ports: dict[int, Mode] = {}
    own = mesh.peers.get(workload.namespace, ())
    scopes = (
        [each for each in mesh.peers.get(root, ()) if not each.selector],
        [each for each in own if not each.selector and workload.namespace != root],
        [each for each in own if each.selector and workload.namespace != root and is_selected(each.selector, workload)],
    )
    for policies in scopes:
        for policy in policies[:1]:
            mode = mode if policy.mode is Mode.UNSET else policy.mode
            ports = {port: mode if each is Mode.UNSET else each for port, each in policy.ports}
    return mode, ports
