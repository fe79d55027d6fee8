"""One request to explain: what is sent, to whom, in which cluster, and what was taken for granted about it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from generator.access.decide import Decision, decide
from generator.access.keys import Key
from generator.access.mesh import guard, keys_at
from generator.access.request import Protocol, Request, Token
from generator.access.tree import Cluster
from generator.audit.doors import Door, Frontage, Knock, Way, frontages
from generator.audit.identities import TOKENED, Identity, Kind
from generator.audit.matrix import vouching_of
from generator.audit.snapshot import Snapshot
from generator.build.tokens import claim_path


@dataclass(frozen=True, kw_only=True, eq=False)
class Asked:
    """A request with its identity put in; ``frontage`` and ``door`` are None where it knocks at no model's door."""

    cluster: Cluster
    to: str
    request: Request
    identity: Identity
    frontage: Frontage | None = None
    door: Door | None = None
    assumed: tuple[str, ...] = ()
    logged: str = ""  # the status that the access log has for it

    @property
    def decision(self) -> Decision:
        """Return what becomes of it.

        Raises:
            ValueError: There is no such workload, or a rule compares an address that nothing gives.
        """
        return decide(self.cluster.mesh, self.request, self.to)

    @property
    def allowed(self) -> bool:
        """Say whether it gets to pods behind the door, on any way that it may take."""
        if self.frontage is None:
            return self.decision.allowed
        pods = self.frontage.pods
        return any(each.verdict.allowed and each.hops[-1].workload in pods for each in self.decision.trails)


def at_door(taken: Snapshot, door: Door, identity: Identity) -> Iterator[Asked]:
    """Yield the identity's request at a door by each way that it can take: the first that is no gRPC of each."""
    for frontage in frontages(taken.clusters[door.environment], taken.models[door.environment]):
        seen: dict[Way, Knock] = {}
        knocks = frontage.doors.get(door, ())
        for knock in (*(k for k in knocks if k.call.protocol is not Protocol.GRPC), *knocks):
            seen.setdefault(knock.way, knock)
        for way, knock in seen.items():
            comes = identity.kind is not Kind.WORKLOAD if way is Way.GATEWAY else identity.kind not in TOKENED
            if comes:
                yield asked_of(frontage, door, knock, identity)


def asked_of(frontage: Frontage, door: Door, knock: Knock, identity: Identity) -> Asked:
    """Return one knock as an identity makes it."""
    request = vouching_of(frontage).asking(identity, knock.request, outside=knock.way is Way.GATEWAY)
    return Asked(
        cluster=frontage.cluster, to=knock.to, request=request, identity=identity, frontage=frontage, door=door
    )


def located(taken: Snapshot, request: Request) -> Iterator[tuple[Frontage, Door | None, str]]:
    """Yield the models that a request may be meant for, with the door that it knocks at and whom it is sent to.

    By its host: one of the gateway's, or that of a Service. A request to the gateway for a path that no model has is
    for none.
    """
    host = request.authority.partition(":")[0].lower()
    for name, cluster in taken.clusters.items():
        for frontage in frontages(cluster, taken.models.get(name, ())):
            outside = frontage.resolved is not None and frontage.resolved.place.host == host
            pods = [str(pod) for pod in frontage.pods if host in _names(pod.services)]
            for to in [str(cluster.gateway)] if outside else pods[:1]:
                door = _door(frontage, request, Way.GATEWAY if outside else Way.MESH)
                if door or not outside or _is_below(frontage, request):
                    yield frontage, door, to


def signed(cluster: Cluster, to: str, token: Token) -> Token:
    """Return the token as its issuer would have signed it, by a key that the first workload on the way knows."""
    workload = cluster.mesh.workloads[to][0]
    known = keys_at(guard(cluster.mesh, workload), str(token.claims.get("iss", "")))
    fitting = [key for key in known if not token.kid or key.kid in ("", token.kid)] or list(known)
    key = fitting[0] if fitting else Key(name="")
    return replace(token, key=key.name)


def speaks(claims: Mapping[str, Any], frontage: Frontage) -> Identity:
    """Return the identity that a token's claims show at a model: a person or a service account, with their groups."""
    issuer = vouching_of(frontage).issuer
    named = (
        (Kind.USER, issuer.user_claim),
        (Kind.CLIENT, issuer.client_claim),
        (Kind.GROUP, issuer.groups_claim),
    )
    found = [Identity(kind=kind, name=text) for kind, claim in named for text in _texts(_claim(claims, claim)) if text]
    if not found:
        return Identity(kind=Kind.ANYONE)
    return replace(found[0], also=tuple(found[1:]))


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    value: Any = claims
    for part in claim_path(name):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _texts(value: Any) -> Iterable[str]:
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]


def _names(services: Iterable[str]) -> set[str]:
    """Return a Service's host names in every length that a pod may write."""
    found = set()
    for service in services:
        name, namespace, *_ = service.split(".")
        found |= {service, f"{name}.{namespace}.svc", f"{name}.{namespace}"}
    return found


def _is_below(frontage: Frontage, request: Request) -> bool:
    return any(
        request.path.startswith(f"{front}/") or ("seldon", frontage.model) in request.headers
        for front in (f"/seldon/{frontage.pods[0].namespace}/{frontage.model}",)
    )


def _door(frontage: Frontage, request: Request, way: Way) -> Door | None:
    path = request.path.partition("?")[0]
    for door, knocks in frontage.doors.items():
        for knock in knocks:
            same = (knock.request.method, knock.request.path) == (request.method, path)
            if knock.way is way and same and _same_headers(knock.request, request):
                return door
    return None


def _same_headers(knock: Request, request: Request) -> bool:
    """Say whether the headers that route gRPC are the same; a line of the log does not tell them."""
    given = {name.lower(): value for name, value in request.headers}
    return all(given.get(name, value) == value for name, value in knock.headers)
