"""Put together what was read of a request with whoever is said to send it."""

from collections.abc import Iterator
from dataclasses import replace

from generator.access.request import Peer, Request, Token, Transport, with_token
from generator.audit.asking import Asked, located, signed, speaks
from generator.audit.doors import Door, Frontage
from generator.audit.identities import ANY_WORKLOAD, NOBODY, OUTSIDE, TOKENED, Identity, Kind
from generator.audit.matrix import vouching_of
from generator.audit.reading import Read
from generator.audit.snapshot import Snapshot
from generator.diag import ToolError

GOOD_FOR_S = 300


def composed(taken: Snapshot, read: Read, identity: Identity | None = None) -> tuple[Asked, ...]:
    """Return the request as it goes to every place that it may be meant for.

    Args:
        taken: Where it is asked.
        read: The request, with its token or the caller's principal where it shows one.
        identity: Who sends it, where the request itself does not say.

    Raises:
        ToolError: No model has that host, or a token stands there and nobody says whose.
    """
    found = [_composed(read, identity, *place) for place in located(taken, read.request)]
    if not found:
        host = read.request.authority
        hosts = sorted({model.place.host for models in taken.models.values() for model in models})
        raise ToolError(f'no model is at "{host}{read.request.path}"\n  hosts are {", ".join(hosts)}')
    return tuple(found)


def carried(read: Token, frontage: Frontage, time: int) -> tuple[Token, tuple[str, ...]]:
    """Return a token with what was left out of its claims filled in, and what was filled in, in words."""
    vouching = vouching_of(frontage)
    usual = {"iss": vouching.issuer.url, "sub": "somebody", "aud": vouching.audience, "exp": time + GOOD_FOR_S}
    missing = [name for name in usual if name not in read.claims]
    token = replace(read, claims={**usual, **read.claims}, text="") if missing else read
    words = [f"{name} {usual[name]}" for name in missing if name in ("iss", "aud")]
    return token, (f"the token has {' and '.join(words)}",) if words else ()


def _composed(read: Read, identity: Identity | None, frontage: Frontage, door: Door | None, to: str) -> Asked:
    gateway = frontage.cluster.gateway
    outside = to == str(gateway)
    assumed: tuple[str, ...] = ()
    request = replace(read.request, peer=_peer(read, identity, frontage, outside=outside))
    lacking = _routing(frontage, door, request) if outside else ()
    if lacking:
        request = replace(request, headers=(*request.headers, *lacking))
        assumed = ("the headers seldon and namespace are those of the model",)
    if not outside:
        request = replace(request, port=_port(request.port, frontage, door), sni="")
    who = identity
    if read.token:
        token, filled = carried(read.token, frontage, request.time)
        request = with_token(request, signed(frontage.cluster, to, token))
        assumed = (*assumed, *filled, "the token is signed by its issuer")
        who = speaks(token.claims, frontage)
    elif who and any(one.kind in TOKENED for one in (who, *who.also)):
        request = vouching_of(frontage).asking(who, replace(request, time=0), outside=outside)
    elif read.shows_token:
        raise ToolError("the token does not read, so whose is it?\n  say it by --as, --client, --group or --token")
    if who is None:
        who = _pod(request, frontage) if not outside else NOBODY
    return Asked(
        cluster=frontage.cluster,
        to=to,
        request=request,
        identity=who,
        frontage=frontage,
        door=door,
        assumed=assumed,
        logged=(read.logged or {}).get("code", ""),
    )


def _peer(read: Read, identity: Identity | None, frontage: Frontage, *, outside: bool) -> Peer:
    if outside:
        return Peer(transport=Transport.TLS, address=OUTSIDE)
    vouching = vouching_of(frontage)
    named = read.principal or next(
        (vouching.principal(one.name) for one in _everyone(identity) if one.kind is Kind.WORKLOAD), ""
    )
    return Peer(transport=Transport.MTLS, principal=named or vouching.principal("*/*"))


def _routing(frontage: Frontage, door: Door | None, request: Request) -> tuple[tuple[str, str], ...]:
    """Return the headers that gRPC to a door is routed by and that the request does not show."""
    given = {name.lower() for name, _ in request.headers}
    knocks = frontage.doors[door] if door else ()
    path = request.path.partition("?")[0]
    headers = next((knock.request.headers for knock in knocks if knock.request.path == path), ())
    return tuple(header for header in headers if header[0] not in given)


def _port(port: int, frontage: Frontage, door: Door | None) -> int:
    """Return the port of the pods that is meant: the one that was written, or that of the door."""
    known = [each for pod in frontage.pods for each in pod.ports]
    if any(port in (each.number, each.container) for each in known):
        return port
    knocks = frontage.doors[door] if door else ()
    return next((knock.call.port for knock in knocks), known[0].container if known else port)


def _pod(request: Request, frontage: Frontage) -> Identity:
    parts = request.peer.principal.split("/")
    if request.peer.principal == vouching_of(frontage).principal("*/*"):
        return ANY_WORKLOAD
    return Identity(kind=Kind.WORKLOAD, name="/".join(parts[2::2]))


def _everyone(identity: Identity | None) -> Iterator[Identity]:
    if identity:
        yield identity
        yield from identity.also
