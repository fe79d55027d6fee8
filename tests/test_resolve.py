"""What specs mean: every default, every patch, every name that follows from them."""

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator import resolve
from generator.document import Document
from generator.load import load
from generator.model import (
    Grants,
    Model,
    NodeType,
    Operation,
    Predictor,
    Protocol,
    Run,
    Runtime,
    Scale,
    Secret,
    Source,
    Toleration,
    Volume,
)
from generator.model import Node as GraphNode
from generator.patch import merge
from generator.rules.access import OPERATIONS
from generator.tenancy import Account, Broker, Egress, Environment, Issuer, Kafka, Platform, Sink, Tracing

ROOT = Path(__file__).parent.parent
Spec = dict[str, Any]
OCI = f"registry.local/t/bentos/m@sha256:{'a' * 64}"
BENTO: Spec = {"bento": "m:1.0", "source": {"oci": OCI}}
IMAGE: Spec = {"image": f"registry.local/t/m@sha256:{'b' * 64}"}
NOTHING = Runtime(
    cpu="500m",
    memory="512Mi",
    gpu=0,
    timeout_s=60,
    workers=1,
    startup_s=300,
    env=(),
    secrets=(),
    volumes=(),
    node_selector=(),
    tolerations=(),
)


def example(path: str) -> Spec:
    document = load((ROOT / path).read_bytes(), path)
    assert isinstance(document, Document)
    return document.data


def named(spec: Spec, name: str = "m") -> Spec:
    return {"apiVersion": "modelapi/v1", "kind": "Any", "metadata": {"name": name}, "spec": spec}


PLATFORM = resolve.platform(example("platform.yaml"), {"keys/corp.json": '{"keys":[]}'})


def platform(**changes: Any) -> Platform:
    return resolve.platform(named({**example("platform.yaml")["spec"], **changes}), {"keys/corp.json": "{}"})


def model(spec: Spec, env: str = "dev", tenant: Spec | None = None, on: Platform = PLATFORM) -> Model:
    owner = resolve.tenant(named({"contact": "a@b.c", "environments": ["dev", "prod"], **(tenant or {})}, "t"), on)
    return resolve.model(named(spec), resolve.place(on, owner, env))


def only(found: Model) -> Predictor:
    assert len(found.predictors) == 1
    return found.predictors[0]


def root_run(found: Model) -> Run:
    run = only(found).graph.run
    assert run is not None
    return run


def of_example(tenant: str, name: str, env: str) -> Model:
    owner = resolve.tenant(example(f"tenants/{tenant}/tenant.yaml"), PLATFORM)
    return resolve.model(example(f"tenants/{tenant}/{name}.yaml"), resolve.place(PLATFORM, owner, env))


def operation(found: Model, name: str) -> Operation:
    return next(one for one in found.operations if one.name == name)


# --- platform and tenant ----------------------------------------------------------------------------------------


def test_the_example_platform_is_what_it_says() -> None:
    assert PLATFORM.name == "ml"
    assert PLATFORM.issuers == (
        Issuer(
            name="corp",
            url="https://idp.local/auth/realms/ML",
            audiences=("ml", "fraud"),
            jwks='{"keys":[]}',
            jwks_uri="",
            user_claim="email",
            groups_claim="groups",
            client_claim="azp",
            user_domains=("corp.example",),
        ),
    )
    assert PLATFORM.prometheus == Account(namespace="monitoring", name="prometheus")
    assert PLATFORM.tracing == Tracing(
        provider="otel",
        percent=1.0,
        service="otel-collector.tracing.svc.cluster.local:4317",
        jaeger="http://jaeger-collector.tracing.svc:14268/api/traces",
    )
    assert PLATFORM.keda is True
    assert PLATFORM.sinks == (
        Sink(
            name="audit",
            url="http://payload-log.audit.svc:8080",
            host="payload-log.audit.svc",
            namespace="audit",
            port=8080,
            forwards=True,
        ),
        Sink(
            name="lake",
            url="",
            host="",
            namespace="",
            port=0,
            kafka=Kafka(
                brokers=(Broker(host="kafka-bootstrap.kafka.svc", port=9093),),
                topic="model-payloads",
                secret="kafka-client",  # noqa: S106  # the name of a Secret
            ),
        ),
    )
    assert PLATFORM.environment("prod") == Environment(
        name="prod",
        after="staging",
        cluster="https://prod.k8s.local:6443",
        namespace="{tenant}",  # a template of the platform spec
        host="{tenant}.ml.corp.example",  # a template of the platform spec
        pins=True,
        replicas=2,
        pod_security="restricted",
        forbid=("anyAuthenticated",),
    )


