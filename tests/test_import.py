"""gen import: refusals in the cluster's words, specs that do the same, and nothing dropped without a word."""

import csv
import json
from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from generator import pipeline, resolve
from generator.build import access as built_access
from generator.cli import main
from generator.importing import proof
from generator.importing.effects import effects
from generator.importing.equality import ADDITIONS, judged
from generator.importing.importer import Imported, Outcome, Setting, import_one
from generator.importing.ledger import Change, value_at
from generator.importing.planning import believed, known, schema
from generator.importing.reading import Original, parse, read, sort
from generator.importing.spec import difference
from generator.importing.structure import SELDON_DEPLOYMENT, misfits
from generator.importing.writing import text
from generator.patch import merge
from generator.seldon.settings import OperatorSettings

Object = dict[str, Any]

ROOT = Path(__file__).parents[1]
REFEREE = ROOT.parent / "shared/referee"
SAMPLES, OPERATOR = REFEREE / "seldon-samples", REFEREE / "seldon-operator"
needs_referee = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the referee folder is absent")
KEDA = OperatorSettings(keda_enabled=True)
DIGEST = "0b1f6c7d2e3a49586d7c8b9a0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c"


def deployment(**changes: Any) -> Object:
    """Return a SeldonDeployment with one node; ``changes``: path with __ between its steps -> value."""
    container = {"name": "iris", "image": f"registry.local/risk/iris@sha256:{DIGEST}"}
    predictor = {"name": "main", "graph": {"name": "iris"}, "componentSpecs": [{"spec": {"containers": [container]}}]}
    made: Object = {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": {"name": "iris", "namespace": "risk"},
        "spec": {"predictors": [predictor]},
    }
    for name, value in changes.items():
        put(made, PLACES[name], value)
    return made


POD = ("spec", "predictors", 0, "componentSpecs", 0, "spec")
BOX = (*POD, "containers", 0)
PLACES: Mapping[str, tuple[str | int, ...]] = {
    "protocol": ("spec", "protocol"),
    "replicas": ("spec", "predictors", 0, "replicas"),
    "traffic": ("spec", "predictors", 0, "traffic"),
    "annotations": ("spec", "predictors", 0, "annotations"),
    "graph": ("spec", "predictors", 0, "graph"),
    "env": (*BOX, "env"),
    "image": (*BOX, "image"),
    "resources": (*BOX, "resources"),
    "affinity": (*POD, "affinity"),
}


def put(thing: Any, path: tuple[str | int, ...], value: Any) -> None:
    for step in path[:-1]:
        thing = thing[step] if isinstance(step, int) else thing.setdefault(step, {})
    thing[path[-1]] = value


def imported(data: Object, **setting: Any) -> Imported:
    return import_one(Original(file="given.yaml", data=data, node=None), Setting(**setting))


def told(one: Imported) -> dict[str, str]:
    return {left.place: left.change.value for left in one.remainder}


# --- the referees -------------------------------------------------------------------------------------------------


def _rows() -> list[Object]:
    with (SAMPLES / "VERDICTS.tsv").open(encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE))


@needs_referee
def test_every_sample_is_imported_with_proof_or_refused_in_the_clusters_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    score: Counter[str] = Counter()
    for row in _rows():
        (original,) = read([SAMPLES / row["file"]]).deployments
        one = import_one(original, Setting())
        assert (one.outcome is Outcome.REFUSED) == (row["verdict"] == "denied"), row["file"]
        assert one.refused is None or one.refused.text == row["message"]
        assert one.outcome is not Outcome.UNPROVED, (row["file"], one.differences)
        score[one.outcome.value] += 1
    with capsys.disabled():
        print(f"\ngen import, {sum(score.values())} samples of Seldon: {dict(sorted(score.items()))}")  # noqa: T201  # the score, for CI
    assert score == {"equal": 33, "with remainder": 77, "unsaid": 1, "refused": 9}


@needs_referee
def test_every_input_of_the_real_operator_is_imported_with_proof(capsys: pytest.CaptureFixture[str]) -> None:
    score: Counter[str] = Counter()
    for file in sorted(OPERATOR.glob("*/input.yaml")):
        (original,) = read([file]).deployments
        one = import_one(original, Setting())
        assert one.outcome in (Outcome.EQUAL, Outcome.REMAINDER), (file, one.differences, one.refused)
        score[one.outcome.value] += 1
    with capsys.disabled():
        print(f"\ngen import, {sum(score.values())} inputs of the operator: {dict(sorted(score.items()))}")  # noqa: T201
    assert score == {"equal": 16, "with remainder": 43}


