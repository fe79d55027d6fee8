"""A tenant's namespace and the one in which its images are built."""

from dataclasses import replace
from typing import Any

import kubernetes_validate
import pytest
from build_fixtures import churn, fraud, iris, place, tenant
from build_rendered import everything, named, of

from generator.build.namespace import build, build_namespace
from generator.tenancy import Object

HELD = {"argocd.argoproj.io/sync-options": "Prune=confirm,Delete=confirm", "argocd.argoproj.io/sync-wave": "-3"}


def security_of(namespace: Object) -> dict[str, str]:
    prefix = "pod-security.kubernetes.io/"
    labels = namespace["metadata"]["labels"]
    return {key.removeprefix(prefix): value for key, value in labels.items() if key.startswith(prefix)}


def test_a_tenants_namespace_is_held_to_its_level_and_joins_the_mesh() -> None:
    assert build(fraud().place)[0] == {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": "payments",
            "labels": {
                "app.kubernetes.io/managed-by": "modelapi-gen",
                "app.kubernetes.io/part-of": "payments",
                "istio-injection": "enabled",
                "pod-security.kubernetes.io/audit": "restricted",
                "pod-security.kubernetes.io/audit-version": "v1.34",
                "pod-security.kubernetes.io/enforce": "restricted",
                "pod-security.kubernetes.io/enforce-version": "v1.34",
                "pod-security.kubernetes.io/warn": "restricted",
                "pod-security.kubernetes.io/warn-version": "v1.34",
            },
            "annotations": HELD,
        },
    }


def test_without_istios_cni_plugin_the_level_is_warned_of_since_it_cannot_be_enforced() -> None:
    given = fraud().place
    bare = replace(given.platform, mesh=replace(given.platform.mesh, cni=False))
    found = security_of(build(replace(given, platform=bare))[0])
    assert (found["enforce"], found["audit"], found["warn"]) == ("privileged", "restricted", "restricted")


def test_the_level_is_pinned_to_the_clusters_minor_version() -> None:
    given = fraud().place
    patched = replace(given.platform, versions=(("kubernetes", "1.35.2"),))
    assert security_of(build(replace(given, platform=patched))[0])["enforce-version"] == "v1.35"


def test_the_quota_bounds_what_is_requested_and_forbids_doors_beside_the_gateway() -> None:
    quota = replace(tenant(), quota=(("cpu", "40"), ("gpu", "2"), ("memory", "160Gi"), ("pods", "100")))
    assert named("ResourceQuota", "quota", build(place(quota)))["spec"] == {
        "hard": {
            "limits.memory": "160Gi",
            "pods": "100",
            "requests.cpu": "40",
            "requests.memory": "160Gi",
            "requests.nvidia.com/gpu": "2",
            "services.loadbalancers": "0",
            "services.nodeports": "0",
        }
    }


def test_no_quota_counts_a_custom_resource() -> None:
    assert not any("count/" in key for quota in of("ResourceQuota") for key in quota["spec"]["hard"])


def test_containers_that_ask_for_nothing_get_requests_and_a_memory_limit() -> None:
    (limits,) = of("LimitRange", build(churn().place))
    assert limits["spec"] == {
        "limits": [
            {
                "type": "Container",
                "default": {"memory": "512Mi"},
                "defaultRequest": {"cpu": "50m", "memory": "128Mi"},
            }
        ]
    }


def test_the_tenants_groups_may_look_and_nobody_may_edit() -> None:
    shared = replace(tenant(), view=("auditors", "payments-ml"))
    (binding,) = of("RoleBinding", build(place(shared)))
    api = "rbac.authorization.k8s.io"
    assert binding["roleRef"] == {"apiGroup": api, "kind": "ClusterRole", "name": "view"}
    assert binding["subjects"] == [{"kind": "Group", "name": name, "apiGroup": api} for name in shared.view]
    assert {o["roleRef"]["name"] for o in of("RoleBinding")} == {"view"}


def test_without_groups_there_is_no_binding() -> None:
    assert of("RoleBinding", build(place(replace(tenant(), view=())))) == []


def test_a_tenant_has_a_build_namespace_only_where_images_are_built() -> None:
    assert build_namespace(iris("prod").place) == []
    assert build_namespace(iris("dev").place)[0]["metadata"]["name"] == "example-model-build"


def test_builds_are_outside_the_mesh_and_as_confined_as_their_seccomp_profile_lets_them() -> None:
    given = iris("dev").place
    loose = replace(given.platform, build=replace(given.platform.build, seccomp="unconfined"))
    confined, unconfined = (build_namespace(where)[0] for where in (given, replace(given, platform=loose)))
    assert confined["metadata"]["labels"]["istio-injection"] == "disabled"
    assert confined["metadata"]["annotations"] == HELD
    assert set(security_of(confined).values()) == {"baseline", "v1.34"}
    assert set(security_of(unconfined).values()) == {"privileged", "v1.34"}


def test_a_build_namespace_bounds_its_pods() -> None:
    assert named("ResourceQuota", "quota", build_namespace(iris("dev").place))["spec"]["hard"] == {
        "pods": "10",
        "services.loadbalancers": "0",
        "services.nodeports": "0",
    }


def test_namespaces_come_before_everything_in_them() -> None:
    waves = {o["kind"]: int(o["metadata"].get("annotations", {}).get(WAVE, "0")) for o in build(fraud().place)}
    assert min(waves, key=lambda kind: waves[kind]) == "Namespace"
    assert list(waves.values()).count(waves["Namespace"]) == 1


WAVE = "argocd.argoproj.io/sync-wave"


BUILT_IN = [obj for obj in everything() if ".istio.io/" not in obj["apiVersion"]]


@pytest.mark.parametrize("obj", BUILT_IN, ids=lambda obj: f"{obj['kind']}-{obj['metadata']['name']}")
def test_every_built_in_object_is_valid_field_by_field(obj: Any) -> None:
    kubernetes_validate.validate(obj, "1.34", strict=True)


def test_a_mistyped_field_is_found_by_the_check_above() -> None:
    (limits,) = of("LimitRange", build(churn().place))
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**limits, "specs": {}}, "1.34", strict=True)
