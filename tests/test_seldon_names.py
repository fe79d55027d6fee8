"""Names: what the operator derives, when it hashes, what one SeldonDeployment claims, what clashes."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.seldon import names
from generator.seldon.claims import PREFIX, Claim, claimed_names, clashes
from generator.seldon.objects import OperatorError
from generator.seldon.operator import expand
from generator.seldon.settings import OperatorSettings
from generator.seldon.webhook import verdicts

Object = dict[str, Any]
REFEREE = Path(__file__).parents[2] / "shared/referee"
GIVEN = sorted(REFEREE.glob("seldon-operator/*/input.yaml")) + sorted(REFEREE.glob("seldon-samples/*.yaml"))
KEDA = OperatorSettings(keda_enabled=True)
P0 = ("spec", "predictors", 0)


def _deployment(name: str, predictor: str = "main", container: str = "model", **fields: Any) -> Object:
    component = {"spec": {"containers": [{"name": container, "image": "registry.local/model:1"}]}}
    made = {"name": predictor, "graph": {"name": container}, "componentSpecs": [component], **fields}
    return {"metadata": {"name": name, "namespace": "models"}, "spec": {"predictors": [made]}}


def test_a_name_of_63_characters_stays_and_one_of_64_is_hashed() -> None:
    assert names.hashed("a" * 63) == "a" * 63
    assert names.hashed("a" * 64) == "seldon-014842d480b571495a4a0363793f7367"


def test_names_are_joined_by_dashes() -> None:
    assert names.virtual_service("fraud") == "fraud"
    assert names.predictor_service("fraud", "main") == "fraud-main"
    assert names.container_service("fraud", "main", "model") == "fraud-main-model"
    assert names.orchestrator_deployment("fraud", "main") == "fraud-main-svc-orch"
    assert names.explainer_name("fraud", "main") == "fraud-main-explainer"
    assert names.explainer_virtual_service("fraud", "main") == "fraud-main-explainer-http"
    assert names.deployment_name("fraud", "main", 1, "pod") == "fraud-main-1-pod"
    assert names.host("fraud-main", "models") == "fraud-main.models.svc.cluster.local"


def test_a_pinned_name_replaces_the_names_of_the_containers() -> None:
    component: Object = {"spec": {"containers": [{"name": "a"}, {"name": "b"}]}}
    assert names.component_suffix(component) == "a-b"
    assert names.component_suffix(component | {"metadata": {"name": "pod"}}) == "pod"


def test_an_annotation_names_the_predictors_service_and_is_never_hashed() -> None:
    predictor = {"name": "main", "annotations": {"seldon.io/svc-name": "s" * 70}}
    assert names.service_of("fraud", predictor) == "s" * 70
    assert names.service_of("fraud", {"name": "main"}) == "fraud-main"


def test_the_prefix_setting_keeps_the_name_in_front_of_the_hash_where_it_fits() -> None:
    plain = names.deployment_name("fraud", "main", 0, "c" * 60)
    assert plain.startswith("seldon-")
    assert names.deployment_name("fraud", "main", 0, "c" * 60, as_prefix=True) == plain.replace("seldon-", "fraud-")
    assert names.deployment_name("f" * 31, "main", 0, "c" * 60, as_prefix=True).startswith("seldon-")


def test_what_is_cut_loses_one_trailing_dash() -> None:
    assert names.explainer_virtual_service("f" * 43, "predictor") == f"{'f' * 43}-predictor-explainer"
    assert names.initializer_container("c" * 50) == f"{'c' * 50}-model-initia"


def test_a_container_has_room_for_48_characters_in_its_label_key() -> None:
    assert names.CONTAINER_MAX == 48
    assert len(names.container_label("c" * names.CONTAINER_MAX)) == names.LABEL_KEY_MAX


def test_the_claims_of_a_plain_deployment() -> None:
    assert claimed_names(_deployment("fraud")) == (
        Claim(kind="Deployment", name="fraud-main-0-model", path=(*P0, "componentSpecs", 0)),
        Claim(kind="DestinationRule", name="fraud-main", path=(*P0, "name")),
        Claim(kind="Service", name="fraud-main", path=(*P0, "name")),
        Claim(
            kind="Service",
            name="fraud-main-model",
            path=(*P0, "componentSpecs", 0, "spec", "containers", 0, "name"),
        ),
        Claim(kind="VirtualService", name="fraud", path=("metadata", "name")),
        Claim(kind=PREFIX, name="/seldon/models/fraud/", path=("metadata", "name")),
    )


def test_a_stock_server_claims_names_for_the_container_that_the_operator_adds() -> None:
    server = _deployment("iris")
    server["spec"]["predictors"][0] |= {
        "graph": {"name": "m", "implementation": "SKLEARN_SERVER", "modelUri": "s3://m"}
    }
    del server["spec"]["predictors"][0]["componentSpecs"]
    claimed = [(claim.kind, claim.name) for claim in claimed_names(server)]
    assert ("Deployment", "iris-main-0-m") in claimed
    assert ("Service", "iris-main-m") in claimed


def test_two_deployments_clash_where_concatenation_gives_one_name() -> None:
    found = clashes([_deployment("a", "b-c"), _deployment("a-b", "c")])
    assert [(clash.first[1].kind, clash.first[1].name) for clash in found] == [
        ("Deployment", "a-b-c-0-model"),
        ("DestinationRule", "a-b-c"),
        ("Service", "a-b-c"),
        ("Service", "a-b-c-model"),
    ]
    assert all(clash.first[0] == 0 and clash.second[0] == 1 for clash in found)


def test_a_container_can_clash_with_another_predictor() -> None:
    both = _deployment("a", "m", "x")
    both["spec"]["predictors"] += _deployment("a", "m-x", "y")["spec"]["predictors"]
    assert [(c.first[1].name, c.second[1].path) for c in clashes([both])] == [
        ("a-m-x", ("spec", "predictors", 1, "name"))
    ]


def test_the_same_names_in_two_namespaces_do_not_clash() -> None:
    other = _deployment("fraud")
    other["metadata"]["namespace"] = "risk"
    assert clashes([_deployment("fraud"), other]) == ()


def test_an_explainers_path_clashes_with_a_deployment_of_that_name() -> None:
    explained = _deployment("a", explainer={"type": "AnchorTabular"})
    found = clashes([explained, _deployment("a-explainer")])
    assert [(clash.first[1].name, clash.second[1].name) for clash in found] == [
        ("/seldon/models/a-explainer/main/", "/seldon/models/a-explainer/")
    ]


@pytest.mark.skipif(not GIVEN, reason="the referee folder is absent")
@pytest.mark.parametrize("path", GIVEN or [Path("absent")], ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_claims_are_the_names_of_what_the_operator_makes(path: Path) -> None:
    deployment = yaml.safe_load(path.read_text(encoding="utf-8"))
    claimed = {(claim.kind, claim.name) for claim in claimed_names(deployment, KEDA) if claim.kind != PREFIX}
    try:
        made = {(item["kind"], item["metadata"]["name"]) for item in expand(deployment, KEDA)}
    except OperatorError:
        assert verdicts(deployment), "what the webhook admits of these, the operator can make"
        return
    assert claimed == made
