"""Stock servers and explainers, whose pods the operator makes in part itself."""

import json
from dataclasses import replace

import pytest
import serving_cases as cases
from serving import MODELS, built, every_container, expanded, own, pods, predictors

from generator.build.container import TMP

# --- explainer ---


def test_container_service_and_route_of_an_explainer_have_one_port() -> None:
    explainer = MODELS["fraud"].explainer
    assert explainer is not None
    moved = replace(explainer, run=replace(explainer.run, port=9100))
    model = replace(MODELS["fraud"], explainer=moved)
    (listening,) = every_container(expanded(model)["fraud-main-explainer"])[0]["ports"]
    assert predictors(model)["main"]["explainer"]["containerSpec"]["ports"] == [listening]
    assert predictors(model)["main"]["explainer"]["endpoint"] == {"service_port": 9100}
    route = expanded(model, "VirtualService")["fraud-main-explainer-http"]["spec"]["http"][0]["route"][0]
    assert listening == {"name": "http", "containerPort": 9100, "protocol": "TCP"}
    assert expanded(model, "Service")["fraud-main-explainer"]["spec"]["ports"][0]["port"] == 9100
    assert route["destination"]["port"]["number"] == 9100


def test_only_the_explained_predictor_has_the_explainer() -> None:
    assert [name for name, one in predictors(MODELS["fraud"]).items() if "explainer" in one] == ["main"]


def test_an_explainer_ends_within_the_time_that_the_operator_gives_it() -> None:
    deployment = expanded(MODELS["fraud"])["fraud-main-explainer"]
    assert deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 20
    (one,) = every_container(deployment)
    assert one["lifecycle"]["preStop"]["exec"]["command"] == ["/bin/sh", "-c", "/bin/sleep 5"]


def test_an_explainer_is_given_no_variable_that_the_operator_would_drop() -> None:
    assert "env" not in predictors(MODELS["fraud"])["main"]["explainer"]["containerSpec"]
    kept = every_container(expanded(MODELS["seldon-explainer"])["fraud-main-explainer"])[0]["env"]
    assert {"name": "LOG_LEVEL", "value": "info"} in kept


def test_an_explainer_of_protocol_v2_is_served_under_the_name_that_is_granted() -> None:
    (one,) = every_container(expanded(MODELS["fraud"])["fraud-main-explainer"])
    served = next(each["value"] for each in one["env"] if each["name"] == "MLSERVER_MODEL_NAME")
    granted = next(each.paths for each in MODELS["fraud"].operations if each.name == "explain")
    assert granted == (f"/v2/models/{served}/infer",)
    nowhere = replace(MODELS["fraud"], operations=())
    assert predictors(nowhere)["main"]["explainer"]["containerSpec"]["name"] == "explainer"


# --- stock servers ---


@pytest.mark.parametrize("name", [name for name in MODELS if name.startswith(("server", "proxied"))])
def test_the_operator_adds_no_init_container_of_its_own(name: str) -> None:
    (mine,) = pods(MODELS[name])
    (made,) = expanded(MODELS[name]).values()
    assert made["spec"]["template"]["spec"].get("initContainers", []) == mine.get("initContainers", [])


@pytest.mark.parametrize(
    ("name", "loader"),
    [("server-v2", "iris"), ("server-tensorflow", "iris"), ("proxied-tensorflow", "tfserving")],
)
def test_a_model_is_fetched_for_the_container_that_serves_it(name: str, loader: str) -> None:
    (pod,) = pods(MODELS[name])
    (init,) = pod["initContainers"]
    target = {"name": f"{loader}-provision-location", "mountPath": "/mnt/models"}
    assert init["name"] == f"{loader}-model-initializer"
    assert target in init["volumeMounts"]
    assert {"name": target["name"], "emptyDir": {}} in pod["volumes"]
    for one in pod["containers"]:
        assert ({**target, "readOnly": True} in one["volumeMounts"]) == (one["name"] == loader)


def test_a_model_is_fetched_through_the_mesh() -> None:
    part = predictors(MODELS["server-v2"])["main"]["componentSpecs"][0]
    assert part["metadata"]["annotations"]["sidecar.istio.io/nativeSidecar"] == "true"
    assert "sidecar.istio.io/nativeSidecar" not in json.dumps(built(MODELS["iris"]))


def test_access_to_the_store_is_the_loaders_alone() -> None:
    (pod,) = pods(MODELS["server-v2"])
    loader = [one["name"] for one in pod["initContainers"][0]["env"]]
    server = [one["name"] for one in pod["containers"][0]["env"]]
    assert loader == ["HOME", "RCLONE_CONFIG_S3_TYPE", "RCLONE_CONFIG_S3_SECRET_ACCESS_KEY"]
    assert [one for one in server if one.startswith("RCLONE")] == []
    assert "LOG_LEVEL" in server


def test_a_model_on_a_claim_is_read_where_it_lies() -> None:
    (pod,) = pods(MODELS["server-claim"])
    claim = {"name": "kfserving-pvc-source", "persistentVolumeClaim": {"claimName": "models", "readOnly": True}}
    mount = {"name": "kfserving-pvc-source", "mountPath": "/mnt/pvc", "readOnly": True}
    assert pod["initContainers"][0]["args"] == ["/mnt/pvc/iris/1", "/mnt/models"]
    assert claim in pod["volumes"]
    assert mount in pod["initContainers"][0]["volumeMounts"]
    assert mount in pod["containers"][0]["volumeMounts"]


def test_the_loaders_image_is_the_platforms() -> None:
    assert pods(MODELS["server-v2"])[0]["initContainers"][0]["image"] == cases.LOADER


@pytest.mark.parametrize("name", ["server-v2", "server-tensorflow", "server-no-model"])
def test_a_stock_server_that_keeps_its_folders_writes_them_where_it_may(name: str) -> None:
    env = {one["name"]: one["value"] for one in own(MODELS[name])["env"]}
    assert {env["MLSERVER_ENVIRONMENTS_DIR"], env["MLSERVER_METRICS_DIR"]} == {f"{TMP}/environments", f"{TMP}/metrics"}