@needs_referee
def test_the_real_definition_and_what_gen_knows_of_it_judge_the_samples_alike() -> None:
    real = schema(REFEREE / "crds")
    assert real is not None
    for file in sorted((*SAMPLES.glob("*.yaml"), *OPERATOR.glob("*/input.yaml"))):
        (original,) = read([file]).deployments
        assert list(misfits(SELDON_DEPLOYMENT, original.data)) == list(misfits(real, original.data)), file


@needs_referee
def test_what_gen_knows_of_the_definition_has_the_fields_and_types_of_the_real_one() -> None:
    real = schema(REFEREE / "crds")
    assert real is not None
    assert _unlike(SELDON_DEPLOYMENT["properties"]["spec"], real["properties"]["spec"], "spec") == []


def _unlike(ours: Object, real: Object, at: str) -> list[str]:
    found = [] if ours.get("type") in (None, real.get("type")) else [f"{at}: {ours['type']}"]
    if "items" in ours:
        found += _unlike(ours["items"], real["items"], f"{at}[]")
    properties = ours.get("properties", {})
    for name, inner in properties.items():
        there = real.get("properties", {}).get(name)
        found += [f"{at}.{name}"] if there is None else _unlike(inner, there, f"{at}.{name}")
    if properties and not ours.get("x-kubernetes-preserve-unknown-fields"):
        found += [f"{at}.{name} is not known" for name in real.get("properties", {}) if name not in properties]
    return found


# --- the law: what gen renders comes back -------------------------------------------------------------------------


def _examples() -> list[tuple[str, pipeline.Generated]]:
    made = pipeline.generate(ROOT, date(2026, 11, 24))
    return [
        (overlay.folder, made)
        for overlay in made.overlays
        if sum(one["kind"] == "SeldonDeployment" for one in overlay.objects) == 1 and "/models/" in overlay.folder
    ]


def test_what_gen_renders_for_an_image_or_a_stock_server_comes_back_object_for_object() -> None:
    again = []
    for folder, made in _examples():
        objects = next(one.objects for one in made.overlays if one.folder == folder)
        found = sort(tuple(Original(file=folder, data=one, node=None) for one in objects))
        setting = Setting(known=known(made.platform), believed=believed(made.platform), policies=found.policies)
        one = import_one(found.deployments[0], setting)
        assert one.outcome in (Outcome.EQUAL, Outcome.REMAINDER), (folder, one.differences)
        lost = [left for left in one.remainder if left.change is Change.LEFT_OUT]
        if any("svcOrchSpec" not in left.path for left in lost):  # the executor's tracing is the platform's
            continue  # built from a Bento, or logged to Kafka: a spec says it in another way
        environment, tenant = folder.split("/")[1:3]
        owner = resolve.tenant(yaml.safe_load((ROOT / f"tenants/{tenant}/tenant.yaml").read_text()), made.platform)
        place = resolve.place(made.platform, owner, environment)
        model = resolve.model(proof.document(one.spec, "tenants/a/b.yaml").data, place)
        assert proof.made(model) == found.deployments[0].data
        policies = [p.data for p in found.policies if not p.name.startswith("detector-")]
        assert built_access.build(model)[:2] == sorted(policies, key=lambda p: p["kind"], reverse=True)
        again.append(f"{environment}/{tenant}/{model.name}")
    assert {name.split("/")[2] for name in again} >= {"churn", "scorecard", "eta", "rerank"}


@given(st.data())
@settings(deadline=None, max_examples=40)
def test_a_spec_that_is_rendered_and_imported_means_the_same(data: st.DataObject) -> None:
    spec = data.draw(_SPECS)
    whole = {"apiVersion": "modelapi/v1", "kind": "Model", "metadata": {"name": "iris"}, "spec": spec}
    stage = (proof.platform_spec("risk"), proof.tenant_spec("risk"))
    rendered = proof.made(proof.resolved(proof.document(whole, "tenants/risk/iris.yaml").data, *stage))
    one = imported(rendered, platform=stage[0], known=known(resolve.platform(stage[0], {})))
    assert one.outcome is Outcome.EQUAL, (one.remainder, one.differences)
    assert proof.made(proof.resolved(proof.document(one.spec, "tenants/risk/iris.yaml").data, *stage)) == rendered


