"""Find what parsed policies say that the evaluator does not cover, so that nothing is left out in silence.

Source of what Istio's webhook refuses: istio/istio 1.30.3 pkg/config/security/security.go.
"""

import ipaddress
import re
from collections.abc import Iterator

from generator.access import policy as p
from generator.access.authentication import PeerAuthentication, RequestAuthentication
from generator.access.matchers import PORT_MAX, claim_path, name_in_brackets
from generator.access.mesh import Settings
from generator.access.reading import Ref, Unsupported

# Headers that Envoy writes or removes by itself, so that what the client sent is not what a rule sees.
PROXY_HEADERS = re.compile(
    r"x-forwarded-(for|proto|client-cert|host|port)|x-request-id|x-envoy-.*|:scheme|host|connection|"
    r"transfer-encoding|te|upgrade|keep-alive|proxy-connection"
)
TEMPLATE_LITERAL = re.compile(r"[a-zA-Z0-9\-._~%!$&'()+,;:@=]+")  # security.go validLiteral
SERVICE_ACCOUNT = re.compile(r"[^/*]+(/[^/*]+)?")


def uncovered_policy(policy: p.AuthorizationPolicy, settings: Settings) -> Iterator[Unsupported]:
    """Yield what an AuthorizationPolicy says beyond the evaluator."""
    if policy.action is p.Action.CUSTOM and policy.provider not in dict(settings.authorizers):
        yield Unsupported(
            policy.ref,
            "spec.provider.name",
            f'is "{policy.provider}", an authorizer whose answer gen does not know',
            "say its answer, or take the policy out",
        )
    for index, rule in enumerate(policy.rules):
        for conditions in (*rule.operations, *rule.callers):
            for condition in conditions:
                why, todo = _problem(condition)
                if why:
                    yield Unsupported(policy.ref, f"spec.rules[{index}] {condition.key}", why, todo)


def uncovered_tokens(policy: RequestAuthentication) -> Iterator[Unsupported]:
    """Yield what a RequestAuthentication says beyond the evaluator."""
    for index, rule in enumerate(policy.rules):
        field = f"spec.jwtRules[{index}]"
        if rule.jwks and rule.jwks_uri:
            yield Unsupported(policy.ref, field, "has both jwks and jwksUri, and Istio refuses that", "keep one")
        if not rule.issuer and not rule.jwks_uri:
            yield Unsupported(policy.ref, f"{field}.issuer", "is missing, and Istio refuses that", "name the issuer")
        if any(not name for name, _ in rule.from_headers):
            yield Unsupported(policy.ref, f"{field}.fromHeaders", "has an entry without a name", "name the header")


def several_peers(policies: tuple[PeerAuthentication, ...]) -> Iterator[Unsupported]:
    """Yield every PeerAuthentication of one namespace that shares its scope with another.

    Istio takes the oldest, and the objects do not say which that is.
    """
    seen: dict[tuple[str, tuple[tuple[str, str], ...]], Ref] = {}
    for policy in policies:
        scope = (policy.ref.namespace, policy.selector)
        if scope in seen:
            yield Unsupported(
                policy.ref,
                "spec.selector",
                f"covers the same workloads as {seen[scope]}, and Istio takes the oldest",
                "keep one of them",
            )
        seen.setdefault(scope, policy.ref)


def _problem(condition: p.Condition) -> tuple[str, str]:
    key, values = condition.key, (*condition.values, *condition.not_values)
    if "" in values:
        return "has an empty value, and Istio refuses that", "take it out"
    if key.startswith(p.ENVOY_FILTER):
        return "reads metadata of another filter, which gen does not judge", "take it out"
    if key.startswith((p.HEADER, p.CLAIM)):
        return _name_problem(key)
    checks = {p.PORT: _is_port, p.PATH: _is_path, p.SERVICE_ACCOUNT: _is_account}
    checks |= dict.fromkeys((p.SOURCE_IP, p.REMOTE_IP, p.DESTINATION_IP), _is_block)
    for value in values:
        if key in checks and not checks[key](value):
            return f'has the value "{value}", and Istio refuses that', "mend it"
    return "", ""


def _name_problem(key: str) -> tuple[str, str]:
    try:
        name = claim_path(key)[0] if key.startswith(p.CLAIM) else name_in_brackets(key, p.HEADER)
    except ValueError:
        return "has no name in brackets, and Istio refuses that", "write it like request.auth.claims[email]"
    if key.startswith(p.HEADER) and PROXY_HEADERS.fullmatch(name.lower()):
        return "reads a header that Envoy writes by itself, which gen does not judge", "take it out"
    return ("", "") if name else ("has empty brackets, and Istio refuses that", "name what it reads")


def _is_port(value: str) -> bool:
    return value.isdecimal() and int(value) <= PORT_MAX


def _is_block(value: str) -> bool:
    try:
        ipaddress.ip_interface(value)
    except ValueError:
        return False
    return True


def _is_account(value: str) -> bool:
    return SERVICE_ACCOUNT.fullmatch(value) is not None


def _is_path(value: str) -> bool:
    parts = value.strip("/").split("/")
    if "{*}" not in value and "{**}" not in value:
        return not re.search(r"[{}]", value)
    operators = [part for part in parts if part in ("{*}", "{**}")]
    literals = [part for part in parts if part not in ("{*}", "{**}")]
    return "{**}" not in operators[:-1] and all(TEMPLATE_LITERAL.fullmatch(part) for part in literals)
