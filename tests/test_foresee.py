"""What the Seldon operator would say, said at the line of the spec: every rule of its webhook and every trap."""

import json
from dataclasses import replace
from pathlib import Path

import graph_cases as cases
import pytest
from graphs import FILE, NAME, Spec, bento, documents, image, judge, make, specs
from seldon_proofs import PROOFS, WEBHOOK, Never, Stopped

from generator import foresee, pipeline, resolve
from generator.build import seldon
from generator.build.operator import settings_of
from generator.diag import Diagnostic, Mark, Severity
from generator.foresee.places import PREDICTOR, Place, mark_of
from generator.foresee.words import BY_DESIGN, caused_by_specs, todo_for
from generator.rules.specs import Specs
from generator.seldon.settings import OperatorSettings
from generator.seldon.trap_rules import TRAPS
from generator.seldon.verdict import Outcome, Verdict
from generator.seldon.webhook import CONSEQUENCE
from generator.tenancy import Object
from generator.verify import operator

PAGE = Path(__file__).parents[1] / "docs/seldon-rules.md"
STOPPED = {rule: proof for rule, proof in PROOFS.items() if isinstance(proof, Stopped)}
OUTCOMES = {trap.rule: trap.outcome for trap in TRAPS}
CONSEQUENCES = {trap.rule: trap.consequence for trap in TRAPS}


# --- complete ---


def test_every_rule_of_the_webhook_and_every_trap_has_a_spec_or_a_reason() -> None:
    assert set(PROOFS) == {*WEBHOOK, *OUTCOMES}


def test_the_rules_of_the_webhook_are_those_of_its_code() -> None:
    text = (Path(foresee.__file__).parents[1] / "seldon/webhook.py").read_text(encoding="utf-8")
    fixed = [rule for rule in WEBHOOK if not rule.startswith("unknown-") or rule == "unknown-server"]
    assert [rule for rule in fixed if f'"{rule}"' not in text] == []
    assert text.count('_Finding("') + text.count('yield "') == len(fixed)


@pytest.mark.parametrize(("rule", "proof"), STOPPED.items(), ids=STOPPED.keys())
def test_what_the_operator_would_refuse_or_get_wrong_is_refused_before(rule: str, proof: Stopped) -> None:
    said = proof.said()
    assert said.rule == proof.by
    assert said.mark.file in (FILE, "platform.yaml")
    assert (said.severity is Severity.ERROR) or OUTCOMES[rule] is Outcome.NOTED


@pytest.mark.parametrize("spec", cases.GOOD.values(), ids=cases.GOOD.keys())
def test_what_no_spec_can_cause_is_in_no_object(spec: Spec) -> None:
    made = make(spec)
    found = {one.rule for one in foresee.judge(made.deployment, OperatorSettings(keda_enabled=True))}
    assert found & {rule for rule, proof in PROOFS.items() if isinstance(proof, Never)} == set()
    text = json.dumps(made.deployment)
    words = ("svc-name", "serverType", "transport", "pdbSpec", "istio-retries", "engine-separate-pod", "controller-id")
    assert [word for word in words if word in text] == []


def test_the_page_of_the_operators_rules_is_fresh(*, bless: bool) -> None:
    made = page()
    if bless:
        PAGE.write_text(made, encoding="utf-8")
    assert made == PAGE.read_text(encoding="utf-8")


# --- what is left to say ---


def test_a_graph_too_large_for_one_variable_is_refused_at_the_predictor() -> None:
    proof = PROOFS["engine-predictor-length"]
    assert isinstance(proof, Stopped)
    (said,) = judge(proof.spec)
    assert said == Diagnostic(
        Mark(FILE, 5, 11),
        "seldon-engine-predictor-length",
        "ENGINE_PREDICTOR of m-main-0-m has 186122 bytes: the executor cannot start: Linux allows 128 KiB for one "
        "variable",
        "use fewer nodes, or less env and fewer volumes in each: Seldon hands the executor the whole graph in one "
        "variable",
    )