def test_a_platform_that_says_the_least_gets_the_safe_defaults() -> None:
    least = {
        "repository": {"url": "https://git.local/r.git", "reviewers": "@corp/ml"},
        "versions": {"kubernetes": "1.34", "istio": "1.30.5", "seldon": "1.17.1", "argocd": "3.5.1"},
        "issuers": {"i": {"issuer": "https://idp", "jwksUri": "https://idp/keys", "audiences": ["a"]}},
        "mesh": {
            "gateway": {"name": "g/w", "serviceAccount": "g/s", "selector": {"b": "2", "a": "1"}, "certificate": "c"}
        },
        "build": {},
        "registries": ["registry.local"],
        "environments": {"dev": {"cluster": "https://dev", "host": "{tenant}.dev"}},
    }
    found = resolve.platform(named(least), {})
    assert (found.branch, found.access_log, found.prometheus, found.tracing) == ("main", "envoy", None, None)
    assert (found.argocd, found.seldon, found.pull_secret, found.sinks) == ("argocd", "seldon-system", "", ())
    assert (found.mesh.trust_domain, found.mesh.root_namespace, found.mesh.cni) == (
        "cluster.local",
        "istio-system",
        False,
    )
    assert found.mesh.gateway.selector == (("a", "1"), ("b", "2"))
    assert (found.build.environment, found.build.engine, found.build.namespace) == ("dev", "buildkit", "{tenant}-build")
    assert (found.build.registry, found.build.push_secret) == ("registry.local/{tenant}", "registry-push")
    assert found.build.seccomp == "profiles/buildkit-rootless.json"
    assert found.issuers[0].jwks_uri == "https://idp/keys"
    environment = found.environments[0]
    assert (environment.pins, environment.replicas, environment.pod_security) == (False, 1, "baseline")
    assert (environment.namespace, environment.forbid) == ("{tenant}", ())


def test_tools_are_mirrored_in_the_first_registry_unless_named() -> None:
    own = f"registry.local/oras@sha256:{'f' * 64}"
    found = platform(registries=["r.local/x", "s.local"], build={"images": {"oras": own}})
    assert found.build.images == (
        ("bento", "r.local/x/bentoml/builder:1.4.39"),
        ("buildkit", "r.local/x/moby/buildkit:v0.32.2-rootless"),
        ("oras", own),
        ("s3", "r.local/x/amazon/aws-cli:2.31.0"),
        ("storage", "r.local/x/seldonio/rclone-storage-initializer:1.17.1"),
    )


def test_environments_stand_in_promotion_order_whatever_the_order_of_the_file() -> None:
    places = {"prod": "staging", "b-test": "dev", "staging": "dev", "dev": ""}
    bodies = {name: {"cluster": "https://c", "host": "{tenant}.h", "after": after} for name, after in places.items()}
    found = platform(environments=bodies)
    assert [one.name for one in found.environments] == ["dev", "b-test", "staging", "prod"]


def test_the_default_issuer_stands_first_then_the_names_decide() -> None:
    one = {"issuer": "https://i", "jwksUri": "https://k", "audiences": ["x"]}
    found = platform(issuers={"a": one, "z": {**one, "default": True}, "b": one})
    assert [issuer.name for issuer in found.issuers] == ["z", "a", "b"]


def test_a_tenant_that_says_the_least_gets_the_safe_defaults() -> None:
    found = resolve.tenant(named({"contact": "a@b.c", "environments": ["prod", "dev"]}, "t"), PLATFORM)
    assert (found.name, found.data, found.pod_security, found.applications) == ("t", "internal", "restricted", "tenant")
    assert found.environments == ("dev", "prod")
    assert found.quota == (("cpu", "8"), ("gpu", "0"), ("memory", "32Gi"))
    assert found.registries == ("registry.local",)
    assert (found.view, found.egress, found.calls, found.reviewers) == ((), (), (), ())


def test_egress_is_either_a_host_or_a_model() -> None:
    spec = {
        "contact": "a@b.c",
        "environments": ["dev"],
        "egress": [
            {"model": "risk/limits"},
            {"host": "z.example"},
            {"model": "payments/fraud"},
            {"host": "a.example", "port": 80, "cidrs": ["10.1.0.0/16"]},
        ],
    }
    found = resolve.tenant(named(spec), PLATFORM)
    assert found.egress == (
        Egress(host="a.example", port=80, cidrs=("10.1.0.0/16",)),
        Egress(host="z.example", port=443, cidrs=()),
    )
    assert found.calls == (("payments", "fraud"), ("risk", "limits"))


def test_a_place_fills_the_templates_and_builds_only_in_the_build_environment() -> None:
    tenant = resolve.tenant(example("tenants/payments/tenant.yaml"), PLATFORM)
    dev, prod = (resolve.place(PLATFORM, tenant, env) for env in ("dev", "prod"))
    assert (dev.namespace, dev.host, dev.build_namespace) == (
        "payments",
        "payments.dev.ml.corp.example",
        "payments-build",
    )
    assert (prod.namespace, prod.host, prod.build_namespace) == ("payments", "payments.ml.corp.example", "")


def test_a_tenant_may_have_its_own_host_and_nothing_is_built_where_something_else_builds() -> None:
    outside = platform(build={"environment": "dev", "engine": "external"})
    spec = {"contact": "a@b.c", "environments": ["dev", "prod"], "hosts": {"prod": "fraud.corp.example"}}
    tenant = resolve.tenant(named(spec, "t"), outside)
    assert resolve.place(outside, tenant, "prod").host == "fraud.corp.example"
    assert resolve.place(outside, tenant, "dev").host == "t.dev.ml.corp.example"
    assert resolve.place(outside, tenant, "dev").build_namespace == ""


