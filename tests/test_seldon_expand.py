"""The operator's port by itself: what a SeldonDeployment becomes, and what a change of it moves."""

import base64
import json
from copy import deepcopy
from typing import Any

import pytest
from seldon_changes import (
    CHILDREN,
    SERVER,
    Change,
    annotated,
    beside,
    changed,
    component,
    containers,
    every,
    graph,
    model,
    named,
    predictor,
    sound,
    spec,
)

from generator.seldon.objects import OperatorError
from generator.seldon.operator import expand
from generator.seldon.quantity import canonical, rewritten
from generator.seldon.settings import SERVERS, OperatorSettings
from generator.seldon.traps import traps

Object = dict[str, Any]
NOTHING = every()


def _made(change: Change, settings: OperatorSettings | None = None) -> dict[str, Object]:
    return {f"{o['kind']}/{o['metadata']['name']}": o for o in expand(changed(change), settings)}


def _pod(made: dict[str, Object], name: str = "fraud-main-0-model") -> Object:
    result: Object = made[f"Deployment/{name}"]["spec"]["template"]["spec"]
    return result


def _told(change: Change) -> Object:
    engine = _pod(_made(change))["containers"][-1]
    result: Object = json.loads(base64.b64decode(engine["env"][0]["value"]))
    return result


def _environment(container: Object) -> dict[str, str]:
    return {variable["name"]: variable.get("value", "") for variable in container["env"]}


def test_a_predictor_becomes_a_deployment_two_services_and_its_routes() -> None:
    made = _made(NOTHING)
    assert list(made) == [
        "Deployment/fraud-main-0-model",
        "Service/fraud-main",
        "Service/fraud-main-model",
        "VirtualService/fraud",
        "DestinationRule/fraud-main",
    ]
    assert [c["name"] for c in _pod(made)["containers"]] == ["model", "seldon-container-engine"]
    assert made["VirtualService/fraud"]["spec"]["http"][0]["route"] == [
        {
            "destination": {
                "host": "fraud-main.models.svc.cluster.local",
                "subset": "main",
                "port": {"number": 8000},
            }
        }
    ]


def test_expanding_does_not_change_the_object_and_gives_the_same_twice() -> None:
    given = sound()
    before = deepcopy(given)
    first = expand(given)
    assert given == before
    assert json.dumps(expand(given)) == json.dumps(first)


def test_every_object_is_owned_by_the_seldondeployment() -> None:
    owners = [item["metadata"]["ownerReferences"] for item in expand(sound())]
    assert all([owner["name"] for owner in found] == ["fraud"] for found in owners)


def test_without_istio_there_are_no_routes() -> None:
    kinds = {key.partition("/")[0] for key in _made(NOTHING, OperatorSettings(istio_enabled=False))}
    assert kinds == {"Deployment", "Service"}


def test_without_executor_the_service_points_to_the_container() -> None:
    plain = every(predictor(**annotated(no_engine="true")), model(ports=[{"name": "http", "containerPort": 3000}]))
    made = _made(plain)
    assert [c["name"] for c in _pod(made)["containers"]] == ["model"]
    assert [p["port"] for p in made["Service/fraud-main"]["spec"]["ports"]] == [3000, 9500]
    routes = made["VirtualService/fraud"]["spec"]["http"]
    assert [route["route"][0]["destination"]["port"] for route in routes] == [{"number": 3000}, {"number": 9500}]


def test_ports_are_counted_by_container_name_over_all_predictors() -> None:
    both = every(containers("other"), graph(children=[{"name": "other"}]), beside("b"))
    ports = [_environment(c)["PREDICTIVE_UNIT_SERVICE_PORT"] for c in _containers(_made(both))]
    metrics = [_environment(c)["PREDICTIVE_UNIT_METRICS_SERVICE_PORT"] for c in _containers(_made(both))]
    assert ports == ["9000", "9000", "9001"]
    assert metrics == ["6002", "6000", "6001"]


def _containers(made: dict[str, Object]) -> list[Object]:
    pods = [item["spec"]["template"]["spec"] for key, item in made.items() if key.startswith("Deployment/")]
    return [c for pod in pods for c in pod["containers"] if c["name"] != "seldon-container-engine"]


def test_one_reserved_variable_wipes_out_all_others() -> None:
    given = [{"name": "MINE", "value": "x"}, {"name": "MLSERVER_GRPC_PORT", "value": "1"}]
    variables = _environment(_pod(_made(model(env=given)))["containers"][0])
    assert "MINE" not in variables
    assert "MLSERVER_GRPC_PORT" not in variables
    assert variables["PREDICTIVE_UNIT_ID"] == "model"


