"""Turn Gateway, VirtualService and DestinationRule objects into frozen dataclasses.

Source: istio/api networking/v1alpha3 gateway.proto, virtual_service.proto, destination_rule.proto (1.30).
"""

from dataclasses import dataclass
from typing import Any

from generator.access.reading import Reader, Ref, Unsupported, reader_of

HTTP_PROTOCOLS = ("HTTP", "HTTP2", "GRPC", "GRPC-WEB")
NOT_JUDGED = "is not judged by gen"
REMOVE = "take it out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One server of a Gateway: `hosts` as written (`namespace/host`), `is_tls` means mode SIMPLE."""

    port: int
    hosts: tuple[str, ...]
    is_tls: bool = False
    redirects: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """Opens ports on the workloads that `selector` selects, in any namespace."""

    ref: Ref
    selector: tuple[tuple[str, str], ...]
    servers: tuple[Server, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextMatch:
    """How a text is compared: kind is exact, prefix, regex, or present (any value)."""

    kind: str
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpMatch:
    """All that is given must match; `gateways` () means those of the VirtualService."""

    uri: TextMatch | None = None
    ignores_case: bool = False
    method: TextMatch | None = None
    authority: TextMatch | None = None
    headers: tuple[tuple[str, TextMatch], ...] = ()
    without_headers: tuple[tuple[str, TextMatch], ...] = ()
    gateways: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where a route sends: `port` 0 is the Service's only port."""

    host: str
    subset: str = ""
    port: int = 0
    weight: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRoute:
    """Matches when any of `matches` does, or always when there is none."""

    matches: tuple[HttpMatch, ...]
    destinations: tuple[Destination, ...]
    mirrors: tuple[Destination, ...] = ()
    rewrite_uri: str = ""
    rewrite_authority: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualService:
    """Routes of hosts on gateways, in order; `export_to` () is every namespace."""

    ref: Ref
    hosts: tuple[str, ...]
    gateways: tuple[str, ...]
    routes: tuple[HttpRoute, ...]
    export_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationRule:
    """How callers speak to a host: `tls` "" is mutual TLS by itself, DISABLE is plaintext."""

    ref: Ref
    host: str
    tls: str = ""
    subsets: tuple[tuple[str, tuple[tuple[str, str], ...], str], ...] = ()  # (name, labels, tls)


def gateway(obj: dict[str, Any], found: list[Unsupported]) -> Gateway:
    """Parse a Gateway; what it says beyond gen's coverage is appended to `found`."""
    spec = reader_of(obj, found)
    servers = tuple(_server(server) for server in spec.children("servers"))
    parsed = Gateway(ref=spec.ref, selector=spec.pairs("selector"), servers=servers)
    spec.close()
    return parsed


def virtual_service(obj: dict[str, Any], found: list[Unsupported]) -> VirtualService:
    """Parse a VirtualService; what it says beyond gen's coverage is appended to `found`."""
    spec = reader_of(obj, found)
    parsed = VirtualService(
        ref=spec.ref,
        hosts=spec.texts("hosts"),
        gateways=_full_names(spec.texts("gateways"), spec.ref) or ("mesh",),
        routes=tuple(_route(route) for route in spec.children("http")),
        export_to=spec.texts("exportTo"),
    )
    _refuse(spec, "tls", "tcp")
    spec.close()
    return parsed


def destination_rule(obj: dict[str, Any], found: list[Unsupported]) -> DestinationRule:
    """Parse a DestinationRule; what it says beyond gen's coverage is appended to `found`."""
    spec = reader_of(obj, found)
    tls = _client_tls(spec)
    subsets = []
    for subset in spec.children("subsets"):
        subsets.append((subset.text("name"), subset.pairs("labels"), _client_tls(subset)))
        subset.close()
    spec.skip("exportTo")
    _refuse(spec, "workloadSelector")
    host = _full_host(spec.text("host"), spec.ref)
    spec.close()
    return DestinationRule(ref=spec.ref, host=host, tls=tls, subsets=tuple(subsets))


def _refuse(reader: Reader, *keys: str) -> None:
    for key in keys:
        if reader.has(key):
            reader.report(key, NOT_JUDGED, REMOVE)
    reader.skip(*keys)


def _full_names(gateways: tuple[str, ...], ref: Ref) -> tuple[str, ...]:
    return tuple(name if name == "mesh" or "/" in name else f"{ref.namespace}/{name}" for name in gateways)


def _full_host(host: str, ref: Ref) -> str:
    return host if "." in host else f"{host}.{ref.namespace}.svc.cluster.local"


def _server(server: Reader) -> Server:
    port = server.child("port")
    protocol = port.text("protocol").upper()
    number = port.number("number")
    port.skip("name", "targetPort")
    port.close()
    tls = server.child("tls")
    mode = tls.text("mode")
    redirects = tls.flag("httpsRedirect")
    tls.skip("credentialName", "minProtocolVersion", "maxProtocolVersion", "cipherSuites", "serverCertificate")
    tls.skip("privateKey")
    tls.close()
    is_tls = protocol == "HTTPS"
    if protocol not in (*HTTP_PROTOCOLS, "HTTPS"):
        port.report("protocol", f'is "{protocol}", which gen does not judge', "use HTTP or HTTPS")
    if is_tls and mode != "SIMPLE":
        tls.report("mode", f'is "{mode or "PASSTHROUGH"}", which gen does not judge', "use SIMPLE")
    server.skip("name", "bind", "defaultEndpoint")
    parsed = Server(port=number, hosts=server.texts("hosts"), is_tls=is_tls, redirects=redirects)
    server.close()
    return parsed


def _route(route: Reader) -> HttpRoute:
    rewrite = route.child("rewrite")
    destinations = tuple(_weighted(each) for each in route.children("route"))
    mirrors = [_destination(route.child("mirror"), 0)] if route.has("mirror") else []
    for each in route.children("mirrors"):
        mirrors.append(_destination(each.child("destination"), 0))
        each.skip("percentage")
        each.close()
    parsed = HttpRoute(
        matches=tuple(_match(match, route.ref) for match in route.children("match")),
        destinations=destinations,
        mirrors=tuple(mirrors),
        rewrite_uri=rewrite.text("uri"),
        rewrite_authority=rewrite.text("authority"),
    )
    rewrite.close()
    route.skip("name", "timeout", "retries", "mirror", "mirrorPercentage", "mirrorPercent")
    _refuse(route, "redirect", "directResponse", "delegate", "fault", "corsPolicy", "headers")
    route.close()
    return parsed


def _weighted(entry: Reader) -> Destination:
    parsed = _destination(entry.child("destination"), entry.number("weight"))
    _refuse(entry, "headers")
    entry.close()
    return parsed


def _destination(entry: Reader, weight: int) -> Destination:
    port = entry.child("port")
    host = _full_host(entry.text("host"), entry.ref)
    parsed = Destination(host=host, subset=entry.text("subset"), port=port.number("number"), weight=weight)
    port.close()
    entry.close()
    return parsed


def _match(match: Reader, ref: Ref) -> HttpMatch:
    parsed = HttpMatch(
        uri=_text_match(match.child("uri")) if match.has("uri") else None,
        ignores_case=match.flag("ignoreUriCase"),
        method=_text_match(match.child("method")) if match.has("method") else None,
        authority=_text_match(match.child("authority")) if match.has("authority") else None,
        headers=tuple((name.lower(), _text_match(each)) for name, each in match.named("headers")),
        without_headers=tuple((name.lower(), _text_match(each)) for name, each in match.named("withoutHeaders")),
        gateways=_full_names(match.texts("gateways"), ref),
    )
    for name, _ in (*parsed.headers, *parsed.without_headers):
        if name.startswith("@"):
            match.report(f"headers.{name}", "routes by a token's claim, which gen does not judge", "match by uri")
    match.skip("name", "statPrefix")
    _refuse(match, "scheme", "port", "sourceLabels", "sourceNamespace", "queryParams")
    match.close()
    return parsed


def _text_match(reader: Reader) -> TextMatch:
    for kind in ("exact", "prefix", "regex"):
        if reader.has(kind):
            parsed = TextMatch(kind=kind, value=reader.text(kind))
            reader.close()
            return parsed
    reader.close()
    return TextMatch(kind="present")


def _client_tls(reader: Reader) -> str:
    policy = reader.child("trafficPolicy")
    tls = policy.child("tls")
    mode = (tls.text("mode") or "DISABLE") if policy.has("tls") else ""  # an empty `tls: {}` reads as DISABLE
    if mode in ("SIMPLE", "MUTUAL"):
        tls.report("mode", f'is "{mode}", which gen does not judge between workloads', "use ISTIO_MUTUAL")
    tls.close()
    policy.skip("connectionPool", "loadBalancer", "outlierDetection", "tunnel", "proxyProtocol")
    _refuse(policy, "portLevelSettings")
    policy.close()
    return mode