# --- the example models -----------------------------------------------------------------------------------------


IRIS_IMAGE = "registry.local/example-model/iris:1.2.0-fab81fc87a31"


def test_iris_in_dev_is_this_and_nothing_else() -> None:
    found = of_example("example-model", "iris", "dev")
    run = Run(
        kind="bento",
        image=IRIS_IMAGE,
        bento="iris_classifier",
        version="1.2.0",
        source=Source(
            kind="oci",
            location="registry.local/example-model/bentos/iris",
            digest="sha256:4f5bd1a0d0e2b6a5cbf9be5c3a3b3c9a7d1c0e6f8b2a49d7e6c5b4a392817060",
        ),
        tag_image=IRIS_IMAGE,
        server="",
        model_uri="",
        port=3000,
        user=1034,
        live="/livez",
        ready="/readyz",
    )
    node = GraphNode(
        name="iris",
        type=NodeType.MODEL,
        implementation="",
        run=run,
        runtime=NOTHING,
        parameters=(),
        children=(),
    )
    assert found == Model(
        place=found.place,
        name="iris",
        owner="ml@corp.example",
        data="internal",
        protocol=Protocol.BENTO,
        executor=False,
        issuer=PLATFORM.issuers[0],
        audience="ml",
        operations=(
            Operation(
                name="predict",
                methods=("POST",),
                paths=("/predict",),
                grpc_paths=(),
                port=3000,
                grpc_port=0,
                prefix="/seldon/example-model/iris",
            ),
        ),
        predictors=(
            Predictor(name="main", traffic=100, shadow=False, scale=Scale(low=1, high=1, cpu_percent=80), graph=node),
        ),
        explainer=None,
        detectors=(),
        log=None,
        grants=(grants("predict", users=("alice@corp.example",)),),
        missing_pins=(),
    )


def grants(*operations: str, **who: Any) -> Grants:
    nobody = {"users": (), "groups": (), "clients": (), "workloads": (), "anyone": False}
    return Grants(operations=operations, **{**nobody, **who})


def test_iris_in_prod_has_two_replicas_and_waits_for_its_pin() -> None:
    dev, prod = (of_example("example-model", "iris", env) for env in ("dev", "prod"))
    assert only(prod).scale == Scale(low=2, high=2, cpu_percent=80)
    assert prod.missing_pins == ("main",)
    assert not prod.deployed
    assert prod.place.host == "example-model.ml.corp.example"
    unscaled = replace(only(prod), scale=only(dev).scale)
    assert replace(prod, place=dev.place, missing_pins=(), predictors=(unscaled,)) == dev


def test_iris_in_staging_differs_from_dev_by_its_place_alone() -> None:
    dev, staging = (of_example("example-model", "iris", env) for env in ("dev", "staging"))
    assert replace(staging, place=dev.place) == dev


ANALYSTS = grants("explain", "predict", groups=("fraud-analysts",))
FRAUD: dict[str, dict[str, Any]] = {
    "dev": {
        "slots": [("main", 100, Scale(low=1, high=1, cpu_percent=70), "2.4.1-3510bdf66229")],
        "grants": (ANALYSTS, grants("predict", users=("bob@corp.example",))),
    },
    "staging": {
        "slots": [
            ("main", 90, Scale(low=2, high=6, cpu_percent=70), "2.4.1-3510bdf66229"),
            ("canary", 10, Scale(low=2, high=2, cpu_percent=70), "2.5.0-d3376ab2ecaa"),
        ],
        "grants": (ANALYSTS, grants("predict", clients=("checkout",))),
    },
    "prod": {
        "slots": [
            (
                "main",
                90,
                Scale(low=4, high=20, cpu_percent=70),
                "2.4.1-3c1f0e9d8b7a@sha256:5e4d3c2b1a09f8e7d6c5b4a3928170605f4e3d2c1b0a9f8e7d6c5b4a39281706",
            ),
            (
                "canary",
                10,
                Scale(low=2, high=2, cpu_percent=70),
                "2.5.0-9a1be20c44d1@sha256:7f6e5d4c3b2a1908f7e6d5c4b3a291807f6e5d4c3b2a1908f7e6d5c4b3a29180",
            ),
        ],
        "grants": (
            ANALYSTS,
            grants("predict", clients=("checkout",), workloads=(Account(namespace="orders", name="checkout"),)),
        ),
    },
}


@pytest.mark.parametrize("env", FRAUD)
def test_fraud_is_patched_by_environment_and_predictor(env: str) -> None:
    found = of_example("payments", "fraud", env)
    slots = [
        (one.name, one.traffic, one.scale, one.graph.run.image.removeprefix("registry.local/payments/fraud:"))
        for one in found.predictors
        if one.graph.run
    ]
    assert slots == FRAUD[env]["slots"]
    assert found.grants == FRAUD[env]["grants"]
    assert found.missing_pins == ()
    assert (found.protocol, found.executor, found.audience, found.data) == (Protocol.V2, False, "fraud", "confidential")
    runtimes = {one.graph.runtime for one in found.predictors}
    assert runtimes == {replace(NOTHING, cpu="1", memory="2Gi", timeout_s=3)}