_RUN = st.fixed_dictionaries(
    {"image": st.sampled_from([f"registry.example/risk/{name}@sha256:{DIGEST}" for name in ("a", "b")])},
    optional={"port": st.sampled_from([3001, 9000]), "user": st.sampled_from([1000, 1034])},
)
_RUNTIME = st.fixed_dictionaries(
    {},
    optional={
        "cpu": st.sampled_from(["250m", "2"]),
        "memory": st.sampled_from(["256Mi", "4Gi"]),
        "timeout": st.sampled_from(["1s", "2m"]),
        "startup": st.sampled_from(["60s", "10m"]),
        "gpu": st.integers(1, 4),
        "env": st.dictionaries(
            st.sampled_from(["A", "LOG_LEVEL"]),
            st.text(st.characters(codec="ascii", exclude_categories=["Cc"])),
            max_size=2,
        ),
        "secrets": st.just({"DB": {"secret": "warehouse", "key": "password"}}),
        "volumes": st.just(
            {"data": {"path": "/data", "claim": "features"}, "scratch": {"path": "/scratch", "empty": "1Gi"}}
        ),
        "placement": st.just({"nodeSelector": {"pool": "a"}, "tolerations": [{"key": "gpu", "effect": "NoSchedule"}]}),
        "replicas": st.sampled_from([{"min": 3}, {"min": 2, "max": 5}, {"min": 1, "max": 4, "cpuPercent": 60}]),
    },
)
_SPECS = st.one_of(
    st.fixed_dictionaries({"api": st.just({"protocol": "seldon"}), "run": _RUN}, optional={"runtime": _RUNTIME}),
    st.fixed_dictionaries({"run": _RUN}, optional={"runtime": _RUNTIME}),
    st.fixed_dictionaries(
        {
            "api": st.sampled_from([{"protocol": "seldon"}, {"protocol": "v2"}]),
            "run": st.just({"server": "SKLEARN_SERVER", "modelUri": "s3://models/iris"}),
        },
        optional={"runtime": _RUNTIME},
    ),
    st.fixed_dictionaries(
        {
            "api": st.just({"protocol": "seldon"}),
            "run": _RUN,
            "predictors": st.fixed_dictionaries(
                {
                    "main": st.fixed_dictionaries({"traffic": st.just(90)}, optional={"runtime": _RUNTIME}),
                    "canary": st.fixed_dictionaries(
                        {"traffic": st.just(10)}, optional={"run": _RUN, "runtime": _RUNTIME}
                    ),
                }
            ),
        }
    ),
    st.fixed_dictionaries(
        {
            "api": st.just({"protocol": "seldon"}),
            "nodes": st.fixed_dictionaries(
                {
                    "choose": st.fixed_dictionaries(
                        {
                            "type": st.just("ROUTER"),
                            "children": st.just(["one", "two"]),
                            "run": _RUN,
                            "parameters": st.just({"epsilon": 0.1, "n": 2, "on": True, "word": "a b"}),
                        }
                    ),
                    "one": st.fixed_dictionaries({"run": _RUN}),
                    "two": st.fixed_dictionaries({"run": _RUN}, optional={"runtime": st.just({"memory": "1Gi"})}),
                }
            ),
        }
    ),
)  # fmt: skip


_TREES = st.recursive(
    st.dictionaries(st.sampled_from("abr"), st.integers(0, 2), max_size=3),
    lambda inner: st.dictionaries(st.sampled_from(["a", "b", "run", "nodes"]), inner, max_size=3),
    max_leaves=8,
)


@given(_TREES, _TREES)
@settings(deadline=None)
def test_the_difference_of_two_specs_laid_on_the_first_is_the_second(base: Object, target: Object) -> None:
    assert _dense(merge(base, difference(base, target))) == _dense(target)


def _dense(thing: Any) -> Any:
    """Return the value without empty mappings: a patch that takes everything out of one may leave it."""
    if not isinstance(thing, dict):
        return thing
    return {key: inner for key, value in thing.items() if (inner := _dense(value)) != {}}


# --- proof --------------------------------------------------------------------------------------------------------


def test_a_plain_deployment_is_said_whole_and_what_gen_adds_is_listed_with_reasons() -> None:
    one = imported(deployment(replicas=2, env=[{"name": "A", "value": "1"}]))
    assert one.outcome is Outcome.EQUAL
    assert one.remainder == ()
    assert one.spec["spec"] == {
        "api": {"protocol": "seldon"},
        "run": {"image": f"registry.local/risk/iris@sha256:{DIGEST}"},
        "runtime": {"env": {"A": "1"}, "replicas": {"min": 2}},
    }
    assert set(one.additions) <= {known.id for known in ADDITIONS}
    assert {"account", "non-root", "resources", "timeout"} <= set(one.additions)


