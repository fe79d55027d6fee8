"""The whole way of a request: gateway, route, workload; and the ways that go round the gateway."""

from dataclasses import replace
from typing import Any

import pytest
from access_mesh import ISSUER, JWKS_URI, mesh

from generator.access import (
    Decision,
    Peer,
    Port,
    Protocol,
    Reason,
    Request,
    Settings,
    Token,
    Transport,
    Workload,
    decide,
    with_token,
)

GATEWAY = Workload(
    namespace="api",
    name="gateway",
    labels={"istio": "ingressgateway"},
    service_account="seldon-gateway",
    ports=(Port(number=443, target=8443), Port(number=80, target=8080)),
    address="10.0.0.1",
)


def predictor(team: str, model: str, name: str = "main") -> Workload:
    return Workload(
        namespace=team,
        name=f"{model}-{name}",
        labels={"seldon-deployment-id": model, "version": name},
        service_account=model,
        ports=(Port(number=8000), Port(number=5001, protocol="grpc")),
        services=(f"{model}-{name}.{team}.svc.cluster.local",),
    )


SERVERS = """
kind: Gateway
metadata: {name: seldon-gateway, namespace: api}
spec:
  selector: {istio: ingressgateway}
  servers:
    - port: {number: 443, name: https-a, protocol: HTTPS}
      hosts: [team-a/a.example.com]
      tls: {mode: SIMPLE, credentialName: a}
    - port: {number: 443, name: https-b, protocol: HTTPS}
      hosts: [team-b/b.example.com]
      tls: {mode: SIMPLE, credentialName: b}
---
"""


def seldon(team: str, model: str, host: str, *, route: str = "", more: str = "") -> str:
    """Return the VirtualService that operator 1.17.1 makes of a SeldonDeployment, and a DestinationRule."""
    service = f"{model}-main.{team}.svc.cluster.local"
    return f"""
kind: VirtualService
metadata: {{name: {model}, namespace: {team}}}
spec:
  hosts: [{host!r}]
  gateways: [api/seldon-gateway]
  {more}
  http:
    - match: [{{uri: {{prefix: /seldon/{team}/{model}/}}}}]
      rewrite: {{uri: /}}
      route:
        - destination: {{host: {service}, subset: main, port: {{number: 8000}}}}
        {route}
    - match:
        - uri: {{regex: ".*tensorflow.*|.*seldon.protos.*|.*inference.*"}}
          headers: {{seldon: {{exact: {model}}}, namespace: {{exact: {team}}}}}
      route: [{{destination: {{host: {service}, subset: main, port: {{number: 5001}}}}}}]
---
kind: DestinationRule
metadata: {{name: {model}-main, namespace: {team}}}
spec: {{host: {service}, subsets: [{{name: main, labels: {{version: main}}}}]}}
---
kind: PeerAuthentication
metadata: {{name: default, namespace: {team}}}
spec: {{mtls: {{mode: STRICT}}}}
---
"""


def tokens(namespace: str, *, forward: bool = False, audiences: tuple[str, ...] = ("fraud", "churn")) -> str:
    return f"""
kind: RequestAuthentication
metadata: {{name: tokens, namespace: {namespace}}}
spec:
  jwtRules:
    - issuer: {ISSUER}
      audiences: [{", ".join(audiences)}]
      jwksUri: {JWKS_URI}
      fromHeaders: [{{name: Authorization, prefix: "Bearer "}}]
      forwardOriginalToken: {str(forward).lower()}
---
"""


def admit(namespace: str, name: str, path: str, email: str = "alice@corp.example") -> str:
    """Return a policy in the two halves that a model has: through the gateway, and as this person."""
    return f"""
kind: AuthorizationPolicy
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  rules:
    - from:
        - source:
            requestPrincipals: ["{ISSUER}/*"]
            principals: [cluster.local/ns/api/sa/seldon-gateway]
      to: [{{operation: {{methods: [POST], paths: [{path}]}}}}]
      when: [{{key: "request.auth.claims[email]", values: [{email}]}}]
---
"""


TRUST_GATEWAY = """
kind: AuthorizationPolicy
metadata: {name: from-gateway, namespace: team-b}
spec: {rules: [{from: [{source: {principals: [cluster.local/ns/api/sa/seldon-gateway]}}]}]}
---
"""
SHORT = "/api/v1.0/predictions"
PREDICT = "/seldon.protos.Seldon/Predict"
FRAUD, CHURN = predictor("team-a", "fraud"), predictor("team-b", "churn")
A = SERVERS + tokens("api", forward=True) + tokens("team-a") + seldon("team-a", "fraud", "a.example.com")
ALICE = Token(claims={"iss": ISSUER, "sub": "1", "aud": "fraud", "email": "alice@corp.example"}, key=JWKS_URI)
INTERNET = Peer(transport=Transport.TLS, address="203.0.113.9")
CALL = Request(method="POST", path=f"/seldon/team-a/fraud{SHORT}", authority="a.example.com", port=443, peer=INTERNET)


