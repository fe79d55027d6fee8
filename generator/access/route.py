"""Follow a request through a gateway: which server takes it, which route matches, where it goes on to.

Source: istio/istio 1.30.3 pilot/pkg/networking/core/gateway.go (buildGatewayHTTPRouteConfig: host
intersection, one route table per HTTPS server, port ignored in host matching), route/route.go
(SortVHostRoutes), pilot/pkg/model/push_context.go (VirtualServicesForGateway: exportTo).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from generator.access.mesh import Mesh, Workload, is_selected, principal_of
from generator.access.paths import without_query
from generator.access.request import Peer, Request, Transport
from generator.access.traffic import Destination, Gateway, HttpMatch, HttpRoute, Server, TextMatch, VirtualService

Route = tuple[HttpRoute, HttpMatch]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """A server that takes a connection, and the Gateway that it belongs to."""

    gateway: Gateway
    server: Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Onward:
    """One place that a routed request may go: the request as it arrives there; `is_mirror` for a shadow's copy."""

    route: HttpRoute
    destination: Destination
    request: Request
    is_mirror: bool = False


def listening(mesh: Mesh, workload: Workload, request: Request) -> tuple[Listening, ...]:
    """Return the servers that take the request's connection; () when it is closed.

    Plain HTTP servers of one port share their routes; of the HTTPS servers the one with the closest
    host name for the client's SNI takes it.
    """
    open_ = open_servers(mesh, workload, request.port)
    if request.peer.transport == Transport.PLAINTEXT:
        return tuple(each for each in open_ if not each.server.is_tls)
    named = request.sni or request.authority.partition(":")[0]
    best = max(
        (_closeness(_bare(host), named) for each in open_ if each.server.is_tls for host in each.server.hosts),
        default=0,
    )
    return tuple(
        each
        for each in open_
        if each.server.is_tls and best and any(_closeness(_bare(host), named) == best for host in each.server.hosts)
    )


def open_servers(mesh: Mesh, workload: Workload, port: int) -> tuple[Listening, ...]:
    """Return the servers that Gateways open on a port of the workload."""
    return tuple(
        Listening(gateway=gateway, server=server)
        for gateway in mesh.gateways
        if is_selected(gateway.selector, workload)
        for server in gateway.servers
        if server.port == port
    )


def onward(mesh: Mesh, workload: Workload, listeners: tuple[Listening, ...], request: Request) -> tuple[Onward, ...]:
    """Return everywhere that the gateway may send the request; () when no route matches.

    Several VirtualServices may claim one host, and Istio's order among them is their age, which objects
    do not tell: each one's match is returned.
    """
    host = request.authority.rsplit(":", 1)[0].lower()
    services = (*mesh.virtual_services.get(host, ()), *mesh.virtual_services.get("*", ()))
    tables = _tables(workload, listeners, services)
    best = max((_closeness(name, host) for name, _, _ in tables), default=0)
    chosen = dict.fromkeys(
        (gateway, service) for name, gateway, service in tables if best and _closeness(name, host) == best
    )
    for last in (False, True):  # catch-all routes come last among all routes of a host
        firsts = [_first(service, gateway, request, catch_all=last) for gateway, service in chosen]
        found = [each for first in firsts if first for each in _sent(mesh, workload, first, request)]
        if found:
            return tuple(found)
    return ()


def workloads_behind(mesh: Mesh, destination: Destination) -> tuple[Workload, ...]:
    """Return the workloads of a destination's host that have the labels of its subset."""
    wanted = {
        name: labels for rule in mesh.destination_rules.get(destination.host, ()) for name, labels, _ in rule.subsets
    }.get(destination.subset, ())
    return tuple(each for each in mesh.workloads.get(destination.host, ()) if is_selected(wanted, each))


def virtual_hosts(mesh: Mesh, workload: Workload, listeners: tuple[Listening, ...]) -> dict[str, tuple[Route, ...]]:
    """Return the routes of every host of some servers, those for everything last."""
    services = dict.fromkeys(each for services in mesh.virtual_services.values() for each in services)
    hosts: dict[str, dict[Route, None]] = {}
    for name, gateway, service in _tables(workload, listeners, services):
        for route in service.routes:
            for match in route.matches or (HttpMatch(),):
                if not match.gateways or gateway in match.gateways:
                    hosts.setdefault(name, {})[(route, match)] = None
    return {name: tuple(sorted(routes, key=lambda each: _is_catch_all(each[1]))) for name, routes in hosts.items()}


def is_redirected(listeners: tuple[Listening, ...], request: Request) -> bool:
    """Say whether the gateway answers with a redirect to HTTPS."""
    host = request.authority.rsplit(":", 1)[0].lower()
    return any(
        each.server.redirects and any(_closeness(_bare(name), host) for name in each.server.hosts) for each in listeners
    )


