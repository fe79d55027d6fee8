"""Turn RequestAuthentication and PeerAuthentication objects into frozen dataclasses.

Source: istio/api security/v1 request_authentication.proto and peer_authentication.proto (1.30).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from generator.access.keys import Key, keys_of
from generator.access.reading import Reader, Ref, Unsupported, reader_of, selector_of


class Mode(StrEnum):
    """Mutual TLS mode of a PeerAuthentication."""

    UNSET = "UNSET"
    DISABLE = "DISABLE"
    PERMISSIVE = "PERMISSIVE"
    STRICT = "STRICT"


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtRule:
    """One issuer's tokens: `issuer` "" accepts any; no location given means Authorization and access_token."""

    issuer: str
    audiences: tuple[str, ...] = ()
    jwks: str = ""
    jwks_uri: str = ""
    from_headers: tuple[tuple[str, str], ...] = ()  # (header name, prefix)
    from_params: tuple[str, ...] = ()
    from_cookies: tuple[str, ...] = ()
    forward: bool = False
    payload_header: str = ""
    claim_headers: tuple[tuple[str, str], ...] = ()  # (header name, claim)
    space_delimited: tuple[str, ...] = ()
    keys: tuple[Key, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestAuthentication:
    """The issuers whose tokens a workload verifies; a request without a token always passes it."""

    ref: Ref
    selector: tuple[tuple[str, str], ...]
    rules: tuple[JwtRule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerAuthentication:
    """Mutual TLS of a workload (with a selector), a namespace, or the mesh (in the root namespace)."""

    ref: Ref
    selector: tuple[tuple[str, str], ...]
    mode: Mode
    ports: tuple[tuple[int, Mode], ...] = ()


def request_authentication(obj: dict[str, Any], found: list[Unsupported]) -> RequestAuthentication:
    """Parse a RequestAuthentication; what it says beyond gen's coverage is appended to `found`."""
    spec = reader_of(obj, found)
    rules = tuple(_jwt_rule(rule) for rule in spec.children("jwtRules"))
    policy = RequestAuthentication(ref=spec.ref, selector=selector_of(spec), rules=rules)
    spec.close()
    return policy


def peer_authentication(obj: dict[str, Any], found: list[Unsupported]) -> PeerAuthentication:
    """Parse a PeerAuthentication; what it says beyond gen's coverage is appended to `found`."""
    spec = reader_of(obj, found)
    selector = selector_of(spec)
    mode = _mode(spec.child("mtls"))
    ports = []
    for port, mtls in spec.named("portLevelMtls"):
        if port.isdecimal():
            ports.append((int(port), _mode(mtls)))
        else:
            spec.report(f"portLevelMtls.{port}", "is not a port number", "write the number of the container's port")
    if ports and not selector:
        spec.report("portLevelMtls", "stands without a selector, and Istio refuses that", "add spec.selector")
    spec.close()
    return PeerAuthentication(ref=spec.ref, selector=selector, mode=mode, ports=tuple(ports))


def _jwt_rule(rule: Reader) -> JwtRule:
    headers = []
    for entry in rule.children("fromHeaders"):
        headers.append((entry.text("name"), entry.text("prefix")))
        entry.close()
    claims = []
    for entry in rule.children("outputClaimToHeaders"):
        claims.append((entry.text("header"), entry.text("claim")))
        entry.close()
    jwks, jwks_uri = rule.text("jwks"), rule.text("jwksUri")
    parsed = JwtRule(
        issuer=rule.text("issuer"),
        audiences=rule.texts("audiences"),
        jwks=jwks,
        jwks_uri=jwks_uri,
        from_headers=tuple(headers),
        from_params=rule.texts("fromParams"),
        from_cookies=rule.texts("fromCookies"),
        forward=rule.flag("forwardOriginalToken"),
        payload_header=rule.text("outputPayloadToHeader"),
        claim_headers=tuple(claims),
        space_delimited=rule.texts("spaceDelimitedClaims"),
        keys=_keys(jwks, jwks_uri or f"{rule.text('issuer')}/.well-known/openid-configuration", rule),
    )
    rule.skip("timeout")  # how long istiod waits for the keys
    rule.close()
    return parsed


def _keys(jwks: str, uri: str, rule: Reader) -> tuple[Key, ...]:
    try:
        return keys_of(jwks) if jwks else (Key(name=uri),)
    except ValueError:
        rule.report("jwks", "is not a JSON Web Key Set", 'write it as {"keys": [...]}, with public keys only')
        return ()


def _mode(mtls: Reader) -> Mode:
    text = mtls.text("mode") or "UNSET"
    mtls.close()
    if text not in Mode.__members__:
        mtls.report("mode", "is not a mode of Istio", "use one of: DISABLE, PERMISSIVE, STRICT, UNSET")
        return Mode.UNSET
    return Mode(text)
