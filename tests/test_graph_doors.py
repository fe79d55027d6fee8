"""Who reaches which door of a served model, decided over all that is rendered and all that the operator adds."""

from dataclasses import replace
from functools import cache

import graph_cases as cases
import pytest
from graphs import KEYS, NAME, TENANT, TENANT_SPEC, Made, Spec, allowed, documents, image, make, specs
from test_build_decisions import workload

from generator import build, pipeline, resolve
from generator.access.decide import decide
from generator.access.keys import keys_of
from generator.access.mesh import Mesh, Port, Settings, Workload
from generator.access.paths import PathNormalization
from generator.access.request import Peer, Protocol, Request, Token, Transport, with_token
from generator.access.world import read

NOW = 1_800_000_000
HOST = f"{TENANT}.dev.corp.example"
GATEWAY = "api/gateway"
INFER = "/inference.GRPCInferenceService/ModelInfer"
READY = "/inference.GRPCInferenceService/ModelReady"
DOOR = Request(method="POST", authority=HOST, peer=Peer(transport=Transport.TLS), port=443, sni=HOST, time=NOW)
GRPC: Spec = {
    "api": {"protocol": "v2"},
    "run": image(port=8080, grpcPort=8081),
    "access": [
        {"users": ["a@corp.example"]},
        {"users": ["b@corp.example"], "can": ["metadata"]},
        {"workloads": ["orders/checkout"]},
    ],
}
STOCK: Spec = {**GRPC, "run": {"server": "SKLEARN_SERVER", "modelUri": "s3://models/m"}}
LOGGED: Spec = {**GRPC, "log": {"mode": "all", "sink": "audit"}}
EXPLAINED: Spec = {
    **GRPC,
    "explainer": {"type": "ALE", "run": image()},
    "access": [{"users": ["a@corp.example"], "can": ["explain"]}, {"users": ["b@corp.example"]}],
}


def world(spec: Spec) -> Mesh:
    whole = pipeline.platform_of(specs(documents(spec)))
    place = resolve.place(whole, resolve.tenant({"metadata": {"name": TENANT}, "spec": TENANT_SPEC}, whole), "dev")
    made = make(spec)
    services = [one for one in made.objects if one["kind"] == "Service"]
    pods = [workload(one, services) for one in made.objects if one["kind"] == "Deployment"]
    gateway = Workload(
        namespace="api",
        name="gateway",
        labels={"istio": "ingressgateway"},
        service_account="gateway",
        ports=(Port(number=443),),
    )
    settings = Settings(path_normalization=PathNormalization.DECODE_AND_MERGE_SLASHES)
    rendered = [*build.settings(whole, whole.environment("dev"), [place]), *made.walls, *made.policies, *made.objects]
    return read(rendered, settings, [gateway, *pods])


@cache
def known(name: str) -> Mesh:
    return world({"grpc": GRPC, "stock": STOCK, "logged": LOGGED, "explained": EXPLAINED}[name])


def token(who: str) -> Token:
    key = keys_of(KEYS)[0]
    claims = {"iss": "https://idp.local/ml", "sub": "u", "aud": "ml", "email": f"{who}@corp.example", "exp": NOW + 300}
    return Token(claims=claims, key=key.name, kid="example-2026")


def grpc(path: str) -> Request:
    headers = (("seldon", NAME), ("namespace", TENANT))
    return replace(DOOR, path=path, headers=headers, protocol=Protocol.GRPC)


def rest(path: str, method: str = "POST") -> Request:
    return replace(DOOR, path=f"/seldon/{TENANT}/{path}", method=method)


def code(name: str, request: Request, who: str = "", to: str = GATEWAY) -> str:
    return decide(known(name), with_token(request, token(who)) if who else request, to).code


@pytest.mark.parametrize("name", ["grpc", "stock", "logged"])
def test_the_header_routed_door_asks_for_the_same_as_the_other_one(name: str) -> None:
    for request, good, bad in (
        (grpc(INFER), "OK", "PERMISSION_DENIED"),
        (rest(f"{NAME}/v2/models/{NAME}/infer"), "200", "403"),
    ):
        assert code(name, request, "a") == good
        assert code(name, request, "b") == bad
        assert code(name, request, "c") == bad
        assert code(name, request) == bad


