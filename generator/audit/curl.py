"""A request that somebody can send: URL, body and where the token comes from, as lines for a shell."""

import shlex
from collections.abc import Iterator, Sequence

from generator.access.request import Protocol
from generator.audit.doors import Frontage, Knock, Way
from generator.audit.identities import Identity, Kind, Vouching
from generator.audit.matrix import Cell, vouching_of
from generator.model import Protocol as Spoken

NUMBERS = "[[5.1, 3.5, 1.4, 0.2]]"
V2_BODY = '{"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP64", "data": [5.1, 3.5, 1.4, 0.2]}]}'
BODIES = {
    Spoken.SELDON: f'{{"data": {{"ndarray": {NUMBERS}}}}}',
    Spoken.V2: V2_BODY,
    Spoken.TENSORFLOW: f'{{"instances": {NUMBERS}}}',
}
FEEDBACK = f'{{"request": {{"data": {{"ndarray": {NUMBERS}}}}}, "reward": 1.0}}'
TOKEN = "TOKEN"  # noqa: S105  # the name of a shell variable


def curl(frontage: Frontage, cell: Cell) -> str:
    """Return the lines that send one request through a door that lets the identity in, with comments for a person."""
    knocks = frontage.doors[cell.door]
    vouching = vouching_of(frontage)
    plain = [knock for knock in knocks if knock.way in cell.ways and knock.call.protocol is not Protocol.GRPC]
    chosen = next(iter(plain), None)
    if chosen is None:
        return f"# {cell.identity}: {cell.door} speaks gRPC only"
    return "\n".join([f"# {cell.identity}: {cell.door}", *_lines(frontage, chosen, cell.identity, vouching)])


def _lines(frontage: Frontage, knock: Knock, identity: Identity, vouching: Vouching) -> Iterator[str]:
    request, outside = knock.request, knock.way is Way.GATEWAY
    if outside:
        yield from token_lines(identity, vouching)
    else:
        yield from _from_pod(identity)
    url = f"{'https' if outside else 'http'}://{request.authority}{request.path}"
    parts = ["curl", "--fail-with-body", shlex.quote(url)]
    if request.method not in ("GET", "POST"):
        parts += ["--request", request.method]
    if outside and identity.kind is not Kind.NOBODY:
        parts.append(f'--header "Authorization: Bearer ${TOKEN}"')
    if request.method == "POST":
        parts += ["--header 'Content-Type: application/json'", f"--data {_body(frontage, knock)}"]
    yield " \\\n  ".join([" ".join(parts[:3]), *parts[3:]])


def token_lines(identity: Identity, vouching: Vouching) -> Iterator[str]:
    """Yield what puts a good token into the variable TOKEN, or says what it must hold."""
    issuer = vouching.issuer
    if identity.kind is Kind.CLIENT and not identity.variant:
        discovery = f"{issuer.url.rstrip('/')}/.well-known/openid-configuration"
        yield f"# a token for the audience {vouching.audience}; CLIENT_SECRET is in the care of {identity.name}"
        yield f"ENDPOINT=$(curl --silent {shlex.quote(discovery)} | jq --raw-output .token_endpoint)"
        asked = ["grant_type=client_credentials", f"client_id={identity.name}"]
        words = " ".join(f"--data {shlex.quote(one)}" for one in asked)
        yield f'{TOKEN}=$(curl --silent "$ENDPOINT" {words} --data "client_secret=$CLIENT_SECRET" \\'
        yield "  | jq --raw-output .access_token)"
    elif identity.kind is not Kind.NOBODY:
        yield f"# {TOKEN}: an access token of {issuer.url}"
        yield f"# for the audience {vouching.audience}, with {_claims(identity, vouching)}"


def _claims(identity: Identity, vouching: Vouching) -> str:
    issuer = vouching.issuer
    match identity.kind:
        case Kind.USER:
            return f"{issuer.user_claim} = {identity.name}"
        case Kind.GROUP:
            return f"{identity.name} in {issuer.groups_claim}"
        case Kind.CLIENT:
            return f"{issuer.client_claim} = {identity.name}"
        case Kind.CLAIM:
            return identity.name
        case _:
            return "any subject"


def _from_pod(identity: Identity) -> Sequence[str]:
    if identity.kind is Kind.WORKLOAD:
        namespace, _, account = identity.name.partition("/")
        return [f"# in a pod of namespace {namespace} with serviceAccountName {account}: its sidecar shows who it is"]
    return ["# in any pod of the mesh"]


def _body(frontage: Frontage, knock: Knock) -> str:
    model = frontage.resolved
    if knock.call.path.endswith("/feedback"):
        return shlex.quote(FEEDBACK)
    body = BODIES.get(model.protocol) if model else None
    return shlex.quote(body) if body else "@request.json"  # what a Bento takes is its own affair
