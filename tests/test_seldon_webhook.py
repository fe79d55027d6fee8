"""The webhook's port: for each rule an object that breaks it and a neighbour that passes."""

from copy import deepcopy
from typing import Any

import pytest

from generator.seldon.verdict import Outcome, Verdict
from generator.seldon.webhook import denial, verdicts

Object = dict[str, Any]


def _deployment(**spec: Any) -> Object:
    return {"metadata": {"name": "fraud", "namespace": "models"}, "spec": {"predictors": [_predictor()], **spec}}


def _predictor(name: str = "main", **fields: Any) -> Object:
    component = {"spec": {"containers": [{"name": "model", "image": "registry.local/model:1"}]}}
    return {"name": name, "graph": {"name": "model"}, "componentSpecs": [component], **fields}


def _graph(**fields: Any) -> Object:
    return _deployment(predictors=[_predictor(graph={"name": "model", **fields})])


def _two(*traffic: Any, **second: Any) -> Object:
    first, other = ({} if share is None else {"traffic": share} for share in traffic)
    return _deployment(predictors=[_predictor("main", **first), _predictor("other", **other, **second)])


KAFKA = [{"name": f"KAFKA_{part}", "value": "x"} for part in ("BROKER", "INPUT_TOPIC", "OUTPUT_TOPIC")]
NAMED = {"annotations": {"seldon.io/svc-name": "one"}}
CHAIN = {"name": "model", "children": [{"name": "model"}]}
P0 = ("spec", "predictors", 0)
P1 = ("spec", "predictors", 1)

# rule, object that breaks it, path, the webhook's line, object beside it that passes
ROWS: list[tuple[str, Object, tuple[str | int, ...], str, Object]] = [
    (
        "no-container",
        _graph(name="modle"),
        (*P0, "graph", "name"),
        'spec.predictors[0].graph: Invalid value: "modle": Can\'t find container for Predictive Unit',
        _graph(),
    ),
    (
        "no-container",
        _graph(children=[{"name": "model"}, {"name": "other"}]),
        (*P0, "graph", "children", 1, "name"),
        'spec.predictors[0].graph[1]: Invalid value: "other": Can\'t find container for Predictive Unit',
        _graph(children=[{"name": "model"}]),
    ),
    (
        "no-methods",
        _graph(type="UNKNOWN_TYPE"),
        (*P0, "graph", "type"),
        (
            'spec.predictors[0].graph: Invalid value: "model": Predictive Unit has no implementation methods defined. '
            "Change to a known type or add what methods it defines"
        ),
        _graph(type="UNKNOWN_TYPE", methods=["TRANSFORM_INPUT"]),
    ),
    (
        "no-model-uri",
        _graph(implementation="SKLEARN_SERVER"),
        (*P0, "graph"),
        (
            'spec.predictors[0].graph: Invalid value: "model": '
            "Predictive unit modelUri required when using standalone servers"
        ),
        _graph(implementation="HUGGINGFACE_SERVER"),
    ),
    (
        "server-tensorflow",
        _deployment(
            protocol="tensorflow",
            predictors=[_predictor(graph={"name": "model", "implementation": "MLFLOW_SERVER", "modelUri": "s3://m"})],
        ),
        (*P0, "graph", "implementation"),
        (
            'spec.predictors[0].graph: Invalid value: "model": '
            "Prepackaged server does not handle tensorflow protocol MLFLOW_SERVER"
        ),
        _deployment(
            protocol="tensorflow",
            predictors=[_predictor(graph={"name": "model", "implementation": "TRITON_SERVER", "modelUri": "s3://m"})],
        ),
    ),
    (
        "unknown-server",
        _graph(name="other", implementation="LIGHTGBM_SERVER", modelUri="s3://m"),
        (*P0, "graph", "implementation"),
        'spec.predictors[0].graph: Invalid value: "other": No entry in predictors map for LIGHTGBM_SERVER',
        _graph(implementation="LIGHTGBM_SERVER", modelUri="s3://m"),
    ),
    (
        "logger-mode",
        _graph(logger={"url": "http://sink"}),
        (*P0, "graph", "logger"),
        'spec.predictors[0].graph: Invalid value: "": No logger mode specified',
        _graph(logger={"mode": "all"}),
    ),
    (
        "several-shadows",
        _deployment(predictors=[_predictor(), _predictor("a", shadow=True), _predictor("b", shadow=True)]),
        ("spec", "predictors", 2, "shadow"),
        'spec: Invalid value: "b": Multiple shadows are not allowed',
        _two(100, None, shadow=True),
    ),
    (
        "shadow-traffic",
        _two(100, 101, shadow=True),
        (*P1, "traffic"),
        'spec: Invalid value: "other": shadow traffic is illegal, the traffic number should be between [0, 100]',
        _two(100, 100, shadow=True),
    ),
    (
        "traffic-sum",
        _two(50, 49),
        ("spec", "predictors"),
        'spec: Invalid value: "main": Traffic must sum to 100 for multiple predictors',
        _two(50, 50),
    ),
    (
        "traffic-single",
        _deployment(predictors=[_predictor(traffic=99)]),
        (*P0, "traffic"),
        'spec: Invalid value: "main": Traffic must sum be 100 for a single predictor when set',
        _deployment(predictors=[_predictor(traffic=101)]),
    ),
    (
        "duplicate-service-name",
        _deployment(predictors=[_predictor("a", traffic=50, **NAMED), _predictor("b", traffic=50, **NAMED)]),
        (*P1, "annotations", "seldon.io/svc-name"),
        'spec.predictors[1]: Invalid value: "b": Found duplicate service name in seldon.io/svc-name with value one',
        _deployment(predictors=[_predictor("a", traffic=50, **NAMED), _predictor("b", traffic=50)]),
    ),
    (
        "kafka-env",
        _deployment(serverType="kafka", predictors=[_predictor(svcOrchSpec={"env": KAFKA[:2]})]),
        (*P0, "svcOrchSpec", "env"),
        (
            'spec.predictors[0]: Invalid value: "main": '
            "For kafka please supply svcOrchSpec envs KAFKA_BROKER, KAFKA_INPUT_TOPIC, KAFKA_OUTPUT_TOPIC"
        ),
        _deployment(serverType="kafka", predictors=[_predictor(svcOrchSpec={"env": KAFKA})]),
    ),
    (
        "shadow-alone",
        _deployment(predictors=[_predictor(shadow=True)]),
        (*P0, "shadow"),
        'spec.predictors[0]: Invalid value: "main": Shadow can not exist as only predictor',
        _deployment(predictors=[_predictor(shadow=False)]),
    ),
    (
        "unknown-protocol",
        _deployment(protocol="V2"),
        ("spec", "protocol"),
        'spec: Invalid value: "V2": Invalid protocol',
        _deployment(protocol="v2"),
    ),
    (
        "unknown-transport",
        _deployment(transport="http"),
        ("spec", "transport"),
        'spec: Invalid value: "http": Invalid transport',
        _deployment(transport="rest"),
    ),
    (
        "unknown-servertype",
        _deployment(serverType="queue"),
        ("spec", "serverType"),
        'spec: Invalid value: "queue": Invalid serverType',
        _deployment(serverType="rpc"),
    ),
    (
        "no-predictors",
        _deployment(predictors=[]),
        ("spec", "predictors"),
        'spec: Invalid value: "": Graph contains no predictors',
        _deployment(),
    ),
    (
        "no-engine-graph",
        _deployment(predictors=[_predictor(graph=CHAIN, annotations={"seldon.io/no-engine": "false"})]),
        (*P0, "annotations", "seldon.io/no-engine"),
        'spec.predictors[0]: Invalid value: "main": Running without engine only valid for single element graphs',
        _deployment(predictors=[_predictor(annotations={"seldon.io/no-engine": "true"})]),
    ),
    (
        "duplicate-predictor",
        _deployment(predictors=[_predictor(traffic=50), _predictor(traffic=50)]),
        (*P1, "name"),
        'spec.predictors[1]: Invalid value: "main": Duplicate predictor name',
        _two(50, 50),
    ),
    (
        "endpoint-types",
        _graph(endpoint={"type": "REST"}, children=[{"name": "model", "endpoint": {"type": "GRPC"}}]),
        (*P0, "graph", "children", 0, "endpoint", "type"),
        (
            'spec: Invalid value: "": Multiple endpoint.types found - can only have 1 type in graph. '
            "Please use spec.transport"
        ),
        _graph(endpoint={"type": "GRPC"}, children=[{"name": "model", "endpoint": {"type": "GRPC"}}]),
    ),
    (
        "endpoint-transport",
        _deployment(transport="rest", predictors=[_predictor(graph={"name": "model", "endpoint": {"type": "GRPC"}})]),
        (*P0, "graph", "endpoint", "type"),
        (
            'spec: Invalid value: "": Mixed transport types found. '
            "Remove graph endpoint.types if transport set at deployment level"
        ),
        _deployment(transport="grpc", predictors=[_predictor(graph={"name": "model", "endpoint": {"type": "GRPC"}})]),
    ),
]