def test_what_is_wrong_in_one_environment_names_it() -> None:
    env = {f"V{i}": "x" * 200 for i in range(600)}
    spec = {"api": {"protocol": "seldon"}, "run": bento(), "environments": {"prod": {"runtime": {"env": env}}}}
    (said,) = judge(spec)
    assert said.what.startswith("ENGINE_PREDICTOR of m-main-0-m has ")
    assert " bytes in prod: " in said.what


def test_two_models_of_one_shape_are_asked_about_once_and_one_too_large_is_never_taken_for_another() -> None:
    small = specs(documents({"run": image("a")})).models[0]
    same = specs(documents({"run": image("b"), "owner": "b@corp.example"})).models[0]
    other = specs(documents({"run": image("a", port=5000)})).models[0]
    large = specs(documents({"run": image("a"), "runtime": {"env": {"A": "x" * 30_000}}})).models[0]
    assert foresee.shape(small) == foresee.shape(same) != ""
    assert foresee.shape(small) != foresee.shape(other)
    elsewhere = specs(documents({"run": image("a", port=5001)})).models[0]
    assert foresee.shape(other) != foresee.shape(elsewhere)
    spoken = specs(documents({"run": image("a", grpcPort=8081)})).models[0]
    assert foresee.shape(small) != foresee.shape(spoken)
    assert foresee.shape(large) == ""


def test_a_node_that_is_called_like_a_field_still_counts() -> None:
    def shape(name: str, **run: int) -> str:
        spec = {"api": {"protocol": "seldon"}, "nodes": {name: {"run": image("a", **run)}}}
        return foresee.shape(specs(documents(spec)).models[0])

    for name in ("owner", "data", "access", "cpu", "run", "image", "source", "pins"):
        assert shape(name) != shape(name, port=5000)


@pytest.mark.parametrize("meant", BY_DESIGN, ids=lambda meant: meant.rule)
def test_what_gen_does_on_purpose_is_a_trap_that_exists_and_has_a_reason(meant: foresee.Meant) -> None:
    assert meant.rule in OUTCOMES
    assert meant.why


def test_a_rule_that_a_spec_cannot_break_says_that_it_is_a_bug_of_gens() -> None:
    assert set(caused_by_specs()) <= set(OUTCOMES)
    assert todo_for("no-image").startswith("this is not your mistake: report it")


# --- where it is said ---

PLACED = """\
apiVersion: modelapi/v1
kind: Model
metadata: {{name: m}}
spec:
  api:
    protocol: seldon
  nodes:
    clean:
      type: TRANSFORMER
      children: [net]
      parameters: {{depth: 3}}
      run:
        image: "registry.local/shop/a@sha256:{}"
        port: 9100
      runtime:
        env: {{OWN: a}}
    net:
      run:
        server: SKLEARN_SERVER
        modelUri: "s3://models/m"
  log:
    mode: all
    sink: audit
  runtime:
    timeout: 9s
    replicas: {{min: 2, max: 4}}
    env: {{SHARED: b}}
    secrets: {{HIDDEN: {{secret: s, key: k}}}}
  predictors:
    main:
      traffic: 90
    canary:
      traffic: 10
      nodes:
        clean:
          parameters: {{depth: 5}}
  explainer:
    type: AnchorTabular
    run:
      image: "registry.local/shop/x@sha256:{}"
      port: 9200
""".format("0" * 64, "0" * 64)
FIRST = ("spec", "predictors", 0)
CLEAN, NET = (*FIRST, "componentSpecs", 0), (*FIRST, "componentSpecs", 1)
BOX = (*CLEAN, "spec", "containers", 0)
LINES = {
    (): "metadata: {name: m}",
    ("metadata", "name"): "metadata: {name: m}",
    ("spec", "annotations", "seldon.io/istio-host"): "metadata: {name: m}",
    ("spec", "protocol"): "protocol: seldon",
    ("spec", "predictors"): "predictors:",
    FIRST: "main:",
    (*FIRST, "name"): "main:",
    (*FIRST, "traffic"): "traffic: 90",
    ("spec", "predictors", 1, "traffic"): "traffic: 10",
    (*FIRST, "annotations", "seldon.io/rest-timeout"): "timeout: 9s",
    (*FIRST, "svcOrchSpec", "env"): "sink: audit",
    (*FIRST, "explainer"): "type: AnchorTabular",
    (*FIRST, "explainer", "type"): "type: AnchorTabular",
    (*FIRST, "explainer", "containerSpec", "ports", 0): "port: 9200",
    (*FIRST, "graph"): "clean:",
    (*FIRST, "graph", "type"): "type: TRANSFORMER",
    (*FIRST, "graph", "children"): "children: [net]",
    (*FIRST, "graph", "parameters"): "parameters: {depth: 3}",
    ("spec", "predictors", 1, "graph", "parameters"): "parameters: {depth: 5}",
    (*FIRST, "graph", "logger", "mode"): "mode: all",
    (*FIRST, "graph", "logger", "url"): "sink: audit",
    (*FIRST, "graph", "children", 0): "net:",
    (*FIRST, "graph", "children", 0, "implementation"): "server: SKLEARN_SERVER",
    (*FIRST, "graph", "children", 0, "modelUri"): 'modelUri: "s3://models/m"',
    (*CLEAN, "hpaSpec"): "replicas: {min: 2, max: 4}",
    (*CLEAN, "metadata", "name"): "clean:",
    (*BOX, "name"): "clean:",
    (*BOX, "ports", 0): "port: 9100",
    (*BOX, "env", "OWN"): "env: {OWN: a}",
    (*BOX, "env", "SHARED"): "env: {SHARED: b}",
    (*BOX, "env", "HIDDEN"): "secrets: {HIDDEN: {secret: s, key: k}}",
    (*NET, "spec", "containers", 0, "image"): "server: SKLEARN_SERVER",
}


