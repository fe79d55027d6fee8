"""Identity, disruption budgets and detectors of a model."""

from dataclasses import replace

import pytest
from serving import EVERY, MODELS, expanded

from generator.build import detector
from generator.build.container import TMP
from generator.build.workload import build
from generator.model import Model
from generator.tenancy import Object
from generator.verify.objects import checker


def made(model: Model, kind: str) -> list[Object]:
    return [one for one in build(model) if one["kind"] == kind]


def selects(selector: Object, labels: dict[str, str]) -> bool:
    absent = [one["key"] for one in selector["matchExpressions"] if one["operator"] == "DoesNotExist"]
    return selector["matchLabels"].items() <= labels.items() and not any(key in labels for key in absent)


@EVERY
def test_kubernetes_knows_every_field(model: Model) -> None:
    assert list(checker(None, "1.34").check("", [*build(model), *detector.build(model)])) == []


def test_the_account_of_a_model_pulls_images_and_gets_no_token() -> None:
    assert made(MODELS["fraud"], "ServiceAccount") == [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {
                "name": "fraud",
                "namespace": "payments",
                "labels": {
                    "app.kubernetes.io/managed-by": "modelapi-gen",
                    "app.kubernetes.io/name": "fraud",
                    "app.kubernetes.io/part-of": "payments",
                },
                "annotations": {"argocd.argoproj.io/sync-wave": "-1"},
            },
            "automountServiceAccountToken": False,
            "imagePullSecrets": [{"name": "registry-pull"}],
        }
    ]


def test_an_account_without_a_pull_secret_names_none() -> None:
    model = MODELS["fraud"]
    place = replace(model.place, platform=replace(model.place.platform, pull_secret=""))
    assert "imagePullSecrets" not in made(replace(model, place=place), "ServiceAccount")[0]


def test_a_predictor_of_two_pods_or_more_loses_one_at_a_time() -> None:
    found = made(MODELS["fraud"], "PodDisruptionBudget")
    assert [one["metadata"]["name"] for one in found] == ["fraud-main", "fraud-canary"]
    assert found[0]["spec"] == {
        "maxUnavailable": 1,
        "selector": {
            "matchLabels": {"seldon-deployment-id": "fraud", "version": "main"},
            "matchExpressions": [{"key": "seldon.io/explainer", "operator": "DoesNotExist"}],
        },
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }


def test_a_single_pod_has_no_budget_that_would_hold_up_every_drain() -> None:
    assert made(MODELS["iris"], "PodDisruptionBudget") == []


@pytest.mark.parametrize("name", ["fraud", "churn", "shadow", "seldon-explainer"])
def test_each_pod_of_a_predictor_is_in_one_budget_and_no_explainer_in_any(name: str) -> None:
    model = MODELS[name]
    budgets = {one["metadata"]["name"]: one["spec"]["selector"] for one in made(model, "PodDisruptionBudget")}
    for deployment, body in expanded(model).items():
        labels = body["spec"]["template"]["metadata"]["labels"]
        chosen = [budget for budget, selector in budgets.items() if selects(selector, labels)]
        assert chosen == ([] if deployment.endswith("-explainer") else [f"{model.name}-{labels['version']}"])


@EVERY
def test_no_budget_is_named_like_a_deployment_whose_budget_the_operator_removes(model: Model) -> None:
    names = {one["metadata"]["name"] for one in made(model, "PodDisruptionBudget")}
    assert names.isdisjoint(expanded(model))


# --- detectors ---


def test_a_detector_is_reached_by_its_service_and_by_nothing_of_the_operators() -> None:
    deployment, service = detector.build(MODELS["churn"])
    chosen = {"app.kubernetes.io/component": "detector-drift", "app.kubernetes.io/name": "churn"}
    pod = deployment["spec"]["template"]
    assert deployment["metadata"]["name"] == service["metadata"]["name"] == "detector-churn-drift"
    assert service["spec"] == {
        "selector": chosen,
        "ports": [{"name": "http", "port": 9000, "targetPort": "http", "protocol": "TCP"}],
    }
    assert deployment["spec"]["selector"] == {"matchLabels": chosen}
    assert chosen.items() <= pod["metadata"]["labels"].items()
    for one in (deployment, service):
        assert "seldon-deployment-id" not in {**one["metadata"]["labels"], **pod["metadata"]["labels"]}


def test_a_detector_runs_behind_the_same_walls_as_a_node() -> None:
    pod = detector.build(MODELS["churn"])[0]["spec"]["template"]["spec"]
    (one,) = pod["containers"]
    assert (pod["serviceAccountName"], pod["automountServiceAccountToken"]) == ("churn", False)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert one["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert one["volumeMounts"] == [{"name": "tmp", "mountPath": TMP}]
