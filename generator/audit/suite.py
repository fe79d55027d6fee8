"""The requests that a proof fires for one model: what is granted, and every way round it that is known."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from generator.access.request import Peer, Protocol, Request, Transport, with_token
from generator.access.tree import Cluster
from generator.audit.prove_grants import (
    STRANGER,
    Kind,
    Person,
    others,
    persons,
)
from generator.audit.prove_specs import NOBODY_WATCHED, Watched
from generator.audit.prove_tokens import Mint, Odd
from generator.model import Model, Operation

HTTPS = 443
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE")
# What a model's containers, executor and explainer answer on, whatever a spec grants.
SIDE_PATHS = (
    "/",
    "/metrics",
    "/prometheus",
    "/live",
    "/ready",
    "/livez",
    "/readyz",
    "/healthz",
    "/health/status",
    "/api/v1.0/health/status",
    "/v2/health/ready",
    "/docs.json",
    "/schema.json",
    "/metadata",
    "/predict",
    "/feedback",
    "/send-feedback",
    "/explain",
    "/api/v1.0/predictions",
    "/api/v1.0/feedback",
    "/api/v1.0/explanations",
    "/stats/prometheus",
    "/quitquitquit",
)


class Wire(StrEnum):
    """What the client speaks: only HTTP/2 lets a method through in any case."""

    HTTP1 = "http/1.1"
    HTTP2 = "http/2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One request to `to` (a workload, or the gateway), and whether the specs grant it.

    `granted` None: they do not say, and evaluator and Envoy only have to agree. `who` and `door` are for people.
    """

    what: str
    who: str
    door: str
    to: str
    request: Request
    granted: bool | None
    wire: Wire = Wire.HTTP1


@dataclass(frozen=True, kw_only=True, eq=False)
class Target:
    """One model in one environment, with what a suite needs to know of its surroundings."""

    cluster: Cluster
    model: Model
    models: tuple[Model, ...]  # of the environment
    mint: Mint
    watched: Watched = NOBODY_WATCHED

    @property
    def gateway(self) -> str:
        """Return the gateway's workload."""
        return str(self.cluster.gateway)

    @property
    def door(self) -> tuple[str, str]:
        """Return issuer and audience of the tokens that open the model."""
        return self.model.issuer.url, self.model.audience


def everybody(target: Target, spoken: Iterable[Person] = ()) -> tuple[Person, ...]:
    """Return those whom the model's grants name, one of every kind whom other models' grants name, and a stranger.

    `spoken` are whom the policies name, which may be more.
    """
    own = persons(target.model)
    foreign: dict[tuple[str, Kind], Person] = {}
    for other in others(target.models, target.model):
        for person in persons(other):
            if person not in own:
                foreign.setdefault((other.place.namespace, person.kind), person)
    return tuple(dict.fromkeys([*own, *foreign.values(), *spoken, *target.watched.persons, STRANGER]))


def outside(target: Target, operation: Operation, path: str, *, method: str = "POST") -> Request:
    """Return a request to the gateway for one of an operation's paths; a gRPC path is routed by headers."""
    model, is_grpc = target.model, path in operation.grpc_paths
    host = model.place.host
    routed = (("seldon", model.name), ("namespace", model.place.namespace))
    return Request(
        method=method,
        path=path if is_grpc else operation.prefix + path,
        authority=host,
        headers=routed if is_grpc else (),
        peer=Peer(transport=Transport.TLS),
        port=HTTPS,
        protocol=Protocol.GRPC if is_grpc else Protocol.HTTP,
        sni=host,
        time=target.mint.now,
    )


def calls(operation: Operation) -> Iterator[tuple[str, str]]:
    """Yield (method, path) of everything that an operation grants."""
    for path in operation.paths:
        for method in operation.methods:
            yield method, path
    for path in operation.grpc_paths:
        yield "POST", path


def named(model: Model) -> tuple[str, ...]:
    """Return the names that a model's grants have."""
    return tuple(person.name for person in persons(model))


def is_for_anyone(model: Model, operation: str) -> bool:
    """Say whether any caller with a valid token may do an operation."""
    return any(grants.anyone and operation in grants.operations for grants in model.grants)


def with_odd(request: Request, odd: Odd) -> Request:
    """Return the request with a token that is not as it should be."""
    return request if odd.token is None else with_token(request, odd.token, header=odd.place, prefix=odd.prefix)


def expected(odd: Odd, model: Model, operation: str) -> bool | None:
    """Return what the specs say of a token that is odd: where anyone may call, a name that is odd does not matter."""
    return True if odd.of_name and is_for_anyone(model, operation) else odd.granted


def based(target: Target, operation: Operation, request: Request) -> Case:
    """Return a refused case at the gateway, to be told what is special about it."""
    return Case(what="", who="", door=operation.name, to=target.gateway, request=request, granted=False)


def counted(cases: Iterable[Case]) -> dict[str, int]:
    """Return how many cases the specs grant, refuse, and do not decide."""
    found = {"granted": 0, "refused": 0, "undecided": 0}
    for case in cases:
        found["undecided" if case.granted is None else "granted" if case.granted else "refused"] += 1
    return found