@pytest.mark.parametrize(("path", "line"), LINES.items(), ids=[str(path) for path in LINES])
def test_a_place_in_the_object_is_said_at_the_line_that_it_was_made_of(path: tuple[str | int, ...], line: str) -> None:
    found = documents({}, text=PLACED)
    seen = specs(found)
    case = seen.models[0].cases[0]
    assert judge({}, text=PLACED) == ()
    deployment = placed(seen)
    mark = mark_of(Place(case=case, deployment=deployment, path=numbered(deployment, path)))
    assert PLACED.splitlines()[mark.line - 1].strip() == line


def test_every_field_of_a_predictor_that_gen_writes_has_a_line_of_its_own() -> None:
    written = {
        key for spec in cases.GOOD.values() for one in make(spec).deployment["spec"]["predictors"] for key in one
    }
    known = {front[0] for front, _ in PREDICTOR} | {"name", "graph", "componentSpecs", "progressDeadlineSeconds"}
    assert written <= known


# --- verify ---


def test_verify_finds_two_models_that_would_undo_each_others_work() -> None:
    first, second = make(cases.PREDICTORS["canary"]).deployment, make(cases.AROUND["nobody"]).deployment
    other = {**second, "metadata": {**second["metadata"], "name": f"{NAME}-main"}}
    platform = pipeline.platform_of(specs(documents({"run": bento()})))
    found = list(operator.check(platform, {"a": [renamed(first, "x-y"), renamed(other, "x")], "b": []}))
    assert [(one.mark.file, one.rule, one.what) for one in found] == [
        (
            "a/seldondeployment-x.yaml",
            "seldon-name-collision",
            "SeldonDeployment shop/x takes the Deployment x-y-main-0-m, which SeldonDeployment shop/x-y has",
        ),
    ]


def test_verify_says_what_the_webhook_would_of_an_object_that_no_spec_made() -> None:
    deployment = make(cases.PREDICTORS["canary"]).deployment
    main, canary = deployment["spec"]["predictors"]
    broken = {**deployment, "spec": {**deployment["spec"], "predictors": [main, {**canary, "traffic": 30}]}}
    platform = pipeline.platform_of(specs(documents({"run": bento()})))
    (said,) = operator.check(platform, {"a": [broken]})
    assert said.rule == "seldon-traffic-sum"
    assert said.what.endswith(
        "Traffic must sum to 100 for multiple predictors: the API server refuses the SeldonDeployment"
    )


