"""Who gets in, asked of the evaluator with everything that is rendered and everything that the operator adds to it."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import pytest
from build_fixtures import JWKS
from build_rendered import everything, models, of

from generator.access.decide import decide
from generator.access.keys import keys_of
from generator.access.mesh import Mesh, Port, Settings, Workload
from generator.access.paths import PathNormalization
from generator.access.request import Peer, Protocol, Request, Token, Transport, with_token
from generator.access.world import read
from generator.build import detector, seldon
from generator.seldon.operator import expand
from generator.tenancy import Object

NOW = 1_800_000_000
CORP = "https://idp.local/auth/realms/ML"
PARTNER_ISSUER = "https://partner.example/"
GATEWAY = "api/seldon-gateway"
IRIS = Request(
    method="POST",
    path="/seldon/example-model/iris/predict",
    authority="example-model.ml.corp.example",
    peer=Peer(transport=Transport.TLS),
    port=443,
    sni="example-model.ml.corp.example",
    time=NOW,
)
ALICE = {"iss": CORP, "sub": "u-1", "aud": "ml", "email": "alice@corp.example", "exp": NOW + 300}


def token(**claims: object) -> Token:
    """Return a good token of Alice's with some claims changed; None takes one out."""
    both = {**ALICE, **claims}
    return Token(claims={k: v for k, v in both.items() if v is not None}, key=keys_of(JWKS)[0].name, kid="corp-1")


@cache
def world() -> Mesh:
    made = [obj for model in models() for obj in (*expand(seldon.build(model)[0]), *detector.build(model))]
    gateway = Workload(
        namespace="api",
        name="seldon-gateway",
        labels={"istio": "ingressgateway"},
        service_account="seldon-gateway",
        ports=(Port(number=443),),
    )
    workloads = [workload(obj, of("Service", made)) for obj in of("Deployment", made)]
    settings = Settings(path_normalization=PathNormalization.DECODE_AND_MERGE_SLASHES)
    return read([*everything(), *made], settings, [gateway, *workloads])


def workload(deployment: Object, services: list[Object]) -> Workload:
    pod, metadata = deployment["spec"]["template"], deployment["metadata"]
    labels: Mapping[str, str] = pod["metadata"]["labels"]
    behind = [
        s
        for s in services
        if s["metadata"]["namespace"] == metadata["namespace"] and s["spec"]["selector"].items() <= labels.items()
    ]
    ports = {p["port"]: p for s in behind for p in s["spec"]["ports"]}
    return Workload(
        namespace=metadata["namespace"],
        name=metadata["name"],
        labels=labels,
        service_account=pod["spec"]["serviceAccountName"],
        ports=tuple(Port(number=n, protocol=p["name"], target=target(p)) for n, p in sorted(ports.items())),
        services=tuple(f"{s['metadata']['name']}.{s['metadata']['namespace']}.svc.cluster.local" for s in behind),
    )


def target(port: Object) -> int:
    """Return the number of a Service port's target; ours that have a name have the same number."""
    found = port["targetPort"]
    return int(found) if isinstance(found, int) else int(port["port"])


def code(request: Request, to: str = GATEWAY) -> str:
    return decide(world(), request, to).code


def asked(request: Request, given: Token | None = None) -> str:
    return code(with_token(request, given) if given else request)


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        (None, "403"),
        (token(), "200"),
        (token(email="Alice@corp.example"), "403"),
        (token(email="bob@corp.example"), "403"),
        (token(email=None), "403"),
        (token(sub=None), "403"),
        (token(aud="other"), "403"),
        (token(aud="fraud"), "403"),
        (token(aud=None), "403"),
        (token(exp=NOW - 300), "401"),
        (token(iss="https://elsewhere.example"), "401"),
        (token(iss=PARTNER_ISSUER, aud="partner-ml"), "401"),
        (replace(token(iss=PARTNER_ISSUER, aud="partner-ml"), key="https://partner.example/keys", kid="p"), "401"),
        (replace(token(), key=""), "401"),
        (Token(claims={}, text="garbage"), "401"),
    ],
    ids=[
        "none",
        "alice",
        "another spelling",
        "another user",
        "no e-mail",
        "no subject",
        "unknown audience",
        "another model's audience",
        "no audience",
        "expired",
        "unknown issuer",
        "another issuer's token with the wrong key",
        "another issuer's token for the same e-mail",
        "forged",
        "garbage",
    ],
)
def test_a_token_opens_a_model_only_as_granted(given: Token | None, answer: str) -> None:
    assert asked(IRIS, given) == answer


@pytest.mark.parametrize(
    ("changed", "answer"),
    [
        ({"method": "GET"}, "403"),
        ({"path": "/seldon/example-model/iris/metrics"}, "403"),
        ({"path": "/seldon/example-model/iris/"}, "403"),
        ({"path": "/seldon/example-model/dark/predict"}, "403"),
        ({"path": "/seldon/example-model/partner/predict"}, "401"),
        ({"path": "/elsewhere"}, "404"),
        ({"authority": "example-model.ml.corp.example:443"}, "200"),
        ({"authority": "payments.ml.corp.example"}, "404"),
        ({"authority": "unknown.example"}, "403"),
        ({"path": "/seldon/example-model//iris/predict"}, "200"),
        ({"path": "/seldon/example-model/iris/predict?access_token=x"}, "200"),
    ],
    ids=str,
)
def test_a_good_token_opens_what_was_granted_and_nothing_beside_it(changed: Mapping[str, str], answer: str) -> None:
    assert asked(replace(IRIS, **changed), token()) == answer  # type: ignore[arg-type]  # text fields only


