"""The SeldonDeployment of a model: exact for four models, and no trap of the operator in any shape of graph."""

import json
from dataclasses import replace
from pathlib import Path

import build_fixtures as fixtures
import pytest
import serving_cases as cases
from conftest import Same
from serving import EVERY, MODELS, NO_ENGINE, built, every_container, expanded, leaves, own, pods, predictors

from generator.emit import emit
from generator.model import Model, Protocol
from generator.seldon.traps import traps
from generator.seldon.verdict import Outcome
from generator.seldon.webhook import denial
from generator.tenancy import Object
from generator.verify.objects import checker

CRDS = Path(__file__).parents[2] / "shared/referee/crds"
GOLDEN = Path(__file__).parent / "built/seldon"


# --- exact ---


def test_the_objects_of_the_example_models_are_these(same: Same) -> None:
    same({f"{name}.yaml": emit(built(MODELS[name])) for name in ("iris", "fraud", "churn", "server-v2")}, GOLDEN)


def test_a_base_differs_from_an_environment_by_its_host_alone() -> None:
    base, overlay = built(MODELS["base"]), built(MODELS["iris"])
    assert overlay["spec"]["annotations"].pop("seldon.io/istio-host") == "example-model.dev.ml.corp.example"
    assert base == overlay


# --- judged by the CRD, the webhook and the operator ---


@EVERY
@pytest.mark.skipif(not CRDS.is_dir(), reason="the referee folder is absent")
def test_the_crd_knows_every_field(model: Model) -> None:
    assert list(checker(CRDS, "1.34").check("", [built(model)])) == []


@EVERY
def test_the_webhook_admits_it(model: Model) -> None:
    assert denial(built(model)) == ""


@EVERY
def test_no_known_trap_is_in_it(model: Model) -> None:
    # A Bento has no gRPC port, and the operator opens one all the same: policies keep 9500 shut.
    found = [one for one in traps(built(model)) if one.outcome is not Outcome.NOTED and one.rule != "dead-grpc-port"]
    # The operator takes a container "tfserving" for its own where a TENSORFLOW_SERVER stands behind a proxy.
    assert [one.rule for one in found if '"tfserving"' not in one.message] == []


@EVERY
def test_no_field_is_null(model: Model) -> None:
    assert None not in list(leaves(built(model)))


# --- names and ports ---


@EVERY
def test_each_pod_is_named_after_its_node_whatever_else_is_in_it(model: Model) -> None:
    names = {
        f"{model.name}-{one['name']}-{index}-{part['metadata']['name']}"
        for one in predictors(model).values()
        for index, part in enumerate(one["componentSpecs"])
    }
    explainers = {f"{model.name}-{model.explainer.predictor}-explainer"} if model.explainer else set()
    assert expanded(model).keys() == names | explainers


@EVERY
def test_each_port_says_its_protocol_and_no_number_is_there_twice(model: Model) -> None:
    for pod in pods(model):
        for one in pod["containers"]:
            ports = one.get("ports", [])
            assert {port["protocol"] for port in ports} <= {"TCP"}
            assert len({port["containerPort"] for port in ports}) == len(ports)


@EVERY
def test_the_operator_believes_the_port_of_each_node(model: Model) -> None:
    services = expanded(model, "Service")
    for one in model.predictors:
        for node in one.nodes():
            if node.run is not None:
                ports = services[f"{model.name}-{one.name}-{node.name}"]["spec"]["ports"]
                assert ports[0]["port"] == node.run.port


def test_a_canary_that_comes_before_leaves_the_pods_of_the_others_as_they_are() -> None:
    alone, both = MODELS["iris"], MODELS["no-engine-canary"]
    assert expanded(both)["iris-main-0-iris"] == expanded(alone)["iris-main-0-iris"]


def test_a_node_that_comes_between_renumbers_no_port_of_the_others() -> None:
    clean = MODELS["churn"].predictors[0].graph
    outliers = clean.children[0]
    shorter = cases.with_root(MODELS["churn"], replace(clean, children=outliers.children))

    def ports(model: Model) -> dict[str, list[Object]]:
        found = [one for deployment in expanded(model).values() for one in every_container(deployment)]
        return {one["name"]: one["ports"] for one in found}

    longer = ports(MODELS["churn"])
    assert ports(shorter) == {name: value for name, value in longer.items() if name != "outliers"}


def test_a_bento_declares_no_grpc_port() -> None:
    assert [one["name"] for one in own(MODELS["iris"])["ports"]] == ["http", "metrics"]


def test_a_grpc_port_is_declared_without_executor_where_the_run_speaks_it() -> None:
    root = MODELS["server-v2"].predictors[0].graph
    assert root.run is not None
    speaking = cases.with_root(MODELS["server-v2"], replace(root, run=replace(root.run, grpc_port=9501)))
    assert {"name": "grpc", "containerPort": 9501, "protocol": "TCP"} in own(speaking)["ports"]


# --- traffic and replicas ---


def test_a_single_predictor_says_that_it_gets_all_traffic() -> None:
    assert predictors(MODELS["iris"])["main"]["traffic"] == 100


def test_a_shadow_says_its_share_and_the_others_share_all() -> None:
    found = predictors(MODELS["shadow"])
    assert [(name, one["traffic"], one.get("shadow")) for name, one in found.items()] == [
        ("main", 100, None),
        ("canary", 10, True),
    ]


@EVERY
def test_a_shift_of_traffic_changes_no_pod(model: Model) -> None:
    shifted = replace(model, predictors=tuple(replace(one, traffic=50) for one in model.predictors))
    assert expanded(shifted) == expanded(model)


