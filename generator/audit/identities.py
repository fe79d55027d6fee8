"""Identities: whoever may stand before a door, how people write them, and how they show themselves in a request."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from generator.access.keys import Key
from generator.access.mesh import Settings
from generator.access.request import Peer, Request, Token, Transport, with_token
from generator.audit.doors import TIME
from generator.build.tokens import claim_path
from generator.tenancy import Issuer

ALGORITHMS = {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA", "oct": "HS256", "": "RS256"}
NOBODYS = "gen-asks"  # a name that no ServiceAccount, group or client has: no name of Kubernetes' has it by accident
OUTSIDE = "203.0.113.7"  # RFC 5737: an address for examples
INSIDE = "198.51.100.7"


class Kind(StrEnum):
    """What an identity is known by; the order is that of the tables."""

    USER = "user"
    GROUP = "group"
    CLIENT = "client"
    WORKLOAD = "workload"
    CLAIM = "claim"
    HEADER = "header"
    ADDRESS = "address"
    ANYONE = "anyone with a token"
    STRANGER = "stranger"
    ANY_WORKLOAD = "any workload"
    NOBODY = "nobody"


ALONE = (Kind.ANYONE, Kind.STRANGER, Kind.ANY_WORKLOAD, Kind.NOBODY)  # kinds without a name
TOKENED = (Kind.USER, Kind.GROUP, Kind.CLIENT, Kind.CLAIM, Kind.ANYONE, Kind.STRANGER)
_ORDER = {kind: index for index, kind in enumerate(Kind)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What is odd about a token that is not the usual one of a model; "" where it is as usual.

    ``kid`` and ``alg`` are those of an odd key.
    """

    issuer: str = ""
    audience: str = ""
    key: str = ""
    kid: str = ""
    alg: str = ""

    def __str__(self) -> str:
        named = (("of", self.issuer), ("for the audience", self.audience), ("signed with the key", self.key))
        return "token " + ", ".join(f"{what} {value}" for what, value in named if value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Somebody, or everybody of a kind; ``also`` are further identities that the same caller has to have."""

    kind: Kind
    name: str = ""
    variant: Variant | None = None
    also: tuple["Identity", ...] = ()

    def __str__(self) -> str:
        own = self.kind.value if self.kind in ALONE else f"{self.kind.value} {self.name}"
        odd = f" ({self.variant})" if self.variant else ""
        return " and ".join([own + odd, *map(str, self.also)])

    def __lt__(self, other: "Identity") -> bool:
        return self._key() < other._key()

    def _key(self) -> tuple[int, str, str]:
        return _ORDER[self.kind], self.name, str(self)


def algorithm(key: Key) -> str:
    """Return an algorithm that a key signs by."""
    return key.alg or ALGORITHMS.get(key.kty, "RS256")


ANYONE, STRANGER = Identity(kind=Kind.ANYONE), Identity(kind=Kind.STRANGER)
ANY_WORKLOAD, NOBODY = Identity(kind=Kind.ANY_WORKLOAD), Identity(kind=Kind.NOBODY)
STANDARD = (ANYONE, STRANGER, ANY_WORKLOAD, NOBODY)


def user(name: str) -> Identity:
    """Return a person by e-mail address."""
    return Identity(kind=Kind.USER, name=name)


def group(name: str) -> Identity:
    """Return everybody of a group."""
    return Identity(kind=Kind.GROUP, name=name)


def client(name: str) -> Identity:
    """Return a service account of the identity provider."""
    return Identity(kind=Kind.CLIENT, name=name)


def workload(name: str) -> Identity:
    """Return a ServiceAccount of the mesh, ``namespace/name``; either part may be ``*``."""
    return Identity(kind=Kind.WORKLOAD, name=name)


def parse(text: str) -> Identity:
    """Return the identity that people write as ``user alice@corp.example``, ``nobody``, or an address alone.

    Raises:
        ValueError: It is none; the text says how to write one.
    """
    said = text.strip()
    for kind in ALONE:
        if said == kind.value:
            return Identity(kind=kind)
    word, _, name = said.partition(" ")
    if name and word in {kind.value for kind in Kind if kind not in ALONE}:
        return Identity(kind=Kind(word), name=name.strip())
    if "@" in said and " " not in said:
        return user(said)
    if said.count("/") == 1 and " " not in said:
        return workload(said)
    raise ValueError(f'"{text}" names nobody\n  write user NAME, group NAME, client NAME, workload NAMESPACE/NAME')


@dataclass(frozen=True, kw_only=True, eq=False)
class Vouching:
    """How a model's callers show who they are: its issuer with the names of claims, audience and key."""

    issuer: Issuer
    audience: str
    key: Key | None
    settings: Settings

    def asking(self, identity: Identity, request: Request, *, outside: bool) -> Request:
        """Return the request as the identity makes it, ``outside`` through the gateway, else from inside the mesh.

        A caller with a token that asks from inside does so from a pod that nobody named.
        """
        everyone = (identity, *identity.also)
        peer = Peer(transport=Transport.TLS, address=OUTSIDE) if outside else self._inside(everyone)
        headers = [tuple(one.name.split(": ", 1)) for one in everyone if one.kind is Kind.HEADER]
        asked = replace(request, peer=self._placed(peer, everyone), headers=(*request.headers, *headers))  # type: ignore[arg-type]  # two parts each
        token = self._token(identity, everyone)
        return with_token(asked, token) if token else asked

    def _inside(self, everyone: tuple[Identity, ...]) -> Peer:
        named = next((one.name for one in everyone if one.kind is Kind.WORKLOAD), "")
        if not named and all(one.kind in (Kind.NOBODY, Kind.HEADER, Kind.ADDRESS) for one in everyone):
            return Peer(transport=Transport.PLAINTEXT, address=INSIDE)
        return Peer(transport=Transport.MTLS, principal=self.principal(named or "*/*"), address=INSIDE)

    def principal(self, name: str) -> str:
        """Return the principal of a workload, with a name that nobody has in place of a ``*``."""
        plain = name.replace("*", NOBODYS)
        if plain.count("/") == 1:
            namespace, _, account = plain.partition("/")
            return f"{self.settings.trust_domain}/ns/{namespace}/sa/{account}"
        return plain

    def _placed(self, peer: Peer, everyone: tuple[Identity, ...]) -> Peer:
        block = next((one.name for one in everyone if one.kind is Kind.ADDRESS), "")
        return replace(peer, address=str(ipaddress.ip_network(block, strict=False)[0])) if block else peer

    def _token(self, identity: Identity, everyone: tuple[Identity, ...]) -> Token | None:
        if not any(one.kind in TOKENED for one in everyone):
            return None
        odd = identity.variant or Variant()
        claims: dict[str, Any] = {
            "iss": odd.issuer or self.issuer.url,
            "sub": NOBODYS,
            "aud": odd.audience or self.audience,
            "exp": TIME + 300,
        }
        for one in everyone:
            for path, value in self._claims(one):
                _put(claims, path, value)
        if odd.key:
            return Token(claims=claims, key=odd.key, kid=odd.kid, alg=odd.alg)
        key = self.key or Key(name="")
        return Token(claims=claims, key=key.name, kid=key.kid, alg=algorithm(key))

    def _claims(self, one: Identity) -> list[tuple[tuple[str, ...], Any]]:
        issuer, value = self.issuer, one.name.replace("*", NOBODYS)
        match one.kind:
            case Kind.USER:
                return [(claim_path(issuer.user_claim), value)]
            case Kind.GROUP:
                return [(claim_path(issuer.groups_claim), [value])]
            case Kind.CLIENT:
                return [(claim_path(issuer.client_claim), value)]
            case Kind.CLAIM:
                name, _, value = value.partition("=")
                return [(claim_path(name), value)]
            case Kind.STRANGER:
                domain = next(iter(issuer.user_domains), "example.com")
                return [
                    (claim_path(issuer.user_claim), f"{NOBODYS}@{domain}"),
                    (claim_path(issuer.groups_claim), [NOBODYS]),
                    (claim_path(issuer.client_claim), NOBODYS),
                ]
            case _:
                return []


def _put(claims: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Set a nested claim; a value that is there already makes a list of both."""
    *parents, last = path
    for part in parents:
        below = claims.get(part)
        claims[part] = dict(below) if isinstance(below, Mapping) else {}
        claims = claims[part]
    before = claims.get(last) if last not in ("iss", "aud", "exp", "sub") else None
    if before is None:
        claims[last] = value
        return
    claims[last] = [*_list(before), *_list(value)]


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]
