"""Decide one request at one workload, exactly as Istio's sidecar or gateway there does."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from generator.access.authentication import Mode
from generator.access.match import Facts, matching_rule
from generator.access.mesh import Guard
from generator.access.parse import OK
from generator.access.paths import normalize
from generator.access.policy import Action, AuthorizationPolicy
from generator.access.reading import Ref
from generator.access.request import Protocol, Request, Transport
from generator.access.tokens import BAD_AUDIENCE, Verified, verify

# Ports of the sidecar itself: its agent's probes and metrics; no policy and no mutual TLS stands before them.
# Source: istio/istio 1.30.3 manifests/charts/istio-control/istio-discovery/files/injection-template.yaml.
AGENT_PORTS = (15020, 15021, 15090)
GRPC_CODES = {200: "OK", 400: "INTERNAL", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "UNIMPLEMENTED"}
CLOSED = "closed"


class Reason(StrEnum):
    """Why a request was let through or refused."""

    ALLOW_RULE = "an ALLOW rule matches"
    NO_ALLOW_POLICY = "no ALLOW policy guards the workload"
    NO_SIDECAR = "no sidecar guards the workload"
    AGENT_PORT = "the port belongs to the sidecar's agent"
    NO_RULE = "no ALLOW rule matches"
    DENY_RULE = "a DENY rule matches"
    CUSTOM_REFUSED = "the external authorizer refuses"
    TOKEN_REFUSED = "the token is not accepted"  # noqa: S105  a reason, no secret
    BAD_PATH = "the path can not be normalised"
    NEEDS_MTLS = "the port takes mutual TLS only"
    NOT_MESH_TLS = "the client's TLS is not the mesh's"
    FOREIGN_DOMAIN = "the client's trust domain is not the mesh's"
    NOT_HTTP = "the port speaks HTTP only"
    NO_SERVER = "no server of the gateway takes the connection"
    REDIRECT = "the gateway redirects to HTTPS"
    NO_ROUTE = "no route leads on"


ALLOWED = (Reason.ALLOW_RULE, Reason.NO_ALLOW_POLICY, Reason.NO_SIDECAR, Reason.AGENT_PORT)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class RuleRef:
    """A rule by its policy and its index there."""

    policy: Ref
    index: int

    def __str__(self) -> str:
        return f"{self.policy} rule {self.index}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One proxy's decision.

    `code` is what the client gets when the decision is a refusal, and what a working workload answers
    when it is not: an HTTP status ("200", "401", "403", "404", "400", "301"), a gRPC status ("OK",
    "UNAUTHENTICATED", "PERMISSION_DENIED", …), or "closed" for a connection that is reset. `detail` is
    Envoy's own text where it gives one. `rule` granted or refused; `dry_run` and `audited` are rules
    that matched without a say.
    """

    allowed: bool
    code: str
    reason: Reason
    detail: str = ""
    rule: RuleRef | None = None
    dry_run: tuple[RuleRef, ...] = ()
    audited: tuple[RuleRef, ...] = ()


def judge(guard: Guard, request: Request) -> Verdict:
    """Decide a request that reaches the workload behind `guard` on `request.port`.

    Raises:
        ValueError: A rule compares an address that neither the request nor the workload gives, or a CUSTOM
            policy stands before a port that is not HTTP.
    """
    return passed(guard, request)[0]


def passed(guard: Guard, request: Request) -> tuple[Verdict, Request]:
    """Decide as `judge` does, and return also the request as the workload (or the gateway's router) gets it."""
    port = _container_port(guard, request.port)
    early = _before_filters(guard, request, port)
    if early is not None:
        return _verdict(request, early), request
    if request.protocol == Protocol.TCP or _protocol(guard, request.port) == "tcp":
        if guard.of(Action.CUSTOM):
            raise ValueError("a CUSTOM policy on a port that is not HTTP can not be judged")
        facts = replace(_connection(guard, request, port), client=request.peer.address)
        return _authorize(guard, facts, request, for_tcp=True), request
    path = normalize(request.path, guard.settings.path_normalization)
    if path is None:
        return _verdict(request, Reason.BAD_PATH, status=400), request
    return _http(guard, request, replace(_connection(guard, request, port), path=path))


def _http(guard: Guard, request: Request, facts: Facts) -> tuple[Verdict, Request]:
    headers = _headers(request)
    bare = replace(facts, method=request.method, authority=request.authority, headers=headers)
    refused = _custom(guard, bare)
    if refused is not None:
        return _verdict(request, Reason.CUSTOM_REFUSED, rule=refused), request
    verified = verify(guard.token_rules, request, headers, facts.path)
    if verified.status != OK:
        status = 403 if verified.status == BAD_AUDIENCE else 401
        return _verdict(request, Reason.TOKEN_REFUSED, status=status, detail=verified.status), request
    onward = replace(request, path=verified.path, headers=verified.headers)
    return _authorize(guard, _with_token(bare, verified), request, for_tcp=False), onward


def _with_token(facts: Facts, verified: Verified) -> Facts:
    return replace(facts, path=verified.path, headers=verified.headers, payload=verified.payload)


