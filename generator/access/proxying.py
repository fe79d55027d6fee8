"""Build the configuration of a gateway that passes requests on: its servers, routes, and workloads behind it.

Everything runs in one Envoy on loopback: the gateway's listener, and one for every port that its routes lead to.
Source: istio/istio 1.30.3 pilot/pkg/networking/core/gateway.go and route/route.go; Envoy 1.40 API.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from generator.access.envoy import TYPE, Json, ServerCertificate, connection_manager, listener_of, loopback
from generator.access.mesh import Mesh, Workload, guard
from generator.access.request import Transport
from generator.access.route import Listening, gateway_peer, open_servers, virtual_hosts
from generator.access.traffic import Destination, HttpMatch, HttpRoute, TextMatch

TLS = TYPE + "extensions.transport_sockets.tls.v3."


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """The loopback port at which each destination's workload listens, and the gateway's own certificate."""

    ports: Mapping[Destination, int]
    identity: ServerCertificate


def destinations_of(mesh: Mesh) -> tuple[Destination, ...]:
    """Return every place that some route leads to, without its weight, each once."""
    found = (
        each
        for services in mesh.virtual_services.values()
        for service in services
        for route in service.routes
        for each in (*route.destinations, *route.mirrors)
    )
    return tuple(dict.fromkeys(_bare(each) for each in found))


def gateway_listener(mesh: Mesh, workload: Workload, number: int, behind: Behind) -> Json:
    """Return the listener of a gateway's port: one filter chain for every HTTPS server, one for all plain ones."""
    servers = open_servers(mesh, workload, number)
    chains: list[Json] = []
    for each in servers:
        if each.server.is_tls:
            names = [host.rpartition("/")[2] for host in each.server.hosts]
            match: Json = {"transport_protocol": "tls"} | ({} if "*" in names else {"server_names": names})
            chain = _chain(mesh, workload, (each,))
            chains.append(chain | {"filter_chain_match": match, "transport_socket": _served(behind.identity)})
    plain = tuple(each for each in servers if not each.server.is_tls)
    if plain:
        match = {"transport_protocol": "raw_buffer"}
        chains.append(_chain(mesh, workload, plain) | {"filter_chain_match": match})
    return listener_of(f"gateway{number}", chains)


def clusters(mesh: Mesh, workload: Workload, behind: Behind) -> list[Json]:
    """Return where the gateway's routes lead to, by mutual TLS unless a DestinationRule turns it off."""
    made = []
    for destination, port in behind.ports.items():
        cluster: Json = {
            "name": _name(destination),
            "type": "STATIC",
            "load_assignment": {
                "cluster_name": _name(destination),
                "endpoints": [{"lb_endpoints": [{"endpoint": {"address": loopback(port)}}]}],
            },
        }
        if gateway_peer(mesh, workload, destination).transport == Transport.MTLS:
            context = {"@type": TLS + "UpstreamTlsContext", "common_tls_context": _certificates(behind.identity)}
            cluster["transport_socket"] = {"name": "tls", "typed_config": context}
        if destination.port in _grpc_ports(mesh, destination):
            cluster["typed_extension_protocol_options"] = _http2()
        made.append(cluster)
    return made


def _grpc_ports(mesh: Mesh, destination: Destination) -> tuple[int, ...]:
    found = mesh.workloads.get(destination.host, ())
    return tuple(port.number for each in found for port in each.ports if port.protocol == "grpc")


def _chain(mesh: Mesh, workload: Workload, servers: tuple[Listening, ...]) -> Json:
    hosts: list[Json] = []
    for name, pairs in virtual_hosts(mesh, workload, servers).items():
        routes = [_route(route, match) for route, match in pairs]
        hosts.append({"name": name, "domains": [name], "routes": routes})
    redirecting = (host for each in servers if each.server.redirects for host in each.server.hosts)
    for name in sorted({host.rpartition("/")[2] for host in redirecting}):
        hosts = [each for each in hosts if each["name"] != name]
        hosts.append({"name": name, "domains": [name], "require_tls": "ALL"})
    config = {"virtual_hosts": hosts, "ignore_port_in_host_matching": True}
    return {"filters": connection_manager("gateway", guard(mesh, workload), config)}


def _route(route: HttpRoute, match: HttpMatch) -> Json:
    live = [each for each in route.destinations if each.weight or len(route.destinations) == 1]
    weighted = [{"name": _name(each), "weight": each.weight or 1} for each in live]
    action: Json = {"weighted_clusters": {"clusters": weighted}}
    if route.rewrite_uri:
        action["prefix_rewrite"] = route.rewrite_uri  # of an exact or regex match it replaces the whole path
    if route.rewrite_authority:
        action["host_rewrite_literal"] = route.rewrite_authority
    if route.mirrors:
        action["request_mirror_policies"] = [{"cluster": _name(each)} for each in route.mirrors]
    return {"match": _match(match), "route": action}


def _match(match: HttpMatch) -> Json:
    uri = match.uri or TextMatch(kind="prefix", value="/")
    paths = {"exact": "path", "prefix": "prefix"}
    made: Json = {"safe_regex": {"regex": uri.value}} if uri.kind == "regex" else {paths[uri.kind]: uri.value}
    if match.ignores_case:
        made["case_sensitive"] = False
    headers = [*_headers(match.headers), *_headers(match.without_headers, invert=True)]
    pseudo = ((":method", match.method), (":authority", match.authority))
    headers += _headers((name, text) for name, text in pseudo if text is not None)
    return made | ({"headers": headers} if headers else {})


def _headers(pairs: Iterable[tuple[str, TextMatch]], *, invert: bool = False) -> list[Json]:
    made = []
    for name, text in pairs:
        how: Json = {"safe_regex": {"regex": text.value}} if text.kind == "regex" else {text.kind: text.value}
        matcher: Json = {"present_match": True} if text.kind == "present" else {"string_match": how}
        made.append({"name": name} | matcher | ({"invert_match": True} if invert else {}))
    return made


def _name(destination: Destination) -> str:
    return f"{destination.host}|{destination.subset}|{destination.port}"


def _bare(destination: Destination) -> Destination:
    return Destination(host=destination.host, subset=destination.subset, port=destination.port)


def _served(identity: ServerCertificate) -> Json:
    context = {"@type": TLS + "DownstreamTlsContext", "common_tls_context": _certificates(identity)}
    return {"name": "tls", "typed_config": context}


def _certificates(identity: ServerCertificate) -> Json:
    files = {"certificate_chain": {"filename": identity.certificate}, "private_key": {"filename": identity.key}}
    return {"tls_certificates": [files]}


def _http2() -> Json:
    name = "extensions.upstreams.http.v3.HttpProtocolOptions"
    return {f"envoy.{name}": {"@type": TYPE + name, "explicit_http_config": {"http2_protocol_options": {}}}}
