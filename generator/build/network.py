"""Who may open a connection to whom: NetworkPolicies, the wall that a process cannot go round.

A pod may bypass its own sidecar; only this wall stops it then. Ports are those of containers: a policy sees a
connection after a Service has changed its port. Where a Service belongs to somebody else its containers' ports are
not known here, and the rule names the namespace alone.

Source: Kubernetes "Network Policies"; Istio "Security Best Practices" and "Ports used by Istio".
"""

from collections.abc import Iterable, Sequence
from typing import Any

from generator.build.hosts import broker_namespace, brokers, jaeger_of, service_of
from generator.build.meta import (
    NETWORK_POLICY,
    Scope,
    Wave,
    build_scope,
    filled,
    namespace_in,
    obj,
    pods_labelled,
    pods_of,
    pods_of_detector,
    tenant_scope,
)
from generator.build.neighbours import neighbour_ports
from generator.build.pods import metrics
from generator.model import Model
from generator.tenancy import Object, Place, Platform

NAMESPACE_NAME = "kubernetes.io/metadata.name"  # set by Kubernetes itself, so nobody can give it to another
DNS = 53
HTTPS = 443
ISTIOD_XDS = 15012
MERGED_METRICS = 15020  # of the sidecar's agent: plaintext and outside every AuthorizationPolicy
# Where node-local-dns answers on each node; Kubernetes "Using NodeLocal DNSCache in Kubernetes Clusters".
_NODE_DNS = "169.254.20.10/32"
# Addresses of the node itself, where clouds keep their credentials.
_LINK_LOCAL = "169.254.0.0/16"
_ANYWHERE = "0.0.0.0/0"

Peer = dict[str, Any]
Rule = dict[str, Any]


def build(place: Place, models: Sequence[Model]) -> list[Object]:
    """Return the policies of a tenant's namespace: deny all, then what every pod needs, then a policy per model."""
    scope = tenant_scope(place)
    return [
        *_ground(scope),
        _policy(scope, "istiod", {}, egress=[_to([_istiod(place.platform)], [ISTIOD_XDS])]),
        *_tracing(place),
        *_outside(place),
        *_calls(place),
        *(policy for model in models for policy in _model(model)),
    ]


def build_network(place: Place) -> list[Object]:
    """Return the policies of the namespace of image builds: nobody comes in, out goes DNS and the registries' ports.

    A NetworkPolicy knows no host names, so the sources and registries are narrowed to ports only.
    """
    scope = build_scope(place)
    registries = (*place.platform.registries, *place.tenant.registries, place.platform.build.registry)
    ports = sorted({HTTPS, *(_port(registry) for registry in registries)})
    return [*_ground(scope), _policy(scope, "registries", {}, egress=[_to([_addresses(_ANYWHERE)], ports)])]


