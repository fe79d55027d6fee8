"""What the specs grant, said without policies: the answer that trees, evaluator and Envoy are held against.

Nothing here knows how a grant is written down for Istio. A request is granted when the specs name its caller for an
operation with exactly its method, path and port; everything else is not.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from generator.access.paths import PathNormalization, normalize, without_query
from generator.access.request import Protocol, Request
from generator.build.neighbours import neighbour_operations
from generator.build.pods import metrics
from generator.model import Grants, Model, Operation
from generator.tenancy import Place

# The one normalisation that the rendered mesh settings ask for.
NORMALIZATION = PathNormalization.DECODE_AND_MERGE_SLASHES


class Kind(StrEnum):
    """What a token says of its owner."""

    USER = "user"
    GROUP = "group"
    CLIENT = "client"
    STRANGER = "stranger"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Person:
    """Whoever holds a token: a user, a member of a group, a client, or a stranger with none of these."""

    kind: Kind
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}".strip()


STRANGER = Person(kind=Kind.STRANGER)


def persons(model: Model) -> tuple[Person, ...]:
    """Return everybody with a token whom a model's grants name, each once; a stranger where anyone may call."""
    found: dict[Person, None] = {}
    for grants in model.grants:
        found |= dict.fromkeys(Person(kind=Kind.USER, name=name) for name in grants.users)
        found |= dict.fromkeys(Person(kind=Kind.GROUP, name=name) for name in grants.groups)
        found |= dict.fromkeys(Person(kind=Kind.CLIENT, name=name) for name in grants.clients)
        found |= {STRANGER: None} if grants.anyone else {}
    return tuple(found)


def person_may(model: Model, person: Person, operation: str) -> bool:
    """Say whether a model's grants name somebody for an operation."""
    return any(operation in grants.operations and (grants.anyone or _names(grants, person)) for grants in model.grants)


def operations_of(model: Model, person: Person) -> tuple[Operation, ...]:
    """Return the operations that somebody is granted."""
    return tuple(each for each in model.operations if person_may(model, person, each.name))


def asked_outside(models: Iterable[Model], request: Request) -> tuple[Model, Operation] | None:
    """Return the model and the operation that a request to the gateway asks for; None where it asks for neither."""
    path = as_seen(request.path)
    host = _host(request.authority)
    for model in models:
        if model.place.host != host:
            continue
        for operation in model.operations:
            if _is_outside(model, operation, request, path):
                return model, operation
    return None


def is_granted_outside(models: Iterable[Model], request: Request, person: Person | None, door: tuple[str, str]) -> bool:
    """Say whether the specs grant a request at the gateway; `door` is the issuer and the audience of the token."""
    asked = asked_outside(models, request)
    if asked is None or person is None:
        return False
    model, operation = asked
    return (model.issuer.url, model.audience) == door and person_may(model, person, operation.name)


def is_granted_inside(model: Model, request: Request, person: Person | None) -> bool:
    """Say whether the specs grant a request at the model's pods; the client's principal tells who asks."""
    principal, place = request.peer.principal, model.place
    if principal == place.gateway_principal:
        return person is not None and any(_is_inside(o, request) for o in operations_of(model, person))
    domain = place.platform.mesh.trust_domain
    granted = [
        operation
        for grants in model.grants
        if principal in [account.principal(domain) for account in grants.workloads]
        for operation in model.operations
        if operation.name in grants.operations
    ]
    own = neighbour_operations(model) if principal == model.account.principal(domain) else []
    return any(_is_inside(each, request) for each in (*granted, *own)) or _is_scrape(model, request)


def is_granted_detector(model: Model, request: Request, port: int) -> bool:
    """Say whether the specs grant a request at a detector's pods: the log's sink may post there."""
    if model.log is None:
        return False
    from_sink = f"/ns/{model.log.sink.namespace}/sa/" in request.peer.principal
    return from_sink and request.method == "POST" and request.port == port


def as_seen(path: str) -> str:
    """Return a path without its query as the specs mean it, "" for one that nobody can mean."""
    made = normalize(path, NORMALIZATION)
    return "" if made is None else without_query(made)


def others(models: Iterable[Model], model: Model) -> Iterator[Model]:
    """Yield the other models of an environment, those of other tenants first."""
    everyone = [each for each in models if (each.place.namespace, each.name) != (model.place.namespace, model.name)]
    yield from (each for each in everyone if not _same(each.place, model.place))
    yield from (each for each in everyone if _same(each.place, model.place))


def _same(one: Place, other: Place) -> bool:
    return one.namespace == other.namespace


def _names(grants: Grants, person: Person) -> bool:
    named = {Kind.USER: grants.users, Kind.GROUP: grants.groups, Kind.CLIENT: grants.clients}
    return person.name in named.get(person.kind, ())


def _host(authority: str) -> str:
    return authority.rsplit(":", 1)[0].lower()


def _is_outside(model: Model, operation: Operation, request: Request, path: str) -> bool:
    if request.protocol == Protocol.GRPC or path in operation.grpc_paths:
        said = [(name.lower(), value) for name, value in request.headers]
        routed = [("seldon", model.name), ("namespace", model.place.namespace)]
        names = [name for name, _ in said]
        is_routed = all(pair in said and names.count(pair[0]) == 1 for pair in routed)
        return is_routed and request.method == "POST" and path in operation.grpc_paths
    return request.method in operation.methods and any(path == operation.prefix + each for each in operation.paths)


def _is_inside(operation: Operation, request: Request) -> bool:
    path = as_seen(request.path)
    plain = request.method in operation.methods and path in operation.paths and request.port == operation.port
    return plain or (request.method == "POST" and path in operation.grpc_paths and request.port == operation.grpc_port)


def _is_scrape(model: Model, request: Request) -> bool:
    mesh, account = model.place.platform.mesh, model.place.platform.prometheus
    if account is None or request.peer.principal != account.principal(mesh.trust_domain):
        return False
    return request.method == "GET" and (request.port, as_seen(request.path)) in metrics(model)