@pytest.mark.parametrize(
    ("change", "restarts"),
    [
        (predictor(traffic=30), False),
        (predictor(replicas=7), False),
        (predictor(explainer={"type": "ALE"}), False),
        (spec(name="old"), False),
        (predictor(shadow=True), True),
        (predictor(labels={"team": "risk"}), True),
        (component(pdbSpec={"minAvailable": 1}), True),
        (model(image="registry.local/model:2"), True),
    ],
)
def test_the_executor_is_told_of_everything_but_traffic_replicas_and_explainer(
    change: Change, *, restarts: bool
) -> None:
    assert (_told(change) != _told(NOTHING)) == restarts


def test_json_for_the_executor_is_escaped_as_go_does() -> None:
    engine = _pod(_made(predictor(annotations={"a": "<b>&"})))["containers"][-1]
    assert b"\\u003cb\\u003e\\u0026" in base64.b64decode(engine["env"][0]["value"])


def test_a_shadow_is_mirrored_and_gets_no_weight() -> None:
    made = _made(every(predictor(traffic=100), beside("copy", shadow=True, traffic=20)))
    for route in made["VirtualService/fraud"]["spec"]["http"]:
        assert [target["weight"] for target in route["route"]] == [100]
        assert route["mirror"]["host"] == "fraud-copy.models.svc.cluster.local"
        assert route["mirrorPercentage"] == {"value": 20}
    assert "DestinationRule/fraud-copy" in made


@pytest.mark.parametrize(
    ("mode", "policy"),
    [
        ("", {"connectionPool": {"http": {"idleTimeout": "60s"}}}),
        ("ISTIO_MUTUAL", {"tls": {"mode": "ISTIO_MUTUAL"}}),
        ("STRICT", {"tls": {}}),
        ("DISABLE", {"tls": {}}),
    ],
)
def test_a_tls_mode_replaces_the_policy_and_an_unknown_one_means_plain_text(mode: str, policy: Object) -> None:
    made = _made(NOTHING, OperatorSettings(istio_tls_mode=mode))
    assert made["DestinationRule/fraud-main"]["spec"]["trafficPolicy"] == policy


def test_a_claim_is_linked_into_the_pod_that_loads_a_model_from_it() -> None:
    pod = _pod(_made(graph(modelUri="pvc://models/fraud/1")))
    assert pod["initContainers"][0]["args"] == ["/mnt/pvc/fraud/1", "/mnt/models"]
    assert [volume["name"] for volume in pod["volumes"]] == [
        "seldon-podinfo",
        "kfserving-pvc-source",
        "model-provision-location",
    ]
    assert [mount["name"] for mount in pod["containers"][0]["volumeMounts"]] == [
        "seldon-podinfo",
        "kfserving-pvc-source",
        "model-provision-location",
    ]


def test_tensorflow_serving_stands_beside_the_proxy_and_is_not_told_to_the_executor() -> None:
    tensorflow = graph(implementation="TENSORFLOW_SERVER", modelUri="gs://m")
    assert [c["name"] for c in _pod(_made(tensorflow))["containers"]] == [
        "model",
        "tfserving",
        "seldon-container-engine",
    ]
    assert [c["name"] for c in _told(tensorflow)["componentSpecs"][0]["spec"]["containers"]] == ["model"]


def test_the_executor_in_a_pod_of_its_own_has_another_identity() -> None:
    made = _made(spec(**annotated(engine_separate_pod="true")))
    own = made["Deployment/fraud-main-svc-orch"]["spec"]
    assert own["selector"] == {"matchLabels": {"seldon-app": "fraud-main", "seldon-deployment-id": "fraud-main"}}
    assert own["template"]["spec"]["serviceAccountName"] == "default"
    assert [c["name"] for c in _pod(made)["containers"]] == ["model"]


def test_without_default_user_the_pod_has_no_security_context() -> None:
    settings = OperatorSettings(default_user_id=None, executor_user_id=None)
    pod = _pod(_made(NOTHING, settings))
    assert "securityContext" not in pod
    assert "securityContext" not in pod["containers"][-1]