def test_fraud_has_an_explainer_with_its_own_door() -> None:
    found = of_example("payments", "fraud", "prod")
    assert found.explainer is not None
    assert (found.explainer.type, found.explainer.predictor) == ("AnchorTabular", "main")
    assert (found.explainer.run.port, found.explainer.run.user, found.explainer.runtime) == (9100, 8888, NOTHING)
    assert [(one.name, one.methods, one.paths, one.port, one.prefix) for one in found.operations] == [
        (
            "explain",
            ("POST",),
            ("/v2/models/fraud-main-explainer/infer",),
            9100,
            "/seldon/payments/fraud-explainer/main",
        ),
        ("metadata", ("GET",), ("/v2/models/fraud", "/v2/models/fraud/ready"), 3000, "/seldon/payments/fraud"),
        ("predict", ("POST",), ("/v2/models/fraud/infer",), 3000, "/seldon/payments/fraud"),
    ]


@pytest.mark.parametrize(("env", "replicas"), [("dev", 1), ("staging", 1), ("prod", 2)])
def test_churn_is_a_tree_behind_the_executor(env: str, replicas: int) -> None:
    found = of_example("growth", "churn", env)
    predictor = only(found)
    assert found.executor
    assert predictor.scale == Scale(low=replicas, high=replicas, cpu_percent=80)
    assert [(node.name, node.type.value, [child.name for child in node.children]) for node in predictor.nodes()] == [
        ("clean", "TRANSFORMER", ["outliers"]),
        ("outliers", "TRANSFORMER", ["choose"]),
        ("choose", "ROUTER", ["gbm", "net"]),
        ("gbm", "MODEL", []),
        ("net", "MODEL", []),
    ]
    runtimes = {node.name: node.runtime for node in predictor.nodes()}
    assert runtimes["gbm"] == replace(NOTHING, memory="1Gi")
    assert runtimes["net"] == replace(NOTHING, gpu=1)
    assert runtimes["clean"] == NOTHING
    assert predictor.nodes()[2].parameters == (("epsilon", "0.1", "FLOAT"),)
    assert {node.run.port for node in predictor.nodes() if node.run} == {9000}
    assert found.missing_pins == ()
    assert found.log is not None
    assert (found.log.mode, found.log.sink) == ("request", PLATFORM.sinks[0])
    assert [one.name for one in found.detectors] == ["drift"]
    assert found.grants == (grants("feedback", "predict", groups=("retention",), clients=("crm-backend",)),)


def test_churn_serves_what_the_executor_serves() -> None:
    found = of_example("growth", "churn", "dev")
    assert operation(found, "predict") == Operation(
        name="predict",
        methods=("POST",),
        paths=("/api/v0.1/predictions", "/api/v1.0/predictions"),
        grpc_paths=("/seldon.protos.Seldon/Predict",),
        port=8000,
        grpc_port=5001,
        prefix="/seldon/growth/churn",
    )
    assert operation(found, "feedback").paths == ("/api/v0.1/feedback", "/api/v1.0/feedback")
    assert operation(found, "feedback").grpc_paths == ("/seldon.protos.Seldon/SendFeedback",)


# --- runs and images --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("protocol", "run", "port", "user", "probes"),
    [
        ("bento", BENTO, 3000, 1034, ("/livez", "/readyz")),
        ("v2", BENTO, 3000, 1034, ("/livez", "/readyz")),
        ("bento", IMAGE, 3000, 8888, ("/livez", "/readyz")),
        ("seldon", IMAGE, 9000, 8888, ("", "")),
        (
            "bento",
            {**IMAGE, "port": 5000, "user": 1034, "probes": {"ready": "/healthz"}},
            5000,
            1034,
            ("/livez", "/healthz"),
        ),
        ("seldon", {"server": "SKLEARN_SERVER", "modelUri": "s3://m"}, 9000, 8888, ("", "")),
        ("v2", {"server": "TRITON_SERVER", "modelUri": "s3://m"}, 9000, 8888, ("/v2/health/live", "/v2/health/ready")),
    ],
)
def test_a_container_has_the_port_user_and_probes_of_its_kind(
    protocol: str, run: Spec, port: int, user: int, probes: tuple[str, str]
) -> None:
    found = root_run(model({"run": run, "api": {"protocol": protocol}}))
    assert (found.port, found.user, (found.live, found.ready)) == (port, user, probes)


def test_a_stock_server_has_no_image_and_needs_no_pin() -> None:
    found = model({"run": {"server": "HUGGINGFACE_SERVER"}, "api": {"protocol": "v2"}}, "prod")
    run = root_run(found)
    assert (run.kind, run.server, run.model_uri, run.image) == ("server", "HUGGINGFACE_SERVER", "", "")
    assert found.missing_pins == ()


@pytest.mark.parametrize(
    ("source", "want"),
    [
        ({"oci": OCI}, Source(kind="oci", location="registry.local/t/bentos/m", digest=f"sha256:{'a' * 64}")),
        ({"s3": "s3://b/m.tar.gz", "sha256": "c" * 64}, Source(kind="s3", location="s3://b/m.tar.gz", digest="c" * 64)),
        (
            {"git": "https://g/m.git", "commit": "d" * 40},
            Source(kind="git", location="https://g/m.git", digest="d" * 40),
        ),
    ],
)
def test_a_source_says_where_and_what(source: Spec, want: Source) -> None:
    assert root_run(model({"run": {"bento": "m:1.0", "source": source}})).source == want


