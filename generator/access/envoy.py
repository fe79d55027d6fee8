"""Build the configuration of a stand-in proxy: the filters that istiod sends for a workload, and no workload behind.

A listener takes the PROXY protocol, so that a client can say which port of the pod it means; a request that
all filters let through is answered 200 by the listener itself. The answer's header `x-details` is Envoy's
own word for what happened, `x-path` the path that would have reached the workload.
Source: Envoy 1.40 API; istio/istio 1.30.3 pilot/pkg/networking/core/listener_builder.go (order of filters, path
normalisation, use_remote_address) and pilot/pkg/security/authn/utils/utils.go (inbound TLS).
"""

from dataclasses import dataclass
from typing import Any

from generator.access.authentication import Mode
from generator.access.jwt import jwt_filters
from generator.access.mesh import Guard
from generator.access.paths import PathNormalization
from generator.access.rbac import http_filters, tcp_filters

Json = dict[str, Any]
TYPE = "type.googleapis.com/envoy."
_DETAILS = [{"header": {"key": "x-details", "value": "%RESPONSE_CODE_DETAILS%"}}]
MERGING = (PathNormalization.MERGE_SLASHES, PathNormalization.DECODE_AND_MERGE_SLASHES)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerCertificate:
    """Files that a listener with TLS serves from: its certificate and key, and the authority of its clients."""

    certificate: str
    key: str
    authority: str


def filters_of(guard: Guard, *, fetched: dict[str, str] | None = None) -> list[Json]:
    """Return the HTTP filters before a workload: jwt_authn where tokens are verified, then RBAC.

    `fetched` gives the key set of each jwksUri.
    """
    return [
        *jwt_filters(guard.authentications, gateway=guard.is_gateway, fetched=fetched),
        *http_filters(guard.policies, trust_domains=guard.settings.trust_domains),
    ]


def http_listener(
    name: str, guard: Guard, certificate: ServerCertificate | None, *, port: int = 0, listen: int = 0
) -> Json:
    """Return a listener on a loopback port that guards like the workload's sidecar or gateway.

    `port` is the workload's port, for its mutual TLS mode; `certificate` is needed where that takes TLS;
    `listen` 0 takes a free port.
    """
    answer = {
        "match": {"prefix": "/"},
        "direct_response": {"status": 200},
        "response_headers_to_add": [*_DETAILS, {"header": {"key": "x-path", "value": "%REQ(:PATH)%"}}],
    }
    routes = {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [answer]}]}
    chains = _chains(guard, connection_manager(name, guard, routes), certificate, port=port)
    return listener_of(name, chains, listen=listen)


def tcp_listener(name: str, guard: Guard, certificate: ServerCertificate | None, *, port: int = 0) -> Json:
    """Return a listener for a port that is not HTTP: what passes is echoed."""
    echo = {"name": "echo", "typed_config": {"@type": TYPE + "extensions.filters.network.echo.v3.Echo"}}
    filters = [*tcp_filters(guard.policies, trust_domains=guard.settings.trust_domains), echo]
    return listener_of(name, _chains(guard, filters, certificate, port=port))


def listener_of(name: str, chains: list[Json], *, listen: int = 0) -> Json:
    """Return a listener that tells plain from TLS; a client may say by the PROXY protocol which port it means."""
    proxy = {"@type": TYPE + "extensions.filters.listener.proxy_protocol.v3.ProxyProtocol"}
    tls = {"@type": TYPE + "extensions.filters.listener.tls_inspector.v3.TlsInspector"}
    return {
        "name": name,
        "address": loopback(listen),
        "listener_filters": [
            {
                "name": "envoy.filters.listener.proxy_protocol",
                "typed_config": proxy | {"allow_requests_without_proxy_protocol": True},
            },
            {"name": "envoy.filters.listener.tls_inspector", "typed_config": tls},
        ],
        "filter_chains": chains,
    }


def connection_manager(name: str, guard: Guard, routes: Json) -> list[Json]:
    """Return the network filter that speaks HTTP, with what guards the workload and then these routes."""
    normalization = guard.settings.path_normalization
    decodes = normalization is PathNormalization.DECODE_AND_MERGE_SLASHES
    config: Json = {
        "@type": TYPE + "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "in",
        "use_remote_address": guard.is_gateway,
        "xff_num_trusted_hops": guard.settings.trusted_proxies if guard.is_gateway else 0,
        "normalize_path": normalization is not PathNormalization.NONE,
        "merge_slashes": normalization in MERGING,
        "path_with_escaped_slashes_action": "UNESCAPE_AND_FORWARD" if decodes else "KEEP_UNCHANGED",
        "route_config": {"name": name} | routes,
        "local_reply_config": {"mappers": [{"filter": _every_status(), "headers_to_add": _DETAILS}]},
        "http_filters": [
            *filters_of(guard),
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": TYPE + "extensions.filters.http.router.v3.Router"},
            },
        ],
    }
    return [{"name": "envoy.filters.network.http_connection_manager", "typed_config": config}]


def bootstrap(listeners: list[Json], clusters: list[Json] | None = None) -> Json:
    """Return the whole configuration of one Envoy with its admin page on a free loopback port."""
    inside = {"@type": TYPE + "extensions.bootstrap.internal_listener.v3.InternalListener"}
    extension = {"name": "envoy.bootstrap.internal_listener", "typed_config": inside}
    needed = any("internal_listener" in each for each in listeners)
    return {
        "admin": {"address": loopback(0)},
        "static_resources": {"listeners": listeners, "clusters": clusters or []},
        "stats_config": {"stats_matcher": {"reject_all": True}},
    } | ({"bootstrap_extensions": [extension]} if needed else {})


def loopback(port: int) -> Json:
    """Return an address on loopback; port 0 is any free one."""
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _chains(guard: Guard, filters: list[Json], certificate: ServerCertificate | None, *, port: int) -> list[Json]:
    mode = Mode.DISABLE if guard.is_gateway else guard.port_mtls.get(port, guard.mtls)
    chains: list[Json] = []
    if mode is not Mode.STRICT:
        chains.append({"filter_chain_match": {"transport_protocol": "raw_buffer"}, "filters": filters})
    if mode is not Mode.DISABLE and certificate is not None:
        tls = _mutual_tls(certificate, guard.settings.trust_domains)
        chains.append(
            {
                "filter_chain_match": {"transport_protocol": "tls"},
                "filters": filters,
                "transport_socket": {"name": "tls", "typed_config": tls},
            }
        )
    return chains


def _mutual_tls(certificate: ServerCertificate, domains: tuple[str, ...]) -> Json:
    matchers = [{"san_type": "URI", "matcher": {"prefix": f"spiffe://{domain}/"}} for domain in domains]
    return {
        "@type": TYPE + "extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        "require_client_certificate": True,
        "common_tls_context": {
            "tls_certificates": [
                {
                    "certificate_chain": {"filename": certificate.certificate},
                    "private_key": {"filename": certificate.key},
                }
            ],
            "validation_context": {
                "trusted_ca": {"filename": certificate.authority},
                "match_typed_subject_alt_names": matchers,
            },
        },
    }


def _every_status() -> Json:
    value = {"default_value": 100, "runtime_key": "none"}
    return {"status_code_filter": {"comparison": {"op": "GE", "value": value}}}
