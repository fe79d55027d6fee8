"""Requests beside the plain way to what is granted: other spellings, models, hosts, and headers that claim things."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from generator.access.request import Protocol, Request, with_token
from generator.audit.prove_grants import STRANGER, Person, is_granted_outside, others, person_may
from generator.audit.suite import METHODS, SIDE_PATHS, Case, Target, Wire, based, calls, outside
from generator.model import Model, Operation

# Ways to write a path, and whether the specs mean the same by them.
PATHS = (
    "{0}/",
    "{0}//",
    "{0};a=b",
    "{0}/..;/predict",
    "{0}/..;/..;/metrics",
    "{0}%00",
    "{0}%20",
    "{0}.",
    "{0}/.",
    "{0}/..",
    "{0}/../metrics",
    "{0}/%2e%2e/metrics",
    "{0}%2F..%2Fmetrics",
    "{0}\\..\\metrics",
    "{0}#x",
    "{0}?access_token=garbage",
    "{0}?x=/metrics",
    "{0}%3faccess_token=garbage",
    "/{0}",
    "/.{0}",
    "/x/..{0}",
    "/x/%2e%2e{0}",
)


def detours(target: Target, person: Person, operation: Operation) -> Iterator[Case]:
    """Yield every way round the grant of somebody for an operation."""
    yield from _spellings(target, person, operation)
    yield from _detours(target, person, operation)
    yield from _headers(target, person, operation)


def _spellings(target: Target, person: Person, operation: Operation) -> Iterator[Case]:
    """Yield other methods and other ways to write the path, with a token that opens the operation."""
    method, path = next(calls(operation))
    request = with_token(outside(target, operation, path, method=method), target.mint.good(person))
    for other in METHODS:
        if other != method:
            yield _meant(target, f"method {other}", person, replace(request, method=other))
    for spelt in _spelt(request.path):
        yield _meant(target, f"path {spelt}", person, replace(request, path=spelt))
    base = based(target, operation, request)
    for odd in dict.fromkeys((method.lower(), method.title(), method[:-1] + method[-1].lower())):
        yield replace(
            base,
            what=f"method {odd} over HTTP/2",
            who=str(person),
            request=replace(request, method=odd, protocol=Protocol.HTTP),
            granted=False,
            wire=Wire.HTTP2,
        )
    granted = _granted(target, request, person)
    plain = replace(request, protocol=Protocol.HTTP)
    yield replace(
        base, what="right token over HTTP/2", who=str(person), request=plain, granted=granted, wire=Wire.HTTP2
    )


def _detours(target: Target, person: Person, operation: Operation) -> Iterator[Case]:
    """Yield paths beside what is granted: side doors by the gateway, other models, other hosts."""
    method, path = next(calls(operation))
    request = with_token(outside(target, operation, path, method=method), target.mint.good(person))
    plain = replace(request, protocol=Protocol.HTTP, headers=request.headers[-1:])
    usual = f"/seldon/{target.model.place.namespace}/{target.model.name}"
    for prefix in dict.fromkeys((usual, operation.prefix)):
        for side in SIDE_PATHS:
            for verb in ("GET", "POST"):
                yield _meant(target, "a side door", person, replace(plain, method=verb, path=prefix + side))
    for other in others(target.models, target.model):
        for model_op in other.operations[:2]:
            for verb, there in calls(model_op):
                yield from _crossed(target, person, plain, (other, model_op, verb, there))
    for host in (f"{request.authority}:443", request.authority.upper(), "unknown.example", f"x.{request.authority}"):
        yield _meant(target, f"host {host}", person, replace(request, authority=host))


def _crossed(
    target: Target, person: Person, plain: Request, asked: tuple[Model, Operation, str, str]
) -> Iterator[Case]:
    """Yield one person's token at another model: by its path or its headers, at its own host and at the wrong one."""
    other, operation, method, path = asked
    for host in dict.fromkeys((other.place.host, plain.authority)):
        if path in operation.grpc_paths:
            routed = (("seldon", other.name), ("namespace", other.place.namespace))
            there: dict[str, Any] = {"path": path, "protocol": Protocol.GRPC, "headers": (*routed, *plain.headers)}
        else:
            there = {"path": operation.prefix + path}
        crossed = replace(plain, method=method, authority=host, sni=host, **there)
        yield _meant(target, f"at {other.place.namespace}/{other.name} by {host}", person, crossed)


def _headers(target: Target, person: Person, operation: Operation) -> Iterator[Case]:
    """Yield requests with headers that proxies and models are known to obey."""
    method, path = next(calls(operation))
    bare = outside(target, operation, path, method=method)
    base = based(target, operation, bare)
    stranger = with_token(bare, target.mint.good(STRANGER))
    name = person.name or "admin"
    claimed: Mapping[str, str] = {
        "x-forwarded-client-cert": f"By=x;URI=spiffe://{target.model.place.gateway_principal}",
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-host": bare.authority,
        "x-original-url": bare.path,
        "x-rewrite-url": bare.path,
        "x-envoy-original-path": bare.path,
        "x-http-method-override": method,
        "x-email": name,
        "x-user": name,
        "x-jwt-payload": "e30",
        "connection": "authorization",
    }
    known = person_may(target.model, STRANGER, operation.name)
    for header, value in claimed.items():
        for what, asked in (("a stranger", stranger), ("nobody", bare)):
            faked = replace(asked, headers=(*asked.headers, (header, value)))
            # What a hop is told to keep to itself does not reach the next one.
            granted = known and what == "a stranger" and header != "connection"
            yield replace(base, what=f"the header {header}", who=what, request=faked, granted=granted)
    preflight = (("origin", "https://web.example.com"), ("access-control-request-method", method))
    asked = replace(bare, method="OPTIONS", headers=(*bare.headers, *preflight))
    yield replace(base, what="a CORS preflight", who="nobody", request=asked, granted=False)
    if path in operation.grpc_paths:
        good = with_token(bare, target.mint.good(person))
        for pair in (("seldon", "other"), ("namespace", "other"), ("seldon", target.model.name)):
            doubled = replace(good, headers=(*good.headers, pair))
            yield replace(
                base, what=f"a second header {pair[0]}: {pair[1]}", who=str(person), request=doubled, granted=None
            )


def _spelt(path: str) -> tuple[str, ...]:
    encoded = "/".join(f"%{ord(part[0]):02x}{part[1:]}" if part else part for part in path.split("/"))
    head, _, tail = path.rpartition("/")
    made = (
        *(each.format(path) for each in PATHS),
        f"{head}//{tail}",
        f"{head}%2F{tail}",
        f"{head}%2f{tail}",
        f"{head}%252F{tail}",
        f"{head}\\{tail}",
        f"{head}%5C{tail}",
        f"{head};/{tail}",
        f"{head}/..;/{tail}",
        f"{head}/x/../{tail}",
        f"{head}/{tail.upper()}",
        path.upper(),
        encoded,
    )
    return tuple(each for each in dict.fromkeys(made) if each != path)


def _meant(target: Target, what: str, person: Person, request: Request) -> Case:
    """Return a case whose grant is what the specs say of its path, method and host."""
    granted = _granted(target, request, person)
    return Case(
        what=what,
        who=str(person),
        door="through the gateway",
        to=target.gateway,
        request=request,
        granted=granted,
    )


def _granted(target: Target, request: Request, person: Person) -> bool:
    return is_granted_outside(target.models, request, person, target.door)