def test_the_tag_of_a_built_image_follows_from_the_content_alone() -> None:
    first = root_run(model({"run": BENTO}))
    assert first.tag_image == "registry.local/t/m:1.0-047061b777f8"
    assert first.image == first.tag_image
    elsewhere = root_run(model({"run": BENTO, "runtime": {"cpu": "4"}}, "prod"))
    assert elsewhere.tag_image == first.tag_image
    other = root_run(model({"run": {**BENTO, "source": {"oci": OCI.replace("a" * 64, "b" * 64)}}}))
    assert other.tag_image != first.tag_image


def test_a_pin_is_what_an_environment_serves() -> None:
    pin = f"registry.local/t/m:1.0@sha256:{'e' * 64}"
    spec = {"run": BENTO, "environments": {"prod": {"pins": {"main": pin}}}}
    prod = model(spec, "prod")
    assert (root_run(prod).image, root_run(prod).tag_image) == (pin, root_run(model(spec)).image)
    assert prod.missing_pins == ()
    assert model({"run": BENTO}, "prod").missing_pins == ("main",)
    assert model({"run": {"image": "registry.local/t/m:1"}}, "prod").missing_pins == ("main",)
    assert model({"run": IMAGE}, "prod").missing_pins == ()


def test_nodes_of_a_graph_are_built_and_pinned_one_by_one() -> None:
    pin = f"registry.local/t/m-a@sha256:{'e' * 64}"
    spec = {
        "api": {"protocol": "seldon"},
        "nodes": {"a": {"run": BENTO, "children": ["b"]}, "b": {"run": BENTO}},
        "environments": {"prod": {"pins": {"main/a": pin}}},
    }
    prod = model(spec, "prod")
    images = {node.name: node.run.image.rpartition(":")[0] for node in only(prod).nodes() if node.run}
    assert images == {"a": "registry.local/t/m-a@sha256", "b": "registry.local/t/m-b"}
    assert prod.missing_pins == ("main/b",)


def test_a_graph_of_one_named_node_is_pinned_by_its_predictor() -> None:
    prod = model({"api": {"protocol": "v2"}, "nodes": {"a": {"run": BENTO}}}, "prod")
    assert only(prod).graph.name == "a"
    assert root_run(prod).tag_image.startswith("registry.local/t/m:1.0-")
    assert prod.missing_pins == ("main",)
    assert not prod.executor


def test_image_builds_are_every_bento_of_every_environment_once() -> None:
    old, new = BENTO, {**BENTO, "bento": "m:2.0"}
    pin = f"registry.local/t/m:1.0@sha256:{'e' * 64}"
    spec = {
        "run": old,
        "predictors": {"main": {"traffic": 100}, "next": {"run": new, "shadow": True}},
        "environments": {"prod": {"pins": {"main": pin}}},
    }
    tenant = resolve.tenant(named({"contact": "a@b.c", "environments": ["dev", "prod"]}, "t"), PLATFORM)
    places = [resolve.place(PLATFORM, tenant, name) for name in tenant.environments]
    found = resolve.image_builds(resolve.model(named(spec), place) for place in places)
    assert [run.version for run in found] == ["1.0", "2.0"]
    assert [run.image for run in found] == [run.tag_image for run in found]
    assert resolve.image_builds(resolve.model(named({"run": IMAGE}), place) for place in places) == ()


# --- graphs and predictors --------------------------------------------------------------------------------------


def test_a_parameter_has_the_type_that_seldon_calls_it() -> None:
    parameters = {"t": "x", "n": 2, "f": 0.5, "b": True}
    found = model({"api": {"protocol": "seldon"}, "nodes": {"a": {"run": IMAGE, "parameters": parameters}}})
    assert only(found).graph.parameters == (
        ("b", "true", "BOOL"),
        ("f", "0.5", "FLOAT"),
        ("n", "2", "INT"),
        ("t", "x", "STRING"),
    )


def test_an_ab_test_is_a_node_without_container() -> None:
    nodes = {
        "split": {"implementation": "RANDOM_ABTEST", "parameters": {"ratioA": 0.5}, "children": ["b", "a"]},
        "a": {"run": IMAGE},
        "b": {"run": IMAGE},
    }
    graph = only(model({"api": {"protocol": "seldon"}, "nodes": nodes})).graph
    assert (graph.implementation, graph.type, graph.run) == ("RANDOM_ABTEST", NodeType.ROUTER, None)
    assert [child.name for child in graph.children] == ["b", "a"]


def test_the_shadow_stands_last_and_gets_a_copy_of_everything() -> None:
    predictors = {"alt": {"shadow": True}, "main": {}}
    found = model({"run": IMAGE, "predictors": predictors}).predictors
    assert [(one.name, one.traffic, one.shadow) for one in found] == [("main", 100, False), ("alt", 100, True)]
    beside = {**predictors, "main": {"traffic": 60}, "next": {"traffic": 40}}
    assert [one.traffic for one in model({"run": IMAGE, "predictors": beside}).predictors] == [60, 40, 100]


