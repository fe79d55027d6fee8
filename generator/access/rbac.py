"""Compile AuthorizationPolicies to the RBAC filters that istiod sends to Envoy.

Objects are the protobuf JSON of Envoy's filters: default values are left out.
Source: istio/istio 1.30.3, pilot/pkg/security/authz/builder/builder.go and
model/model.go (checkError: what becomes of a part that can not be compiled).
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from generator.access import policy as p
from generator.access.matchers import Json, is_http_only, single_matcher, whole_matcher
from generator.access.trustdomain import expand_principals, expand_trust_domains

HTTP_FILTER = "envoy.filters.http.rbac"
TCP_FILTER = "envoy.filters.network.rbac"
HTTP_TYPE = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC"
TCP_TYPE = "type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC"
NEVER = {"permissions": [{"notRule": {"any": True}}], "principals": [{"notId": {"any": True}}]}
# istiod's order of filters; AUDIT is Envoy's LOG, ALLOW is Envoy's default and left out.
ACTIONS: tuple[tuple[p.Action, Json], ...] = (
    (p.Action.AUDIT, {"action": "LOG"}),
    (p.Action.DENY, {"action": "DENY"}),
    (p.Action.ALLOW, {}),
)
SHADOW_PREFIX = {p.Action.DENY: "istio_dry_run_deny_", p.Action.ALLOW: "istio_dry_run_allow_"}


class _DroppedError(Exception):
    """A part of an ALLOW rule can not be expressed, so istiod leaves out the whole rule."""


def http_filters(policies: Iterable[p.AuthorizationPolicy], *, trust_domains: tuple[str, ...] = ()) -> list[Json]:
    """Return the HTTP filters for the policies of one workload: audit, deny, allow, each only where needed.

    `policies` are those that select the workload, root namespace first; CUSTOM ones are not compiled.
    """
    return _filters(tuple(policies), trust_domains, for_tcp=False)


def tcp_filters(policies: Iterable[p.AuthorizationPolicy], *, trust_domains: tuple[str, ...] = ()) -> list[Json]:
    """Return the network filters for the same policies on a port that is not HTTP."""
    return _filters(tuple(policies), trust_domains, for_tcp=True)


def expand(condition: p.Condition, trust_domains: tuple[str, ...]) -> p.Condition:
    """Return the condition with the mesh's trust domains written out."""
    if condition.key == p.PRINCIPAL:
        expanded = expand_principals
    elif condition.key == p.TRUST_DOMAIN:
        expanded = expand_trust_domains
    else:
        return condition
    return replace(
        condition,
        values=expanded(condition.values, trust_domains),
        not_values=expanded(condition.not_values, trust_domains),
    )


def rule_name(policy: p.AuthorizationPolicy, index: int) -> str:
    """Return the name that istiod gives a rule and that Envoy's logs show."""
    return f"ns[{policy.ref.namespace}]-policy[{policy.ref.name}]-rule[{index}]"


def _filters(
    policies: tuple[p.AuthorizationPolicy, ...], trust_domains: tuple[str, ...], *, for_tcp: bool
) -> list[Json]:
    made = []
    for action, head in ACTIONS:
        chosen = [policy for policy in policies if policy.action is action]
        if not chosen:
            continue
        enforced = [policy for policy in chosen if not policy.dry_run]
        shadow = [policy for policy in chosen if policy.dry_run]
        config: Json = {"@type": TCP_TYPE if for_tcp else HTTP_TYPE}
        if for_tcp:
            config["statPrefix"] = "tcp."
        if enforced:
            config["rules"] = head | _policies(enforced, trust_domains, for_tcp=for_tcp)
        if shadow:
            config["shadowRules"] = head | _policies(shadow, trust_domains, for_tcp=for_tcp)
        # istiod takes the prefix from the shadow rules' action, and no rules read as ALLOW.
        prefix = SHADOW_PREFIX.get(action if shadow else p.Action.ALLOW)
        if prefix:
            config["shadowRulesStatPrefix"] = prefix
        made.append({"name": TCP_FILTER if for_tcp else HTTP_FILTER, "typedConfig": config})
    return made


def _policies(policies: list[p.AuthorizationPolicy], trust_domains: tuple[str, ...], *, for_tcp: bool) -> Json:
    compiled: Json = {}
    for policy in policies:
        if not policy.rules:
            compiled[rule_name(policy, 0)] = NEVER
        for index, rule in enumerate(policy.rules):
            try:
                compiled[rule_name(policy, index)] = _rule(policy, rule, trust_domains, for_tcp=for_tcp)
            except _DroppedError:
                continue
    return {"policies": compiled} if compiled else {}


def _rule(policy: p.AuthorizationPolicy, rule: p.Rule, trust_domains: tuple[str, ...], *, for_tcp: bool) -> Json:
    def side(conditions: tuple[p.Condition, ...], words: tuple[str, str, str, str]) -> Json:
        both, any_of, none_of, items = words
        parts: list[Json] = []
        for condition in conditions:
            compiled = _matchers(expand(condition, trust_domains), policy, for_tcp=for_tcp)
            for matchers, negative in zip(compiled, (False, True), strict=True):
                if matchers:
                    # Attributes with one matcher for all their values are not wrapped.
                    part = matchers if isinstance(matchers, dict) else {any_of: {items: matchers}}
                    parts.append({none_of: part} if negative else part)
        return {both: {items: parts or [{"any": True}]}}

    return {
        "permissions": [side(each, ("andRules", "orRules", "notRule", "rules")) for each in rule.operations],
        "principals": [side(each, ("andIds", "orIds", "notId", "ids")) for each in rule.callers],
    }


def _matchers(condition: p.Condition, policy: p.AuthorizationPolicy, *, for_tcp: bool) -> tuple[Any, Any]:
    def compile_(values: tuple[str, ...]) -> Any:
        if for_tcp and is_http_only(condition.key) and values:
            return _drop(policy)
        try:
            whole = whole_matcher(condition.key, values) if values else None
        except ValueError:
            return _drop(policy)
        if whole is not None:
            return whole
        made = []
        for value in values:
            try:
                made.append(single_matcher(condition.key, value, policy.ref.namespace))
            except ValueError:
                _drop(policy)
        return made

    return compile_(condition.values), compile_(condition.not_values)


def _drop(policy: p.AuthorizationPolicy) -> list[Json]:
    # A part that can not be compiled makes an ALLOW rule smaller, a DENY or AUDIT rule wider.
    if policy.action is p.Action.ALLOW:
        raise _DroppedError
    return []
