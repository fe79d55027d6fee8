"""Argo CD's own decisions: what a project permits, and what the health check says, as Argo CD's Lua would run it."""

from collections.abc import Mapping
from typing import Any

import pytest
from golden_cases import everywhere, tree
from lupa import luajit21

from generator.build.health import CHECKS, SELDON_DEPLOYMENT
from generator.verify.projects import permits_destination, permits_kind

Object = dict[str, Any]
HUB, MINE, OTHER = "https://kubernetes.default.svc", "https://my-cluster", "https://test-dev-cluster"

# ---- health

HEALTH: Mapping[str, tuple[Object, tuple[str, str]]] = {
    "the operator has said nothing": ({}, ("Progressing", "waiting for the Seldon operator")),
    "an empty status": ({"status": {}}, ("Progressing", "waiting for the Seldon operator")),
    "being made": ({"status": {"state": "Creating"}}, ("Progressing", "Creating")),
    "there": ({"status": {"state": "Available"}}, ("Healthy", "Available")),
    "there, with words": (
        {"status": {"state": "Available", "description": "3 replicas"}},
        ("Healthy", "3 replicas"),
    ),
    "broken": ({"status": {"state": "Failed"}}, ("Degraded", "Failed")),
    "broken, with words": (
        {"status": {"state": "Failed", "description": "no graph"}},
        ("Degraded", "no graph"),
    ),
    "a state of some later operator": ({"status": {"state": "Scaling"}}, ("Progressing", "Scaling")),
}


@pytest.mark.parametrize("state", HEALTH)
def test_the_health_of_a_seldon_deployment_is_what_its_operator_says(state: str) -> None:
    live, wanted = HEALTH[state]
    assert _health(SELDON_DEPLOYMENT, {"metadata": {"name": "fraud"}, **live}) == wanted


@everywhere
def test_argocd_gets_the_health_checks_and_nothing_that_runs_code_of_tenants(case: str) -> None:
    data = next(obj for obj in tree(case).hub if obj["metadata"]["name"] == "argocd-cm")["data"]
    assert data == {
        "application.resourceTrackingMethod": "annotation",
        "helm.enable": "false",
        "jsonnet.enable": "false",
        "kustomize.buildOptions": "",
        **{f"resource.customizations.health.{kind}": lua for kind, lua in CHECKS},
    }


def test_the_lua_that_runs_the_checks_here_has_no_more_than_argocd_gives() -> None:
    for gone in ("os", "io", "string", "math", "require", "load", "dofile"):
        assert _health(f'return {{status = type({gone}), message = ""}}', {}) == ("nil", "")


def _health(code: str, live: Object) -> tuple[str, str]:
    """Run a check as Argo CD does: `obj` is the live object, and of the libraries only base and table are there.

    Source: Argo CD 3.5.1, util/lua/lua.go, which opens base, table and a package library without loaders.
    """
    lua = luajit21.LuaRuntime(register_eval=False, register_builtins=False, unpack_returned_tuples=True)
    for gone in ("os", "io", "string", "math", "debug", "jit", "ffi", "bit", "python", "coroutine", "require"):
        lua.globals()[gone] = None
    for gone in ("load", "loadstring", "loadfile", "dofile"):
        lua.globals()[gone] = None
    lua.globals().obj = lua.table_from(live, recursive=True)
    result = lua.execute(code)
    return result.status, result.message


# ---- what a project permits: the cases of Argo CD 3.5.1, pkg/apis/application/v1alpha1/types_test.go