def test_a_predictor_that_shares_and_says_nothing_gets_nothing() -> None:
    found = model({"run": IMAGE, "predictors": {"main": {"traffic": 100}, "next": {}}}).predictors
    assert [(one.name, one.traffic) for one in found] == [("main", 100), ("next", 0)]


@pytest.mark.parametrize(
    ("replicas", "env", "want"),
    [
        ({}, "dev", Scale(low=1, high=1, cpu_percent=80)),
        ({}, "prod", Scale(low=2, high=2, cpu_percent=80)),
        ({"min": 3}, "prod", Scale(low=3, high=3, cpu_percent=80)),
        ({"max": 4, "cpuPercent": 50}, "prod", Scale(low=2, high=4, cpu_percent=50)),
        ({"min": 5, "max": 2}, "dev", Scale(low=5, high=2, cpu_percent=80)),  # the rules refuse this one
    ],
)
def test_replicas_that_are_not_said_follow_from_the_others(replicas: Spec, env: str, want: Scale) -> None:
    assert only(model({"run": IMAGE, "runtime": {"replicas": replicas}}, env)).scale == want


def test_a_runtime_is_sorted_and_counts_in_seconds() -> None:
    spec = {
        "timeout": "2m",
        "startup": "90s",
        "env": {"B": "2", "A": "1"},
        "secrets": {"TOKEN": {"secret": "s", "key": "k"}},
        "volumes": {"c": {"path": "/c", "claim": "p"}, "b": {"path": "/b", "empty": "1Gi"}},
        "placement": {"nodeSelector": {"b": "2", "a": "1"}, "tolerations": [{"key": "t", "effect": "NoSchedule"}]},
    }
    assert only(model({"run": IMAGE, "runtime": spec})).graph.runtime == replace(
        NOTHING,
        timeout_s=120,
        startup_s=90,
        env=(("A", "1"), ("B", "2")),
        secrets=(Secret(variable="TOKEN", secret="s", key="k"),),  # noqa: S106  # the name of a Secret
        volumes=(
            Volume(name="b", path="/b", kind="empty", source="1Gi", read_only=False),
            Volume(name="c", path="/c", kind="claim", source="p", read_only=True),
        ),
        node_selector=(("a", "1"), ("b", "2")),
        tolerations=(Toleration(key="t", value="", effect="NoSchedule"),),
    )


def test_a_node_has_the_runtime_of_the_model_with_its_own_over_it() -> None:
    spec = {
        "api": {"protocol": "seldon"},
        "runtime": {"cpu": "2", "memory": "4Gi", "env": {"A": "1", "B": "2"}},
        "nodes": {"a": {"run": IMAGE, "runtime": {"cpu": "4", "env": {"B": None, "C": "3"}}}},
        "predictors": {"main": {"runtime": {"memory": "8Gi"}}},
    }
    runtime = only(model(spec)).graph.runtime
    assert (runtime.cpu, runtime.memory, runtime.env) == ("4", "8Gi", (("A", "1"), ("C", "3")))


# --- operations -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("protocol", "logged", "executor"),
    [
        ("bento", False, False),
        ("bento", True, False),
        ("v2", False, False),
        ("tensorflow", False, False),
        ("seldon", False, True),
        ("v2", True, True),
    ],
)
def test_the_executor_stands_where_it_translates_walks_or_logs(
    protocol: str,
    logged: bool,  # noqa: FBT001  # pytest passes parameters by name
    executor: bool,  # noqa: FBT001  # pytest passes parameters by name
) -> None:
    log = {"log": {"mode": "all", "sink": "audit"}} if logged else {}
    assert model({"run": IMAGE, "api": {"protocol": protocol}, **log}).executor is executor


@pytest.mark.parametrize("protocol", OPERATIONS)
def test_the_rules_admit_the_operations_that_there_are(protocol: str) -> None:
    found = {one.name for one in model({"run": IMAGE, "api": {"protocol": protocol}}).operations}
    assert found == set(OPERATIONS[protocol])


def test_a_bento_has_the_routes_that_it_names() -> None:
    routes = {"predict": ["/predict", "/batch"], "rank": ["/rank"]}
    found = model({"run": BENTO, "api": {"routes": routes}}).operations
    assert [(one.name, one.paths, one.port) for one in found] == [
        ("predict", ("/batch", "/predict"), 3000),
        ("rank", ("/rank",), 3000),
    ]


LOGGED: Spec = {"log": {"mode": "all", "sink": "audit"}}


def test_v2_behind_the_executor_has_a_nameless_path_and_grpc() -> None:
    found = operation(model({"run": IMAGE, "api": {"protocol": "v2"}, **LOGGED}), "predict")
    assert found.paths == ("/v2/models/infer", "/v2/models/m/infer")
    assert found.grpc_paths == ("/inference.GRPCInferenceService/ModelInfer",)
    assert (found.port, found.grpc_port) == (8000, 5001)


