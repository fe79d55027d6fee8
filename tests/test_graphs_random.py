"""Whatever a spec asks for: it is refused inside its file, or the CRD, the webhook and the operator take it."""

import json
from pathlib import Path
from typing import Any

import graph_cases as cases
import pytest
from graphs import FILE, Spec, bento, documents, image, judge, make
from hypothesis import given, settings, target
from hypothesis import strategies as st

from generator.diag import Severity
from generator.foresee import judge as objections
from generator.seldon.settings import OperatorSettings
from generator.seldon.webhook import denial
from generator.verify.objects import checker

CRDS = Path(__file__).parents[2] / "shared/referee/crds"
SETTINGS = OperatorSettings(istio_tls_mode="ISTIO_MUTUAL", keda_enabled=True)
NAMES = ("a", "b", "c", "d", "tfserving", "e-model-initializer", "explainer", "main", "x" * 45)
PORTS = (3000, 5000, 5001, 6000, 8000, 8080, 9000, 9500, 15020)

names = st.sampled_from(NAMES)
ports = st.sampled_from(PORTS)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Spec]:
    """Return mappings that have each of the fields or not."""
    return st.fixed_dictionaries({}, optional=fields)


images = st.builds(
    lambda more: image("a", **more),
    some(port=ports, grpcPort=ports, user=st.sampled_from([1, 1034, 1337]), probes=st.just({"live": "/l"})),
)
servers = st.builds(
    lambda server: {"server": server, "modelUri": "s3://models/m"}, st.sampled_from(sorted(cases.SERVERS))
)
runs = st.one_of(images, servers, st.builds(bento))
triggers = st.lists(st.just({"type": "cron", "metadata": cases.CRON}), min_size=1, max_size=2)
counts = st.integers(1, 4)
runtimes = some(
    replicas=some(min=counts, max=counts, cpuPercent=st.just(50), triggers=triggers),
    env=st.dictionaries(
        st.sampled_from(["A", "PORT", "MLSERVER_HTTP_PORT", "SELDON_DEPLOYMENT_ID"]), st.just("1"), max_size=1
    ),
    timeout=st.just("5s"),
    gpu=st.just(1),
    volumes=st.just({"data": {"path": "/data", "empty": "1Gi"}}),
)
types = st.sampled_from(["MODEL", "TRANSFORMER", "OUTPUT_TRANSFORMER", "ROUTER", "COMBINER"])
plain = some(type=types, children=st.lists(names, max_size=3, unique=True), run=runs, runtime=runtimes)
splits = some(
    children=st.lists(names, max_size=3, unique=True), parameters=st.sampled_from([{"ratioA": 0.3}, {"seed": 1}])
)
split_nodes = splits.map(lambda node: {"implementation": "RANDOM_ABTEST", **node})
wild = st.dictionaries(names, st.one_of(plain, split_nodes), min_size=1, max_size=4)


@st.composite
def trees(draw: st.DrawFn) -> Spec:
    """Return a graph that is a tree, mostly with numbers of children that fit."""
    order = draw(st.permutations(NAMES[:4]))[: draw(st.integers(1, 4))]
    nodes: Spec = {}
    for index, name in enumerate(order):
        nodes[name] = {"run": draw(runs), **({"type": draw(types)} if draw(st.booleans()) else {})}
        if index:
            parent = nodes[order[draw(st.integers(0, index - 1))]]
            parent["children"] = [*parent.get("children", ()), name]
    for node in nodes.values():
        if len(node.get("children", ())) > 1:
            node["type"] = draw(st.sampled_from(["ROUTER", "COMBINER"]))
        elif not node.get("children") and node.get("type") in ("ROUTER", "COMBINER"):
            del node["type"]
    return nodes


shares = st.sampled_from([0, 10, 50, 90, 100])
slots = some(traffic=shares, shadow=st.just(True), run=runs, runtime=runtimes)
pairs = st.sampled_from(
    [{"main": {"traffic": 60}, "canary": {"traffic": 40}}, {"main": {}, "mirror": {"shadow": True, "traffic": 5}}]
)
predictors = st.one_of(pairs, st.dictionaries(names, slots, min_size=1, max_size=3))
explainers = st.fixed_dictionaries(
    {"type": st.sampled_from(cases.EXPLAINERS), "run": images}, optional={"predictor": names, "runtime": runtimes}
)
logs = st.fixed_dictionaries(
    {"mode": st.sampled_from(["all", "request", "response"]), "sink": st.sampled_from(["audit", "lake", "silent"])}
)
patches = some(
    api=st.builds(lambda one: {"protocol": one}, st.sampled_from(["seldon", "v2"])),
    log=st.one_of(st.none(), logs),
    predictors=st.dictionaries(names, st.one_of(st.none(), slots), max_size=2),
    runtime=runtimes,
)
protocols = st.sampled_from(["bento", "seldon", "seldon", "v2", "v2", "tensorflow"])
models = st.builds(
    lambda protocol, what, around: {"api": {"protocol": protocol}, **what, **around},
    protocols,
    st.one_of(
        st.builds(lambda run: {"run": run}, runs),
        st.builds(lambda nodes: {"nodes": nodes}, trees()),
        st.builds(lambda nodes: {"nodes": nodes}, wild),
    ),
    some(
        predictors=predictors,
        explainer=explainers,
        log=logs,
        detectors=st.dictionaries(names, st.builds(lambda run: {"run": run}, images), max_size=1),
        runtime=runtimes,
        environments=st.builds(lambda patch: {"prod": patch}, patches),
    ),
)


@given(models)
@settings(max_examples=300, deadline=None)
def test_a_graph_is_refused_inside_its_file_or_the_operator_takes_it(spec: Spec) -> None:
    said = [problem for problem in judge(spec) if problem.severity is Severity.ERROR]
    text = json.dumps({"apiVersion": "modelapi/v1", "kind": "Model", "metadata": {"name": "m"}, "spec": spec}, indent=1)
    lines = text.splitlines()
    for problem in said:
        assert problem.mark.file == FILE
        assert problem.mark.line <= len(lines)
        assert problem.mark.column <= len(lines[problem.mark.line - 1]) + 1
        # What only the operator could say is never what a rule has forgotten.
        assert problem.rule == "seldon-engine-predictor-length" or not problem.rule.startswith("seldon-")
    if said:
        return
    target(float(len(lines)))
    for environment in ("dev", "prod"):
        made = make(spec, environment)
        assert denial(made.deployment, SETTINGS) == ""
        assert objections(made.deployment, SETTINGS) == []
        if CRDS.is_dir():
            assert list(checker(CRDS, "1.34").check("", [made.deployment])) == []


@given(models)
@settings(max_examples=50, deadline=None)
def test_a_patch_of_an_environment_leaves_the_others_as_they_are(spec: Spec) -> None:
    bare = {key: value for key, value in spec.items() if key != "environments"}
    if any(problem.severity is Severity.ERROR for problem in (*judge(spec), *judge(bare))):
        return
    assert make(spec, "dev").deployment == make(bare, "dev").deployment


def test_enough_of_the_random_graphs_are_good_ones() -> None:
    good = []

    @given(models)
    @settings(max_examples=200, deadline=None, derandomize=True, database=None)
    def count(spec: Spec) -> None:
        good.append(not any(problem.severity is Severity.ERROR for problem in judge(spec)))

    count()
    assert sum(good) > 20


@pytest.mark.parametrize("spec", cases.GOOD.values(), ids=cases.GOOD.keys())
def test_the_file_of_a_case_is_the_one_that_is_judged(spec: Spec) -> None:
    assert documents(spec)[2].data["spec"] == spec