def test_a_certificate_is_mounted_into_every_container_of_the_root() -> None:
    pod = _pod(_made(predictor(ssl={"certSecretName": "tls"})))
    assert [c["volumeMounts"][-1]["mountPath"] for c in pod["containers"]] == ["/cert/", "/cert/"]
    assert pod["containers"][-1]["readinessProbe"]["httpGet"]["scheme"] == "HTTPS"


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ({"resource": {"name": "cpu", "targetAverageValue": "0.5"}}, {"type": "AverageValue", "averageValue": "500m"}),
        ({"pods": {"metricName": "rps", "targetAverageValue": "1k"}}, {"type": "AverageValue", "averageValue": "1k"}),
        ({"external": {"metricName": "rps", "targetValue": "1000"}}, {"type": "Value", "value": "1k"}),
        (
            {"object": {"metricName": "rps", "target": {"kind": "Service", "name": "s"}, "targetValue": "5"}},
            {"type": "Value", "value": "5"},
        ),
    ],
)
def test_old_metrics_become_autoscaling_v2(source: Object, target: Object) -> None:
    (key,) = source
    made = _made(component(hpaSpec={"maxReplicas": 2, "metrics": [{"type": key.title(), **source}]}))
    metric = made["HorizontalPodAutoscaler/fraud-main-0-model"]["spec"]["metrics"][0]
    assert metric[key]["target"] == target


def test_replicas_come_from_the_nearest_place_and_from_none_beside_an_autoscaler() -> None:
    def replicas(change: Change) -> int | None:
        result: int | None = _made(change)["Deployment/fraud-main-0-model"]["spec"].get("replicas")
        return result

    assert replicas(every(spec(replicas=9), predictor(replicas=None))) == 9
    assert replicas(every(spec(replicas=9), predictor(replicas=0))) == 0
    assert replicas(every(predictor(replicas=2), component(replicas=4))) == 4
    assert replicas(component(hpaSpec={"maxReplicas": 2})) is None
    assert replicas(component(kedaSpec={"triggers": []})) is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (graph(implementation="OWN_SERVER", modelUri="s3://m"), "Failed to get server config for OWN_SERVER"),
        (spec(**annotated(istio_retries="x")), 'strconv.Atoi: parsing "x": invalid syntax'),
        (every(spec(protocol="v2"), predictor(explainer={"type": "Ale"})), "Ale not supported"),
        (
            every(named("a"), graph(name="split", type=None, implementation="RANDOM_ABTEST", children=[])),
            "engine not separate and no pu with localhost service - not clear where to inject engine",
        ),
        (
            every(named("a"), containers("b"), graph(name="s", implementation="RANDOM_ABTEST", children=CHILDREN)),
            "",
        ),
    ],
)
def test_what_the_operator_would_say_is_said(change: Change, told: str) -> None:
    if not told:
        assert expand(changed(change))
        return
    with pytest.raises(OperatorError) as error:
        expand(changed(change))
    assert str(error.value) == told


@pytest.mark.parametrize("server", [name for name, _ in SERVERS])
@pytest.mark.parametrize("protocol", [None, "tensorflow", "v2", "kfserving"])
def test_a_server_lacks_an_image_exactly_where_the_trap_says_so(server: str, protocol: str | None) -> None:
    stock = every(graph(**SERVER | {"implementation": server}), model(image=None), spec(protocol=protocol))
    trapped = "server-protocol" in [verdict.rule for verdict in traps(changed(stock))]
    assert (any("image" not in c for c in _pod_or_nothing(stock))) == trapped


def _pod_or_nothing(change: Change) -> list[Object]:
    try:
        found: list[Object] = _pod(_made(change))["containers"]
    except OperatorError:  # MLServer without a v2 image: the operator gives up instead
        return [{}]
    return found


@pytest.mark.parametrize(
    ("text", "canonically"),
    [
        ("0.5", "500m"),
        (1, "1"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("1000", "1k"),
        ("1500", "1500"),
        ("0", "0"),
        ("0Mi", "0"),
        ("1e3", "1e3"),
        ("12E2", "1200"),
        ("100Ki", "100Ki"),
        ("0.5Ki", "512"),
        ("1.3Ki", "1331200m"),
        ("1.500", "1500m"),
        ("1n", "1n"),
        ("0.1n", "1n"),
        ("-0.5", "-500m"),
        ("many", "many"),
    ],
)
def test_quantities_are_written_canonically(text: object, canonically: str) -> None:
    assert canonical(text) == canonically


@pytest.mark.parametrize(
    ("text", "kept"),
    [("0.5", "500m"), ("1.500", "1.500"), ("+4T", "+4T"), ("1024Mi", "1Gi"), ("1.5Gi", "1536Mi"), (2, "2"), ("x", "x")],
)
def test_a_quantity_that_looks_canonical_to_go_is_passed_on_as_written(text: object, kept: str) -> None:
    assert rewritten(text) == kept
