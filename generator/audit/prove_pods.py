"""The requests that a proof fires straight at a model's pods: who may call from inside the mesh, and at which port."""

from collections.abc import Container, Iterator
from dataclasses import replace

from generator.access.mesh import Workload, guard, principal_of
from generator.access.request import Peer, Protocol, Request, Token, Transport, with_token
from generator.access.tree import Cluster
from generator.audit.prove_grants import (
    STRANGER,
    Person,
    is_granted_detector,
    is_granted_inside,
    operations_of,
    person_may,
    persons,
)
from generator.audit.prove_peers import detectors, has_business, pods, principals
from generator.audit.prove_spoken import spoken_calls
from generator.audit.prove_tokens import NOBODY, odd_tokens
from generator.audit.suite import (
    METHODS,
    SIDE_PATHS,
    Case,
    Target,
    Wire,
    calls,
    expected,
    named,
    with_odd,
)
from generator.build.neighbours import neighbour_operations
from generator.build.pods import metrics
from generator.model import Model, Operation

FOREIGN_DOMAIN = "elsewhere.example"
FEW = 6  # side paths that somebody without any grant is tried with
UNKNOWN = "/nothing-that-anybody-asked-for"
Call = tuple[int, str, str, bool]  # port, method, path, whether it is gRPC
Calls = tuple[Call, ...]
ODD_PORT = 15999  # of nothing that anybody knows


def pod_cases(target: Target) -> Iterator[Case]:
    """Yield the requests that come straight to the pods."""
    seen: list[object] = []
    for pod in pods(target):
        stands = guard(target.cluster.mesh, pod)
        lock = (stands.policies, stands.authentications, stands.mtls, stands.port_mtls, pod.sidecar)
        # Pods behind the same policies answer alike: all but the first are asked at their own ports only.
        yield from _callers(target, pod, is_alike=lock in seen)
        yield from _connections(target, pod)
        if lock not in seen:
            yield from _own_lock(target, pod)
            yield from wrong_tokens(target, pod)
            seen.append(lock)
    for pod in detectors(target):
        yield from _detector(target, pod)


def ports_of(model: Model, pod: Workload) -> tuple[int, ...]:
    """Return every port of a pod that something is known of, sorted."""
    said = [ODD_PORT, *(port.container for port in pod.ports)] + [port for port, _ in metrics(model)]
    for operation in (*model.operations, *neighbour_operations(model)):
        said += [port for port in (operation.port, operation.grpc_port) if port]
    return tuple(sorted(dict.fromkeys(said)))


def known_calls(model: Model) -> Calls:
    """Return everything that anybody may ask of some pod of the model, where it may be asked."""
    asked: dict[Call, None] = {}
    for operation in (*model.operations, *neighbour_operations(model)):
        for method, path in calls(operation):
            is_grpc = path in operation.grpc_paths
            asked[operation.grpc_port if is_grpc else operation.port, method, path, is_grpc] = None
    asked |= {(port, "GET", path, False): None for port, path in metrics(model)}
    return tuple(asked)


def _everywhere(known: Calls, ports: tuple[int, ...]) -> Calls:
    """Return the calls at every port, and one that nothing is known of."""
    plain = dict.fromkeys(call[1:] for call in known) | {(m, UNKNOWN, False): None for m in ("GET", "POST")}
    return tuple((port, *call) for port in ports for call in plain)


def _near(known: Calls) -> Iterator[Call]:
    """Yield calls that are nearly what is granted: a longer path, another method."""
    for port, method, path, is_grpc in known:
        yield from ((port, method, near, is_grpc) for near in (f"{path}x", f"/x{path}", f"{path}/x"))
        yield from ((port, other, path, False) for other in ("PUT", "DELETE") if other != method)


def _side_calls(ports: tuple[int, ...]) -> Calls:
    return tuple((port, method, path, False) for port in ports for path in SIDE_PATHS for method in ("GET", "POST"))


