"""Tokens for a proof: good ones of everybody who is granted something, and every way in which one can be wrong."""

import base64
import hmac
import json
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from generator.access.request import Token
from generator.access.signing import Signer
from generator.audit.prove_grants import STRANGER, Kind, Person
from generator.audit.prove_keys import Keyring, public_text
from generator.audit.prove_specs import key_names
from generator.build.tokens import claim_path
from generator.model import Model
from generator.tenancy import Issuer, Platform

VALID_S = 3600
NOBODY = "gen-prove-nobody"  # a name that no grant has


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd:
    """A token that is not as it should be, or none; `granted` None: the specs do not say, both must agree.

    `place` is the header that holds it, `prefix` what stands before it there.
    """

    what: str
    token: Token | None
    granted: bool | None = False
    place: str = "authorization"
    prefix: str = "Bearer "
    of_name: bool = False  # what is odd is the name alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Mint:
    """Makes the tokens of one model's callers; `now` is the clock in seconds."""

    platform: Platform
    ring: Keyring
    issuer: Issuer
    audience: str
    now: int

    def good(self, person: Person, **changed: Any) -> Token:
        """Return a token that is right in everything, but for claims that are changed; None takes one out."""
        return self.signed({**self.claims(person), **changed})

    def signed(self, claims: Mapping[str, Any]) -> Token:
        """Return the token of these claims, signed with the issuer's key; None takes a claim out."""
        kept = {name: value for name, value in claims.items() if value is not None}
        return self.signer.sign(kept)

    def claims(self, person: Person) -> dict[str, Any]:
        """Return the claims of a good token."""
        claims: dict[str, Any] = {
            "iss": self.issuer.url,
            "sub": f"u-{person.kind}-{person.name or NOBODY}",
            "aud": self.audience,
            "iat": self.now - 10,
            "exp": self.now + VALID_S,
        }
        names = {
            Kind.USER: self.issuer.user_claim,
            Kind.GROUP: self.issuer.groups_claim,
            Kind.CLIENT: self.issuer.client_claim,
        }
        if person.kind is Kind.STRANGER:
            domain = next(iter(self.issuer.user_domains), "example.com")
            _put(claims, self.issuer.user_claim, f"{NOBODY}@{domain}")
            _put(claims, self.issuer.groups_claim, [NOBODY])
            _put(claims, self.issuer.client_claim, NOBODY)
            return claims
        value: Any = ["staff", person.name] if person.kind is Kind.GROUP else person.name
        _put(claims, names[person.kind], value)
        return claims

    @property
    def signer(self) -> Signer:
        """Return the issuer's signer, or one that nobody trusts where the trees trust none of its keys."""
        return self.ring.signers.get(self._key(self.issuer), self.ring.strange)

    def _key(self, issuer: Issuer) -> str:
        return next((name for name in key_names(issuer) if name in self.ring.signers), "")

    def of_others(self, person: Person) -> Iterator[tuple[str, Token]]:
        """Yield tokens with the same claims by every other issuer that the platform declares."""
        for other in self.platform.issuers:
            if other.url != self.issuer.url and self._key(other):
                signer = self.ring.signers[self._key(other)]
                claims = self.claims(person) | {"iss": other.url}
                yield f"of the issuer {other.name}, same identity", signer.sign(claims)
                everywhere = claims | {"aud": [self.audience, *other.audiences]}
                yield f"of the issuer {other.name}, for all audiences", signer.sign(everywhere)


def mint_of(model: Model, platform: Platform, ring: Keyring, now: int) -> Mint:
    """Return the mint of a model's callers."""
    return Mint(platform=platform, ring=ring, issuer=model.issuer, audience=model.audience, now=now)


def odd_tokens(mint: Mint, person: Person, named: Container[str]) -> Iterator[Odd]:
    """Yield every way in which somebody's token can be wrong; `named` are the names that grants have."""
    yield from _texts(mint, person)
    yield from _times(mint, person)
    yield from _signatures(mint, person)
    yield from _audiences(mint, person)
    if person != STRANGER:
        yield from _identities(mint, person, named)


def _texts(mint: Mint, person: Person) -> Iterator[Odd]:
    good = mint.good(person)
    yield Odd(what="no token", token=None)
    yield Odd(what="garbage for a token", token=Token(claims={}, text="garbage"))
    yield Odd(what="three parts of garbage", token=Token(claims={}, text="a.b.c"))
    yield Odd(what="an empty token", token=Token(claims={}, text=""), prefix="Bearer")
    yield Odd(what="the token under Basic", token=good, prefix="Basic ")
    yield Odd(what="bearer in lower case", token=good, prefix="bearer ")
    yield Odd(what="the token without Bearer", token=good, prefix="")
    for header in ("x-access-token", "x-forwarded-access-token", "proxy-authorization", "x-jwt-assertion"):
        yield Odd(what=f"the token in {header}", token=good, place=header)
    yield Odd(what="the token in a cookie", token=good, place="cookie", prefix="access_token=")
    yield Odd(what="another signature's end", token=_cut(good))


def _times(mint: Mint, person: Person) -> Iterator[Odd]:
    now = mint.now
    yield Odd(what="an expired token", token=mint.good(person, exp=now - VALID_S, iat=now - 2 * VALID_S))
    yield Odd(what="a token that expired two minutes ago", token=mint.good(person, exp=now - 120))
    yield Odd(what="a token that is not yet valid", token=mint.good(person, nbf=now + VALID_S))
    # Envoy takes it, and Istio has no switch (issue 37294): the issuer must always set it.
    yield Odd(what="a token without exp", token=mint.good(person, exp=None), granted=None)


