"""What a real API server says: every object of every tree applied for real, and every pod that comes of it admitted."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import pytest
from api_server import MANAGER, Refused, Server, missing, namespace, running
from click.testing import CliRunner, Result
from golden_cases import REPOSITORY, ROOT, environments, everywhere, made
from live import differences, kept

from generator.cli import main
from generator.seldon.operator import expand
from generator.verify.law import key, named

pytestmark = [pytest.mark.cluster, pytest.mark.skipif(bool(missing()), reason=missing())]

Object = dict[str, Any]
SYSTEM = ("api", "istio-system", "seldon-system", "argocd")  # what an installation brings
PATIENCE_S = 30
RULE = "registry.local/payments/fraud-anchor"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("cluster")) as started:
        for name in SYSTEM:
            started.apply(namespace(name))
        yield started


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give a cluster into which nothing of ours was put yet."""
    with running(tmp_path_factory.mktemp("empty")) as started:
        yield started


@contextmanager
def applied(server: Server, objects: list[Object]) -> Iterator[list[tuple[Object, Object]]]:
    """Apply what one cluster gets, in Argo CD's order; give what was sent with the server's answer, then clear up."""
    answers = [(obj, server.apply(obj)) for obj in objects]
    for obj in objects:
        if obj["kind"] == "ResourceQuota":  # until its controller has counted, a quota admits nothing
            _wait(lambda quota=obj: server.read(quota).get("status", {}).get("hard") == quota["spec"]["hard"])
    yield answers
    for obj in reversed(objects):
        if obj["kind"] != "Namespace":  # it takes seconds to go, and the next tree brings its own labels
            server.delete(obj)


@pytest.fixture
def dev(server: Server) -> Iterator[list[Object]]:
    """Give what the repository puts into its first cluster, which has it."""
    objects = environments(made(REPOSITORY))["dev"]
    with applied(server, objects):
        yield objects


@everywhere
def test_whole_environments_are_accepted_kept_as_sent_and_make_pods_that_are_admitted(
    server: Server, case: str
) -> None:
    for objects in environments(made(case)).values():
        with applied(server, objects) as answers:
            said = [
                *(problem for sent in objects for problem in _changed(server, sent)),
                *(problem for sent, first in answers for problem in _restless(server, sent, first)),
                *(problem for sent in objects for problem in _refused(server, sent)),
            ]
        assert said == []


def test_an_object_that_the_server_knows_otherwise_counts_as_changed(server: Server, dev: list[Object]) -> None:
    sent = deepcopy(next(obj for obj in dev if obj["kind"] == "SeldonDeployment"))
    container = sent["spec"]["predictors"][0]["componentSpecs"][0]["spec"]["containers"][0]
    for port in container["ports"]:
        del port["protocol"]  # the one field that Seldon's CRD fills in inside a list
    server.apply(sent)
    place = "spec.predictors[0].componentSpecs[0].spec.containers[0].ports[0]"
    assert f"{place} has protocol, which was not sent" in list(differences(sent, server.read(sent)))


def test_the_levels_of_pod_security_hold(server: Server, dev: list[Object]) -> None:
    """The other tests say that pods are admitted; this one that they need not have been."""
    pods = {pod["metadata"]["namespace"]: pod for sent in dev for pod in _pods(sent)}
    for where in ("payments", "example-model"):
        lax = deepcopy(pods[where])
        del lax["spec"]["containers"][0]["securityContext"]["capabilities"]
        with pytest.raises(Refused, match=r'violates PodSecurity "restricted:v1\.34"'):
            server.create(lax)
    open_pod = deepcopy(pods["growth"])
    open_pod["spec"]["hostNetwork"] = True
    with pytest.raises(Refused, match=r'violates PodSecurity "baseline:v1\.34"'):
        server.create(open_pod)


@pytest.mark.parametrize(
    ("verb", "resource", "where", "allowed"),
    [
        ("list", "pods", "payments", True),
        ("get", "pods/log", "payments", True),
        ("get", "services", "payments-build", True),
        ("list", "pods", "growth", False),
        ("list", "pods", "api", False),
        ("get", "secrets", "payments", False),
        ("create", "pods/exec", "payments", False),
        ("create", "pods/portforward", "payments", False),
        ("create", "pods", "payments", False),
        ("delete", "networkpolicies.networking.k8s.io", "payments", False),
        ("update", "authorizationpolicies.security.istio.io", "payments", False),
        ("create", "serviceaccounts/token", "payments", False),
        ("impersonate", "serviceaccounts", "payments", False),
    ],
)
@pytest.mark.usefixtures("dev")
def test_a_tenants_group_may_look_into_its_own_namespaces_and_nothing_else(
    server: Server, verb: str, resource: str, where: str, *, allowed: bool
) -> None:
    full, _, part = resource.partition("/")
    name, _, group = full.partition(".")
    asked = {"verb": verb, "resource": name, "subresource": part, "group": group, "namespace": where}
    spec = {"user": "someone@corp.example", "groups": ["payments-ml"], "resourceAttributes": asked}
    api = "authorization.k8s.io/v1"
    review = {"apiVersion": api, "kind": "SubjectAccessReview", "metadata": {"name": ""}, "spec": spec}
    answer = server.ask("POST", f"/apis/{api}/subjectaccessreviews", review)
    assert answer["status"]["allowed"] is allowed