@pytest.mark.parametrize("name", ["grpc", "stock"])
def test_a_description_by_grpc_is_granted_apart(name: str) -> None:
    assert code(name, grpc(READY), "b") == "OK"
    assert code(name, grpc(READY), "a") == "PERMISSION_DENIED"


def test_no_path_that_only_looks_like_grpc_gets_through_the_door_of_headers() -> None:
    for path in (
        f"{INFER}/",
        f"{INFER}x",
        f"/x{INFER}",
        "/inference",
        f"/v2/models/{NAME}/infer?inference",
        "/metrics",
    ):
        assert code("grpc", grpc(path), "a") in ("PERMISSION_DENIED", "UNIMPLEMENTED")


def test_a_workload_in_the_mesh_calls_the_port_that_it_was_granted_and_no_other() -> None:
    peer = Peer(transport=Transport.MTLS, principal="cluster.local/ns/orders/sa/checkout")
    pod = f"{TENANT}/{NAME}-main-0-{NAME}"
    inside = Request(method="POST", path=INFER, peer=peer, port=8081, protocol=Protocol.GRPC, time=NOW)
    assert code("grpc", inside, to=pod) == "OK"
    assert code("grpc", replace(inside, path=READY), to=pod) == "PERMISSION_DENIED"
    assert code("grpc", replace(inside, port=8080), to=pod) == "PERMISSION_DENIED"
    stranger = replace(peer, principal="cluster.local/ns/orders/sa/default")
    assert code("grpc", replace(inside, peer=stranger), to=pod) == "PERMISSION_DENIED"


def test_whoever_may_explain_may_not_predict_and_the_other_way_round() -> None:
    explain = rest(f"{NAME}-explainer/main/v2/models/{NAME}-main-explainer/infer")
    predict = rest(f"{NAME}/v2/models/{NAME}/infer")
    assert (code("explained", explain, "a"), code("explained", predict, "a")) == ("200", "403")
    assert (code("explained", explain, "b"), code("explained", predict, "b")) == ("403", "200")


def test_only_the_models_own_account_asks_the_predictor_without_a_token() -> None:
    pod = f"{TENANT}/{NAME}-main-0-{NAME}"
    own = Peer(transport=Transport.MTLS, principal=f"cluster.local/ns/{TENANT}/sa/{NAME}")
    asked = Request(method="POST", path=f"/v2/models/{NAME}/infer", peer=own, port=8080, time=NOW)
    assert code("explained", asked, to=pod) == "200"
    assert code("explained", replace(asked, path="/v2/repository/index"), to=pod) == "403"
    other = replace(own, principal=f"cluster.local/ns/{TENANT}/sa/other")
    assert code("explained", replace(asked, peer=other), to=pod) == "403"


# --- every path is one that somebody serves ---

# executor/api/rest/server.go (Initialise) and executor/api/grpc of Seldon Core 1.17.1.
EXECUTOR = {
    "seldon": (
        "/api/v0.1/predictions",
        "/api/v1.0/predictions",
        "/api/v0.1/feedback",
        "/api/v1.0/feedback",
        "/api/v1.0/metadata",
        "/prometheus",
        "/seldon.protos.Seldon/Predict",
        "/seldon.protos.Seldon/SendFeedback",
    ),
    "v2": ("/v2/models/*/infer", "/v2/models/infer", "/v2/models/*/ready", "/v2/models/*", "/prometheus", INFER),
    "tensorflow": (
        "/v1/models/*:predict",
        "/v1/models/:predict",
        "/v1/models:predict",
        "/v1/models/*",
        "/v1/models/*/metadata",
        "/api/v1.0/feedback",
        "/prometheus",
        "/tensorflow.serving.PredictionService/Predict",
    ),
}


@pytest.mark.parametrize("spec", cases.GOOD.values(), ids=cases.GOOD.keys())
def test_every_path_that_is_open_at_the_executor_is_one_that_it_serves(spec: Spec) -> None:
    made = make(spec)
    if not made.model.executor:
        return
    served = EXECUTOR[made.model.protocol.value]
    roots = {predictor.graph.name for predictor in made.model.predictors}
    for path in at(made, 8000, 5001):
        generic = [path, *(path.replace(f"/models/{root}", "/models/*", 1) for root in roots)]
        assert any(one in served for one in generic), path


def at(made: Made, *ports: int) -> list[str]:
    return [path for _, _, path, port in allowed(made.policy("AuthorizationPolicy")) if port in ports]