def _callers(target: Target, pod: Workload, *, is_alike: bool) -> Iterator[Case]:
    model = target.model
    gateway = principal_of(target.cluster.gateway, target.cluster.settings)
    opener = next(iter(persons(model)), STRANGER)
    openers = {(person.kind, operations_of(model, person)): person for person in reversed(persons(model))}
    tokens = {person: target.mint.good(person) for person in dict.fromkeys((opener, *openers.values(), STRANGER))}
    own = tuple(dict.fromkeys(port.container for port in pod.ports))
    ports = own if is_alike else ports_of(model, pod)
    asked = dict.fromkeys((*known_calls(model), *spoken_calls(target, pod, ports)))
    known = tuple(call for call in asked if not is_alike or call[0] in own)
    wide = dict.fromkeys((*_near(known), *_everywhere(known, ports), *_side_calls(ports[:1] if is_alike else ports)))
    for principal, who in principals(target).items():
        narrow = dict.fromkeys((*known, *_side_calls(ports)[:FEW]))
        for call in wide if has_business(model, principal) else narrow:
            yield _at(target, pod, call, (principal, who, None, None))
            if principal == gateway:
                for person, token in tokens.items():
                    yield _at(target, pod, call, (principal, f"{who} with {person}'s token", person, token))
        if principal != gateway:  # another pod that got hold of the right user's token
            for call in known[:FEW]:
                yield _at(target, pod, call, (principal, f"{who} with {opener}'s token", None, tokens[opener]))


def wrong_tokens(target: Target, pod: Workload) -> Iterator[Case]:
    """Yield what those who need no token may do, asked with one that is not taken: it is refused whoever sends it."""
    mint, now = target.mint, target.mint.now
    tokens = [
        ("a token for another audience", mint.good(STRANGER, aud=NOBODY)),
        ("an expired token", mint.good(STRANGER, exp=now - 300)),
        ("garbage for a token", Token(claims={}, text="garbage")),
        *((f"a token {what}", token) for what, token in mint.of_others(STRANGER)),
    ]
    for principal, who in principals(target).items():
        granted = [
            call for call in known_calls(target.model) if _at(target, pod, call, (principal, who, None, None)).granted
        ]
        for call in granted[:1]:
            for what, token in tokens:
                case = _at(target, pod, call, (principal, f"{who} with {what}", None, token))
                yield replace(case, what=what, granted=False)


def _at(
    target: Target,
    pod: Workload,
    call: Call,
    caller: tuple[str, str, Person | None, Token | None],
) -> Case:
    principal, who, person, token = caller
    request = inside(target, pod, call, Peer(transport=Transport.MTLS, principal=principal))
    granted = is_granted_inside(target.model, request, person)
    if token:
        request = with_token(request, token)
    return Case(
        what="right certificate" if granted else "a certificate of the mesh",
        who=who,
        door=f"port {call[0]} of {pod}",
        to=str(pod),
        request=request,
        granted=granted,
    )


def inside(target: Target, pod: Workload, call: Call, peer: Peer) -> Request:
    """Return a call at a pod's port as somebody inside the mesh makes it."""
    port, method, path, is_grpc = call
    host = pod.services[0] if pod.services else f"{pod.name}.{pod.namespace}"
    return Request(
        method=method,
        path=path,
        authority=f"{host}:{port}",
        peer=peer,
        port=port,
        protocol=Protocol.GRPC if is_grpc else Protocol.HTTP,
        time=target.mint.now,
    )


def _connections(target: Target, pod: Workload) -> Iterator[Case]:
    """Yield connections that are no mutual TLS of the mesh, each with everything else right."""
    model = target.model
    gateway = principal_of(target.cluster.gateway, target.cluster.settings)
    account = gateway.partition("/")[2]
    peers = {
        "plaintext": Peer(),
        "TLS without a certificate": Peer(transport=Transport.TLS),
        "the gateway's name by a foreign authority": Peer(transport=Transport.FOREIGN, principal=gateway),
        "the gateway of another trust domain": Peer(transport=Transport.MTLS, principal=f"{FOREIGN_DOMAIN}/{account}"),
    }
    person = next(iter(persons(model)), STRANGER)
    token = target.mint.good(person)
    for call in _entries(model, pod, person):
        for what, peer in peers.items():
            request = with_token(inside(target, pod, call, peer), token)
            yield Case(
                what=what,
                who=str(person),
                door=f"port {call[0]} of {pod}",
                to=str(pod),
                request=request,
                granted=False,
            )