@pytest.mark.usefixtures("dev")
@pytest.mark.parametrize("kind", ["NodePort", "LoadBalancer"])
def test_no_service_of_a_tenant_reaches_outside_past_the_gateway(server: Server, kind: str) -> None:
    metadata = {"name": "door", "namespace": "payments"}
    spec = {"type": kind, "ports": [{"port": 80}]}
    with pytest.raises(Refused, match="exceeded quota: quota"):
        server.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})


def test_an_unknown_field_is_refused(server: Server) -> None:
    with pytest.raises(Refused, match="field not declared in schema"):
        server.apply({**namespace("somewhere"), "spec": {"finalisers": []}})


def test_gen_verify_asks_the_server_about_every_object_and_finds_nothing(empty: Server) -> None:
    result = _verify(empty, "--environment", "dev")
    assert (result.exit_code, result.stderr.count("problem")) == (0, 0), result.output
    asked = len(environments(made(REPOSITORY))["dev"])
    assert f"{asked:6} objects that the API server behind referee was asked about\n" in result.stdout
    assert "not checked: namespace payments is not there yet: tried in default\n" in result.stdout


def test_what_the_server_refuses_is_said_at_the_line_of_the_spec(empty: Server) -> None:
    policy = _policy()
    for obj in policy:
        empty.apply(obj)
    try:
        _wait(lambda: _refuses_fraud(empty))
        result = _verify(empty, "--environment", "dev")
    finally:
        for obj in policy:
            empty.delete(obj)
    spec = (ROOT / "tenants/payments/fraud.yaml").read_text(encoding="utf-8").splitlines()
    (line,) = [number for number, text in enumerate(spec, 1) if RULE in text]
    column = spec[line - 1].index(f'"{RULE}') + 1
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-4].startswith(
        f"tenants/payments/fraud.yaml:{line}:{column}: the API server refuses SeldonDeployment payments/fraud: "
    )
    assert result.stderr.splitlines()[-1] == "1 problem in 1 file"


def test_a_context_that_is_not_there_is_said_with_what_to_try(empty: Server) -> None:
    result = _verify(empty, context="nowhere")
    assert result.exit_code == 3
    assert "the cluster behind the context nowhere does not answer" in result.stderr


def _changed(server: Server, sent: Object) -> Iterator[str]:
    yield from (f"{named(key(sent))}: {place}" for place in differences(sent, server.read(sent)))


def _restless(server: Server, sent: Object, first: Object) -> Iterator[str]:
    again = server.apply(sent)
    if kept(again, MANAGER) != kept(first, MANAGER):
        yield f"{named(key(sent))}: the same manifest applied again is a change"


def _refused(server: Server, sent: Object) -> Iterator[str]:
    """Yield what the server has against the objects that the operator will make, and against the pods of them all."""
    for obj in [*_operated(sent), *_pods(sent)]:
        try:
            server.create(obj)
        except Refused as problem:
            yield f"{named(key(obj))} of {named(key(sent))}: {problem}"


def _operated(sent: Object) -> Iterator[Object]:
    for obj in expand(sent) if sent["kind"] == "SeldonDeployment" else ():
        metadata = {name: value for name, value in obj["metadata"].items() if name != "ownerReferences"}
        yield {**obj, "metadata": metadata}  # an owner needs a uid, which only a live SeldonDeployment has


def _pods(sent: Object) -> Iterator[Object]:
    for obj in _operated(sent) if sent["kind"] == "SeldonDeployment" else (sent,):
        if obj["kind"] in {"Deployment", "Job"}:
            template, metadata = obj["spec"]["template"], obj["metadata"]
            own = {"name": metadata["name"], "namespace": metadata["namespace"]}
            yield {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {**template["metadata"], **own},
                "spec": template["spec"],
            }


def _verify(server: Server, *words: str, context: str = "referee") -> Result:
    environ = {"KUBECONFIG": str(server.kubeconfig)}
    return CliRunner(env=environ).invoke(main, ["-C", str(ROOT), "verify", "--cluster", context, *words])


def _policy() -> list[Object]:
    """Return a rule of the cluster's own that refuses one image of the repository by name."""
    api = "admissionregistration.k8s.io/v1"
    image = "object.spec.predictors[0].explainer.containerSpec.image"
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "resourceRules": [
                {
                    "apiGroups": ["machinelearning.seldon.io"],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": ["seldondeployments"],
                }
            ]
        },
        "validations": [
            {
                "expression": f"!has(object.spec.predictors[0].explainer) || !{image}.startsWith('{RULE}')",
                "messageExpression": f"'the image \"' + {image} + '\" is on the list of the unwanted'",
            }
        ],
    }
    binding = {"policyName": "unwanted", "validationActions": ["Deny"]}
    return [
        {"apiVersion": api, "kind": f"ValidatingAdmissionPolicy{kind}", "metadata": {"name": "unwanted"}, "spec": body}
        for kind, body in (("", spec), ("Binding", binding))
    ]


def _refuses_fraud(server: Server) -> bool:
    """Tell whether the server has taken notice of the rule, which it does in its own time."""
    dev = environments(made(REPOSITORY))["dev"]
    fraud = next(obj for obj in dev if obj["kind"] == "SeldonDeployment" and obj["metadata"]["name"] == "fraud")
    try:
        server.apply({**fraud, "metadata": {**fraud["metadata"], "namespace": "default"}}, dry=True)
    except Refused:
        return True
    return False


def _wait(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not ready():
        if time.monotonic() > deadline:
            raise RuntimeError(f"the server is not where it should be after {PATIENCE_S} s")
        time.sleep(0.1)
