"""Decide whether a rule of an AuthorizationPolicy matches a request, as Envoy's RBAC filter does.

Source: istio/istio 1.30.3 pilot/pkg/security/authz/model/{model,generator}.go (what istiod makes of each field)
and envoyproxy/envoy source/extensions/filters/common/rbac/matchers.cc. Checked against Envoy 1.40 by the tests.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from generator.access import policy as p
from generator.access.matchers import (
    claim_path,
    is_http_only,
    name_in_brackets,
    namespace_regex,
    request_principal_patterns,
    service_account_regex,
)
from generator.access.paths import without_query
from generator.access.rbac import expand
from generator.access.tokens import claim_at

# The characters of one path segment in Envoy's uri_template: {*} is some of them, {**} any of them and slashes.
SEGMENT = r"a-zA-Z0-9\-._~%!$&'()*+,;:@="


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A request as the RBAC filter sees it.

    `principal` is "" without a client certificate, `payload` None without a token;
    `headers` have lower-case names; `address` is the direct peer, `client` the address found for remote.ip.
    """

    principal: str
    address: str
    client: str
    destination: str
    port: int
    sni: str
    method: str = ""
    authority: str = ""
    path: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    payload: Mapping[str, Any] | None = None


def matching_rule(
    policy: p.AuthorizationPolicy, facts: Facts, trust_domains: tuple[str, ...], *, for_tcp: bool
) -> int | None:
    """Return the index of the first rule that matches, or None.

    `for_tcp` leaves out what a TCP connection does not have: a rule of ALLOW with such a part never
    matches, a rule of DENY or AUDIT matches as if the part were not there.

    Raises:
        ValueError: A rule asks for an address that the request does not give.
    """
    for index, rule in enumerate(policy.rules):
        sides = (rule.operations, rule.callers)
        if for_tcp and policy.action is p.Action.ALLOW and any(_has_http(side) for side in sides):
            continue
        if all(_side_matches(side, policy, facts, trust_domains, for_tcp=for_tcp) for side in sides):
            return index
    return None


def _has_http(side: tuple[tuple[p.Condition, ...], ...]) -> bool:
    return any(is_http_only(condition.key) for conditions in side for condition in conditions)


def _side_matches(
    side: tuple[tuple[p.Condition, ...], ...],
    policy: p.AuthorizationPolicy,
    facts: Facts,
    trust_domains: tuple[str, ...],
    *,
    for_tcp: bool,
) -> bool:
    return any(
        all(
            _condition_matches(expand(condition, trust_domains), facts, policy.ref.namespace)
            for condition in conditions
            if not (for_tcp and is_http_only(condition.key))
        )
        for conditions in side
    )


def _condition_matches(condition: p.Condition, facts: Facts, namespace: str) -> bool:
    def some(values: tuple[str, ...]) -> bool:
        return any(_value_matches(condition.key, value, facts, namespace) for value in values)

    return (not condition.values or some(condition.values)) and not some(condition.not_values)


def _value_matches(key: str, value: str, facts: Facts, namespace: str) -> bool:
    if key in MATCHERS:
        return MATCHERS[key](value, facts, namespace)
    if key.startswith(p.HEADER):
        return _header(name_in_brackets(key, p.HEADER).lower(), value, facts)
    return _claim(value, claim_at(facts.payload, list(claim_path(key))))


def text_matches(value: str, text: str) -> bool:
    """Compare as Istio does: `*`, `*suffix`, `prefix*`, or exactly; `*` needs at least one character."""
    if value == "*":
        return bool(text) and "\n" not in text
    if value.startswith("*"):
        return text.endswith(value[1:])
    if value.endswith("*"):
        return text.startswith(value[:-1])
    return text == value


def _principal(value: str, facts: Facts, _: str) -> bool:
    return bool(facts.principal) and text_matches(value, facts.principal)


def _spiffe(regex: str, facts: Facts) -> bool:
    return bool(facts.principal) and re.fullmatch(regex, f"spiffe://{facts.principal}") is not None


def _trust_domain(value: str, facts: Facts, _: str) -> bool:
    domain = facts.principal.partition("/")[0]
    pattern = "[^/]*".join(re.escape(part) for part in value.split("*", 1))
    return bool(facts.principal) and re.fullmatch(pattern, domain) is not None


def _request_principal(value: str, facts: Facts, _: str) -> bool:
    patterns = zip(("iss", "sub"), request_principal_patterns(value), strict=True)
    return all(_exactly_or_like(pattern, claim_at(facts.payload, [claim])) for claim, pattern in patterns)


def _exactly_or_like(pattern: str, claim: Any) -> bool:
    if not isinstance(claim, str):
        return False
    return claim == pattern[1:] if pattern.startswith("=") else text_matches(pattern, claim)


def _claim(value: str, claim: Any) -> bool:
    """Compare a claim: a text, or any text of a list; numbers, true and false never match."""
    texts = claim if isinstance(claim, list) else [claim]
    return any(isinstance(text, str) and text_matches(value, text) for text in texts)


def _header(name: str, value: str, facts: Facts) -> bool:
    pseudo = {":method": facts.method, ":path": facts.path, ":authority": facts.authority}
    texts = [pseudo[name]] if name in pseudo else [text for each, text in facts.headers if each == name]
    return any(value == "*" or text_matches(value, text) for text in texts)


def _host(value: str, facts: Facts, _: str) -> bool:
    return value == "*" or text_matches(value.lower(), facts.authority.lower())


def _method(value: str, facts: Facts, _: str) -> bool:
    return value == "*" or text_matches(value, facts.method)


def _path(value: str, facts: Facts, _: str) -> bool:
    path = without_query(facts.path)
    if "{*}" not in value and "{**}" not in value:
        return text_matches(value, path)
    pieces = re.split(r"(\{\*\*\}|\{\*\})", value)
    wild = {"{*}": f"[{SEGMENT}]+", "{**}": f"[{SEGMENT}/]*"}
    return re.fullmatch("".join(wild.get(piece) or re.escape(piece) for piece in pieces), path) is not None


def _within(value: str, address: str) -> bool:
    if not address:
        raise ValueError(f'a rule compares an address with "{value}", and the request gives none')
    return ipaddress.ip_address(address) in ipaddress.ip_network(value, strict=False)


MATCHERS: dict[str, Callable[[str, Facts, str], bool]] = {
    p.PRINCIPAL: _principal,
    p.NAMESPACE: lambda value, facts, _: _spiffe(namespace_regex(value), facts),
    p.SERVICE_ACCOUNT: lambda value, facts, namespace: _spiffe(service_account_regex(value, namespace), facts),
    p.TRUST_DOMAIN: _trust_domain,
    p.REQUEST_PRINCIPAL: _request_principal,
    p.AUDIENCES: lambda value, facts, _: _claim(value, claim_at(facts.payload, ["aud"])),
    p.PRESENTER: lambda value, facts, _: _claim(value, claim_at(facts.payload, ["azp"])),
    p.HOST: _host,
    p.METHOD: _method,
    p.PATH: _path,
    p.PORT: lambda value, facts, _: int(value) == facts.port,
    p.SNI: lambda value, facts, _: text_matches(value, facts.sni),
    p.SOURCE_IP: lambda value, facts, _: _within(value, facts.address),
    p.REMOTE_IP: lambda value, facts, _: _within(value, facts.client),
    p.DESTINATION_IP: lambda value, facts, _: _within(value, facts.destination),
}
