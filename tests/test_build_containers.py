"""What runs in a model's pods: variables, probes, shutdown, walls, placement."""

from dataclasses import replace

import build_fixtures as fixtures
import pytest
import serving_cases as cases
from serving import EVERY, MODELS, NO_ENGINE, every_container, expanded, own, pods, predictors

from generator.build.container import TMP
from generator.model import Model
from generator.tenancy import Object

# Variables with which the operator loses all the others (operator/utils/utils.go, SetEnvVar with override false).
LOSING = {
    "PREDICTIVE_UNIT_HTTP_SERVICE_PORT",
    "PREDICTIVE_UNIT_GRPC_SERVICE_PORT",
    "MLSERVER_HTTP_PORT",
    "MLSERVER_GRPC_PORT",
    "MLSERVER_MODEL_URI",
    "PREDICTIVE_UNIT_PARAMETERS",
}


# --- environment ---


@EVERY
def test_no_variable_is_set_that_makes_the_operator_lose_the_others(model: Model) -> None:
    names = [one["name"] for pod in pods(model) for each in pod["containers"] for one in each.get("env", [])]
    assert LOSING.isdisjoint(names)


@EVERY
def test_every_variable_reaches_the_pod(model: Model) -> None:
    made = [one for deployment in expanded(model).values() for one in every_container(deployment)]
    for pod in pods(model):
        for wanted in pod["containers"]:
            found = next(one for one in made if one["name"] == wanted["name"])
            assert [one for one in wanted.get("env", []) if one not in found["env"]] == []


def test_a_bento_is_told_its_port_its_home_its_workers_and_its_limit_in_this_order() -> None:
    overrides = '{"services":{"iris_classifier":{"workers":1,"traffic":{"timeout":30}}}}'
    assert own(MODELS["iris"])["env"] == [
        {"name": "BENTOML_PORT", "value": "3000"},
        {"name": "BENTOML_HOME", "value": f"{TMP}/bentoml"},
        {"name": "HOME", "value": TMP},
        {"name": "BENTOML_DO_NOT_TRACK", "value": "True"},
        {"name": "BENTOML_CONFIG_OVERRIDES", "value": overrides},
    ]


def test_the_users_variables_come_last_and_replace_ours() -> None:
    root = MODELS["iris"].predictors[0].graph
    runtime = fixtures.runtime(env=(("HOME", "/scratch"), ("LOG_LEVEL", "info")))
    env = own(cases.with_root(MODELS["iris"], replace(root, runtime=runtime)))["env"]
    assert [one["name"] for one in env].count("HOME") == 1
    assert {"name": "HOME", "value": "/scratch"} in env
    assert env[-1] == {"name": "LOG_LEVEL", "value": "info"}


def test_a_bento_keeps_idle_connections_longer_than_its_callers_do() -> None:
    assert own(MODELS["iris"])["args"] == ["serve", "--timeout-keep-alive", "120"]
    assert "args" not in own(MODELS["churn"])


@EVERY
def test_no_pod_is_told_of_the_services_around_it_or_given_a_token(model: Model) -> None:
    for pod in pods(model):
        assert (pod["enableServiceLinks"], pod["automountServiceAccountToken"]) == (False, False)


# --- life and death ---


@EVERY
def test_each_node_is_asked_for_its_readiness_and_life_as_its_run_says(model: Model) -> None:
    nodes = {node.name: node.run for one in model.predictors for node in one.nodes() if node.run}
    for pod in pods(model):
        for each in (one for one in pod["containers"] if one["name"] in nodes):
            run = nodes[each["name"]]
            for probe, path in (
                ("startupProbe", run.ready),
                ("readinessProbe", run.ready),
                ("livenessProbe", run.live),
            ):
                asked = {"httpGet": {"path": path, "port": "http"}} if path else {"tcpSocket": {"port": "http"}}
                assert {key: each[probe][key] for key in each[probe] if key in {"httpGet", "tcpSocket"}} == asked