@pytest.mark.parametrize(
    ("rule", "bad", "path", "refusal", "good"), ROWS, ids=[f"{i}-{r[0]}" for i, r in enumerate(ROWS)]
)
def test_a_rule_fires_with_the_webhooks_words_and_spares_its_neighbour(
    rule: str, bad: Object, path: tuple[str | int, ...], refusal: str, good: Object
) -> None:
    found = verdicts(bad)
    assert found == (
        Verdict(
            rule=rule,
            path=path,
            message=refusal.split('": ', 1)[1],
            consequence="the API server refuses the SeldonDeployment",
            outcome=Outcome.REFUSED,
            refusal=refusal,
        ),
    )
    assert verdicts(good) == ()


def test_a_mixed_denial_lists_every_line_once_and_names_the_deprecated_name() -> None:
    twice = _graph(name="a", children=[{"name": "b"}])
    twice["spec"]["name"] = "old"
    assert denial(twice) == (
        'admission webhook "v1.vseldondeployment.kb.io" denied the request: '
        'SeldonDeployment.machinelearing.seldon.io "old" is invalid: '
        '[spec.predictors[0].graph: Invalid value: "a": Can\'t find container for Predictive Unit, '
        'spec.predictors[0].graph[0]: Invalid value: "b": Can\'t find container for Predictive Unit]'
    )


def test_an_admitted_object_has_no_denial() -> None:
    assert denial(_deployment()) == ""


def test_what_the_webhook_overlooks_it_overlooks_here_too() -> None:
    for overlooked in (_two(150, -50), _two(40, 10, shadow=True), _graph(type="MODLE"), _graph(logger={"mode": "al"})):
        assert verdicts(overlooked) == ()


def test_judging_does_not_change_the_object() -> None:
    bad = _graph(name="other")
    before = deepcopy(bad)
    verdicts(bad)
    assert bad == before
