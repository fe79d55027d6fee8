"""What the evaluator refuses to judge: every finding names the object, the field and one action."""

import pytest
from access_mesh import AUTHENTICATION, ISSUER, guarded, objects, policy

from generator.access import Ref, Settings, Unsupported, UnsupportedError, Workload, read
from generator.access.keys import keys_of

POLICY = "kind: AuthorizationPolicy\nmetadata: {{name: p, namespace: a}}\nspec: {}\n"
TOKENS = "kind: RequestAuthentication\nmetadata: {{name: p, namespace: a}}\nspec: {{jwtRules: [{}]}}\n"
PEERS = "kind: PeerAuthentication\nmetadata: {{name: p, namespace: a}}\nspec: {}\n"
SERVICE = "kind: VirtualService\nmetadata: {{name: p, namespace: a}}\nspec: {}\n"
GATEWAY = "kind: Gateway\nmetadata: {{name: p, namespace: a}}\nspec: {}\n"
RULE = "kind: DestinationRule\nmetadata: {{name: p, namespace: a}}\nspec: {}\n"
SIDECAR = "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {{name: p, namespace: a}}\nspec: {}\n"
FINDINGS = {
    "a field that Istio does not have": (
        POLICY.format("{selectors: {}}"),
        (
            "AuthorizationPolicy a/p: spec.selectors is not a field that gen knows "
            "here\n  take it out, or mend its spelling"
        ),
    ),
    "a field of a rule": (
        POLICY.format("{rules: [{from: [{source: {requestPrincipal: [x]}}]}]}"),
        (
            "AuthorizationPolicy a/p: spec.rules[0].from[0].source.requestPrincipal is not a field that gen knows "
            "here\n  take it out, or mend its spelling"
        ),
    ),
    "a target reference": (
        POLICY.format("{targetRefs: [{kind: Gateway, name: g}]}"),
        (
            "AuthorizationPolicy a/p: spec.targetRefs attaches the policy to a Gateway API object or a waypoint; "
            "for other workloads Istio ignores it\n  use spec.selector"
        ),
    ),
    "an unknown action": (
        POLICY.format("{action: Allow}"),
        "AuthorizationPolicy a/p: spec.action is not an action of Istio\n  use one of: ALLOW, AUDIT, CUSTOM, DENY",
    ),
    "an unknown attribute": (
        POLICY.format("{rules: [{when: [{key: request.claims, values: [x]}]}]}"),
        (
            'AuthorizationPolicy a/p: spec.rules[0].when[0].key is "request.claims", which Istio does not know: '
            "it drops the rule\n  mend the key's spelling"
        ),
    ),
    "a claim without brackets": (
        POLICY.format("{rules: [{when: [{key: request.auth.claims, values: [x]}]}]}"),
        (
            "AuthorizationPolicy a/p: spec.rules[0] request.auth.claims has no name in brackets, and Istio refuses "
            "that\n  write it like request.auth.claims[email]"
        ),
    ),
    "a header of the proxy": (
        POLICY.format('{rules: [{when: [{key: "request.headers[X-Forwarded-For]", values: [x]}]}]}'),
        (
            "AuthorizationPolicy a/p: spec.rules[0] request.headers[X-Forwarded-For] reads a header that Envoy writes "
            "by itself, which gen does not judge\n  take it out"
        ),
    ),
    "another filter's metadata": (
        POLICY.format('{rules: [{when: [{key: "experimental.envoy.filters.a[b]", values: [x]}]}]}'),
        (
            "AuthorizationPolicy a/p: spec.rules[0] experimental.envoy.filters.a[b] reads metadata of another filter, "
            "which gen does not judge\n  take it out"
        ),
    ),
    "an empty value": (
        POLICY.format('{rules: [{to: [{operation: {paths: [""]}}]}]}'),
        "AuthorizationPolicy a/p: spec.rules[0] path-matcher has an empty value, and Istio refuses that\n  take it out",
    ),
    "a port that is none": (
        POLICY.format('{rules: [{to: [{operation: {ports: ["http"]}}]}]}'),
        (
            'AuthorizationPolicy a/p: spec.rules[0] destination.port has the value "http", and Istio refuses that\n'
            "  mend it"
        ),
    ),
    "a port that is a number": (
        POLICY.format("{rules: [{to: [{operation: {ports: [8000]}}]}]}"),
        (
            "AuthorizationPolicy a/p: spec.rules[0].to[0].operation.ports[0] is not text\n"
            '  write it in quotes, like "8000"'
        ),
    ),
    "an address that is none": (
        POLICY.format("{rules: [{from: [{source: {ipBlocks: [10.0.0.0/99]}}]}]}"),
        (
            'AuthorizationPolicy a/p: spec.rules[0] source.ip has the value "10.0.0.0/99", and Istio refuses that\n'
            "  mend it"
        ),
    ),
    "a template with something behind the rest": (
        POLICY.format('{rules: [{to: [{operation: {paths: ["/{**}/{*}"]}}]}]}'),
        (
            'AuthorizationPolicy a/p: spec.rules[0] path-matcher has the value "/{**}/{*}", and Istio refuses that\n'
            "  mend it"
        ),
    ),
    "a service account with a star": (
        POLICY.format('{rules: [{from: [{source: {serviceAccounts: ["a/*"]}}]}]}'),
        (
            'AuthorizationPolicy a/p: spec.rules[0] source.serviceAccount has the value "a/*", and Istio refuses that\n'
            "  mend it"
        ),
    ),
    "an authorizer without an answer": (
        POLICY.format("{action: CUSTOM, provider: {name: opa}, rules: [{}]}"),
        (
            'AuthorizationPolicy a/p: spec.provider.name is "opa", an authorizer whose answer gen does not know\n'
            "  say its answer, or take the policy out"
        ),
    ),
    "an empty entry": (
        POLICY.format("{rules: [null]}"),
        "AuthorizationPolicy a/p: spec.rules[0] is not a mapping\n  write its fields under it",
    ),
    "a dry run that is no bool": (
        POLICY.format("{rules: [{}]}").replace(
            "namespace: a", 'namespace: a, annotations: {"istio.io/dry-run": "yes"}'
        ),
        (
            "AuthorizationPolicy a/p: metadata.annotations[istio.io/dry-run] is not true or false\n"
            '  write "true" or "false"'
        ),
    ),
    "keys that are none": (
        TOKENS.format("{issuer: i, jwks: '{}'}"),
        (
            "RequestAuthentication a/p: spec.jwtRules[0].jwks is not a JSON Web Key Set\n"
            '  write it as {"keys": [...]}, with public keys only'
        ),
    ),
    "keys twice": (
        TOKENS.format("""{issuer: i, jwksUri: u, jwks: '{"keys": []}'}"""),
        "RequestAuthentication a/p: spec.jwtRules[0] has both jwks and jwksUri, and Istio refuses that\n  keep one",
    ),
    "no issuer": (
        TOKENS.format("""{jwks: '{"keys": []}'}"""),
        "RequestAuthentication a/p: spec.jwtRules[0].issuer is missing, and Istio refuses that\n  name the issuer",
    ),
    "a field of the next release": (
        TOKENS.format("{issuer: i, presence: REQUIRED}"),
        (
            "RequestAuthentication a/p: spec.jwtRules[0].presence is not a field that gen knows "
            "here\n  take it out, or mend its spelling"
        ),
    ),
    "an unknown mode": (
        PEERS.format("{mtls: {mode: strict}}"),
        (
            "PeerAuthentication a/p: spec.mtls.mode is not a mode of Istio\n"
            "  use one of: DISABLE, PERMISSIVE, STRICT, UNSET"
        ),
    ),
    "ports without a selector": (
        PEERS.format("{portLevelMtls: {80: {mode: STRICT}}}"),
        (
            "PeerAuthentication a/p: spec.portLevelMtls stands without a selector, and Istio refuses that\n"
            "  add spec.selector"
        ),
    ),
    "two modes for one namespace": (
        PEERS.format("{}") + "---\n" + PEERS.format("{}").replace("name: p", "name: q"),
        (
            "PeerAuthentication a/q: spec.selector covers the same workloads as PeerAuthentication a/p, "
            "and Istio takes the oldest\n  keep one of them"
        ),
    ),
    "a redirect": (
        SERVICE.format("{hosts: [h], http: [{redirect: {uri: /x}}]}"),
        "VirtualService a/p: spec.http[0].redirect is not judged by gen\n  take it out",
    ),
    "a header that a route sets": (
        SERVICE.format("{hosts: [h], http: [{headers: {request: {set: {authorization: x}}}}]}"),
        "VirtualService a/p: spec.http[0].headers is not judged by gen\n  take it out",
    ),
    "a route by claim": (
        SERVICE.format('{hosts: [h], http: [{match: [{headers: {"@request.auth.claims.x": {exact: y}}}]}]}'),
        (
            "VirtualService a/p: spec.http[0].match[0].headers.@request.auth.claims.x routes by a token's claim, "
            "which gen does not judge\n  match by uri"
        ),
    ),
    "a gateway that passes TLS on": (
        GATEWAY.format("{servers: [{port: {number: 443, protocol: HTTPS}, hosts: [h], tls: {mode: PASSTHROUGH}}]}"),
        'Gateway a/p: spec.servers[0].tls.mode is "PASSTHROUGH", which gen does not judge\n  use SIMPLE',
    ),
    "TLS of another kind between workloads": (
        RULE.format("{host: h.x, trafficPolicy: {tls: {mode: SIMPLE}}}"),
        (
            'DestinationRule a/p: spec.trafficPolicy.tls.mode is "SIMPLE", which gen does not judge between workloads\n'
            "  use ISTIO_MUTUAL"
        ),
    ),
    "an EnvoyFilter": (
        SIDECAR.format("{}").replace("Sidecar", "EnvoyFilter"),
        "EnvoyFilter a/p: spec may change who gets in, and gen does not judge it\n  take it out",
    ),
    "a route of the Gateway API": (
        SIDECAR.format("{}")
        .replace("Sidecar", "HTTPRoute")
        .replace("networking.istio.io", "gateway.networking.k8s.io"),
        "HTTPRoute a/p: spec may change who gets in, and gen does not judge it\n  take it out",
    ),
    "a Sidecar that opens ports": (
        SIDECAR.format("{ingress: [{port: {number: 1}}]}"),
        "Sidecar a/p: spec.ingress may change who gets in, and gen does not judge it\n  take it out",
    ),
}