def through(text: str, request: Request, *workloads: Workload, settings: Settings | None = None) -> Decision:
    found = mesh(text, GATEWAY, *(workloads or (FRAUD, CHURN)), settings=settings)
    return decide(found, request, "api/gateway")


def test_the_right_person_gets_through_the_gateway_to_the_model() -> None:
    decision = through(A + admit("team-a", "fraud", SHORT), with_token(CALL, ALICE))
    (trail,) = decision.trails
    assert (decision.allowed, decision.code) == (True, "200")
    assert [str(hop.workload) for hop in trail.hops] == ["api/gateway", "team-a/fraud-main"]
    arrived = trail.hops[1].request
    assert (arrived.path, arrived.port, arrived.authority) == (SHORT, 8000, "a.example.com")
    assert arrived.peer == Peer(
        transport=Transport.MTLS, principal="cluster.local/ns/api/sa/seldon-gateway", address="10.0.0.1"
    )
    assert str(trail.verdict.rule) == "AuthorizationPolicy team-a/fraud rule 0"


PEOPLE: dict[str, tuple[Request, str]] = {
    "nobody": (CALL, "403"),
    "garbage": (replace(CALL, headers=(("authorization", "Bearer x"),)), "401"),
    "another person": (with_token(CALL, replace(ALICE, claims=ALICE.claims | {"email": "bob"}, text="b.b.b")), "403"),
    "another audience": (with_token(CALL, replace(ALICE, claims=ALICE.claims | {"aud": "x"}, text="b.b.b")), "403"),
    "a longer path": (replace(with_token(CALL, ALICE), path=CALL.path + "/x"), "403"),
    "without the slash of the prefix": (replace(with_token(CALL, ALICE), path="/seldon/team-a/fraud"), "404"),
    "another host": (replace(with_token(CALL, ALICE), authority="c.example.com", sni="a.example.com"), "404"),
    "another tenant's host on this one's connection": (
        replace(with_token(CALL, ALICE), authority="b.example.com", sni="a.example.com"),
        "404",
    ),
    "a host with its port": (replace(with_token(CALL, ALICE), authority="a.example.com:443"), "200"),
    "a host in capitals": (replace(with_token(CALL, ALICE), authority="A.Example.com"), "200"),
    "a name that no server has": (replace(with_token(CALL, ALICE), sni="c.example.com"), "closed"),
    "plain HTTP": (replace(with_token(CALL, ALICE), peer=Peer()), "closed"),
    "a port without a server": (replace(with_token(CALL, ALICE), port=80), "closed"),
}


@pytest.mark.parametrize(("request_", "code"), PEOPLE.values(), ids=PEOPLE)
def test_what_everybody_else_gets(request_: Request, code: str) -> None:
    assert through(A + admit("team-a", "fraud", SHORT), request_).code == code


def test_a_gateway_that_keeps_the_token_leaves_the_model_without_one() -> None:
    text = A.replace("forwardOriginalToken: true", "forwardOriginalToken: false") + admit("team-a", "fraud", SHORT)
    decision = through(text, with_token(CALL, ALICE))
    assert decision.code == "403"
    assert all(name != "authorization" for name, _ in decision.trails[0].hops[1].request.headers)


def test_a_policy_of_the_model_with_the_gateways_path_admits_nobody() -> None:
    assert through(A + admit("team-a", "fraud", CALL.path), with_token(CALL, ALICE)).code == "403"


def test_a_policy_of_the_gateway_needs_the_long_path() -> None:
    for path, code in ((CALL.path, "200"), (SHORT, "403")):
        gate = admit("api", "gate", path).replace(
            "            principals: [cluster.local/ns/api/sa/seldon-gateway]\n", ""
        )
        assert through(A + gate + admit("team-a", "fraud", SHORT), with_token(CALL, ALICE)).code == code


def test_a_policy_beside_the_model_does_not_reach_the_gateway() -> None:
    text = A + admit("team-a", "gate", "/nowhere").replace(
        "rules:", "selector: {matchLabels: {istio: ingressgateway}}\n  rules:"
    )
    assert through(text, with_token(CALL, ALICE)).code == "200"