def test_a_slow_start_has_its_time() -> None:
    root = replace(MODELS["iris"].predictors[0].graph, runtime=fixtures.runtime(startup_s=601))
    model = cases.with_root(MODELS["iris"], root)
    probe = own(model)["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] == 605
    assert predictors(model)["main"]["progressDeadlineSeconds"] == 1201


@EVERY
def test_a_pod_has_time_to_be_forgotten_to_answer_and_to_end(model: Model) -> None:
    for one, made in zip(model.predictors, predictors(model).values(), strict=True):
        slowest = max(node.runtime.timeout_s for node in one.nodes() if node.run)
        for part in made["componentSpecs"]:
            assert part["spec"]["terminationGracePeriodSeconds"] == 10 + slowest + 5
            for each in part["spec"]["containers"]:
                assert each["lifecycle"]["preStop"]["exec"]["command"] == ["/bin/sh", "-c", "/bin/sleep 10"]


# --- walls ---


@EVERY
def test_every_container_has_requests_and_limits(model: Model) -> None:
    for deployment in expanded(model).values():
        for one in every_container(deployment):
            for kind in ("requests", "limits"):
                assert {"cpu", "memory"} <= one["resources"][kind].keys(), one["name"]


@pytest.mark.parametrize("name", NO_ENGINE)
def test_pod_security_restricted_admits_every_pod_without_executor(name: str) -> None:
    for deployment in expanded(MODELS[name]).values():
        assert refusals(deployment) == []


def test_pod_security_restricted_admits_an_explainer() -> None:
    for name in ("fraud", "seldon-explainer"):
        assert refusals(expanded(MODELS[name])["fraud-main-explainer"]) == []


@pytest.mark.parametrize("name", NO_ENGINE)
def test_the_proxy_in_a_nodes_pod_is_admitted_by_the_seccomp_profile_of_the_pod(name: str) -> None:
    for called, deployment in expanded(MODELS[name]).items():
        if not called.endswith("-explainer"):
            assert refusals(injected(deployment)) == []


def test_the_proxy_in_an_explainers_pod_needs_a_seccomp_profile_of_its_own() -> None:
    """The operator makes that pod; `explainer-in-restricted` says it where the platform's proxies have none."""
    for name in ("fraud", "seldon-explainer"):
        explainer = expanded(MODELS[name])["fraud-main-explainer"]
        assert refusals(injected(explainer)) == ["istio-proxy: seccomp"]
        assert refusals(injected(explainer, seccompProfile={"type": "RuntimeDefault"})) == []


def injected(deployment: Object, **context: object) -> Object:
    """Return a Deployment with a proxy as the mesh adds it under istio-cni (Istio 1.30, injection-template.yaml)."""
    walls = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True, **context}
    proxy = {"name": "istio-proxy", "securityContext": {**walls, "runAsUser": 1337}}
    pod = deployment["spec"]["template"]["spec"]
    template = {**deployment["spec"]["template"], "spec": {**pod, "containers": [*pod["containers"], proxy]}}
    return {**deployment, "spec": {**deployment["spec"], "template": template}}


def refusals(deployment: Object) -> list[str]:
    """Return what Pod Security "restricted" has against a pod (Kubernetes documentation, "Pod Security Standards")."""
    pod = deployment["spec"]["template"]["spec"]
    shared = pod.get("securityContext", {})
    found = []
    for one in every_container(deployment):
        context = one.get("securityContext", {})
        both = {**shared, **context}
        seccomp = both.get("seccompProfile", {}).get("type")
        checks = {
            "privilege escalation": context.get("allowPrivilegeEscalation") is False,
            "capabilities": context.get("capabilities", {}) == {"drop": ["ALL"]},
            "root": both.get("runAsNonRoot") is True and both.get("runAsUser") != 0,
            "seccomp": seccomp in {"RuntimeDefault", "Localhost"},
        }
        found += [f"{one['name']}: {what}" for what, passed in checks.items() if not passed]
    kinds = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
    return found + [f"volume {one['name']}" for one in pod.get("volumes", []) if not kinds & one.keys()]


@EVERY
def test_a_node_runs_as_its_own_numbered_user_on_a_root_it_cannot_write(model: Model) -> None:
    users = {node.name: node.run.user for one in model.predictors for node in one.nodes() if node.run}
    for one in predictors(model).values():
        for part in one["componentSpecs"]:
            user = users[part["metadata"]["name"]]
            context = part["spec"]["securityContext"]
            assert [context[key] for key in ("runAsUser", "runAsGroup", "fsGroup")] == [user] * 3
            for each in part["spec"]["containers"]:
                assert each["securityContext"]["readOnlyRootFilesystem"] is True
                assert {"name": "tmp", "mountPath": TMP} in each["volumeMounts"]


@EVERY
def test_every_pod_runs_as_the_models_account(model: Model) -> None:
    assert {one["spec"]["template"]["spec"]["serviceAccountName"] for one in expanded(model).values()} == {model.name}


def test_a_pod_is_placed_as_the_runtime_says() -> None:
    (pod,) = pods(MODELS["placed"])
    assert pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "2"
    assert pod["nodeSelector"] == {"accelerator": "a100"}
    assert pod["tolerations"] == [
        {"key": "gpu", "operator": "Exists", "effect": "NoSchedule"},
        {"key": "team", "operator": "Equal", "value": "ml"},
    ]
    assert pod["volumes"] == [
        {"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}},
        {"name": "data", "persistentVolumeClaim": {"claimName": "lookup"}},
        {"name": "settings", "configMap": {"name": "iris-settings"}},
        {"name": "keys", "secret": {"secretName": "iris-keys"}},
        {"name": "scratch", "emptyDir": {"sizeLimit": "5Gi"}},
    ]
    assert pod["containers"][0]["volumeMounts"] == [
        {"name": "tmp", "mountPath": TMP},
        {"name": "data", "mountPath": "/data", "readOnly": True},
        {"name": "settings", "mountPath": "/settings"},
        {"name": "keys", "mountPath": "/keys", "readOnly": True},
        {"name": "scratch", "mountPath": "/scratch"},
    ]