FRAUD = replace(
    IRIS,
    path="/seldon/payments/fraud/v2/models/fraud/infer",
    authority="payments.ml.corp.example",
    sni="payments.ml.corp.example",
)
EXPLAIN = replace(FRAUD, path="/seldon/payments/fraud-explainer/main/v2/models/fraud/infer")
ANALYST = token(aud="fraud", email="eve@corp.example", groups=["staff", "fraud-analysts"])
CHECKOUT = token(aud="fraud", email=None, azp="checkout")


@pytest.mark.parametrize(
    ("request_", "given", "answer"),
    [
        (FRAUD, ANALYST, "200"),
        (FRAUD, CHECKOUT, "200"),
        (FRAUD, token(aud="fraud"), "403"),
        (FRAUD, token(aud="fraud", groups="staff,fraud-analysts"), "403"),
        (EXPLAIN, ANALYST, "200"),
        (EXPLAIN, CHECKOUT, "403"),
    ],
    ids=["group", "client", "nobody", "a list written as text", "explain for the group", "explain for the client"],
)
def test_groups_and_clients_may_do_what_they_are_granted(request_: Request, given: Token, answer: str) -> None:
    assert asked(request_, given) == answer


def test_an_issuer_that_ends_in_a_slash_and_nested_claims_open_their_model() -> None:
    request = replace(IRIS, path="/seldon/example-model/partner/predict")
    claims = {"iss": PARTNER_ISSUER, "sub": "p-1", "aud": "partner-ml", "realm_access": {"roles": ["analysts"]}}
    good = Token(claims=claims, key="https://partner.example/keys")
    assert asked(request, good) == "200"
    assert asked(request) == "403"
    assert asked(request, token()) == "401"


def grpc(namespace: str, model: str, path: str) -> Request:
    headers = (("seldon", model), ("namespace", namespace))
    return replace(FRAUD, path=path, headers=headers, protocol=Protocol.GRPC)


def test_grpc_goes_by_headers_and_a_token_opens_its_own_model_only() -> None:
    infer = "/inference.GRPCInferenceService/ModelInfer"
    assert asked(grpc("payments", "fraud", infer), ANALYST) == "OK"
    assert asked(grpc("payments", "fraud", infer)) == "PERMISSION_DENIED"
    assert asked(grpc("payments", "fraud", infer), token(aud="fraud")) == "PERMISSION_DENIED"
    ready = "/inference.GRPCInferenceService/ModelReady"
    assert asked(grpc("payments", "fraud", ready), ANALYST) == "PERMISSION_DENIED"
    assert asked(grpc("growth", "churn", infer), ANALYST) == "UNIMPLEMENTED"


def from_pod(principal: str, path: str, port: int, method: str = "POST") -> Request:
    peer = Peer(transport=Transport.MTLS, principal=f"cluster.local/{principal}") if principal else Peer()
    return Request(method=method, path=path, peer=peer, port=port, time=NOW)


FRAUD_POD = "payments/fraud-main-0-fraud"
CHURN_POD = "growth/churn-main-3-gbm"
DRIFT_POD = "growth/detector-churn-drift"
ORDERS, OWN, SCRAPER = "ns/orders/sa/checkout", "ns/payments/sa/fraud", "ns/monitoring/sa/prometheus"


@pytest.mark.parametrize(
    ("to", "request_", "answer"),
    [
        (FRAUD_POD, from_pod(ORDERS, "/v2/models/fraud/infer", 8000), "200"),
        (FRAUD_POD, from_pod(ORDERS, "/v2/models/fraud/infer", 3000), "403"),
        (FRAUD_POD, from_pod("ns/orders/sa/default", "/v2/models/fraud/infer", 8000), "403"),
        (FRAUD_POD, from_pod("ns/api/sa/seldon-gateway", "/v2/models/fraud/infer", 8000), "403"),
        (FRAUD_POD, from_pod(OWN, "/v2/models/fraud/infer", 8000), "200"),
        (FRAUD_POD, from_pod(OWN, "/v2/models/fraud/infer", 3000), "403"),
        (FRAUD_POD, from_pod(SCRAPER, "/prometheus", 8000, "GET"), "200"),
        (FRAUD_POD, from_pod(SCRAPER, "/metrics", 3000, "GET"), "200"),
        (FRAUD_POD, from_pod(SCRAPER, "/metrics", 3000), "403"),
        (FRAUD_POD, from_pod(SCRAPER, "/v2/models/fraud/infer", 8000), "403"),
        (FRAUD_POD, from_pod("ns/growth/sa/churn", "/prometheus", 8000, "GET"), "403"),
        (FRAUD_POD, from_pod("", "/v2/models/fraud/infer", 8000), "closed"),
        (CHURN_POD, from_pod("ns/growth/sa/churn", "/predict", 9000), "200"),
        (CHURN_POD, from_pod("ns/growth/sa/default", "/predict", 9000), "403"),
        (CHURN_POD, from_pod("ns/growth/sa/churn", "/aggregate", 9000), "403"),
        (DRIFT_POD, from_pod("ns/audit/sa/payload-log", "/", 9000), "200"),
        (DRIFT_POD, from_pod("ns/audit/sa/payload-log", "/", 9000, "GET"), "403"),
        (DRIFT_POD, from_pod("ns/growth/sa/churn", "/", 9000), "403"),
    ],
)
def test_inside_the_mesh_a_pod_is_reached_by_those_who_are_named(to: str, request_: Request, answer: str) -> None:
    assert code(request_, to) == answer


def test_another_tenants_pod_with_the_right_users_token_is_refused() -> None:
    stolen = with_token(from_pod("ns/growth/sa/churn", "/predict", 3000), token())
    assert code(stolen, "example-model/iris-main-0-iris") == "403"