@EVERY
def test_each_deployment_has_replicas_or_an_autoscaler_of_the_operators_own(model: Model) -> None:
    scaled = expanded(model, "HorizontalPodAutoscaler").keys()
    for name, deployment in expanded(model).items():
        assert ("replicas" in deployment["spec"]) != (name in scaled)


def test_an_autoscaled_predictor_counts_its_own_container_alone() -> None:
    (scaler,) = expanded(MODELS["fraud"], "HorizontalPodAutoscaler").values()
    target = {"type": "Utilization", "averageUtilization": 70}
    metric = {"name": "cpu", "container": "fraud", "target": target}
    assert scaler["metadata"]["name"] == "fraud-main-0-fraud"
    assert scaler["spec"]["metrics"] == [{"type": "ContainerResource", "containerResource": metric}]
    assert (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) == (4, 20)
    assert "replicas" not in predictors(MODELS["fraud"])["main"]


@EVERY
def test_a_rollout_that_hangs_is_given_up_after_the_start_has_had_its_time(model: Model) -> None:
    assert {one["progressDeadlineSeconds"] for one in predictors(model).values()} == {660}


# --- graph ---


def test_the_first_pod_is_the_roots() -> None:
    parts = predictors(MODELS["churn"])["main"]["componentSpecs"]
    assert [part["metadata"]["name"] for part in parts] == ["clean", "outliers", "choose", "gbm", "net"]


def test_the_executor_gets_a_pod_where_it_is_itself_the_root() -> None:
    executors = [
        name
        for name, deployment in expanded(MODELS["abtest"]).items()
        if any(one["name"] == "seldon-container-engine" for one in every_container(deployment))
    ]
    assert executors == ["churn-main-0-a"]


def test_a_random_split_has_no_type_and_its_ratio_alone() -> None:
    graph = predictors(MODELS["abtest"])["main"]["graph"]
    assert "type" not in graph
    assert graph["implementation"] == "RANDOM_ABTEST"
    assert graph["parameters"] == [{"name": "ratioA", "value": "0.5", "type": "FLOAT"}]


def test_the_log_is_the_roots_and_says_mode_and_sink() -> None:
    graph = predictors(MODELS["churn"])["main"]["graph"]
    assert graph["logger"] == {"mode": "request", "url": "http://payload-log.audit.svc:8080"}
    assert json.dumps(graph).count("logger") == 1


def test_parameters_say_their_type() -> None:
    choose = predictors(MODELS["churn"])["main"]["graph"]["children"][0]["children"][0]
    assert choose["parameters"] == [{"name": "epsilon", "value": "0.1", "type": "FLOAT"}]


# --- annotations ---


@EVERY
def test_no_annotation_of_a_pod_holds_the_sign_that_blinds_the_executor(model: Model) -> None:
    for deployment in expanded(model).values():
        annotations = deployment["spec"]["template"]["metadata"].get("annotations", {})
        assert [value for value in annotations.values() if "=" in value] == []


@EVERY
def test_no_annotation_is_given_at_two_levels(model: Model) -> None:
    spec = built(model)["spec"]
    for one in spec["predictors"]:
        for part in one["componentSpecs"]:
            levels = [spec["annotations"], one["annotations"], part["metadata"]["annotations"]]
            keys = [key for level in levels for key in level]
            assert len(set(keys)) == len(keys)


@EVERY
def test_the_route_listens_at_one_host_of_one_gateway(model: Model) -> None:
    (route,) = [one for name, one in expanded(model, "VirtualService").items() if name == model.name]
    assert route["spec"]["gateways"] == ["api/seldon-gateway"]
    assert route["spec"]["hosts"] == [model.place.host or "*"]


def test_the_executor_is_switched_off_on_the_predictor() -> None:
    for name in NO_ENGINE:
        assert {one["annotations"]["seldon.io/no-engine"] for one in predictors(MODELS[name]).values()} == {"true"}


def test_the_executor_waits_as_long_as_the_slowest_node_may_take() -> None:
    graph = MODELS["churn"].predictors[0].graph
    slow = replace(graph.children[0], runtime=fixtures.runtime(timeout_s=90))
    model = cases.with_root(MODELS["churn"], replace(graph, children=(slow,)))
    annotations = predictors(model)["main"]["annotations"]
    assert annotations == {"seldon.io/grpc-timeout": "90000", "seldon.io/rest-timeout": "90000"}


def test_metrics_are_where_the_meshs_agent_looks_for_them() -> None:
    def scraped(name: str) -> list[tuple[str | None, str | None, str]]:
        made = [one["spec"]["template"]["metadata"]["annotations"] for one in expanded(MODELS[name]).values()]
        keys = ("prometheus.io/port", "prometheus.io/path", "prometheus.io/scrape")
        return [(one.get(keys[0]), one.get(keys[1]), one[keys[2]]) for one in made if "prometheus.io/scrape" in one]

    assert scraped("iris") == [("3000", "/metrics", "true")]
    assert scraped("fraud") == [("8000", "/prometheus", "true")] * 2
    assert scraped("churn") == [("8000", "/prometheus", "true"), *[("6000", "/prometheus", "true")] * 4]
    assert [one[2] for one in scraped("server-tensorflow")] == ["false"]


def test_the_protocol_is_said_where_the_executor_or_a_server_must_know_it() -> None:
    assert {name: built(model)["spec"].get("protocol") for name, model in MODELS.items()} == {
        name: None if model.protocol is Protocol.BENTO else model.protocol.value for name, model in MODELS.items()
    }


def test_a_denial_of_the_webhook_names_the_model() -> None:
    assert built(MODELS["iris"])["spec"]["name"] == "iris"
    broken = built(MODELS["iris"])
    broken["spec"]["predictors"][0]["traffic"] = 50
    assert '"iris" is invalid' in denial(broken)