@pytest.mark.parametrize("logged", [False, True])
def test_tensorflow_has_the_paths_of_its_server_or_of_the_executor(logged: bool) -> None:  # noqa: FBT001  # as above
    found = model({"run": IMAGE, "api": {"protocol": "tensorflow"}, **(LOGGED if logged else {})})
    named_path, nameless = "/v1/models/m:predict", ("/v1/models/:predict", "/v1/models:predict")
    assert operation(found, "predict").paths == ((nameless[0], named_path, nameless[1]) if logged else (named_path,))
    assert operation(found, "predict").grpc_paths == (
        ("/tensorflow.serving.PredictionService/Predict",) if logged else ()
    )
    assert operation(found, "metadata").paths == ("/v1/models/m", "/v1/models/m/metadata")
    assert [one.name for one in found.operations] == (["feedback"] if logged else []) + ["metadata", "predict"]


def test_an_operation_is_there_once_for_each_port_that_predictors_listen_on() -> None:
    predictors = {"old": {"traffic": 50, "run": {**IMAGE, "port": 5000}}, "new": {"traffic": 50}}
    found = model({"run": BENTO, "predictors": predictors}).operations
    assert [(one.name, one.port) for one in found] == [("predict", 3000), ("predict", 5000)]


@pytest.mark.parametrize(
    ("protocol", "paths"),
    [
        ("seldon", ("/api/v0.1/explain", "/api/v1.0/explain")),
        ("tensorflow", ("/v1/models/m:explain",)),
        ("v2", ("/v2/models/m-main-explainer/infer",)),
    ],
)
def test_an_explainer_answers_where_its_server_does(protocol: str, paths: tuple[str, ...]) -> None:
    found = model({"run": IMAGE, "api": {"protocol": protocol}, "explainer": {"type": "ALE", "run": IMAGE}})
    assert operation(found, "explain").paths == paths
    assert operation(found, "explain").prefix == "/seldon/t/m-explainer/main"


# --- access -----------------------------------------------------------------------------------------------------


def test_grants_are_gathered_by_operations_sorted_and_each_caller_is_there_once() -> None:
    access = [
        {"users": ["b@x", "a@x"], "can": ["predict", "explain"]},
        {"users": ["a@x"], "callers": ["crm"]},
        {"groups": ["g"], "can": ["explain", "predict"]},
        {"workloads": ["z/a", "a/z"], "in": ["dev"]},
        {"anyAuthenticated": True, "in": ["prod"], "until": "2000-01-01"},
    ]
    sets = {"callers": {"crm": {"users": ["a@x"], "clients": ["crm-backend"]}}}
    assert model({"run": IMAGE, "access": access}, "dev", sets).grants == (
        grants("explain", "predict", users=("a@x", "b@x"), groups=("g",)),
        grants(
            "predict",
            users=("a@x",),
            clients=("crm-backend",),
            workloads=(Account(namespace="a", name="z"), Account(namespace="z", name="a")),
        ),
    )
    assert model({"run": IMAGE, "access": access}, "prod", sets).grants[1] == grants(
        "predict", users=("a@x",), clients=("crm-backend",), anyone=True
    )


def test_nobody_is_admitted_unless_named() -> None:
    assert model({"run": IMAGE}).grants == ()


def test_the_base_is_the_model_with_no_environments_changes_in_no_namespace() -> None:
    tenant = resolve.tenant(example("tenants/payments/tenant.yaml"), PLATFORM)
    found = resolve.base_model(example("tenants/payments/fraud.yaml"), PLATFORM, tenant)
    assert (found.place.environment.name, found.place.namespace, found.place.host) == ("", "", "")
    assert [(one.name, one.traffic, one.scale.low, one.scale.high) for one in found.predictors] == [
        ("main", 90, 2, 6),
        ("canary", 10, 2, 2),
    ]
    assert found.missing_pins == ()


def test_a_model_names_its_owner_data_issuer_and_audience_or_takes_the_usual_ones() -> None:
    usual = model({"run": IMAGE})
    assert (usual.owner, usual.data, usual.issuer.name, usual.audience) == ("a@b.c", "internal", "corp", "ml")
    own = model({"run": IMAGE, "owner": "o@b.c", "data": "public", "api": {"issuer": "corp", "audience": "fraud"}})
    assert (own.owner, own.data, own.issuer.name, own.audience) == ("o@b.c", "public", "corp", "fraud")


# --- patches ----------------------------------------------------------------------------------------------------


def test_an_environment_may_take_back_what_the_model_says_for_one_predictor() -> None:
    spec = {
        "run": IMAGE,
        "runtime": {"gpu": 1},
        "predictors": {"main": {"traffic": 90}, "canary": {"traffic": 10}},
        "environments": {"dev": {"predictors": {"canary": {"runtime": {"gpu": None}}}}},
    }
    main, canary = model(spec).predictors
    assert (main.graph.runtime.gpu, canary.graph.runtime.gpu) == (1, 0)


def test_an_environment_patches_the_model_and_a_predictor_both() -> None:
    spec = {
        "run": IMAGE,
        "runtime": {"cpu": "1", "env": {"A": "model", "B": "model", "C": "model"}},
        "predictors": {"main": {"runtime": {"env": {"B": "predictor", "C": "predictor"}}}},
        "environments": {
            "dev": {
                "runtime": {"cpu": None, "env": {"A": "environment", "B": "environment"}},
                "predictors": {"main": {"runtime": {"env": {"C": "environment"}}}},
            }
        },
    }
    runtime = only(model(spec)).graph.runtime
    assert (runtime.cpu, runtime.env) == ("500m", (("A", "environment"), ("B", "predictor"), ("C", "environment")))