@pytest.mark.parametrize(("text", "message"), FINDINGS.values(), ids=FINDINGS)
def test_what_is_not_covered_is_refused(text: str, message: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        read(objects(text))
    assert str(caught.value) == message


def test_all_findings_come_at_once_and_sorted() -> None:
    text = PEERS.format("{x: 1}") + "---\n" + POLICY.format("{z: 1, y: 1}")
    with pytest.raises(UnsupportedError) as caught:
        read(objects(text))
    assert [(each.ref.kind, each.field) for each in caught.value.findings] == [
        ("AuthorizationPolicy", "spec.y"),
        ("AuthorizationPolicy", "spec.z"),
        ("PeerAuthentication", "spec.x"),
    ]
    assert caught.value.findings[0] == Unsupported(
        Ref("AuthorizationPolicy", "a", "p"),
        "spec.y",
        "is not a field that gen knows here",
        "take it out, or mend its spelling",
    )


@pytest.mark.parametrize(
    "text",
    [
        SIDECAR.format("{egress: [{hosts: [./*]}]}"),
        SIDECAR.format("{hosts: [x]}").replace("Sidecar", "ServiceEntry"),
        "apiVersion: telemetry.istio.io/v1\nkind: Telemetry\nmetadata: {name: t}\nspec: {}\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {}\n",
        SERVICE.format("{hosts: [h], http: [{timeout: 5s, retries: {attempts: 2}, name: n, route: []}]}"),
        RULE.format("{host: h.x, trafficPolicy: {connectionPool: {http: {idleTimeout: 60s}}}}"),
    ],
)
def test_what_has_no_say_in_access_is_passed_over(text: str) -> None:
    read(objects(text))


def test_the_answer_of_an_authorizer_makes_its_policies_judgeable() -> None:
    text = policy([{}], action="CUSTOM", provider={"name": "opa"})
    assert guarded(text, settings=Settings(authorizers=(("opa", True),))).policies


def test_a_token_rule_knows_its_keys_by_their_thumbprints() -> None:
    # The key and its thumbprint are the example of RFC 7638 §3.1.
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-"
        "5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-"
        "bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    (key,) = keys_of(f'{{"keys": [{{"kty": "RSA", "n": "{n}", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}}]}}')
    assert key.name == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert (key.kid, key.alg, key.kty) == ("2011-04-29", "RS256", "RSA")


def test_a_rule_without_keys_names_the_place_where_istiod_finds_them() -> None:
    text = AUTHENTICATION.replace("      jwksUri: https://idp.example.com/keys\n", "")
    (rule,) = guarded(text).token_rules
    assert [key.name for key in rule.keys] == [f"{ISSUER}/.well-known/openid-configuration"]


def test_an_object_without_a_namespace_lies_in_default() -> None:
    text = "kind: AuthorizationPolicy\nmetadata: {name: p}\nspec: {}\n"
    assert guarded(text, Workload(namespace="default", name="x")).policies[0].ref.namespace == "default"
