"""One Envoy that stands in for the gateway and every sidecar of a cluster, with throw-away keys and certificates.

The gateway's listener passes requests on to the pods' inside the same process, with mutual TLS between them; a pod's
listener hears of the port that its client means, as the sidecar does by capturing every port.
Source: Envoy 1.40, "Internal listener" and the original_dst listener filter; the loopback is the only network.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.access.client import Identity
from generator.access.envoy import TYPE, Json, ServerCertificate, http_listener
from generator.access.mesh import Mesh, Workload, guard, principal_of
from generator.access.proxying import Behind, clusters, destinations_of, gateway_listener
from generator.access.request import Transport
from generator.access.signing import make_authority, write_authority, write_identity
from generator.access.traffic import Destination
from generator.audit.suite import Case

HTTPS = 443
ORIGINAL = "envoy.filters.listener.original_dst"
FOREIGN = "!"  # before the principal of a certificate of another authority
CASE_HEADER = "x-gen-case"
CASE, HOP, HANDED = "gen_case", "gen_hop", "gen_handed"  # labels that a proof adds to the access log


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """What the proxies serve from, and the clients' certificates by principal."""

    server: ServerCertificate
    clients: Mapping[str, Identity]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Everything that one Envoy is started with."""

    listeners: tuple[Json, ...]
    clusters: tuple[Json, ...]


def certificates(mesh: Mesh, gateway: Workload, cases: Iterable[Case], folder: Path) -> Certificates:
    """Make two authorities, the gateway's certificate, and one for every principal that some case asks as.

    Raises:
        ToolError: The extra `prove` is not installed.
    """
    own, foreign = make_authority("mesh"), make_authority("foreign")
    trusted = write_authority(own, folder / "mesh.crt")
    certificate, key = write_identity(own, principal_of(gateway, mesh.settings), folder, "gateway")
    clients = {}
    peers = dict.fromkeys(
        (case.request.peer.principal, case.request.peer.transport == Transport.FOREIGN)
        for case in cases
        if case.request.peer.principal
    )
    for index, (principal, is_foreign) in enumerate(peers):
        paths = write_identity(foreign if is_foreign else own, principal, folder, f"client{index}")
        clients[(FOREIGN if is_foreign else "") + principal] = Identity(certificate=paths[0], key=paths[1])
    server = ServerCertificate(certificate=str(certificate), key=str(key), authority=str(trusted))
    return Certificates(server=server, clients=clients)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dressing:
    """What all listeners share: the certificate, the access log with its `path` and `labels`, a mark before names."""

    server: ServerCertificate
    log: Json | None = None
    mark: str = ""


def bench(mesh: Mesh, gateway: Workload, names: Iterable[str], dressing: Dressing) -> Bench:
    """Return listeners of the gateway and of the named workloads, and the clusters between them."""
    server, mark = dressing.server, dressing.mark
    wanted = [each for name in names for each in mesh.workloads.get(name, ())[:1] if name != str(gateway)]
    listeners = []
    for pod in wanted:
        outer = _pod_listener(f"{mark}{pod}", mesh, pod, server)
        listeners += [outer, _inside(outer)]
    between = [each for each in destinations_of(mesh) if any(pod in wanted for pod in behind(mesh, each))]
    routed = Behind(ports=dict.fromkeys(destinations_of(mesh), 0), identity=server)
    front = gateway_listener(mesh, gateway, HTTPS, routed) | {"name": f"{mark}{gateway}"}
    _speak_http2(front)
    made = []
    for destination, cluster in zip(routed.ports, clusters(mesh, gateway, routed), strict=True):
        targets = [pod for pod in behind(mesh, destination) if pod in wanted] if destination in between else []
        made.append(_to_inside(cluster, destination, targets, mark))
    if mark:
        _renamed(front, mark)
    everything = (front, *listeners) if front["filter_chains"] else tuple(listeners)
    for each in everything:
        _logged(each, dressing.log)
    return Bench(listeners=everything, clusters=tuple(made))


def behind(mesh: Mesh, destination: Destination) -> tuple[Workload, ...]:
    """Return the workloads behind a destination's host and subset."""
    rules = mesh.destination_rules.get(destination.host, ())
    subsets = {name: labels for rule in rules for name, labels, _ in rule.subsets}
    wanted = subsets.get(destination.subset, ())
    return tuple(
        each
        for each in mesh.workloads.get(destination.host, ())
        if all(each.labels.get(name) == value for name, value in wanted)
    )


def container_port(workload: Workload, number: int) -> int:
    """Return the port of the pod that a Service's port leads to; any other is meant as it stands."""
    return next((port.container for port in workload.ports if port.number == number), number)