GRPC = with_token(
    Request(
        method="POST",
        path=PREDICT,
        authority="a.example.com",
        headers=(("seldon", "churn"), ("namespace", "team-b")),
        port=443,
        peer=INTERNET,
        protocol=Protocol.GRPC,
    ),
    ALICE,
)
SHARED = A.replace("team-a/a.example.com", "'*/a.example.com'") + seldon("team-b", "churn", "a.example.com")


def test_headers_of_the_client_lead_a_grpc_call_to_another_tenants_model_that_trusts_the_gateway() -> None:
    decision = through(SHARED + admit("team-a", "fraud", SHORT) + TRUST_GATEWAY, GRPC)
    assert decision.code == "OK"
    assert str(decision.trails[0].hops[1].workload) == "team-b/churn-main"


def test_a_model_with_its_own_policy_refuses_that_call() -> None:
    own = tokens("team-b", audiences=("churn",)) + admit("team-b", "churn", PREDICT)
    assert through(SHARED + admit("team-a", "fraud", SHORT) + own, GRPC).code == "PERMISSION_DENIED"


def test_a_host_for_every_tenant_leaves_that_call_without_a_route() -> None:
    text = A + seldon("team-b", "churn", "b.example.com") + TRUST_GATEWAY
    assert through(text, GRPC).code == "UNIMPLEMENTED"


def test_a_virtual_service_with_every_host_loses_to_the_closer_name() -> None:
    text = SHARED.replace("'*/a.example.com'", "'*/*'") + TRUST_GATEWAY
    everywhere = text.replace(
        "namespace: team-b}\nspec:\n  hosts: ['a.example.com']", "namespace: team-b}\nspec:\n  hosts: ['*']"
    )
    assert everywhere != text
    assert (through(text, GRPC).code, through(everywhere, GRPC).code) == ("OK", "UNIMPLEMENTED")


def test_a_model_is_not_reached_round_its_gateway() -> None:
    found = mesh(A + admit("team-a", "fraud", SHORT), GATEWAY, FRAUD)
    direct = with_token(Request(method="POST", path=SHORT, port=8000), ALICE)
    neighbour = Peer(transport=Transport.MTLS, principal="cluster.local/ns/team-b/sa/churn")
    codes = [
        decide(found, replace(direct, peer=each), "team-a/fraud-main").code
        for each in (neighbour, Peer(), replace(neighbour, transport=Transport.FOREIGN))
    ]
    assert codes == ["403", "closed", "closed"]
    assert decide(found, replace(direct, peer=neighbour), "fraud-main.team-a.svc.cluster.local").code == "403"


def test_a_workload_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match='no workload is called "team-a/x"'):
        decide(mesh(A, GATEWAY), CALL, "team-a/x")


CANARY = "- {destination: {host: fraud-canary.team-a.svc.cluster.local, port: {number: 8000}}, weight: 20}"


def test_a_canary_is_another_way_with_its_own_verdict() -> None:
    text = A.replace(
        "port: {number: 8000}}\n", "port: {number: 8000}}\n          weight: 80\n        " + CANARY + "\n", 1
    )
    only_main = admit("team-a", "fraud", SHORT).replace("rules:", "selector: {matchLabels: {version: main}}\n  rules:")
    shut = admit("team-a", "canary", "/none").replace("rules:", "selector: {matchLabels: {version: canary}}\n  rules:")
    decision = through(text + only_main + shut, with_token(CALL, ALICE), FRAUD, predictor("team-a", "fraud", "canary"))
    assert decision.codes == ("200", "403")
    assert decision.allowed


def test_a_shadow_gets_a_copy_whose_answer_nobody_sees() -> None:
    text = A.replace(
        "rewrite: {uri: /}", "rewrite: {uri: /}\n      mirror: {host: fraud-shadow, port: {number: 8000}}", 1
    )
    shadow = replace(predictor("team-a", "fraud", "shadow"), services=("fraud-shadow.team-a.svc.cluster.local",))
    decision = through(text + admit("team-a", "fraud", SHORT), with_token(CALL, ALICE), FRAUD, shadow)
    assert [(str(trail.hops[1].workload), trail.is_mirror) for trail in decision.trails] == [
        ("team-a/fraud-main", False),
        ("team-a/fraud-shadow", True),
    ]
    assert decision.codes == ("200",)


def test_a_destination_rule_that_turns_tls_off_meets_a_strict_workload() -> None:
    for mode in ("{}", "{mode: DISABLE}"):
        text = A.replace("subsets:", f"trafficPolicy: {{tls: {mode}}}, subsets:") + admit("team-a", "fraud", SHORT)
        assert through(text, with_token(CALL, ALICE)).code == "503"
    text = A.replace("subsets:", "trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}, subsets:") + admit(
        "team-a", "fraud", SHORT
    )
    assert through(text, with_token(CALL, ALICE)).code == "200"


