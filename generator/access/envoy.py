"""Build the configuration of a stand-in proxy: the filters that istiod sends for a workload, and no workload behind.

A listener takes the PROXY protocol, so that a client can say which port of the pod it means; a request that
all filters let through is answered 200 by the listener itself. The answer's header `x-details` is Envoy's
own word for what happened.
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
_TYPE = "type.googleapis.com/envoy."
_DETAILS = [{"header": {"key": "x-details", "value": "%RESPONSE_CODE_DETAILS%"}}]
_TLS_TRANSPORT = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
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


def http_listener(name: str, guard: Guard, certificate: ServerCertificate | None, *, port: int = 0) -> Json:
    """Return a listener on a free loopback port that guards like the workload's sidecar or gateway.

    `port` is the workload's port, for its mutual TLS mode; `certificate` is needed where that takes TLS.
    """
    return _listener(name, guard, _connection_manager(name, guard), certificate, port=port)


def tcp_listener(name: str, guard: Guard, certificate: ServerCertificate | None, *, port: int = 0) -> Json:
    """Return a listener for a port that is not HTTP: what passes is echoed."""
    echo = {"name": "echo", "typed_config": {"@type": _TYPE + "extensions.filters.network.echo.v3.Echo"}}
    filters = [*tcp_filters(guard.policies, trust_domains=guard.settings.trust_domains), echo]
    return _listener(name, guard, filters, certificate, port=port)


def bootstrap(listeners: list[Json]) -> Json:
    """Return the whole configuration of one Envoy with its admin page on a free loopback port."""
    return {
        "admin": {"address": _loopback()},
        "static_resources": {"listeners": listeners},
        "stats_config": {"stats_matcher": {"reject_all": True}},
    }


def _listener(
    name: str, guard: Guard, filters: list[Json], certificate: ServerCertificate | None, *, port: int
) -> Json:
    mode = Mode.DISABLE if guard.is_gateway else guard.port_mtls.get(port, guard.mtls)
    chains: list[Json] = []
    if mode is not Mode.STRICT:
        chains.append({"filter_chain_match": {"transport_protocol": "raw_buffer"}, "filters": filters})
    if mode is not Mode.DISABLE and certificate is not None:
        domains = guard.settings.trust_domains
        chains.append(
            {
                "filter_chain_match": {"transport_protocol": "tls"},
                "filters": filters,
                "transport_socket": {"name": "tls", "typed_config": _mutual_tls(certificate, domains)},
            }
        )
    inspectors = (
        ("proxy_protocol", "proxy_protocol.v3.ProxyProtocol"),
        ("tls_inspector", "tls_inspector.v3.TlsInspector"),
    )
    return {
        "name": name,
        "address": _loopback(),
        "listener_filters": [
            {
                "name": f"envoy.filters.listener.{short}",
                "typed_config": {"@type": f"{_TYPE}extensions.filters.listener.{full}"},
            }
            for short, full in inspectors
        ],
        "filter_chains": chains,
    }


def _mutual_tls(certificate: ServerCertificate, domains: tuple[str, ...]) -> Json:
    matchers = [{"san_type": "URI", "matcher": {"prefix": f"spiffe://{domain}/"}} for domain in domains]
    return {
        "@type": _TLS_TRANSPORT,
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


def _connection_manager(name: str, guard: Guard) -> list[Json]:
    normalization = guard.settings.path_normalization
    answer = {"match": {"prefix": "/"}, "direct_response": {"status": 200}, "response_headers_to_add": _DETAILS}
    config: Json = {
        "@type": _TYPE + "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "in",
        "use_remote_address": guard.is_gateway,
        "xff_num_trusted_hops": guard.settings.trusted_proxies if guard.is_gateway else 0,
        "normalize_path": normalization is not PathNormalization.NONE,
        "merge_slashes": normalization in MERGING,
        "path_with_escaped_slashes_action": "UNESCAPE_AND_FORWARD"
        if normalization is PathNormalization.DECODE_AND_MERGE_SLASHES
        else "KEEP_UNCHANGED",
        "route_config": {"name": name, "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [answer]}]},
        "local_reply_config": {"mappers": [{"filter": _every_status(), "headers_to_add": _DETAILS}]},
        "http_filters": [
            *filters_of(guard),
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": _TYPE + "extensions.filters.http.router.v3.Router"},
            },
        ],
    }
    return [{"name": "envoy.filters.network.http_connection_manager", "typed_config": config}]


def _every_status() -> Json:
    value = {"default_value": 100, "runtime_key": "none"}
    return {"status_code_filter": {"comparison": {"op": "GE", "value": value}}}


def _loopback() -> Json:
    return {"socket_address": {"address": "127.0.0.1", "port_value": 0}}