def test_the_operators_settings_follow_from_the_platform() -> None:
    platform = pipeline.platform_of(specs(documents({"run": bento()})))
    assert settings_of(platform) == OperatorSettings(
        istio_gateway="api/gateway", istio_tls_mode="ISTIO_MUTUAL", keda_enabled=True
    )
    assert settings_of(replace(platform, keda=False)).keda_enabled is False


def test_a_notice_is_what_works_at_a_cost() -> None:
    def verdict(outcome: Outcome) -> Verdict:
        return Verdict(rule="a", path=(), message="m", consequence="c", outcome=outcome)

    assert foresee.severity_of(verdict(Outcome.NOTED)) is Severity.NOTICE
    assert {foresee.severity_of(verdict(one)) for one in Outcome if one is not Outcome.NOTED} == {Severity.ERROR}


def renamed(deployment: Object, name: str) -> Object:
    if name == "x":  # its predictor is called as the other model's end and its own predictor
        predictors = [{**deployment["spec"]["predictors"][0], "name": "y-main"}]
        spec = {**deployment["spec"], "predictors": predictors, "name": name}
    else:
        spec = {**deployment["spec"], "name": name}
    return {**deployment, "metadata": {**deployment["metadata"], "name": name}, "spec": spec}


def placed(seen: Specs) -> Object:
    whole = pipeline.platform_of(seen)
    place = resolve.place(whole, resolve.tenant(seen.tenants[0].document.data, whole), "dev")
    return seldon.build(resolve.model(seen.models[0].document.data, place))[0]


def numbered(deployment: Object, path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Return the path with the place of a variable instead of its name."""
    if path[-2:-1] != ("env",) or isinstance(path[-1], int):
        return path
    value: object = deployment
    for step in path[:-1]:
        value = value[step]  # type: ignore[index]  # keys and indices of plain data
    assert isinstance(value, list)
    return (*path[:-1], next(index for index, one in enumerate(value) if one["name"] == path[-1]))


INTRODUCTION = f"""\
<!-- Made from tests/seldon_proofs.py by tests/test_foresee.py. Run `make bless` to renew. -->
# What Seldon's operator refuses or gets wrong, and what stops it before

Every rule of the operator's webhook (Seldon Core 1.17.1) and every trap that the webhook lets through. The rules about
specs come first. What a model becomes is then shown to ports of the webhook and of the catalogue of traps: by
`gen validate`, at the line of the spec, and by `gen verify`, for the objects that Kustomize prints. What they find has
an id that begins with `{foresee.PREFIX}`. `gen render` does not ask: what passes the rules has nothing to fear but the
size of one variable, and asking takes a millisecond a model.

Tests: `test_what_the_operator_would_refuse_or_get_wrong_is_refused_before[<rule>]` for a rule that a spec can ask for,
`test_what_no_spec_can_cause_is_in_no_object` for the others, and for all of them the property
`test_a_graph_is_refused_inside_its_file_or_the_operator_takes_it`.

| rule | in the cluster | stopped by | what you read, or why it cannot be |
|---|---|---|---|"""


def page() -> str:
    """Return docs/seldon-rules.md."""
    lines = [INTRODUCTION]
    for rule, proof in PROOFS.items():
        outcome = OUTCOMES.get(rule, Outcome.REFUSED)
        happens = f"*{outcome.value}*: {CONSEQUENCES.get(rule, CONSEQUENCE)}"
        if isinstance(proof, Stopped):
            lines.append(f"| {rule} | {cell(happens)} | `{proof.by}` | {cell(proof.said().what)} |")
        else:
            lines.append(f"| {rule} | {cell(happens)} | nothing can say it | {cell(proof.why)} |")
    lines += ["", "On purpose, and so not said:", ""]
    lines += [f"- `{one.rule}`{f' ({one.about})' if one.about else ''}: {one.why}." for one in BY_DESIGN]
    return "\n".join(lines) + "\n"


def cell(text: str) -> str:
    return (text if len(text) <= 160 else f"{text[:159]}…").replace("|", "\\|").replace("<", "&lt;")