def _signatures(mint: Mint, person: Person) -> Iterator[Odd]:
    claims, strange = mint.claims(person), mint.ring.strange
    own = mint.good(person)
    yield Odd(what="a forged token with the right key id", token=strange.sign(claims, kid=own.kid))
    yield Odd(what="a token of an unknown key", token=strange.sign(claims))
    yield Odd(what="a token without a signature", token=_unsigned(claims))
    yield Odd(what="the public key for a shared secret", token=_shared(claims, mint, own.kid))
    yield Odd(
        what="an unknown issuer, same identity", token=strange.sign(claims | {"iss": "https://elsewhere.example"})
    )
    slashed = mint.issuer.url.removesuffix("/") if mint.issuer.url.endswith("/") else mint.issuer.url + "/"
    yield Odd(what="the issuer with one slash more or less", token=mint.signed(claims | {"iss": slashed}))
    yield Odd(what="no issuer", token=mint.good(person, iss=None))
    for what, token in mint.of_others(person):
        yield Odd(what=what, token=token)
    for issuer, name in mint.ring.undeclared:
        if issuer in (mint.issuer.url, ""):
            token = mint.ring.signers[name].sign(claims)
            yield Odd(what="a key that platform.yaml does not declare", token=token)


def _audiences(mint: Mint, person: Person) -> Iterator[Odd]:
    audience = mint.audience
    yield Odd(what="no audience", token=mint.good(person, aud=None))
    yield Odd(what="an unknown audience", token=mint.good(person, aud=NOBODY))
    for other in dict.fromkeys(a for issuer in mint.platform.issuers for a in issuer.audiences):
        if other != audience:
            yield Odd(what=f"another model's audience {other}", token=mint.good(person, aud=other))
    yield Odd(what="a list of wrong audiences", token=mint.good(person, aud=[NOBODY, audience + "x"]))
    yield Odd(what="the audience with a slash at its end", token=mint.good(person, aud=audience + "/"))
    yield Odd(what="the audience as a URL", token=mint.good(person, aud="https://" + audience))
    # Envoy's token filter takes the first of these for the audience, and a rule that is too wide the second.
    yield Odd(what="nearly the audience beside another", token=mint.good(person, aud=[audience + "/", NOBODY]))
    yield Odd(what="the audience in upper case", token=mint.good(person, aud=_other_case(audience)))
    yield Odd(what="the audience in a list", token=mint.good(person, aud=[NOBODY, audience]), granted=True)


def _identities(mint: Mint, person: Person, named: Container[str]) -> Iterator[Odd]:
    claims, name = mint.claims(person), person.name
    claim, others = _claims_of(mint.issuer, person.kind)
    yield Odd(what="no subject", token=mint.good(person, sub=None))
    yield Odd(what="an empty subject", token=mint.good(person, sub=""))
    near = (name + "x", "x" + name, name[:-1], _other_case(name), name + " ", f"{name},{NOBODY}", f"{NOBODY}@{name}")
    for value in dict.fromkeys(each for each in near if each and each not in named):
        shaped = ["staff", value] if person.kind is Kind.GROUP else value
        yield Odd(what=f'"{value}" for "{name}"', token=mint.signed(_with(claims, claim, shaped)), of_name=True)
    shapes: tuple[Any, ...] = (True, 7, {"value": name}, None)
    for shape in shapes:
        yield Odd(
            what=f"{type(shape).__name__} for a name", token=mint.signed(_with(claims, claim, shape)), of_name=True
        )
    for other in others:
        moved = _with(_with(claims, claim, None), other, [name])
        yield Odd(what=f"the {person.kind}'s name as {other}", token=mint.signed(moved), of_name=True)
    yield Odd(
        what="the name as the subject", token=mint.signed(_with(claims, claim, None) | {"sub": name}), of_name=True
    )
    lists = _with(claims, claim, [NOBODY, name])
    # A list with the name is no other identity for Istio; whether the issuer writes one is its own affair.
    yield Odd(
        what="the name in a list",
        token=mint.signed(lists),
        granted=True if person.kind is Kind.GROUP else None,
        of_name=True,
    )


def _claims_of(issuer: Issuer, kind: Kind) -> tuple[str, tuple[str, ...]]:
    named = {Kind.USER: issuer.user_claim, Kind.GROUP: issuer.groups_claim, Kind.CLIENT: issuer.client_claim}
    claim = named[kind]
    return claim, tuple(dict.fromkeys(each for each in named.values() if each != claim))


def _other_case(text: str) -> str:
    return text.upper() if text != text.upper() else text.lower()


def _with(claims: Mapping[str, Any], claim: str, value: Any) -> dict[str, Any]:
    made = dict(claims)
    _put(made, claim, value)
    return made


def _put(claims: dict[str, Any], claim: str, value: Any) -> None:
    *parents, last = claim_path(claim)
    for name in parents:
        claims[name] = dict(claims.get(name) or {})
        claims = claims[name]
    claims[last] = value


def _cut(token: Token) -> Token:
    head, _, signature = token.text.rpartition(".")
    return Token(claims=token.claims, kid=token.kid, alg=token.alg, text=f"{head}.{signature[::-1]}")


def _unsigned(claims: Mapping[str, Any]) -> Token:
    parts = [_base64({"alg": "none", "typ": "JWT"}), _base64(claims), ""]
    return Token(claims={}, text=".".join(parts))


def _base64(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _shared(claims: dict[str, Any], mint: Mint, kid: str) -> Token:
    head = {"alg": "HS256", "typ": "JWT"} | ({"kid": kid} if kid else {})
    signed = f"{_base64(head)}.{_base64(claims)}"
    digest = hmac.new(public_text(mint.signer), signed.encode(), "sha256").digest()
    signature = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return Token(claims=claims, kid=kid, alg="HS256", text=f"{signed}.{signature}")
