"""The jwt_authn filter that istiod makes of token rules."""

from access_mesh import guarded

from generator.access.jwt import NOBODY, jwt_filters

RULES = """
kind: RequestAuthentication
metadata: {name: second, namespace: istio-system}
spec:
  jwtRules:
    - issuer: https://b
      jwks: '{"keys": []}'
      audiences: [x]
      forwardOriginalToken: true
      fromHeaders: [{name: Authorization, prefix: "Bearer "}, {name: X-Token}]
      fromParams: [t]
      fromCookies: [c]
      outputPayloadToHeader: x-payload
      outputClaimToHeaders: [{header: x-sub, claim: sub}]
      spaceDelimitedClaims: [roles]
---
kind: RequestAuthentication
metadata: {name: first, namespace: team-a}
spec: {jwtRules: [{issuer: https://a, jwksUri: https://a/keys}]}
"""
NORMAL = {"spaceDelimitedClaims": ["permission", "scope"]}


def test_rules_of_all_policies_are_one_filter_sorted_by_issuer() -> None:
    (made,) = jwt_filters(guarded(RULES).authentications, gateway=False, fetched={"https://a/keys": "the keys"})
    config = made["typedConfig"]
    assert config["providers"] == {
        "origins-0": {
            "issuer": "https://a",
            "localJwks": {"inlineString": "the keys"},
            "payloadInMetadata": "payload",
            "normalizePayloadInMetadata": NORMAL,
        },
        "origins-1": {
            "issuer": "https://b",
            "audiences": ["x"],
            "forward": True,
            "forwardPayloadHeader": "x-payload",
            "fromHeaders": [{"name": "Authorization", "valuePrefix": "Bearer "}, {"name": "X-Token"}],
            "fromParams": ["t"],
            "fromCookies": ["c"],
            "claimToHeaders": [{"headerName": "x-sub", "claimName": "sub"}],
            "localJwks": {"inlineString": '{"keys": []}'},
            "payloadInMetadata": "payload",
            "normalizePayloadInMetadata": {"spaceDelimitedClaims": ["permission", "roles", "scope"]},
        },
    }
    first, second = {"providerName": "origins-0"}, {"providerName": "origins-1"}
    every = [{"requiresAny": {"requirements": [each, {"allowMissing": {}}]}} for each in (first, second)]
    assert config["rules"] == [
        {
            "match": {"prefix": "/"},
            "requires": {"requiresAny": {"requirements": [first, second, {"requiresAll": {"requirements": every}}]}},
        }
    ]
    assert config["bypassCorsPreflight"] is True


def test_one_rule_is_asked_for_or_a_missing_token() -> None:
    (made,) = jwt_filters(guarded(RULES.rpartition("---")[2]).authentications, gateway=True)
    config = made["typedConfig"]
    assert config["rules"][0]["requires"] == {
        "requiresAny": {"requirements": [{"providerName": "origins-0"}, {"allowMissing": {}}]}
    }
    assert config["providers"]["origins-0"]["clearRouteCache"] is True
    assert config["providers"]["origins-0"]["localJwks"] == {"inlineString": NOBODY}


def test_without_rules_there_is_no_filter() -> None:
    assert jwt_filters((), gateway=True) == []
