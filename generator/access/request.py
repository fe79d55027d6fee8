"""What one request looks like on the wire, with the facts about its tokens that no text can show."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class Transport(StrEnum):
    """How the client speaks to the next proxy."""

    PLAINTEXT = "plaintext"
    TLS = "tls"  # without a client certificate
    MTLS = "mtls"  # with a certificate of the mesh
    FOREIGN = "foreign"  # with a certificate of another authority


class Protocol(StrEnum):
    """What the client speaks inside the connection; gRPC decides only how a refusal is spelt."""

    HTTP = "http"
    GRPC = "grpc"
    TCP = "tcp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """The client's side of the connection: `principal` like `cluster.local/ns/team-a/sa/web`, `address` an IP or ""."""

    transport: Transport = Transport.PLAINTEXT
    principal: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A JSON Web Token and the truth about its signature.

    `key` names the key that signed it, as `policy.Key.name` does: the RFC 7638 thumbprint, or the
    jwksUri of a key set that is fetched; "" for a signature that no key verifies. `exp`, `nbf`, `iat`
    are claims in seconds, compared with `Request.time`. `text` is what stands in the request; left
    out, a stand-in is made that is different for different tokens.
    """

    claims: Mapping[str, Any]
    key: str = ""
    kid: str = ""
    alg: str = "RS256"
    text: str = ""

    def __post_init__(self) -> None:
        if not self.text:
            facts = json.dumps([self.claims, self.key, self.kid, self.alg], sort_keys=True, default=str)
            digest = hashlib.sha256(facts.encode()).hexdigest()
            object.__setattr__(self, "text", f"header.{digest[:32]}.signature")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as its client sends it.

    `path` has its query; `headers` are (name, value) in order, names in any case, without the
    authority; `tokens` are the tokens whose facts are known: any other text in a token's place is
    taken for one that nobody signed. `port` is the port that the client connects to, `time` seconds on the clock of
    the tokens' claims.

    Raises:
        ValueError: The path does not begin with "/" (so neither CONNECT nor `OPTIONS *` is covered).
    """

    method: str = "GET"
    path: str = "/"
    authority: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    tokens: tuple[Token, ...] = ()
    peer: Peer = field(default_factory=Peer)
    port: int = 80
    protocol: Protocol = Protocol.HTTP
    sni: str = ""
    time: int = 0

    def __post_init__(self) -> None:
        if not self.path.startswith("/"):
            raise ValueError(f'the path "{self.path}" does not begin with "/"')


def with_token(request: Request, token: Token, *, header: str = "authorization", prefix: str = "Bearer ") -> Request:
    """Return the request with the token added in a header, by default the usual one."""
    return replace(request, headers=(*request.headers, (header, prefix + token.text)), tokens=(*request.tokens, token))