def _tables(
    workload: Workload, listeners: tuple[Listening, ...], services: Iterable[VirtualService]
) -> tuple[tuple[str, str, VirtualService], ...]:
    """Return (host name, gateway's name, VirtualService) of the virtual hosts that the services make."""
    found = []
    given = tuple(services)
    for listener in listeners:
        for service in given:
            if _full(listener.gateway) not in service.gateways or not _is_visible(service, workload):
                continue
            for served in _hosts_for(listener, service.ref.namespace):
                for host in service.hosts:
                    common = _intersection(served.lower(), host.lower())
                    if common:
                        found.append((common, _full(listener.gateway), service))
    return tuple(found)


def _full(gateway: Gateway) -> str:
    return f"{gateway.ref.namespace}/{gateway.ref.name}"


def _bare(host: str) -> str:
    return host.rpartition("/")[2]


def _hosts_for(listener: Listening, namespace: str) -> tuple[str, ...]:
    """Return the server's hosts that VirtualServices of a namespace may use."""
    allowed = []
    for host in listener.server.hosts:
        space, slash, name = host.rpartition("/")
        own = listener.gateway.ref.namespace if space == "." else space
        if not slash or own in ("*", namespace):
            allowed.append(name)
    return tuple(allowed)


def _is_visible(service: VirtualService, workload: Workload) -> bool:
    own = service.ref.namespace
    shown = [own if each == "." else each for each in service.export_to]
    return not shown or "*" in shown or workload.namespace in shown


def _intersection(one: str, other: str) -> str:
    if _covers(other, one):
        return one
    return other if _covers(one, other) else ""


def _covers(pattern: str, name: str) -> bool:
    if pattern in ("*", name):
        return True
    return pattern.startswith("*") and name.endswith(pattern[1:]) and len(name) > len(pattern[1:])


def _closeness(pattern: str, host: str) -> int:
    """Return how closely a host pattern fits: 0 not at all, else more for a longer pattern."""
    pattern = pattern.lower()
    if pattern == host.lower():
        return 1000
    return len(pattern) if _covers(pattern, host.lower()) else 0


def _first(service: VirtualService, gateway: str, request: Request, *, catch_all: bool) -> Route | None:
    for route in service.routes:
        for match in route.matches or (HttpMatch(),):
            on_gateway = not match.gateways or gateway in match.gateways
            if on_gateway and _is_catch_all(match) is catch_all and _matches(match, request):
                return route, match
    return None


def _is_catch_all(match: HttpMatch) -> bool:
    everything = match.uri is None or match.uri == TextMatch(kind="prefix", value="/")
    regex = match.uri is not None and match.uri == TextMatch(kind="regex", value=".*")
    bare = not (match.headers or match.without_headers or match.method or match.authority)
    return (everything or regex) and bare


def _matches(match: HttpMatch, request: Request) -> bool:
    headers = [(name.lower(), value) for name, value in request.headers]

    def header(name: str, text: TextMatch) -> bool:
        return any(_text(text, value) for each, value in headers if each == name)

    path = without_query(request.path)
    return (
        (match.uri is None or _text(match.uri, path, ignore_case=match.ignores_case))
        and (match.method is None or _text(match.method, request.method))
        and (match.authority is None or _text(match.authority, request.authority))
        and all(header(name, text) for name, text in match.headers)
        and not any(header(name, text) for name, text in match.without_headers)
    )


def _text(match: TextMatch, text: str, *, ignore_case: bool = False) -> bool:
    value = match.value
    if match.kind == "regex":
        return re.fullmatch(value, text) is not None
    if ignore_case:
        value, text = value.lower(), text.lower()
    if match.kind == "prefix":
        return text.startswith(value)
    return match.kind == "present" or text == value


def _sent(mesh: Mesh, workload: Workload, first: Route, request: Request) -> tuple[Onward, ...]:
    route, match = first
    path = request.path
    if route.rewrite_uri:
        if match.uri is None or match.uri.kind == "prefix":
            path = route.rewrite_uri + path[len(match.uri.value if match.uri else "/") :]
        else:
            path = route.rewrite_uri + path[len(without_query(path)) :]
    sent = replace(
        request,
        path=path,
        authority=route.rewrite_authority or request.authority,
        headers=(*request.headers, ("x-forwarded-for", request.peer.address)),
        sni="",
    )
    live = [each for each in route.destinations if each.weight or len(route.destinations) == 1]
    return tuple(
        Onward(
            route=route,
            destination=each,
            request=replace(sent, port=each.port, peer=gateway_peer(mesh, workload, each)),
            is_mirror=each in route.mirrors and each not in live,
        )
        for each in (*live, *route.mirrors)
    )


def gateway_peer(mesh: Mesh, workload: Workload, destination: Destination) -> Peer:
    """Return how the gateway speaks to a destination: mutual TLS unless a DestinationRule turns it off."""
    principal = principal_of(workload, mesh.settings)
    for rule in mesh.destination_rules.get(destination.host, ()):
        subset = next((tls for name, _, tls in rule.subsets if name == destination.subset), "")
        if (subset or rule.tls) == "DISABLE":
            return Peer(transport=Transport.PLAINTEXT, address=workload.address)
    return Peer(transport=Transport.MTLS, principal=principal, address=workload.address)