REDIRECT = """
    - port: {number: 80, name: http, protocol: HTTP}
      hosts: [team-a/a.example.com]
      tls: {httpsRedirect: true}
---
"""


def test_the_redirect_to_https_comes_after_the_policies_of_the_gateway() -> None:
    text = A.replace("---\n", REDIRECT.lstrip("\n"), 1)
    plain = replace(CALL, port=80, peer=Peer(address="203.0.113.9"))
    assert through(text, plain).code == "301"
    closed = through(text + admit("api", "gate", "/none"), plain)
    assert (closed.code, closed.trails[0].verdict.reason) == ("403", Reason.NO_RULE)


@pytest.mark.parametrize(
    ("more", "code"),
    [("exportTo: ['.']", "404"), ("exportTo: ['*']", "200"), ("exportTo: [api]", "200"), ("exportTo: [team-b]", "404")],
)
def test_a_virtual_service_is_seen_where_it_is_exported_to(more: str, code: str) -> None:
    text = SERVERS + tokens("api", forward=True) + seldon("team-a", "fraud", "a.example.com", more=more)
    assert through(text, with_token(CALL, ALICE)).code == code


def test_a_virtual_service_of_another_namespace_can_not_take_a_tenants_host() -> None:
    stolen = seldon("team-b", "churn", "a.example.com").replace("/seldon/team-b/churn/", "/seldon/team-a/fraud/")
    text = SERVERS + tokens("api", forward=True) + stolen
    assert through(text, with_token(CALL, ALICE)).code == "404"


MATCHES: dict[str, tuple[str, Any, bool]] = {
    "an exact path": ("{uri: {exact: /x}}", {"path": "/x?q"}, True),
    "an exact path with more": ("{uri: {exact: /x}}", {"path": "/x/y"}, False),
    "any case": ("{uri: {prefix: /X}, ignoreUriCase: true}", {"path": "/x/y"}, True),
    "a regular expression takes the whole path": ("{uri: {regex: /x}}", {"path": "/x/y"}, False),
    "a method": ("{method: {exact: GET}}", {"method": "POST"}, False),
    "an authority": ("{authority: {prefix: a.}}", {}, True),
    "a header's presence": ("{headers: {x-a: {}}}", {"headers": (("X-A", "1"),)}, True),
    "a header that must not be there": ("{withoutHeaders: {x-a: {}}}", {"headers": (("X-A", "1"),)}, False),
    "another gateway": ("{gateways: [other]}", {}, False),
}


@pytest.mark.parametrize(("match", "fields", "leads"), MATCHES.values(), ids=MATCHES)
def test_what_a_route_matches(match: str, fields: dict[str, Any], *, leads: bool) -> None:
    text = (
        SERVERS
        + f"""
kind: VirtualService
metadata: {{name: v, namespace: team-a}}
spec:
  hosts: [a.example.com]
  gateways: [api/seldon-gateway]
  http: [{{match: [{match}], route: [{{destination: {{host: fraud-main, port: {{number: 8000}}}}}}]}}]
"""
    )
    assert through(text, replace(CALL, **fields)).allowed is leads


def test_a_route_for_everything_comes_last_whatever_its_place() -> None:
    text = (
        SERVERS
        + """
kind: VirtualService
metadata: {name: v, namespace: team-a}
spec:
  hosts: [a.example.com]
  gateways: [api/seldon-gateway]
  http:
    - route: [{destination: {host: fraud-main, port: {number: 8000}}}]
    - {match: [{uri: {exact: /x}}], route: [{destination: {host: nowhere, port: {number: 1}}}]}
"""
    )
    assert through(text, replace(CALL, path="/x")).code == "404"
    assert through(text, replace(CALL, path="/y")).code == "200"


def test_a_remote_address_reaches_the_model_by_the_gateways_word() -> None:
    rule = "spec: {rules: [{from: [{source: {remoteIpBlocks: [203.0.113.0/24]}}]}]}"
    text = A + f"kind: AuthorizationPolicy\nmetadata: {{name: ip, namespace: team-a}}\n{rule}\n"
    assert through(text, CALL).code == "200"
    spoofed = replace(CALL, peer=replace(INTERNET, address="8.8.8.8"), headers=(("x-forwarded-for", "203.0.113.9"),))
    assert through(text, spoofed).code == "403"
