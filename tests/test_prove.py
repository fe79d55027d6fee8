"""gen access prove: green where the trees are what the specs grant, red for every hole that a hand may make."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from prove_cluster import Edit, cluster, declared, edited

from generator.access.signing import key_set, make_signer
from generator.audit import prove_specs
from generator.audit import prove_told as told
from generator.audit.prove import Proof, Scope, prove, targets
from generator.audit.prove_grants import Kind, Person
from generator.audit.prove_keys import keyring, with_signers
from generator.audit.prove_specs import Watched
from generator.cli import main
from generator.tenancy import Account, Object

ROOT = Path(__file__).parent.parent
IRIS = Scope(models=("example-model/iris",))
POLICY, DENY = "AuthorizationPolicy example-model/iris", "AuthorizationPolicy example-model/default-deny"
TOKENS = ("RequestAuthentication example-model/iris", "RequestAuthentication api/seldon-gateway")
LET_IN, SHUT_OUT = "the trees let in what the specs refuse", "the trees refuse what the specs grant"
Objects = dict[str, Object]


def proved(edit: Edit, scope: Scope = IRIS) -> Proof:
    return prove(edited(cluster(), edit), declared(), scope)


def rule(edit: Callable[[Object], object]) -> Edit:
    """Return an edit of the one rule by which iris is called through the gateway."""
    return lambda objects: edit(objects[POLICY]["spec"]["rules"][0])


def operation(edit: Callable[[Object], object]) -> Edit:
    return rule(lambda found: edit(found["to"][0]["operation"]))


def spec(name: str, edit: Callable[[Object], object]) -> Edit:
    return lambda objects: edit(objects[name]["spec"])


def token_rules(edit: Callable[[Object], object]) -> Edit:
    return lambda objects: [edit(objects[name]["spec"]["jwtRules"][0]) for name in TOKENS]


def gone(*names: str) -> Edit:
    return lambda objects: objects.update(dict.fromkeys(names))  # type: ignore[arg-type]  # None goes away


def swapped_keys(found: Object) -> None:
    found["jwks"] = key_set(make_signer("corp-1"))


def one_more_key(found: Object) -> None:
    keys = json.loads(found["jwks"])["keys"] + json.loads(key_set(make_signer("extra")))["keys"]
    found["jwks"] = json.dumps({"keys": keys})


def without_sidecar(objects: Objects) -> None:
    pod = objects["Deployment example-model/iris-main-0-iris"]["spec"]["template"]
    pod["metadata"]["labels"]["sidecar.istio.io/inject"] = "false"


def apart(found: Object) -> None:
    """Write each part of a source as a source of its own: OR where there was AND."""
    found["from"] = [{"source": {name: values}} for name, values in found["from"][0]["source"].items()]


def dry_run(objects: Objects) -> None:
    objects[POLICY]["metadata"]["annotations"]["istio.io/dry-run"] = "true"


def workloads_of_orders(found: Object) -> None:
    source = {"principals": ["cluster.local/ns/orders/sa/*"]}
    found["rules"].append({"from": [{"source": source}], "to": [{"operation": {"paths": ["/predict"]}}]})


HOLES: dict[str, tuple[Edit, str]] = {
    "no condition on the caller": (rule(lambda found: found.pop("when")), LET_IN),
    "a name too many": (rule(lambda found: found["when"][1]["values"].append("mallory@corp.example")), LET_IN),
    "no policies": (gone(POLICY, DENY), LET_IN),
}
MORE_HOLES: dict[str, tuple[Edit, str]] = {
    "the gateway is not asked for": (rule(lambda found: found["from"][0]["source"].pop("principals")), LET_IN),
    "every path": (operation(lambda found: found.update(paths=["/*"])), LET_IN),
    "a key that nobody declared": (token_rules(one_more_key), LET_IN),
    "a whole domain": (rule(lambda found: found["when"][1].update(values=["*@corp.example"])), LET_IN),
    "no condition on the audience": (rule(lambda found: found["when"].pop(0)), LET_IN),
    "no subject is asked for": (rule(lambda found: found["from"][0]["source"].pop("requestPrincipals")), LET_IN),
    "OR for AND": (rule(apart), LET_IN),
    "no paths": (operation(lambda found: found.pop("paths")), LET_IN),
    "no methods": (operation(lambda found: found.pop("methods")), LET_IN),
    "no ports": (operation(lambda found: found.pop("ports")), LET_IN),
    "an empty rule": (spec(POLICY, lambda found: found["rules"].append({})), LET_IN),
    "workloads of another namespace": (spec(POLICY, workloads_of_orders), LET_IN),
    "a selector that selects nothing": (
        spec(POLICY, lambda found: found["selector"]["matchLabels"].update({"seldon-deployment-id": "irsi"})),
        SHUT_OUT,
    ),
    "tokens from anywhere": (token_rules(lambda found: found.pop("fromHeaders")), LET_IN),
    "other keys": (token_rules(swapped_keys), SHUT_OUT),
    "the gateway keeps the token": (
        spec(TOKENS[1], lambda found: found["jwtRules"][0].update(forwardOriginalToken=False)),
        SHUT_OUT,
    ),
    "no sidecar": (without_sidecar, LET_IN),
    "a policy on trial": (dry_run, SHUT_OUT),
    "a policy that denies": (spec(POLICY, lambda found: found.update(action="DENY")), SHUT_OUT),
}


def test_a_rendered_model_is_proved() -> None:
    proof = proved(lambda _: None)
    assert proof.is_green, told.text([proof])
    (counts,) = proof.counts.values()
    assert counts["granted"] > 20
    assert counts["refused"] > 700
    assert proof.remarks == ("a token without exp is let in", "the name in a list is let in")
    assert proof.keys[0] == "https://idp.local/auth/realms/ML: corp-1"


@pytest.mark.parametrize("hole", HOLES)
def test_a_hole_is_found(hole: str) -> None:
    assert_found(HOLES[hole])


@pytest.mark.slow
@pytest.mark.parametrize("hole", MORE_HOLES)
def test_every_hole_is_found(hole: str) -> None:
    assert_found(MORE_HOLES[hole])


def assert_found(hole: tuple[Edit, str]) -> None:
    edit, what = hole
    proof = proved(edit)
    whats = [failure.what for failure in proof.failures]
    assert what in whats
    # The evaluator sees each of them too.
    assert "Envoy and the evaluator differ" not in whats
    for folder in proof.folders:
        shutil.rmtree(folder)


@pytest.mark.slow
def test_every_hand_built_model_is_proved() -> None:
    proof = proved(lambda _: None, Scope())
    assert proof.is_green, told.text([proof])
    assert list(proof.counts) == [
        "example-model/iris",
        "example-model/partner",
        "example-model/dark",
        "payments/fraud",
        "growth/churn",
    ]


def test_what_cannot_be_judged_is_said() -> None:
    filter_ = {
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "EnvoyFilter",
        "metadata": {"name": "x", "namespace": "example-model"},
        "spec": {},
    }
    proof = proved(lambda objects: objects.update({"EnvoyFilter": filter_}))
    assert not proof.is_green
    assert proof.problems == (
        "EnvoyFilter example-model/x: spec may change who gets in, and gen does not judge it\n  take it out",
    )


def test_what_there_is_no_time_for_is_said() -> None:
    proof = proved(lambda _: None, Scope(models=IRIS.models, seconds=0))
    assert not proof.is_green
    assert proof.left_out == ("example-model/iris",)
    assert "prod example-model/iris: not proved, the time is over" in told.text([proof])


def test_a_log_without_the_caller_is_found() -> None:
    def unnamed(objects: Objects) -> None:
        settings = objects["ConfigMap istio-system/modelapi-mesh"]["data"]
        settings["mesh"] = settings["mesh"].replace("payload:sub", "payload:other")

    proof = proved(unnamed)
    assert not proof.failures
    gap = "api/seldon-gateway does not log the claim sub u-user-alice@corp.example"
    assert gap in [each.what for each in proof.gaps]


def test_a_log_with_the_token_is_found() -> None:
    def whole(objects: Objects) -> None:
        settings = objects["ConfigMap istio-system/modelapi-mesh"]["data"]
        settings["mesh"] = settings["mesh"].replace("%REQ_WITHOUT_QUERY(:PATH)%", "%REQ(:PATH)%")

    assert "api/seldon-gateway logs the token" in [each.what for each in proved(whole).gaps]


def test_a_mesh_without_a_log_is_found() -> None:
    proof = proved(gone("Telemetry istio-system/mesh-default"))
    assert [gap.what for gap in proof.gaps] == [
        "no Telemetry of the mesh asks for an access log with every request in it"
    ]


def test_a_failure_is_replayed_by_its_command(tmp_path: Path) -> None:
    edit, _ = HOLES["no condition on the caller"]
    proof = proved(edit, Scope(models=IRIS.models, folder=tmp_path))
    ways = {failure.outcome.case.to: failure for failure in proof.failures}
    assert sorted(ways) == ["api/seldon-gateway", "example-model/iris-main-0-iris"]
    (folder,) = proof.folders
    with subprocess.Popen(["sh", str(folder / "start.sh")]) as envoy:
        try:
            codes = [answered(failure.curl) for failure in ways.values()]
        finally:
            envoy.terminate()
    assert codes == [failure.outcome.code for failure in ways.values()] == ["200", "200"]


def answered(curl: str) -> str:
    """Return what a command gets, once Envoy is up."""
    for _ in range(200):
        done = subprocess.run(["sh", "-c", curl], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.strip()
        time.sleep(0.05)
    return "no answer"


def test_the_report_says_what_differs_in_every_form() -> None:
    edit, what = HOLES["a name too many"]
    proof = proved(edit)
    text, page, data = told.text([proof]), told.html([proof]), json.loads(told.as_json([proof]))
    line = "user mallory@corp.example, right token: POST /seldon/example-model/iris/predict (predict)"
    said = "specs: refuse; evaluator: 200, an ALLOW rule matches by AuthorizationPolicy example-model/iris rule 0"
    for form in (text, page):
        assert f"prod example-model/iris: {what}" in form
        assert line in form
        assert said in form
    assert data[0]["proved"] is False
    assert data[0]["failures"][0]["who"] == "user mallory@corp.example"
    assert data[0]["failures"][0]["envoy"] == "200"
    for folder in proof.folders:
        shutil.rmtree(folder)


@pytest.mark.slow
def test_the_examples_are_proved() -> None:
    done = CliRunner().invoke(main, ["-C", str(ROOT), "access", "prove"])
    assert done.exit_code == 0, done.output
    assert "requests in prod" in done.stdout


def test_a_model_that_does_not_exist_is_a_usage_error() -> None:
    done = CliRunner().invoke(main, ["-C", str(ROOT), "access", "prove", "payments/nobody"])
    assert done.exit_code == 2
    assert 'there is no "payments/nobody"' in done.stderr


def test_whom_expectations_speak_of_is_tried_though_nobody_grants_them_anything() -> None:
    eve = Watched(
        persons=(Person(kind=Kind.USER, name="eve@corp.example"),), accounts=(Account(namespace="shop", name="till"),)
    )
    watching = replace(declared(), watched={("example-model", "iris"): eve})
    ring = keyring(cluster().objects, watching)
    own = replace(cluster(), objects=with_signers(cluster().objects, ring))
    who = {case.who for _, cases in targets(own, watching, ring, IRIS) for case in cases}
    assert {"user eve@corp.example", "workload shop/till"} <= who
    assert "user eve@corp.example" not in {
        case.who for _, cases in targets(own, declared(), ring, IRIS) for case in cases
    }


def test_expectations_of_the_specs_say_whom_to_watch() -> None:
    watched = prove_specs.declared(ROOT, date(2026, 11, 24)).watched["payments", "fraud"]
    assert watched == Watched(
        persons=(Person(kind=Kind.CLIENT, name="checkout"),), accounts=(Account(namespace="orders", name="checkout"),)
    )