def _ground(scope: Scope) -> list[Object]:
    names = {"namespaceSelector": _named("kube-system"), "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}
    ports = [{"protocol": protocol, "port": DNS} for protocol in ("UDP", "TCP")]
    deny = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    return [
        obj(scope, NETWORK_POLICY, "default-deny", {"spec": deny}, Wave.WALLS),
        _policy(scope, "dns", {}, egress=[{"to": [names, _addresses(_NODE_DNS)], "ports": ports}]),
    ]


def _istiod(platform: Platform) -> Peer:
    return _pods_in(platform.mesh.root_namespace, {"app": "istiod"})


def _tracing(place: Place) -> list[Object]:
    """Return the policy for spans, which every sidecar sends, where the tracing service is in the cluster."""
    tracing = place.platform.tracing
    service = service_of(tracing.service) if tracing else None
    if service is None:
        return []
    return [_policy(tenant_scope(place), "tracing", {}, egress=[_to([_everything_in(service.namespace)])])]


def _outside(place: Place) -> list[Object]:
    """Return the policy for the hosts outside that the tenant may call, by address where the tenant names any."""
    rules = [
        _to([_addresses(cidr) for cidr in egress.cidrs or (_ANYWHERE,)], [egress.port])
        for egress in place.tenant.egress
    ]
    unique = [rule for index, rule in enumerate(rules) if rule not in rules[:index]]
    return [_policy(tenant_scope(place), "egress", {}, egress=unique)] if unique else []


def _calls(place: Place) -> list[Object]:
    """Return the policy for calls to models of other tenants; the callee's own policy narrows the ports."""
    peers = [
        _pods_in(namespace_in(place.environment, tenant), pods_labelled(model)) for tenant, model in place.tenant.calls
    ]
    return [_policy(tenant_scope(place), "calls", {}, egress=[_to(peers)])] if peers else []


def _model(model: Model) -> list[Object]:
    own = [{"podSelector": {"matchLabels": pods_of(model)}}]
    inside = [(own, ports)] if (ports := neighbour_ports(model)) else []
    ingress = [*_callers(model), *inside, *_scrapers(model.place.platform, [port for port, _ in metrics(model)])]
    spans = [_to([_everything_in(jaeger.namespace)])] if (jaeger := jaeger_of(model)) else []
    egress = [*(_to(peers, ports) for peers, ports in inside), *_to_sink(model), *spans]
    scope, name = tenant_scope(model.place), f"model-{model.name}"
    incoming = [_into(peers, ports) for peers, ports in ingress]
    walls = [_policy(scope, name, pods_of(model), ingress=incoming, egress=egress)] if incoming or egress else []
    return [*walls, *_detectors(model)]


def _callers(model: Model) -> list[tuple[list[Peer], Sequence[int]]]:
    """Return (peers, ports) of whoever is granted something: the gateway's pods, then namespaces in the mesh."""
    gateway = model.place.platform.mesh.gateway
    through = [g.operations for g in model.grants if g.users or g.groups or g.clients or g.anyone]
    by_namespace: dict[str, list[tuple[str, ...]]] = {}
    for grants in model.grants:
        for account in grants.workloads:
            by_namespace.setdefault(account.namespace, []).append(grants.operations)
    found = [([_pods_in(gateway.namespace, dict(gateway.selector))], _ports_of(model, through))]
    found += [([_everything_in(name)], _ports_of(model, granted)) for name, granted in sorted(by_namespace.items())]
    return [(peers, ports) for peers, ports in found if ports]


def _ports_of(model: Model, granted: Sequence[tuple[str, ...]]) -> list[int]:
    names = [name for operations in granted for name in operations]
    ports = [port for o in model.operations if o.name in names for port in (o.port, o.grpc_port) if port]
    return sorted(dict.fromkeys(ports))


def _scrapers(platform: Platform, ports: Iterable[int]) -> list[tuple[list[Peer], Sequence[int]]]:
    if platform.prometheus is None:
        return []
    return [([_everything_in(platform.prometheus.namespace)], sorted({*ports, MERGED_METRICS}))]


def _to_sink(model: Model) -> list[Rule]:
    """Return the rules for payloads: to the sink's namespace, to the brokers' or, outside, to the brokers' ports."""
    if model.log is None:
        return []
    found = [(broker_namespace(broker), broker.port) for broker in brokers(model)]
    inside = [model.log.sink.namespace, *sorted({namespace for namespace, _ in found})]
    outside = sorted({port for namespace, port in found if not namespace})
    return [
        *(_to([_everything_in(namespace)]) for namespace in inside if namespace),
        *([_to([_addresses(_ANYWHERE)], outside)] if outside else []),
    ]


def _detectors(model: Model) -> list[Object]:
    """Return a policy per detector: it exchanges payloads with the log's sink and is scraped, and that is all."""
    scope, platform = tenant_scope(model.place), model.place.platform
    return [
        _policy(
            scope,
            f"detector-{model.name}-{detector.name}",
            pods_of_detector(model, detector.name),
            ingress=[
                *_from_sink(model, detector.run.port),
                *(_into(peers, ports) for peers, ports in _scrapers(platform, ())),
            ],
            egress=_to_sink(model),
        )
        for detector in model.detectors
    ]


def _from_sink(model: Model, port: int) -> list[Rule]:
    """Return the rule for a sink that passes payloads on; from Kafka a detector fetches them itself."""
    namespace = model.log.sink.namespace if model.log else ""
    return [_into([_everything_in(namespace)], [port])] if namespace else []


def _policy(
    scope: Scope, name: str, pods: dict[str, str], *, ingress: Sequence[Rule] = (), egress: Sequence[Rule] = ()
) -> Object:
    """Return a policy that allows something, of the directions that it speaks of; `default-deny` is of both."""
    selector = {"matchLabels": pods} if pods else {}
    types = [kind for kind, rules in (("Ingress", ingress), ("Egress", egress)) if rules]
    rules = filled(ingress=list(ingress), egress=list(egress))
    return obj(
        scope, NETWORK_POLICY, name, {"spec": {"podSelector": selector, "policyTypes": types, **rules}}, Wave.WALLS
    )


def _into(peers: Sequence[Peer], ports: Iterable[int]) -> Rule:
    return {"from": list(peers), "ports": _tcp(ports)}


def _to(peers: Sequence[Peer], ports: Iterable[int] = ()) -> Rule:
    return filled(to=list(peers), ports=_tcp(ports))


def _tcp(ports: Iterable[int]) -> list[Object]:
    return [{"protocol": "TCP", "port": port} for port in ports]


def _pods_in(namespace: str, pods: dict[str, str]) -> Peer:
    return {"namespaceSelector": _named(namespace), "podSelector": {"matchLabels": pods}}


def _everything_in(namespace: str) -> Peer:
    return {"namespaceSelector": _named(namespace)}


def _named(namespace: str) -> Object:
    return {"matchLabels": {NAMESPACE_NAME: namespace}}


def _addresses(cidr: str) -> Peer:
    return {"ipBlock": {"cidr": cidr, **({"except": [_LINK_LOCAL]} if cidr == _ANYWHERE else {})}}


def _port(registry: str) -> int:
    port = registry.partition("/")[0].rpartition(":")[2]
    return int(port) if port.isdigit() else HTTPS
