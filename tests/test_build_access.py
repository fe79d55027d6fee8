"""Who may call a model: the exact policies, and what holds for every one of them."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import crd
import pytest
from build_fixtures import CORP, JWKS, churn, fraud, grants, iris
from build_rendered import everything, models, of, partner, policies, ungranted

from generator.build import access, seldon
from generator.build.pods import metrics
from generator.model import Model, Protocol
from generator.seldon.operator import expand
from generator.tenancy import Account, Object

GATEWAY = "cluster.local/ns/api/sa/seldon-gateway"
CHURN = "cluster.local/ns/growth/sa/churn"
PROMETHEUS = "cluster.local/ns/monitoring/sa/prometheus"
CORP_TOKENS = "https://idp.local/auth/realms/ML/*"


def rules(model: Model) -> list[Object]:
    found: list[Object] = access.build(model)[1]["spec"].get("rules", [])
    return found


def to(methods: list[str], paths: list[str], *ports: str) -> Object:
    return {"operation": {"methods": methods, "paths": paths, "ports": list(ports)}}


def inside(principal: str, *operations: Object) -> Object:
    return {"from": [{"source": {"principals": [principal]}}], "to": list(operations)}


def through_gateway(audience: str, claim: str, value: str, *operations: Object) -> Object:
    return {
        "from": [{"source": {"principals": [GATEWAY], "requestPrincipals": [CORP_TOKENS]}}],
        "to": list(operations),
        "when": [
            {"key": "request.auth.audiences", "values": [audience]},
            {"key": f"request.auth.claims[{claim}]", "values": [value]},
        ],
    }


def source_of(rule: Object) -> Object:
    (entry,) = rule["from"]
    found: Object = entry["source"]
    return found


def all_rules() -> list[tuple[Model, Object]]:
    return [(model, rule) for model in models() for rule in rules(model)]


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


# --- exact objects ---------------------------------------------------------------------------------------------------


def test_a_bento_for_one_user_is_one_token_rule_and_two_access_rules() -> None:
    metadata = {
        "name": "iris",
        "namespace": "example-model",
        "labels": {
            "app.kubernetes.io/managed-by": "modelapi-gen",
            "app.kubernetes.io/name": "iris",
            "app.kubernetes.io/part-of": "example-model",
        },
        "annotations": {"argocd.argoproj.io/sync-wave": "-1"},
    }
    selector = {"matchLabels": {"seldon-deployment-id": "iris"}}
    assert access.build(iris()) == [
        {
            "apiVersion": "security.istio.io/v1",
            "kind": "RequestAuthentication",
            "metadata": metadata,
            "spec": {
                "selector": selector,
                "jwtRules": [
                    {
                        "issuer": "https://idp.local/auth/realms/ML",
                        "audiences": ["ml"],
                        "jwks": JWKS,
                        "fromHeaders": [{"name": "Authorization", "prefix": "Bearer "}],
                        "forwardOriginalToken": False,
                    }
                ],
            },
        },
        {
            "apiVersion": "security.istio.io/v1",
            "kind": "AuthorizationPolicy",
            "metadata": metadata,
            "spec": {
                "selector": selector,
                "action": "ALLOW",
                "rules": [
                    through_gateway("ml", "email", "alice@corp.example", to(["POST"], ["/predict"], "3000")),
                    inside(PROMETHEUS, to(["GET"], ["/metrics"], "3000")),
                ],
            },
        },
    ]


def test_grants_callers_in_the_mesh_and_an_explainer_give_their_rules_in_order() -> None:
    predict = [
        to(["POST"], ["/v2/models/fraud/infer", "/v2/models/infer"], "8000"),
        to(["POST"], ["/inference.GRPCInferenceService/ModelInfer"], "5001"),
    ]
    explain = to(["POST"], ["/v2/models/fraud/infer"], "9000")
    assert rules(fraud()) == [
        through_gateway("fraud", "groups", "fraud-analysts", *predict, explain),
        through_gateway("fraud", "azp", "checkout", *predict),
        inside("cluster.local/ns/orders/sa/checkout", *predict),
        inside(
            "cluster.local/ns/payments/sa/fraud",
            to(["POST"], ["/v2/models/fraud/infer"], "8000"),
            to(["GET"], ["/v2/models/fraud"], "8000"),
        ),
        inside(PROMETHEUS, to(["GET"], ["/metrics"], "3000"), to(["GET"], ["/prometheus"], "8000")),
    ]


def test_a_graph_over_several_pods_opens_its_nodes_to_its_own_account_only() -> None:
    granted = [
        to(["POST"], ["/api/v1.0/feedback", "/api/v1.0/predictions"], "8000"),
        to(["POST"], ["/seldon.protos.Seldon/Predict", "/seldon.protos.Seldon/SendFeedback"], "5001"),
    ]
    assert rules(churn()) == [
        through_gateway("ml", "groups", "retention", *granted),
        through_gateway("ml", "azp", "crm-backend", *granted),
        inside(
            "cluster.local/ns/growth/sa/churn",
            to(["POST"], ["/predict", "/route", "/send-feedback", "/transform-input"], "9000"),
            to(["GET"], ["/api/v1.0/health/status", "/health/status", "/metadata"], "9000"),
            to(
                ["POST"],
                [
                    "/seldon.protos.Model/Predict",
                    "/seldon.protos.Model/SendFeedback",
                    "/seldon.protos.Router/Route",
                    "/seldon.protos.Transformer/TransformInput",
                ],
                "9500",
            ),
        ),
        inside(PROMETHEUS, to(["GET"], ["/prometheus"], "6000", "8000")),
    ]


def test_each_kind_of_identity_is_its_own_rule_and_a_token_alone_is_one_too() -> None:
    conditions = [rule["when"] for rule in rules(partner()) if "when" in rule]
    audience = {"key": "request.auth.audiences", "values": ["partner-ml"]}
    assert conditions == [
        [audience, {"key": "request.auth.claims[https://partner.example/mail]", "values": ["carol@partner.example"]}],
        [audience, {"key": "request.auth.claims[realm_access][roles]", "values": ["analysts"]}],
        [audience, {"key": "request.auth.claims[client_id]", "values": ["batch"]}],
        [audience],
    ]


def test_a_model_that_nobody_may_call_has_a_policy_without_rules() -> None:
    assert access.build(ungranted())[1]["spec"] == {
        "selector": {"matchLabels": {"seldon-deployment-id": "dark"}},
        "action": "ALLOW",
    }


def test_a_detector_may_be_posted_to_by_the_sink_of_the_log() -> None:
    (policy,) = access.build(churn())[2:]
    assert policy["metadata"]["name"] == "detector-churn-drift"
    assert policy["spec"] == {
        "selector": {
            "matchLabels": {"app.kubernetes.io/component": "detector-drift", "app.kubernetes.io/name": "churn"}
        },
        "action": "ALLOW",
        "rules": [
            {
                "from": [{"source": {"namespaces": ["audit"]}}],
                "to": [{"operation": {"methods": ["POST"], "ports": ["9000"]}}],
            }
        ],
    }


def test_without_a_log_a_detector_is_reached_by_nobody() -> None:
    assert len(access.build(replace(churn(), log=None))) == 2


def test_a_grant_of_an_operation_that_the_model_lacks_opens_nothing() -> None:
    checkout = Account(namespace="orders", name="checkout")
    given = replace(grants("explain"), users=("alice@corp.example",), workloads=(checkout,))
    model = replace(iris(), grants=(given,))
    assert rules(model) == [inside(PROMETHEUS, to(["GET"], ["/metrics"], "3000"))]


V2_POSTED = ["/v2/models/choose/route", "/v2/models/churn/infer", "/v2/models/churn/route"]
V2_POSTED += [f"/v2/models/{name}/infer" for name in ("clean", "gbm", "net", "outliers")]
V2_ASKED = ["/v2/health/ready"]
V2_ASKED += [
    f"/v2/models/{name}{end}" for name in ("choose", "clean", "gbm", "net", "outliers") for end in ("", "/ready")
]
V1_POSTED = ["/v1/models/choose:route", "/v1/models/churn:predict", "/v1/models/churn:route"]
V1_POSTED += [f"/v1/models/{name}:predict" for name in ("clean", "gbm", "net", "outliers")]
V1_ASKED = [f"/v1/models/{n}{end}" for n in ("choose", "clean", "gbm", "net", "outliers") for end in ("", "/metadata")]


@pytest.mark.parametrize(
    ("protocol", "paths"),
    [
        (Protocol.V2, [V2_POSTED, V2_ASKED, ["/inference.GRPCInferenceService/ModelInfer"]]),
        (Protocol.TENSORFLOW, [V1_POSTED, V1_ASKED, ["/tensorflow.serving.PredictionService/Predict"]]),
    ],
)
def test_nodes_are_called_by_the_paths_of_the_protocol(protocol: Protocol, paths: list[list[str]]) -> None:
    (own,) = [rule for rule in rules(replace(churn(), protocol=protocol)) if source_of(rule)["principals"] == [CHURN]]
    assert [entry["operation"]["paths"] for entry in own["to"]] == [sorted(group) for group in paths]


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [
        (Protocol.SELDON, [to(["POST"], ["/api/v1.0/predictions"], "8000")]),
        (Protocol.TENSORFLOW, [to(["POST"], ["/v1/models/fraud:predict"], "8000")]),
    ],
)
def test_an_explainer_asks_its_predictor_by_the_path_of_the_protocol(
    protocol: Protocol, expected: list[Object]
) -> None:
    own = "cluster.local/ns/payments/sa/fraud"
    assert inside(own, *expected) in rules(replace(fraud(), protocol=protocol))


# --- what holds for every policy -------------------------------------------------------------------------------------


def test_every_pod_that_the_operator_makes_is_selected_by_the_models_policies() -> None:
    for model in models():
        selectors = [policy["spec"]["selector"]["matchLabels"] for policy in access.build(model)[:2]]
        pods = [o["spec"]["template"]["metadata"]["labels"] for o in of("Deployment", expand(seldon.build(model)[0]))]
        assert pods
        assert all(wanted.items() <= labels.items() for wanted in selectors for labels in pods)


def test_every_port_of_a_policy_is_one_that_some_container_listens_on() -> None:
    for model in models():
        deployments = of("Deployment", expand(seldon.build(model)[0]))
        containers = [c for o in deployments for c in o["spec"]["template"]["spec"]["containers"]]
        listening = {str(port["containerPort"]) for container in containers for port in container.get("ports", ())}
        named = {port for rule in rules(model) for entry in rule["to"] for port in entry["operation"]["ports"]}
        assert named <= listening


def test_a_model_has_exactly_one_token_policy_and_one_access_policy_on_the_same_pods() -> None:
    for model in models():
        tokens, allowed = access.build(model)[:2]
        assert (tokens["kind"], allowed["kind"]) == ("RequestAuthentication", "AuthorizationPolicy")
        assert tokens["spec"]["selector"] == allowed["spec"]["selector"]
        assert tokens["metadata"]["name"] == allowed["metadata"]["name"] == model.name


def test_no_rule_is_empty_and_every_rule_names_callers_methods_paths_and_ports() -> None:
    for _, rule in all_rules():
        assert source_of(rule)["principals"]
        assert all(entry["operation"][field] for entry in rule["to"] for field in ("methods", "paths", "ports"))


def test_a_rule_for_tokens_wants_the_gateway_the_models_issuer_and_audience_and_one_identity() -> None:
    for model, rule in all_rules():
        if "when" not in rule:
            continue
        tokens = access.build(model)[0]["spec"]["jwtRules"]
        assert source_of(rule) == {"principals": [GATEWAY], "requestPrincipals": [f"{tokens[0]['issuer']}/*"]}
        keys = [condition["key"] for condition in rule["when"]]
        assert rule["when"][0] == {"key": "request.auth.audiences", "values": tokens[0]["audiences"]}
        anyone = any(grants.anyone for grants in model.grants)
        assert len(keys) == 2 or (anyone and len(keys) == 1)
        assert all(key.startswith("request.auth.claims[") for key in keys[1:])


def test_a_rule_without_a_token_names_other_principals_than_the_gateways() -> None:
    bare = [source_of(rule) for _, rule in all_rules() if "when" not in rule]
    assert bare
    assert all(source.keys() == {"principals"} and GATEWAY not in source["principals"] for source in bare)


def test_tokens_are_taken_from_the_authorization_header_alone_and_end_at_the_models_pods() -> None:
    for model in models():
        (rule,) = access.build(model)[0]["spec"]["jwtRules"]
        assert rule["fromHeaders"] == [{"name": "Authorization", "prefix": "Bearer "}]
        assert rule["forwardOriginalToken"] is False
        assert rule["audiences"] == [model.audience]
        assert ("jwks" in rule) != ("jwksUri" in rule)
        assert not rule.keys() & {"fromParams", "fromCookies", "presence"}


def test_an_issuer_has_the_same_keys_wherever_its_tokens_are_checked() -> None:
    found: dict[str, set[str]] = {}
    for policy in of("RequestAuthentication"):
        issuers = [rule["issuer"] for rule in policy["spec"]["jwtRules"]]
        assert len(issuers) == len(set(issuers))
        for rule in policy["spec"]["jwtRules"]:
            found.setdefault(rule["issuer"], set()).add(json.dumps([rule.get("jwks"), rule.get("jwksUri")]))
    assert found.keys() == {CORP.url, "https://partner.example/"}
    assert all(len(keys) == 1 for keys in found.values())


def test_policies_allow_positively_and_have_no_field_that_denies() -> None:
    text = json.dumps(of("AuthorizationPolicy"))
    assert '"not' not in text
    assert {policy["spec"].get("action", "ALLOW") for policy in of("AuthorizationPolicy")} == {"ALLOW"}


def test_the_only_wildcards_are_any_subject_of_an_issuer_and_any_port_of_a_host() -> None:
    for policy in of("AuthorizationPolicy"):
        for text in strings(policy["spec"]):
            assert text
            assert text == text.strip()
            if "*" in text:
                assert text.count("*") == 1
                assert text.endswith(("/*", ":*"))
                assert text.startswith("https://") or ".ml.corp.example:" in text


def test_paths_are_exact_and_as_the_pod_sees_them_and_methods_are_upper_case() -> None:
    for model, rule in all_rules():
        for entry in rule["to"]:
            operation = entry["operation"]
            assert "hosts" not in operation
            assert set(operation["methods"]) <= {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"}
            assert all(path.startswith("/") and not set(path) & set("*{}") for path in operation["paths"])
            assert not any(path.startswith(o.prefix) for path in operation["paths"] for o in model.operations)
            assert operation["paths"] == sorted(set(operation["paths"]))


def test_a_graph_is_open_to_the_models_own_account_on_its_own_ports_only() -> None:
    model = churn()
    (own,) = [rule for rule in rules(model) if source_of(rule)["principals"] == [CHURN]]
    assert not any("default" in principal or "*" in principal for principal in source_of(own)["principals"])
    assert {port for entry in own["to"] for port in entry["operation"]["ports"]} == {"9000", "9500"}
    assert not any(source_of(rule)["principals"] == [CHURN] for m in (iris(), ungranted()) for rule in rules(m))


def test_prometheus_may_get_exactly_the_metrics() -> None:
    for model in models():
        for rule in rules(model):
            if source_of(rule)["principals"] == [PROMETHEUS]:
                opened = [
                    (int(port), path, method)
                    for entry in rule["to"]
                    for method in entry["operation"]["methods"]
                    for path in entry["operation"]["paths"]
                    for port in entry["operation"]["ports"]
                ]
                assert sorted(opened) == [(port, path, "GET") for port, path in metrics(model)]


def test_policies_are_applied_before_the_workload_and_walls_before_policies() -> None:
    waves = {policy["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"] for policy in policies()}
    assert waves == {"-1"}
    (deny, *_) = [o for o in of("AuthorizationPolicy") if o["metadata"]["name"] == "default-deny"]
    assert deny["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"] == "-2"


def test_nothing_previews_or_bypasses_a_policy() -> None:
    for obj in everything():
        assert obj["kind"] not in ("EnvoyFilter", "WasmPlugin", "VirtualService", "Secret")
        assert "targetRef" not in json.dumps(obj)
        annotations = obj["metadata"].get("annotations", {})
        assert not any(key.startswith(("istio.io/", "sidecar.istio.io/")) for key in annotations)


def test_every_custom_resource_is_known_to_its_definition_field_by_field() -> None:
    custom = [obj for obj in everything() if ".istio.io/" in obj["apiVersion"]]
    assert {obj["apiVersion"].partition("/")[2] for obj in custom} == {"v1"}
    assert [(obj["kind"], obj["metadata"]["name"], found) for obj in custom if (found := crd.problems(obj))] == []


def test_a_mistyped_field_is_found_by_the_check_above() -> None:
    policy = access.build(iris())[1]
    wrong = {**policy, "spec": {**policy["spec"], "selectors": {}, "action": "PERMIT"}}
    assert crd.problems(wrong) == [
        ".spec.action: 'PERMIT' is not one of ['ALLOW', 'DENY', 'AUDIT', 'CUSTOM']",
        ".spec.selectors: unknown field",
    ]


def test_the_page_of_rules_names_tests_that_exist() -> None:
    page = (Path(__file__).parents[1] / "docs" / "rules.md").read_text(encoding="utf-8")
    tests = "".join(file.read_text(encoding="utf-8") for file in sorted(Path(__file__).parent.glob("test_*.py")))
    named = re.findall(r"`(test_\w+)`", page)
    assert named
    assert [name for name in named if f"def {name}(" not in tests] == []
