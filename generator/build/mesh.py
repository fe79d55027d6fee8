"""What the mesh lets a tenant's namespace do: mutual TLS only, nothing allowed unless named, calls to known hosts only.

Source: Istio PeerAuthentication, Sidecar and ServiceEntry references; Istio "Security Best Practices".
"""

from collections.abc import Mapping, Sequence

from generator.build.hosts import broker_namespace, brokers, jaeger_of, service_of
from generator.build.meta import (
    AUTHORIZATION_POLICY,
    PEER_AUTHENTICATION,
    SERVICE_ENTRY,
    SIDECAR,
    Wave,
    namespace_in,
    obj,
    tenant_scope,
)
from generator.model import Model
from generator.tenancy import Object, Place

_PROTOCOLS = {80: "HTTP", 443: "TLS"}  # they tell hosts on one port apart; on any other port it is plain TCP


def build(place: Place, models: Sequence[Model]) -> list[Object]:
    """Return the mesh's walls round a namespace: PeerAuthentication, default deny, Sidecar, a ServiceEntry per host."""
    scope = tenant_scope(place)
    reach = {"outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"}, "egress": [{"hosts": _reach(place, models)}]}
    return [
        obj(scope, PEER_AUTHENTICATION, "default", {"spec": {"mtls": {"mode": "STRICT"}}}, Wave.WALLS),
        obj(scope, AUTHORIZATION_POLICY, "default-deny", {"spec": {}}, Wave.WALLS),
        obj(scope, SIDECAR, "default", {"spec": reach}, Wave.WALLS),
        *_service_entries(place, models),
    ]


def _reach(place: Place, models: Sequence[Model]) -> list[str]:
    """Return what the namespace's sidecars know of the mesh: its own, Istio's, sinks, tracing, the models it calls.

    A called model's Services are named after its predictors, which only its own spec knows, and a Sidecar takes
    no pattern but ``*``: its whole namespace is known, and its policy decides who may call.
    """
    tracing = place.platform.tracing
    services = [service_of(model.log.sink.host) for model in models if model.log]
    services += [service_of(tracing.service) if tracing else None, *(jaeger_of(model) for model in models)]
    known = [f"{service.namespace}/{service.host}" for service in services if service]
    # A client of Kafka goes on to the brokers' own names, which only Kafka knows.
    known += [f"{namespace}/*" for model in models for one in brokers(model) if (namespace := broker_namespace(one))]
    called = [f"{namespace_in(place.environment, tenant)}/*" for tenant, _ in place.tenant.calls]
    return ["./*", f"{place.platform.mesh.root_namespace}/*", *sorted(dict.fromkeys([*known, *called]))]


def _service_entries(place: Place, models: Sequence[Model]) -> list[Object]:
    protocols: dict[str, dict[int, str]] = {}
    for egress in place.tenant.egress:
        protocols.setdefault(egress.host, {})[egress.port] = _PROTOCOLS.get(egress.port, "TCP")
    for broker in (one for model in models for one in brokers(model) if not broker_namespace(one)):
        # As plain TCP, brokers on one port would all be the first of them; the rules want TLS outside the cluster.
        protocols.setdefault(broker.host, {})[broker.port] = "TLS"
    return [_service_entry(place, host, protocols[host]) for host in sorted(protocols)]


def _service_entry(place: Place, host: str, protocols: Mapping[int, str]) -> Object:
    spec = {
        "hosts": [host],
        "exportTo": ["."],
        "location": "MESH_EXTERNAL",
        "resolution": "DNS",
        "ports": [_port(number, protocols[number]) for number in sorted(protocols)],
    }
    return obj(tenant_scope(place), SERVICE_ENTRY, f"egress-{_dashed(host)}", {"spec": spec}, Wave.WALLS)


def _port(number: int, protocol: str) -> Object:
    return {"number": number, "name": f"{protocol.lower()}-{number}", "protocol": protocol}


def _dashed(host: str) -> str:
    """Return the host without dots, different hosts always different: ``a-b.c`` is ``a--b-c``."""
    return host.replace("-", "--").replace(".", "-")