CHANGED = {
    "image": ((*BOX, "image"), "registry.local/risk/other:1"),
    "variable": ((*BOX, "env", 0, "value"), "2"),
    "arguments": ((*BOX, "args"), ["--unsafe"]),
    "privileged": ((*BOX, "securityContext"), {"privileged": True}),
    "root": ((*POD, "securityContext"), {"runAsUser": 0}),
    "host network": ((*POD, "hostNetwork"), True),
    "host path": ((*POD, "volumes"), [{"name": "host", "hostPath": {"path": "/"}}]),
    "replicas": (("spec", "predictors", 0, "replicas"), 7),
    "type": (("spec", "predictors", 0, "graph", "type"), "TRANSFORMER"),
    "executor": (("spec", "predictors", 0, "annotations"), {"seldon.io/no-engine": "false", "x": "y"}),
    "protocol": (("spec", "protocol"), "tensorflow"),
    "service": (("spec", "predictors", 0, "annotations"), {"seldon.io/svc-name": "mine"}),
    "log": (("spec", "predictors", 0, "graph", "logger"), {"mode": "all", "url": "http://a.b.svc:80"}),
    "probe": ((*BOX, "readinessProbe"), {"httpGet": {"path": "/x", "port": 9000}}),
    "name": (("spec", "predictors", 0, "name"), "other"),
}


@pytest.mark.parametrize("change", CHANGED)
def test_the_proof_sees_a_change_that_is_no_known_addition(change: str) -> None:
    data = deployment(env=[{"name": "A", "value": "1"}])
    other = deepcopy(data)
    put(other, *CHANGED[change])
    if change == "host path":
        put(other, (*BOX, "volumeMounts"), [{"name": "host", "mountPath": "/host"}])
    _, differences = judged(effects(data, KEDA), effects(other, KEDA))
    assert differences


def test_no_addition_undoes_what_an_original_says_itself() -> None:
    mine = deployment(env=[{"name": "HOME", "value": "/home/me"}])
    other = deployment(env=[{"name": "HOME", "value": "/tmp"}])  # noqa: S108
    _, differences = judged(effects(mine, KEDA), effects(other, KEDA))
    assert [one.path[-1] for one in differences] == ["HOME"]


# --- the remainder ------------------------------------------------------------------------------------------------