def test_a_run_is_replaced_whole() -> None:
    spec = {"run": BENTO, "environments": {"dev": {"run": IMAGE}}}
    assert root_run(model(spec)).kind == "image"
    assert root_run(model(spec, "prod")).kind == "bento"


def test_an_environment_may_take_a_graph_out_and_run_one_container() -> None:
    spec = {
        "api": {"protocol": "seldon"},
        "nodes": {"a": {"run": IMAGE, "children": ["b"]}, "b": {"run": IMAGE}},
        "environments": {"dev": {"nodes": None, "run": BENTO}},
    }
    assert [node.name for node in only(model(spec)).nodes()] == ["m"]
    assert [node.name for node in only(model(spec, "prod")).nodes()] == ["a", "b"]


NAMES = st.sampled_from(["a", "b", "run", "nodes"])
TEXTS = st.sampled_from(["1", "2", "3"])
ENVS = st.dictionaries(NAMES, TEXTS, max_size=3)
RUNS = st.sampled_from([BENTO, IMAGE, {"server": "TRITON_SERVER", "modelUri": "s3://m"}])


def patches(*, nulls: bool) -> st.SearchStrategy[Spec]:
    """Return patches of one shape: what is a mapping in one of them is a mapping in all of them."""

    def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.none() | values if nulls else values

    env = st.dictionaries(NAMES, maybe(TEXTS), max_size=3)
    runtime = st.fixed_dictionaries({}, optional={"cpu": maybe(TEXTS), "env": maybe(env)})
    node = st.fixed_dictionaries(
        {},
        optional={"run": maybe(RUNS), "runtime": maybe(runtime), "children": maybe(st.lists(NAMES, max_size=2))},
    )
    nodes = st.dictionaries(NAMES, maybe(node), max_size=3)
    return st.fixed_dictionaries({}, optional={"run": maybe(RUNS), "runtime": maybe(runtime), "nodes": maybe(nodes)})


def has_null(value: Any) -> bool:
    return value is None or (isinstance(value, dict) and any(map(has_null, value.values())))


@given(base=patches(nulls=False), patch=patches(nulls=True))
def test_nothing_empty_is_left_after_a_patch(base: Spec, patch: Spec) -> None:
    assert not has_null(merge(base, patch))


@given(base=patches(nulls=False), patch=patches(nulls=True))
def test_a_patch_laid_over_twice_does_no_more(base: Spec, patch: Spec) -> None:
    once = merge(base, patch)
    assert merge(once, patch) == once


@given(base=patches(nulls=False), patch=patches(nulls=True))
def test_a_patch_leaves_both_as_they_were(base: Spec, patch: Spec) -> None:
    before = json.dumps([base, patch])
    merge(base, patch)
    assert json.dumps([base, patch]) == before


@given(a=patches(nulls=False), b=patches(nulls=False), c=patches(nulls=False))
def test_patches_that_take_nothing_out_can_be_gathered(a: Spec, b: Spec, c: Spec) -> None:
    assert merge(merge(a, b), c) == merge(a, merge(b, c))


@given(base=patches(nulls=False))
def test_a_patch_of_nothing_and_a_patch_of_the_same_change_nothing(base: Spec) -> None:
    assert merge(base, {}) == base
    assert merge(base, None) == base
    assert merge(base, base) == base


@given(base=patches(nulls=False), patch=patches(nulls=True))
def test_a_null_takes_out_and_a_list_or_a_run_replaces(base: Spec, patch: Spec) -> None:
    merged = merge(base, patch)
    for key, value in patch.items():
        assert (key in merged) is (value is not None)
    if patch.get("run"):
        assert merged["run"] == patch["run"]
    for name, node in (patch.get("nodes") or {}).items():
        if node and node.get("children") is not None:
            assert merged["nodes"][name]["children"] == node["children"]


def shuffled(value: Any, dice: random.Random) -> Any:
    if isinstance(value, dict):
        keys = list(value)
        dice.shuffle(keys)
        return {key: shuffled(value[key], dice) for key in keys}
    return [shuffled(item, dice) for item in value] if isinstance(value, list) else value


@given(dice=st.randoms(use_true_random=False))
@pytest.mark.parametrize(("tenant", "name"), [("payments", "fraud"), ("growth", "churn")])
def test_the_order_of_keys_in_a_file_means_nothing(tenant: str, name: str, dice: random.Random) -> None:
    mixed = resolve.platform(shuffled(example("platform.yaml"), dice), {"keys/corp.json": '{"keys":[]}'})
    assert mixed == PLATFORM
    owner = resolve.tenant(shuffled(example(f"tenants/{tenant}/tenant.yaml"), dice), mixed)
    data = shuffled(example(f"tenants/{tenant}/{name}.yaml"), dice)
    for env in ("dev", "prod"):
        assert resolve.model(data, resolve.place(mixed, owner, env)) == of_example(tenant, name, env)