Kinds = list[tuple[str, str]]
EVERY, REPLICAS, DEPLOYMENTS = [("*", "*")], [("apps", "ReplicaSet")], [("apps", "Deployment")]
IN, OUT = "namespaceResourceWhitelist", "namespaceResourceBlacklist"
CLUSTER_IN, CLUSTER_OUT = "clusterResourceWhitelist", "clusterResourceBlacklist"
KIND_LISTS: list[tuple[Object, tuple[str, str], bool]] = [
    ({IN: [], OUT: DEPLOYMENTS}, ("apps", "ReplicaSet"), False),
    ({IN: [], OUT: DEPLOYMENTS}, ("apps", "Deployment"), False),
    ({OUT: DEPLOYMENTS}, ("apps", "ReplicaSet"), True),
    ({IN: REPLICAS, OUT: DEPLOYMENTS}, ("apps", "ReplicaSet"), True),
    ({IN: REPLICAS, OUT: DEPLOYMENTS}, ("apps", "Action"), False),
    ({CLUSTER_OUT: [("", "Namespace")]}, ("", "Namespace"), False),
    ({CLUSTER_IN: EVERY, CLUSTER_OUT: EVERY}, ("", "Namespace"), False),
    ({CLUSTER_IN: EVERY, CLUSTER_OUT: EVERY}, ("apps", "Action"), True),
    ({CLUSTER_IN: [], IN: EVERY}, ("", "Namespace"), False),
    ({CLUSTER_IN: [], IN: EVERY}, ("apps", "Action"), True),
    ({}, ("", "Namespace"), False),
    ({}, ("apps", "Action"), True),
    ({IN: [("", "NetworkPolicy")]}, ("networking.k8s.io", "NetworkPolicy"), False),
]  # fmt: skip

Places = list[tuple[str, str]]
DESTINATIONS: list[tuple[Places, tuple[str, str], bool]] = [
    ([], (HUB, "default"), False),
    ([(HUB, "default")], (HUB, "default"), True),
    ([(HUB, "default")], (HUB, "kube-system"), False),
    ([(MINE, "default")], (HUB, "default"), False),
    ([(HUB, "*")], (HUB, "kube-system"), True),
    ([("https://*.default.svc", "default")], (HUB, "default"), True),
    ([("https://team1-*", "default")], (OTHER, "default"), False),
    ([(HUB, "test-*")], (HUB, "test-foo"), True),
    ([(HUB, "test-*")], (HUB, "test"), False),
    ([("*", "*")], (HUB, "test"), True),
    ([(f"!{HUB}", "default")], (HUB, "default"), False),
    ([(HUB, "!default")], (HUB, "kube-system"), True),
    ([(f"!{MINE}", "default")], (HUB, "default"), True),
    ([(f"!{HUB}", "*")], (HUB, "kube-system"), False),
    ([("!https://*.default.svc", "default")], (HUB, "default"), False),
    ([("!https://team1-*", "default")], (OTHER, "default"), True),
    ([(HUB, "!test-*")], (HUB, "test-foo"), False),
    ([(HUB, "!test-*")], (HUB, "test"), True),
    ([("*", "kube-system"), ("*", "!kube-system")], (HUB, "kube-system"), False),
    ([("*", "*"), ("*", "!kube-system")], (HUB, "kube-system"), False),
    ([(HUB, "*"), (f"!{HUB}", "*")], (HUB, "kube-system"), False),
    ([("*", "*"), (f"!{HUB}", "kube-system")], (HUB, "kube-system"), False),
    ([("*", "*"), (f"!{HUB}", "kube-system"), ("*", "!kube-system")], (HUB, "default"), False),
    ([("*", "*"), (f"!{HUB}", "kube-system"), ("*", "!kube-system")], (OTHER, "kube-system"), False),
]


@pytest.mark.parametrize(("lists", "kind", "permitted"), KIND_LISTS)
def test_kinds_are_permitted_as_argocd_permits_them(
    lists: Mapping[str, Kinds],
    kind: tuple[str, str],
    permitted: bool,  # noqa: FBT001  # a column of the table
) -> None:
    spec = {name: [{"group": group, "kind": one} for group, one in items] for name, items in lists.items()}
    assert permits_kind({"spec": spec}, *kind) is permitted


@pytest.mark.parametrize(("places", "wanted", "permitted"), DESTINATIONS)
def test_destinations_are_permitted_as_argocd_permits_them(
    places: Places,
    wanted: tuple[str, str],
    permitted: bool,  # noqa: FBT001  # a column of the table
) -> None:
    destinations = [{"server": server, "namespace": namespace} for server, namespace in places]
    assert permits_destination({"spec": {"destinations": destinations}}, *wanted) is permitted


def test_a_namespace_may_be_permitted_by_name() -> None:
    listed = [{"group": "", "kind": "Namespace", "name": "shop-*"}]
    project = {"spec": {"clusterResourceWhitelist": listed}}
    assert permits_kind(project, "", "Namespace", "shop-build")
    assert not permits_kind(project, "", "Namespace", "shop")
    assert not permits_kind(project, "", "Namespace", "risk")