def _entries(model: Model, pod: Workload, person: Person) -> Calls:
    """Return one call for every port: one that somebody is granted there, or any."""
    found: dict[int, Call] = {}
    for operation in operations_of(model, person):
        for method, path in calls(operation):
            is_grpc = path in operation.grpc_paths
            port = operation.grpc_port if is_grpc else operation.port
            found.setdefault(port, (port, method, path, is_grpc))
    return tuple(found.get(port, (port, "GET", "/metrics", False)) for port in ports_of(model, pod))


def _own_lock(target: Target, pod: Workload) -> Iterator[Case]:
    """Yield what the gateway would pass on if it let everything through: the pod's own lock has to hold."""
    model = target.model
    gateway = principal_of(target.cluster.gateway, target.cluster.settings)
    for person, operation, call in _locks(model):
        request = inside(target, pod, call, Peer(transport=Transport.MTLS, principal=gateway))
        known = person_may(model, person, operation.name)
        case = Case(
            what="",
            who=f"the gateway with {person}'s token",
            door=operation.name,
            to=str(pod),
            request=request,
            granted=False,
        )
        for odd in odd_tokens(target.mint, person, named(model)):
            granted = expected(odd, model, operation.name) if known else False
            yield replace(case, what=odd.what, request=with_odd(request, odd), granted=granted)
        good = with_token(request, target.mint.good(person))
        for method in METHODS:
            asked = replace(good, method=method)
            granted = is_granted_inside(model, asked, person)
            yield replace(case, what=f"method {method}", request=asked, granted=granted)
        for method in dict.fromkeys((call[1].lower(), call[1].title())):
            asked = replace(good, method=method, protocol=Protocol.HTTP)
            yield replace(case, what=f"method {method} over HTTP/2", request=asked, wire=Wire.HTTP2)


def _locks(model: Model) -> Iterator[tuple[Person, Operation, Call]]:
    """Yield one person, operation and call for every kind of person and protocol."""
    seen: set[tuple[str, bool]] = set()
    for person in persons(model):
        for operation in operations_of(model, person):
            for method, path in calls(operation):
                is_grpc = path in operation.grpc_paths
                port = operation.grpc_port if is_grpc else operation.port
                if (person.kind, is_grpc) not in seen:
                    seen.add((person.kind, is_grpc))
                    yield person, operation, (port, method, path, is_grpc)


def _detector(target: Target, pod: Workload) -> Iterator[Case]:
    ports = [port.container for port in pod.ports]
    everyone = dict(principals(target))
    for principal, who in everyone.items():
        for port in ports:
            for method in ("GET", "POST"):
                for path in ("/", UNKNOWN, "/metrics"):
                    peer = Peer(transport=Transport.MTLS, principal=principal)
                    request = inside(target, pod, (port, method, path, False), peer)
                    yield Case(
                        what="a certificate of the mesh",
                        who=who,
                        door=f"port {port} of {pod}",
                        to=str(pod),
                        request=request,
                        granted=is_granted_detector(target.model, request, port),
                    )


def stray_cases(cluster: Cluster, known: Container[str], now: int) -> Iterator[Case]:
    """Yield requests to pods that belong to no model that a spec knows: nobody is granted anything there."""
    domain = cluster.settings.trust_domain
    peers = {
        "plaintext": Peer(),
        "the gateway": Peer(transport=Transport.MTLS, principal=principal_of(cluster.gateway, cluster.settings)),
        "a stranger": Peer(transport=Transport.MTLS, principal=f"{domain}/ns/strangers/sa/default"),
    }
    for pod in cluster.workloads:
        if str(pod) in known or pod == cluster.gateway:
            continue
        for port in dict.fromkeys(port.container for port in pod.ports):
            for who, peer in peers.items():
                for method, path in (("GET", "/"), ("POST", "/predict"), ("GET", "/metrics")):
                    request = Request(
                        method=method, path=path, authority=f"{pod.name}:{port}", peer=peer, port=port, time=now
                    )
                    yield Case(
                        what="a pod that no spec knows",
                        who=who,
                        door=f"port {port} of {pod}",
                        to=str(pod),
                        request=request,
                        granted=False,
                    )
