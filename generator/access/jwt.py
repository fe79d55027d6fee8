"""Compile RequestAuthentications to the jwt_authn filter that istiod sends to Envoy.

Source: istio/istio 1.30.3, pilot/pkg/security/authn/policy_applier.go (convertToEnvoyJwtConfig) and
pilot/pkg/model/jwks_resolver.go.
"""

from collections.abc import Iterable
from typing import Any

from generator.access.authentication import JwtRule, RequestAuthentication

Json = dict[str, Any]
FILTER = "envoy.filters.http.jwt_authn"
TYPE = "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication"
# What stands for a key set that is not there, since Envoy takes no empty one: a key that nobody has, for it is
# the SHA-256 of "modelapi-gen: nobody's key". istiod does the same with a key it threw away.
NOBODY = '{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "qjpGn6_xLTSijCNCtoGTqBEcG209cK-Gra8NJ8Nxf1c"}]}'
ALWAYS_SPLIT = ("permission", "scope")  # claims that istiod always reads as space-delimited lists


def jwt_rules(policies: Iterable[RequestAuthentication]) -> tuple[JwtRule, ...]:
    """Return the token rules of all policies that select a workload, in istiod's order: by issuer."""
    return tuple(sorted((rule for policy in policies for rule in policy.rules), key=lambda rule: rule.issuer))


def jwt_filters(policies: Iterable[RequestAuthentication], *, gateway: bool, fetched: Json | None = None) -> list[Json]:
    """Return the filter for the policies of one workload: one entry, or none without a token rule.

    `fetched` maps a jwksUri to the key set text that istiod would have read there; without it such a
    rule gets a key that nobody has, and no token verifies (istiod's own answer to a failed fetch).
    """
    rules = jwt_rules(policies)
    if not rules:
        return []
    names = [f"origins-{index}" for index in range(len(rules))]
    provided: list[Json] = [{"providerName": name} for name in names]
    optional: list[Json] = [{"requiresAny": {"requirements": [each, {"allowMissing": {}}]}} for each in provided]
    if len(rules) == 1:
        requires = optional[0]
    else:
        # Any valid token will do, or each issuer's own location is empty or valid.
        requires = {"requiresAny": {"requirements": [*provided, {"requiresAll": {"requirements": optional}}]}}
    config = {
        "@type": TYPE,
        "providers": {
            name: _provider(rule, gateway=gateway, fetched=fetched or {})
            for name, rule in zip(names, rules, strict=True)
        },
        "rules": [{"match": {"prefix": "/"}, "requires": requires}],
        "bypassCorsPreflight": True,
    }
    return [{"name": FILTER, "typedConfig": config}]


def _provider(rule: JwtRule, *, gateway: bool, fetched: Json) -> Json:
    keys = rule.jwks or fetched.get(rule.jwks_uri) or NOBODY
    fields: Json = {
        "issuer": rule.issuer,
        "audiences": list(rule.audiences),
        "forward": rule.forward,
        "forwardPayloadHeader": rule.payload_header,
        "fromHeaders": [_from_header(name, prefix) for name, prefix in rule.from_headers],
        "fromParams": list(rule.from_params),
        "fromCookies": list(rule.from_cookies),
        "claimToHeaders": [{"headerName": header, "claimName": claim} for header, claim in rule.claim_headers],
        "clearRouteCache": gateway,
    }
    return {name: value for name, value in fields.items() if value} | {
        "localJwks": {"inlineString": keys},
        "payloadInMetadata": "payload",
        "normalizePayloadInMetadata": {"spaceDelimitedClaims": sorted({*rule.space_delimited, *ALWAYS_SPLIT})},
    }


def _from_header(name: str, prefix: str) -> Json:
    return {"name": name, "valuePrefix": prefix} if prefix else {"name": name}
