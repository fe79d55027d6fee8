"""Verify the tokens of a request as Envoy's jwt_authn filter does with the configuration that istiod sends.

Source: envoyproxy/envoy source/extensions/filters/http/jwt_authn/{extractor,authenticator,verifier,filter}.cc and
source/common/jwt/{jwt,verify,check_audience}.cc. Checked against Envoy 1.40 by the tests.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from generator.access.authentication import JwtRule
from generator.access.jwt import ALWAYS_SPLIT
from generator.access.parse import ALGORITHMS, OK, identity, malformed, read_token
from generator.access.request import Request, Token

CLOCK_SKEW_S = 60
MISSED = "Jwt is missing"
UNKNOWN_ISSUER = "Jwt issuer is not configured"
BAD_AUDIENCE = "Audiences in Jwt are not allowed"
EXPIRED = "Jwt is expired"
NOT_YET = "Jwt not yet valid"
BAD_SIGNATURE = "Jwt verification fails"
NO_KEY = "Jwks doesn't have key to match kid or alg from Jwt"
JWT_CHARS = re.compile(r"[A-Za-z0-9_.-]")
DEFAULT_HEADERS = (("authorization", "Bearer "),)
DEFAULT_PARAMS = ("access_token",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What the filter leaves: `status` "" lets the request go on; `payload` is of the last good token.

    `headers` and `path` are without the tokens that are not forwarded, names in lower case.
    """

    status: str
    headers: tuple[tuple[str, str], ...]
    path: str
    payload: Mapping[str, Any] | None


@dataclass(slots=True)
class _State:
    """The request while the filter works on it."""

    headers: list[tuple[str, str]]
    path: str
    facts: Mapping[tuple[Any, ...], Token]
    time: int
    payload: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    """A token's text and where it was: `header` or `param` is set, or neither for a cookie."""

    text: str
    header: str = ""
    param: str = ""


@dataclass(slots=True)
class _Any:
    """Envoy's way to one status out of many: a real error beats a wrong issuer beats a missing token."""

    status: str = MISSED
    seen: list[str] = field(default_factory=list)

    def add(self, status: str) -> None:
        if status not in (MISSED, UNKNOWN_ISSUER) or self.status == MISSED:
            self.status = status


def verify(rules: tuple[JwtRule, ...], request: Request, headers: tuple[tuple[str, str], ...], path: str) -> Verified:
    """Verify the request's tokens by the rules of one workload, in istiod's order.

    `headers` have lower-case names, `path` is normalised and has its query.
    """
    # Headers that a token would fill are taken from the client in any case.
    made = {name.lower() for rule in rules for name in (rule.payload_header, *(name for name, _ in rule.claim_headers))}
    clean = [(name, value) for name, value in headers if name not in made]
    state = _State(clean, path, {identity(token.text): token for token in request.tokens}, request.time)
    status = OK if not rules or is_cors_preflight(request.method, headers) else _require(rules, state)
    return Verified(status=status, headers=tuple(state.headers), path=state.path, payload=state.payload)


def is_cors_preflight(method: str, headers: tuple[tuple[str, str], ...]) -> bool:
    """Say whether a browser asks beforehand; such a request needs no token."""
    given = [name for name, value in headers if value]
    return method == "OPTIONS" and "origin" in given and "access-control-request-method" in given


def _require(rules: tuple[JwtRule, ...], state: _State) -> str:
    if len(rules) == 1:
        return _optional(rules[0], state)
    total = _Any()
    for rule in rules:
        status = _provider(rule, state)
        if status == OK:
            return OK
        total.add(status)
    # Last resort: every issuer's own place is empty or holds a good token.
    status = next((each for each in (_optional(rule, state) for rule in rules) if each != OK), OK)
    if status == OK:
        return OK
    total.add(status)
    return total.status


def _optional(rule: JwtRule, state: _State) -> str:
    status = _provider(rule, state)
    return OK if status == MISSED else status


def _provider(rule: JwtRule, state: _State) -> str:
    found = _extract(rule, state)
    if not found:
        return MISSED
    for each in reversed(found):  # Envoy takes them from the back; all of them must be good
        token = state.facts.get(identity(each.text)) or read_token(each.text)
        status = token if isinstance(token, str) else _check(rule, token, state.time)
        if status != OK or isinstance(token, str):
            return status
        _accept(rule, token, each, state)
    return OK


