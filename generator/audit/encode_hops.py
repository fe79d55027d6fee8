"""What guards a workload, as one formula: the connection, the token, the policies; and the way from gateway to pod."""

from collections.abc import Iterable
from dataclasses import dataclass

import z3

from generator.access.authentication import JwtRule, Mode
from generator.access.evaluate import AGENT_PORTS
from generator.access.mesh import Guard
from generator.access.rbac import http_filters, tcp_filters
from generator.audit.encode import (
    AUTHORITY,
    HAS_TOKEN,
    IS_TCP,
    KEY,
    LIST,
    METHOD,
    PATH,
    PORT,
    PRINCIPAL,
    TEXT,
    TRANSPORT,
    Values,
    allowed,
    claim,
    header,
)
from generator.audit.encode_text import Formula, constants

PLAINTEXT, TLS, MTLS, FOREIGN = range(4)
NEVER, ALWAYS = z3.BoolVal(val=False), z3.BoolVal(val=True)
SCHEMES, ENDS = ("", "http://", "https://"), ("", "/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A workload's guard in formulas: `opens` lets a request in, `payload` says that its token was verified."""

    opens: Formula
    payload: Formula


def possible(trust_domains: Iterable[str]) -> Formula:
    """Return what is true of every request that can come to a sidecar."""
    ours = z3.Or([PRINCIPAL.begins(f"spiffe://{domain}/") for domain in trust_domains])
    return z3.And(
        TRANSPORT >= PLAINTEXT,
        TRANSPORT <= FOREIGN,
        z3.If(TRANSPORT == MTLS, ours, PRINCIPAL.is_("")),
        # Whoever signs for the mesh writes names of this shape.
        z3.Or(PRINCIPAL.is_(""), PRINCIPAL.like("spiffe://[^/\n]+/ns/[^/\n]+/sa/[^/\n]+")),
        PORT > 0,
        PORT < 2**16,
        *(port != PORT for port in AGENT_PORTS),
        # HTTP is asked for with a path that begins so; a TCP connection has none of the rest.
        PATH.begins("/"),
    )


def lock_of(guard: Guard) -> Lock:
    """Return the formula of a pod's guard.

    Raises:
        UncoveredError: Some condition is not covered.
    """
    if not guard.workload.sidecar:
        return Lock(opens=TRANSPORT == PLAINTEXT, payload=NEVER)
    payload = verified(guard.token_rules)
    filters = http_filters(guard.policies, trust_domains=guard.settings.trust_domains)
    below = tcp_filters(guard.policies, trust_domains=guard.settings.trust_domains)
    over_http = z3.And(token_passes(guard, payload), allowed(filters, payload))
    over_tcp = allowed(below, NEVER)
    named = {protocol: _ports(guard, protocol) for protocol in ("http", "grpc", "tcp")}
    speaks = z3.And(
        z3.Implies(_one_of(named["tcp"]), IS_TCP), z3.Implies(_one_of(named["http"] + named["grpc"]), z3.Not(IS_TCP))
    )
    return Lock(opens=z3.And(_connects(guard), speaks, z3.If(IS_TCP, over_tcp, over_http)), payload=payload)


def verified(rules: Iterable[JwtRule]) -> Formula:
    """Return when a request has a token that one of the rules takes."""
    return z3.And(HAS_TOKEN, z3.Or([_is_taken(rule) for rule in rules] or [NEVER]))


def audience(values: Values, wanted: str) -> Formula:
    """Return when a token is for an audience, as Envoy compares it: without http(s):// and a last slash."""
    bare = wanted
    for scheme in SCHEMES[1:]:
        if wanted.startswith(scheme):
            bare = wanted.removeprefix(scheme)
            break
    bare = bare.removesuffix("/")
    texts = [scheme + bare + end for scheme in SCHEMES for end in ENDS]
    return values.holds(lambda given: given.one_of(texts))


def at_host(host: str) -> Formula:
    """Return that a request names a host, with or without a port."""
    return z3.Or(AUTHORITY.is_(host.lower()), AUTHORITY.begins(f"{host.lower()}:"))


def _is_taken(rule: JwtRule) -> Formula:
    issuer = claim("iss")
    conditions = [KEY.one_of(key.name for key in rule.keys)]
    if rule.issuer:
        conditions.append(issuer.text(lambda given: given.is_(rule.issuer)))
    if rule.audiences:
        conditions.append(z3.Or([audience(claim("aud"), each) for each in rule.audiences]))
    return z3.And(conditions)


def token_passes(guard: Guard, payload: Formula) -> Formula:
    """Return when the token's filter lets a request go on: verified, or without a token, or a CORS preflight."""
    if not guard.token_rules:
        return ALWAYS
    return z3.Or(z3.Not(HAS_TOKEN), payload, METHOD.is_("OPTIONS"))


def _connects(guard: Guard) -> Formula:
    default = _mode(guard.mtls)
    for port, mode in sorted(guard.port_mtls.items()):
        default = z3.If(port == PORT, _mode(mode), default)
    return default


def _mode(mode: Mode) -> Formula:
    match mode:
        case Mode.STRICT:
            return TRANSPORT == MTLS
        case Mode.DISABLE:
            return TRANSPORT == PLAINTEXT
        case _:
            return z3.Or(TRANSPORT == MTLS, TRANSPORT == PLAINTEXT)


def _ports(guard: Guard, protocol: str) -> tuple[int, ...]:
    return tuple(port.container for port in guard.workload.ports if port.protocol == protocol)


def _one_of(ports: Iterable[int]) -> Formula:
    return z3.Or([port == PORT for port in ports] or [NEVER])


def sane(formula: Formula) -> Formula:
    """Return that every claim and header in a formula has a shape that exists; claims that Envoy checks are texts."""
    shapes = sorted(name for each in constants(formula) if (name := str(each)).endswith("\x1fshape"))
    groups = [name.rpartition("\x1f")[0] for name in shapes]
    found = []
    for group in groups:
        kind, *path = group.split("\x1f")
        values = claim(*path) if kind == "claim" else header(path[0])
        found.append(values.sane)
        if kind == "header":
            found.append(values.shape == LIST)
        if path in (["iss"], ["sub"]) and kind == "claim":
            found.append(values.shape <= TEXT)  # a token with anything else is refused before any rule
    return z3.And(found) if found else ALWAYS