def _pod_listener(name: str, mesh: Mesh, pod: Workload, server: ServerCertificate) -> Json:
    stands = guard(mesh, pod)
    made = http_listener(name, stands, server)
    for port in sorted(stands.port_mtls):  # a mode of its own
        for chain in http_listener(name, stands, server, port=port)["filter_chains"]:
            matched = chain["filter_chain_match"] | {"destination_port": port}
            made["filter_chains"].append(chain | {"filter_chain_match": matched})
    if pod.sidecar:
        return made
    # Nobody stands before a pod without a sidecar: whatever comes gets in.
    for chain in made["filter_chains"]:
        for manager in _managers(chain):
            manager["http_filters"] = manager["http_filters"][-1:]
    plain = [chain for chain in made["filter_chains"] if "transport_socket" not in chain] or made["filter_chains"]
    bare = {name: value for name, value in plain[0].items() if name != "transport_socket"}
    return made | {"filter_chains": [bare | {"filter_chain_match": {"transport_protocol": "raw_buffer"}}]}


def _inside(listener: Json) -> Json:
    """Return the same listener as the gateway reaches it, without a socket."""
    kept = {name: value for name, value in listener.items() if name != "address"}
    original = {"@type": TYPE + "extensions.filters.listener.original_dst.v3.OriginalDst"}
    filters = [{"name": ORIGINAL, "typed_config": original}, listener["listener_filters"][1]]
    return kept | {"name": f"inside {listener['name']}", "internal_listener": {}, "listener_filters": filters}


def to_pod(name: str, pod: str, port: int) -> Json:
    """Return a cluster that leads to a pod's listener as if its port were dialled, without TLS of its own."""
    ends = {"load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [_endpoint(pod, port)]}]}}
    return {"name": name, "type": "STATIC", "transport_socket": _upstream(_raw()), **ends}


def _to_inside(cluster: Json, destination: Destination, targets: Iterable[Workload], mark: str) -> Json:
    ends = [_endpoint(f"{mark}{pod}", container_port(pod, destination.port)) for pod in targets]
    name = mark + cluster["name"]
    return cluster | {
        "name": name,
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": ends}]},
        "transport_socket": _upstream(cluster.get("transport_socket", _raw())),
    }


def _raw() -> Json:
    return {"name": "raw", "typed_config": {"@type": TYPE + "extensions.transport_sockets.raw_buffer.v3.RawBuffer"}}


def _upstream(socket: Json) -> Json:
    """Return the transport to a listener inside the process; it hands on which port was meant."""
    config = {
        "@type": TYPE + "extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport",
        "passthrough_metadata": [{"kind": {"host": {}}, "name": ORIGINAL}],
        "transport_socket": socket,
    }
    return {"name": "envoy.transport_sockets.internal_upstream", "typed_config": config}


def _endpoint(pod: str, port: int) -> Json:
    place = {"server_listener_name": f"inside {pod}", "endpoint_id": f"{pod}:{port}"}
    return {
        "endpoint": {"address": {"envoy_internal_address": place}},
        "metadata": {"filter_metadata": {ORIGINAL: {"local": f"127.0.0.1:{port}"}}},
    }


def _managers(chain: Json) -> Iterator[Json]:
    for each in chain["filters"]:
        if "http_filters" in each["typed_config"]:
            yield each["typed_config"]


def _renamed(listener: Json, mark: str) -> None:
    """Lead the routes to the clusters of this mark."""
    for chain in listener["filter_chains"]:
        for manager in _managers(chain):
            for host in manager["route_config"]["virtual_hosts"]:
                for route in host["routes"]:
                    for each in _named_clusters(route):
                        key = "name" if "name" in each else "cluster"
                        each[key] = mark + each[key]


def _named_clusters(route: Json) -> Iterator[Json]:
    action = route.get("route", {})
    yield from action.get("weighted_clusters", {}).get("clusters", ())
    yield from action.get("request_mirror_policies", ())


def _speak_http2(listener: Json) -> None:
    """Let clients of the gateway ask for HTTP/2, as Istio's does."""
    for chain in listener["filter_chains"]:
        if "transport_socket" in chain:
            chain["transport_socket"]["typed_config"]["common_tls_context"]["alpn_protocols"] = ["h2", "http/1.1"]


def _logged(listener: Json, log: Json | None) -> None:
    if log is None:
        return
    for chain in listener["filter_chains"]:
        for manager in _managers(chain):
            manager["access_log"] = [_log_of(listener["name"], log)]


def _log_of(hop: str, log: Json) -> Json:
    own = {
        CASE: f"%REQ({CASE_HEADER.upper()})%",
        HOP: hop.removeprefix("inside "),
        HANDED: "%REQ(AUTHORIZATION)%",  # as the workload gets it, after the filters
    }
    labels: dict[str, Any] = log["labels"] | own
    without_query = {"@type": TYPE + "extensions.formatter.req_without_query.v3.ReqWithoutQuery"}
    return {
        "name": "envoy.access_loggers.file",
        "typed_config": {
            "@type": TYPE + "extensions.access_loggers.file.v3.FileAccessLog",
            "path": log["path"],
            "log_format": {
                "json_format": labels,
                "formatters": [{"name": "envoy.formatter.req_without_query", "typed_config": without_query}],
            },
        },
    }