LEFT = {
    "init": ((*POD, "initContainers"), [{"name": "warm", "image": "a/b:1"}]),
    "root": ((*POD, "securityContext"), {"runAsUser": 0}),
    "arguments": ((*BOX, "args"), ["--x"]),
    "command": ((*BOX, "command"), ["sh"]),
    "envFrom": ((*BOX, "envFrom"), [{"secretRef": {"name": "all"}}]),
    "field": ((*BOX, "env"), [{"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]),
    "seldon's own": ((*BOX, "env"), [{"name": "PREDICTIVE_UNIT_HTTP_SERVICE_PORT", "value": "1"}]),
    "always": ((*BOX, "imagePullPolicy"), "Always"),
    "host path": ((*POD, "volumes"), [{"name": "host", "hostPath": {"path": "/"}}]),
    "account": ((*POD, "serviceAccountName"), "other"),
    "pull secret": ((*POD, "imagePullSecrets"), [{"name": "registry"}]),
    "label": (("spec", "predictors", 0, "labels"), {"version": "v7"}),
    "annotation": (("spec", "annotations"), {"mine": "1"}),
    "separate": (("spec", "annotations"), {"seldon.io/engine-separate-pod": "true"}),
    "grpc": (("spec", "transport"), "grpc"),
    "executor": (("spec", "predictors", 0, "svcOrchSpec"), {"env": [{"name": "A", "value": "1"}]}),
    "ssl": (("spec", "predictors", 0, "ssl"), {"certSecretName": "cert"}),
    "stopped": (("spec", "predictors", 0, "replicas"), 0),
    "budget": (("spec", "predictors", 0, "componentSpecs", 0, "pdbSpec"), {"maxUnavailable": 1}),
    "shard": (("metadata", "labels"), {"seldon.io/controller-id": "a"}),
    "sidecar": ((*POD, "containers", 1), {"name": "side", "image": "a/b:1"}),
    "lifecycle": ((*BOX, "lifecycle"), {"preStop": {"exec": {"command": ["true"]}}}),
    "model": (("spec", "predictors", 0, "graph", "modelUri"), "s3://a/b"),
    "tiny": ((*BOX, "resources"), {"requests": {"memory": "1Mi"}}),
}


@pytest.mark.parametrize("case", LEFT)
def test_what_a_spec_cannot_say_is_named_with_a_reason_and_something_to_do(case: str) -> None:
    data = deployment()
    path, value = LEFT[case]
    if path[-1] == 1:
        value_at(data, path[:-1]).append(value)
    else:
        put(data, path, value)
    one = imported(data)
    assert one.outcome is Outcome.REMAINDER
    assert one.differences == ()
    left = [rest for rest in one.remainder if rest.change is Change.LEFT_OUT]
    assert [rest.path[: len(path)] for rest in left] == [path]
    assert all(rest.reason and rest.todo for rest in left)


ADDED: tuple[tuple[tuple[str | int, ...], Any], ...] = (
    *LEFT.values(),
    ((*BOX, "env"), [{"name": "Z", "value": "1"}, {"name": "A", "value": "$(Z)"}, {"name": "B", "value": "$(C)"}]),
    ((*BOX, "env"), [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)"}, {"name": "A", "value": "2"}]),
    ((*BOX, "env"), [{"name": "HOME", "value": "/home"}, {"name": "x.y", "value": "1"}]),
    ((*BOX, "ports"), [{"name": "http", "containerPort": 80}, {"name": "grpc", "containerPort": 7000}]),
    ((*BOX, "ports"), [{"name": "http", "containerPort": 8080, "hostPort": 8080}, {"containerPort": 7000}]),
    ((*BOX, "resources"), {"limits": {"cpu": "0.1", "memory": "1G", "nvidia.com/gpu": 2}}),
    ((*BOX, "livenessProbe"), {"exec": {"command": ["a"]}, "periodSeconds": 9}),
    ((*BOX, "readinessProbe"), {"httpGet": {"path": "/a", "port": "http"}, "periodSeconds": 7}),
    ((*BOX, "lifecycle"), {}),
    ((*POD, "securityContext"), {}),
    ((*POD, "securityContext"), {"runAsUser": 1000, "fsGroup": 2000}),
    ((*POD, "terminationGracePeriodSeconds"), 200),
    ((*POD, "tolerations"), [{"operator": "Exists"}, {"key": "a", "value": "b"}]),
    (("spec", "replicas"), 3),
    (("spec", "protocol"), "v2"),
    (("spec", "protocol"), "kfserving"),
    (("spec", "predictors", 0, "annotations"), {"seldon.io/no-engine": "true"}),
    (("spec", "predictors", 0, "annotations"), {"seldon.io/rest-timeout": "5000"}),
    (("spec", "predictors", 0, "componentSpecs", 0, "replicas"), 4),
    (("spec", "predictors", 0, "componentSpecs", 0, "hpaSpec"), {"maxReplicas": 3}),
    (("spec", "predictors", 0, "graph", "type"), "COMBINER"),
    (("spec", "predictors", 0, "graph", "methods"), ["TRANSFORM_INPUT"]),
    (("spec", "predictors", 0, "graph", "endpoint"), {"type": "GRPC"}),
    (("spec", "predictors", 0, "graph", "logger"), {"mode": "request", "url": "http://a.b.svc"}),
    (("spec", "predictors", 0, "explainer"), {"type": "ALE", "containerSpec": {"name": "e", "image": "a/b:1"}}),
)


@given(st.lists(st.sampled_from(ADDED), min_size=1, max_size=4))
@settings(deadline=None, max_examples=150)
def test_whatever_an_original_says_beside_the_import_is_proved_or_refused(added: list[Any]) -> None:
    data = deployment()
    for path, value in added:
        if path[-1] == 1:
            value_at(data, path[:-1])[1:] = [deepcopy(value)]
        else:
            put(data, path, deepcopy(value))
    assert imported(data).outcome is not Outcome.UNPROVED


def test_a_variable_that_takes_from_another_is_written_out() -> None:
    env = [{"name": "Z", "value": "1"}, {"name": "A", "value": "$(Z)-$(B)"}, {"name": "B", "value": "2"}]
    one = imported(deployment(env=env))
    assert one.spec["spec"]["runtime"]["env"] == {"Z": "1", "A": "1-$$(B)", "B": "2"}
    assert told(one) == {"spec.predictors[0].componentSpecs[0].spec.containers[0].env[1].value": "said otherwise"}


def test_a_probe_that_asks_what_no_spec_asks_is_named_whole() -> None:
    data = deployment()
    put(data, (*BOX, "livenessProbe"), {"exec": {"command": ["a"]}, "periodSeconds": 9})
    assert told(imported(data)) == {"spec.predictors[0].componentSpecs[0].spec.containers[0].livenessProbe": "left out"}


def test_what_has_no_effect_is_named_as_such() -> None:
    data = deployment(graph={"name": "iris", "type": "MODEL", "endpoint": {"type": "REST", "httpPort": 9001}})
    data["spec"]["name"] = "old"
    data["metadata"] |= {"labels": {"app": "seldon"}, "uid": "1", "resourceVersion": "7"}
    data["status"] = {"state": "Available"}
    one = imported(data)
    assert one.outcome is Outcome.EQUAL
    assert told(one) == {
        "metadata.labels.app": "without effect",
        "spec.name": "without effect",
        "spec.predictors[0].graph.endpoint.type": "without effect",
        "spec.predictors[0].graph.endpoint.httpPort": "without effect",
    }


def test_several_nodes_of_one_pod_get_pods_of_their_own_and_that_is_said() -> None:
    data = deployment(graph={"name": "clean", "type": "TRANSFORMER", "children": [{"name": "iris"}]})
    value_at(data, POD)["containers"].append({"name": "clean", "image": "a/clean:1"})
    one = imported(data)
    assert told(one) == {"spec.predictors[0].componentSpecs[0].spec.containers": "said otherwise"}
    assert list(one.spec["spec"]["nodes"]) == ["clean", "iris"]


def test_an_image_without_tag_and_registry_is_written_out() -> None:
    one = imported(deployment(image="iris"))
    assert one.spec["spec"]["run"]["image"] == "docker.io/library/iris:latest"
    assert told(one) == {"spec.predictors[0].componentSpecs[0].spec.containers[0].image": "said otherwise"}


def test_a_node_that_no_spec_knows_leaves_no_spec_and_one_reason() -> None:
    graph = {"name": "mean", "implementation": "AVERAGE_COMBINER", "children": [{"name": "iris"}]}
    one = imported(deployment(graph=graph))
    assert (one.outcome, one.spec) == (Outcome.UNSAID, {})
    assert told(one) == {"spec.predictors[0].graph.implementation": "left out"}


def test_two_predictors_are_one_model_and_a_small_patch() -> None:
    data = deployment(traffic=90)
    canary = deepcopy(data["spec"]["predictors"][0]) | {"name": "canary", "traffic": 10}
    canary["componentSpecs"][0]["spec"]["containers"][0]["image"] = "registry.local/risk/iris:2"
    data["spec"]["predictors"].append(canary)
    one = imported(data)
    assert one.outcome is Outcome.EQUAL
    assert one.spec["spec"]["predictors"] == {
        "main": {"traffic": 90},
        "canary": {"traffic": 10, "run": {"image": "registry.local/risk/iris:2"}},
    }


def test_a_patch_that_takes_something_out_is_written_as_null() -> None:
    spec = {"apiVersion": "modelapi/v1", "kind": "Model", "metadata": {"name": "a"}, "spec": {"b": {"c": None}}}
    assert text(spec).endswith("spec:\n  b:\n    c: null\n")


# --- policies -----------------------------------------------------------------------------------------------------

TOKEN = {"requestPrincipals": ["https://idp.example/*"]}
PREDICT = {"operation": {"methods": ["POST"], "paths": ["/api/v1.0/predictions", "/api/v0.1/predictions"]}}


def policy(*rules: Object, action: str = "ALLOW", labels: Object | None = None) -> Original:
    spec = {
        "selector": {"matchLabels": labels or {"seldon-deployment-id": "iris"}},
        "action": action,
        "rules": [*rules],
    }
    data = {"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
            "metadata": {"name": "iris", "namespace": "risk"}, "spec": spec}  # fmt: skip
    return Original(file="policy.yaml", data=data, node=None)


def claim(name: str, *values: str) -> Object:
    return {"key": f"request.auth.claims[{name}]", "values": list(values)}


GRANTED = {
    "groups": (
        {"from": [{"source": TOKEN}], "to": [PREDICT], "when": [claim("groups", "a", "b")]},
        {"groups": ["a", "b"]},
    ),
    "users": ({"to": [PREDICT], "when": [claim("email", "a@b.example")]}, {"users": ["a@b.example"]}),
    "clients": ({"to": [PREDICT], "when": [claim("azp", "x")]}, {"clients": ["x"]}),
    "anyone": ({"from": [{"source": TOKEN}], "to": [PREDICT]}, {"anyAuthenticated": True}),
    "workloads": (
        {"from": [{"source": {"principals": ["cluster.local/ns/shop/sa/web"]}}], "to": [PREDICT]},
        {"workloads": ["shop/web"]},
    ),
    "every path": (
        {"from": [{"source": TOKEN}]},
        {"anyAuthenticated": True, "can": ["feedback", "metadata", "predict"]},
    ),
}


@pytest.mark.parametrize("case", GRANTED)
def test_a_rule_becomes_a_grant(case: str) -> None:
    rule, grant = GRANTED[case]
    one = imported(deployment(), policies=(policy(rule),))
    assert one.spec["spec"]["access"] == [grant]


REFUSED: dict[str, Object] = {
    "nobody named": {"to": [PREDICT]},
    "a pattern": {"to": [PREDICT], "when": [claim("groups", "a*")]},
    "not these": {"to": [PREDICT], "when": [{"key": "request.auth.claims[groups]", "notValues": ["a"]}]},
    "a subject": {"from": [{"source": {"requestPrincipals": ["https://idp.example/ann"]}}], "to": [PREDICT]},
    "a namespace": {"from": [{"source": {"namespaces": ["shop"]}}], "to": [PREDICT]},
    "an address": {"from": [{"source": {**TOKEN, "ipBlocks": ["10.0.0.0/8"]}}], "to": [PREDICT]},
    "the gateway alone": {
        "from": [{"source": {"principals": ["cluster.local/ns/a/sa/istio-ingressgateway"]}}],
        "to": [PREDICT],
    },
    "workload and token": {
        "from": [{"source": {**TOKEN, "principals": ["cluster.local/ns/shop/sa/web"]}}],
        "to": [PREDICT],
    },
    "two claims": {"to": [PREDICT], "when": [claim("groups", "a"), claim("email", "a@b.example")]},
    "a header": {"to": [PREDICT], "when": [{"key": "request.headers[x]", "values": ["1"]}, claim("groups", "a")]},
    "a host": {"to": [{"operation": {"hosts": ["a.example"]}}], "when": [claim("groups", "a")]},
    "another path": {"to": [{"operation": {"paths": ["/other"]}}], "when": [claim("groups", "a")]},
    "another method": {"to": [{"operation": {"methods": ["DELETE"]}}], "when": [claim("groups", "a")]},
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_rule_that_no_grant_can_say_grants_nothing_and_is_named(case: str) -> None:
    one = imported(deployment(), policies=(policy(REFUSED[case]),))
    assert "access" not in one.spec["spec"]
    assert [left.change for _, left in one.policies] == [Change.LEFT_OUT]
    assert one.outcome is Outcome.REMAINDER


def test_a_policy_that_denies_keeps_anything_from_being_granted() -> None:
    allow, deny = policy(GRANTED["groups"][0]), policy({"when": [claim("groups", "a")]}, action="DENY")
    one = imported(deployment(), policies=(allow, deny))
    assert "access" not in one.spec["spec"]
    assert [left.place for _, left in one.policies] == ["spec.action"]


def test_a_policy_of_other_pods_says_nothing_of_this_model() -> None:
    one = imported(deployment(), policies=(policy(GRANTED["groups"][0], labels={"app": "other"}),))
    assert "access" not in one.spec["spec"]
    assert one.policies == ()


def test_half_an_operation_is_granted_whole_and_that_is_said() -> None:
    rule = {"to": [{"operation": {"paths": ["/api/v1.0/predictions"]}}], "when": [claim("groups", "a")]}
    one = imported(deployment(), policies=(policy(rule),))
    assert one.spec["spec"]["access"] == [{"groups": ["a"]}]
    assert [left.reason for _, left in one.policies] == ["predict is granted whole, /api/v0.1/predictions too"]


def test_exact_paths_become_routes_of_a_bento() -> None:
    rules = (
        {
            "to": [{"operation": {"methods": ["POST"], "paths": ["/predict", "/classify"]}}],
            "when": [claim("groups", "a")],
        },
        {"to": [{"operation": {"methods": ["POST"], "paths": ["/reload"]}}], "when": [claim("groups", "ops")]},
    )
    data = deployment(annotations={"seldon.io/no-engine": "true"})
    one = imported(data, policies=(policy(*rules),))
    assert one.spec["spec"]["api"] == {"routes": {"predict": ["/classify", "/predict"], "reload": ["/reload"]}}
    assert one.spec["spec"]["access"] == [{"groups": ["a"]}, {"groups": ["ops"], "can": ["reload"]}]


# --- reading and the command --------------------------------------------------------------------------------------


def test_foreign_yaml_is_read_as_kubectl_reads_it() -> None:
    given = (
        "# c\na: &x {v: 2020-01-01, t: 12:30, n: 1, b: yes}\nkind: A\nmetadata: {name: one}\nc: *x\n---\n---\n"
        "kind: List\nitems:\n- {kind: B}\n"
    )
    first, second = parse(given.encode(), "f.yaml")
    assert first.data["c"] == {"v": "2020-01-01", "t": "12:30", "n": 1, "b": True}
    assert str(first.mark(("metadata", "name"))) == "f.yaml:4:12"
    assert (second.kind, str(second.mark(("kind",)))) == ("B", "f.yaml:10:4")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["import", *arguments])


def written(folder: Path, *objects: Object) -> str:
    file = folder / "given.yaml"
    file.write_text(yaml.safe_dump_all(objects, sort_keys=False), encoding="utf-8")
    return str(file)


def test_the_command_writes_specs_that_validate_and_says_what_is_left(tmp_path: Path) -> None:
    other = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    given = written(tmp_path, deployment(replicas=2), policy(GRANTED["groups"][0]).data, other)
    result = run(given, "--output", str(tmp_path / "out"))
    assert result.exit_code == 0, result.output
    made = (tmp_path / "out/tenants/risk/iris.yaml").read_text(encoding="utf-8")
    assert made.splitlines()[1] == "# Imported from SeldonDeployment iris; all that has an effect is said here."
    assert yaml.safe_load(made)["spec"]["access"] == [{"groups": ["a", "b"]}]
    assert yaml.safe_load((tmp_path / "out/tenants/risk/tenant.yaml").read_text())["spec"]["podSecurity"] == "baseline"
    assert "ConfigMap c is not taken" in result.stdout
    assert "1 equal; 2 files written" in result.stdout


def test_what_a_cluster_refuses_is_refused_in_its_words_at_its_place_and_nothing_is_written(tmp_path: Path) -> None:
    data = deployment(graph={"name": "other"})
    result = run(written(tmp_path, data), "--output", str(tmp_path / "out"))
    assert result.exit_code == 1
    assert (
        'spec.predictors[0].graph: Invalid value: "other": Can\'t find container for Predictive Unit' in result.stderr
    )
    assert "given.yaml:10:7: the webhook refuses iris" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_namespace_that_no_tenant_can_be_called_like_asks_for_a_name(tmp_path: Path) -> None:
    data = deployment()
    data["metadata"]["namespace"] = "argocd"
    result = run(written(tmp_path, data), "--output", str(tmp_path / "out"))
    assert result.exit_code == 1
    assert 'no tenant can be called "argocd" [tenant-name]\n  give another: --tenant NAME' in result.stderr


def test_a_spec_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    given = written(tmp_path, deployment())
    assert run(given, "--output", str(tmp_path / "out")).exit_code == 0
    again = run(given, "--output", str(tmp_path / "out"))
    assert again.exit_code == 2
    assert "tenants/risk/iris.yaml is there already" in again.stderr


def test_the_json_has_every_part_of_the_remainder(tmp_path: Path) -> None:
    data = deployment(image="iris")
    data["spec"]["transport"] = "grpc"
    result = run(written(tmp_path, data), "--output", str(tmp_path / "out"), "--format", "json", "--tenant", "fraud")
    told_so = json.loads(result.stdout)
    (one,) = told_so["imports"]
    assert (one["outcome"], one["spec"]) == ("with remainder", "tenants/fraud/iris.yaml")
    assert [(left["path"], left["change"]) for left in one["remainder"]] == [
        ("metadata.namespace", "said otherwise"),
        ("spec.predictors[0].componentSpecs[0].spec.containers[0].image", "said otherwise"),
        ("spec.transport", "left out"),
    ]
    assert [asked["rule"] for asked in told_so["asked"]] == ["image-latest"]
    assert told_so["written"] == ["tenants/fraud/tenant.yaml", "tenants/fraud/iris.yaml"]


def test_every_addition_is_explained_in_the_documentation() -> None:
    page = (ROOT / "docs/import.md").read_text(encoding="utf-8")
    assert [known.id for known in ADDITIONS if f"| {known.id} | {known.why} |" not in page] == []