def _authorize(guard: Guard, facts: Facts, request: Request, *, for_tcp: bool) -> Verdict:
    def rules(action: Action, *, dry_run: bool = False) -> tuple[RuleRef, ...]:
        return tuple(_matching(guard, guard.of(action, dry_run=dry_run), facts, for_tcp=for_tcp))

    shadow = (*rules(Action.DENY, dry_run=True), *rules(Action.ALLOW, dry_run=True))
    denied = rules(Action.DENY)
    granted = rules(Action.ALLOW)
    if denied:
        verdict = _verdict(request, Reason.DENY_RULE, rule=denied[0])
    elif granted:
        verdict = _verdict(request, Reason.ALLOW_RULE, rule=granted[0])
    else:
        verdict = _verdict(request, Reason.NO_RULE if guard.of(Action.ALLOW) else Reason.NO_ALLOW_POLICY)
    code = CLOSED if for_tcp and not verdict.allowed else verdict.code
    return replace(verdict, code=code, dry_run=shadow, audited=rules(Action.AUDIT))


def _matching(
    guard: Guard, policies: tuple[AuthorizationPolicy, ...], facts: Facts, *, for_tcp: bool
) -> Iterable[RuleRef]:
    for policy in policies:
        index = matching_rule(policy, facts, guard.settings.trust_domains, for_tcp=for_tcp)
        if index is not None:
            yield RuleRef(policy=policy.ref, index=index)


def _custom(guard: Guard, facts: Facts) -> RuleRef | None:
    """Return the rule whose external authorizer refuses; CUSTOM comes before the token is verified."""
    answers = dict(guard.settings.authorizers)
    for policy in guard.of(Action.CUSTOM):
        for rule in _matching(guard, (policy,), facts, for_tcp=False):
            if not answers[policy.provider]:
                return rule
    return None


def _before_filters(guard: Guard, request: Request, port: int) -> Reason | None:
    """Return why the connection ends, or goes on, before any policy is asked."""
    if not guard.workload.sidecar:
        plain = request.peer.transport == Transport.PLAINTEXT
        return Reason.NO_SIDECAR if plain else Reason.NOT_MESH_TLS
    if port in AGENT_PORTS:
        return Reason.AGENT_PORT
    if request.protocol == Protocol.TCP and _protocol(guard, request.port) in ("http", "grpc"):
        return Reason.NOT_HTTP
    return None if guard.is_gateway else _transport(guard, request, port)


def _transport(guard: Guard, request: Request, port: int) -> Reason | None:
    mode = guard.port_mtls.get(port, guard.mtls)
    match request.peer.transport:
        case Transport.PLAINTEXT:
            return Reason.NEEDS_MTLS if mode is Mode.STRICT else None
        case Transport.MTLS if mode is not Mode.DISABLE:
            domain = request.peer.principal.partition("/")[0]
            return None if domain in guard.settings.trust_domains else Reason.FOREIGN_DOMAIN
        case _:
            return Reason.NOT_MESH_TLS


def _connection(guard: Guard, request: Request, port: int) -> Facts:
    is_mutual = request.peer.transport == Transport.MTLS and not guard.is_gateway
    return Facts(
        principal=request.peer.principal if is_mutual else "",
        address=request.peer.address,
        client=_client(guard, request),
        destination=guard.workload.address,
        port=port,
        sni=request.sni,
    )


def _client(guard: Guard, request: Request) -> str:
    """Return the address that remote.ip is compared with.

    Source: envoyproxy/envoy source/common/http/conn_manager_utility.cc; istiod sets use_remote_address at
    gateways only, with numTrustedProxies.
    """
    forwarded = [value for name, value in request.headers if name.lower() == "x-forwarded-for"]
    hops = [each.strip() for each in ",".join(forwarded).split(",")] if forwarded else []
    trusted = guard.settings.trusted_proxies if guard.is_gateway else 1
    return hops[-trusted] if 0 < trusted <= len(hops) else request.peer.address


def _headers(request: Request) -> tuple[tuple[str, str], ...]:
    headers = tuple((name.lower(), value.strip()) for name, value in request.headers)
    # A header that Connection names is meant for the first hop alone, and HTTP/1.1 takes it away.
    # Source: envoyproxy/envoy source/common/http/utility.cc (sanitizeConnectionHeader).
    kept = {word.strip().lower() for name, value in headers if name == "connection" for word in value.split(",")}
    headers = tuple(each for each in headers if each[0] not in kept)
    given = [value for name, value in headers if name == "authorization"]
    if len(given) > 1:  # Envoy makes one header of several, and no token is read from that
        rest = tuple(each for each in headers if each[0] != "authorization")
        headers = (*rest, ("authorization", ",".join(given)))
    if request.protocol == Protocol.GRPC and all(name != "content-type" for name, _ in headers):
        headers = (*headers, ("content-type", "application/grpc"))
    return headers


def _protocol(guard: Guard, number: int) -> str:
    """Return the protocol of a port; Istio finds out by itself on a port that no Service names."""
    return next((port.protocol for port in guard.workload.ports if number in (port.number, port.container)), "")


def _container_port(guard: Guard, number: int) -> int:
    return next((port.container for port in guard.workload.ports if port.number == number), number)


def _verdict(
    request: Request, reason: Reason, *, status: int = 403, detail: str = "", rule: RuleRef | None = None
) -> Verdict:
    allowed = reason in ALLOWED
    closes = (Reason.NEEDS_MTLS, Reason.NOT_MESH_TLS, Reason.FOREIGN_DOMAIN, Reason.NOT_HTTP, Reason.NO_SERVER)
    number = 200 if allowed else status
    if reason in closes:
        code = CLOSED
    elif request.protocol == Protocol.GRPC:
        code = GRPC_CODES.get(number, "UNKNOWN")
    else:
        code = str(number)
    return Verdict(allowed=allowed, code=code, reason=reason, detail=detail, rule=rule)