def _extract(rule: JwtRule, state: _State) -> list[_Found]:
    has_place = rule.from_headers or rule.from_params or rule.from_cookies
    headers = [(name.lower(), prefix) for name, prefix in rule.from_headers] if has_place else DEFAULT_HEADERS
    found = []
    for name, prefix in sorted(set(headers), key="".join):
        values = [value for header, value in state.headers if header == name]
        found += [_Found(_after(value, prefix), header=name) for value in values if prefix in value]
    params = _params(state.path)
    for name in sorted(set(rule.from_params if has_place else DEFAULT_PARAMS)):
        if name in params:
            found.append(_Found(params[name], param=name))
    cookies = _cookies(state.headers)
    return found + [_Found(cookies[name]) for name in sorted(set(rule.from_cookies)) if name in cookies]


def _after(value: str, prefix: str) -> str:
    """Return the token behind a prefix, which may stand anywhere in the header's value."""
    if not prefix:
        return value
    start = JWT_CHARS.search(value, value.index(prefix) + len(prefix))
    return value[start.start() :] if start else value


def _params(path: str) -> dict[str, str]:
    params: dict[str, str] = {}
    for part in path.partition("?")[2].split("&"):
        name, _, value = part.partition("=")
        params.setdefault(unquote(name), unquote(value))
    return params


def _cookies(headers: list[tuple[str, str]]) -> dict[str, str]:
    cookies: dict[str, str] = {}
    for part in ";".join(value for name, value in headers if name == "cookie").split(";"):
        name, equals, value = part.strip().partition("=")
        if equals:
            cookies.setdefault(name, value.strip('"'))
    return cookies


def _check(rule: JwtRule, token: Token, time: int) -> str:
    claims = token.claims
    problem = malformed(token)
    if problem:
        return problem
    if rule.issuer and claims.get("iss", "") != rule.issuer:
        return UNKNOWN_ISSUER
    if time + CLOCK_SKEW_S < int(claims.get("nbf", 0)):
        return NOT_YET
    expiry = int(claims.get("exp", 0))
    if expiry and time > expiry + CLOCK_SKEW_S:  # a token without exp never expires
        return EXPIRED
    if not _is_audience(rule, claims.get("aud", ())):
        return BAD_AUDIENCE
    return _check_key(rule, token)


def _is_audience(rule: JwtRule, audience: Any) -> bool:
    given = (audience,) if isinstance(audience, str) else tuple(audience)
    return not rule.audiences or any(_bare(each) in map(_bare, rule.audiences) for each in given)


def _bare(audience: str) -> str:
    """Return an audience as Envoy compares it: without http(s):// and a last slash."""
    for scheme in ("http://", "https://"):
        if audience.startswith(scheme):
            audience = audience.removeprefix(scheme)
            break
    return audience.removesuffix("/")


def _check_key(rule: JwtRule, token: Token) -> str:
    fitting = [
        key
        for key in rule.keys
        if (not token.kid or not key.kid or key.kid == token.kid) and key.alg in ("", token.alg)
    ]
    if any(key.name == token.key and key.kty in ("", ALGORITHMS[token.alg]) for key in fitting):
        return OK
    return BAD_SIGNATURE if fitting else NO_KEY


def _accept(rule: JwtRule, token: Token, place: _Found, state: _State) -> None:
    if rule.payload_header:
        state.headers.append((rule.payload_header.lower(), token.text.split(".")[1]))
    for header, claim in rule.claim_headers:
        text = _header_text(claim_at(token.claims, claim.split(".")))
        if text:
            state.headers.append((header.lower(), text))
    if not rule.forward:
        state.headers = [(name, value) for name, value in state.headers if name != place.header]
        if place.param:
            body, _, query = state.path.partition("?")
            rest = [each for each in query.split("&") if unquote(each.partition("=")[0]) != place.param]
            state.path = body + ("?" + "&".join(rest) if rest else "")
    split = (*rule.space_delimited, *ALWAYS_SPLIT)
    state.payload = {
        name: [word for word in value.split(" ") if word] if name in split and isinstance(value, str) else value
        for name, value in token.claims.items()
    }


def claim_at(claims: Any, path: list[str]) -> Any:
    """Return the claim at a path of names, or None."""
    for name in path:
        claims = claims.get(name) if isinstance(claims, Mapping) else None
    return claims


def _header_text(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int() | float():
            return str(int(value)) if value >= 0 and value == int(value) else f"{value:.6f}"
        case _:
            return ""
