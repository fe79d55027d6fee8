"""A tenant's namespace and the one in which its images are built: level, quota, defaults, who may look.

Pod Security levels: Kubernetes "Pod Security Standards"; their labels are pinned to the cluster's minor version.
"""

from dataclasses import replace

from generator.build.meta import (
    LIMIT_RANGE,
    NAMESPACE,
    RESOURCE_QUOTA,
    ROLE_BINDING,
    Scope,
    Wave,
    annotated,
    build_scope,
    labelled,
    obj,
    tenant_scope,
)
from generator.build.network import build_network
from generator.tenancy import Object, Place, Platform

BUILD_PODS = 10  # builds of one tenant at a time; a finished Job's pod does not count
_POD_SECURITY = "pod-security.kubernetes.io"
_HELD = {"argocd.argoproj.io/sync-options": "Prune=confirm,Delete=confirm"}  # a Namespace takes all in it along
_QUOTA = {
    "cpu": ("requests.cpu",),
    "memory": ("requests.memory", "limits.memory"),
    "gpu": ("requests.nvidia.com/gpu",),
    "pods": ("pods",),
}
# Nothing of a tenant's faces the outside but through the gateway. Built-in kinds only: counting custom resources
# refuses them until the quota controller knows the kind.
_NOT_EXPOSED = {"services.loadbalancers": "0", "services.nodeports": "0"}
# For containers that nobody of ours writes: the sidecar, the storage initializer, Istio's init containers. No CPU
# limit: it throttles.
_DEFAULTS = {"type": "Container", "default": {"memory": "512Mi"}, "defaultRequest": {"cpu": "50m", "memory": "128Mi"}}


def build(place: Place) -> list[Object]:
    """Return the Namespace, its quota and defaults, and the right to look for the tenant's groups."""
    scope, wanted = tenant_scope(place), place.tenant.pod_security
    # Without Istio's CNI plugin the sidecar's init container needs NET_ADMIN, which "baseline" refuses too.
    enforced = wanted if place.platform.mesh.cni else "privileged"
    hard = dict(_NOT_EXPOSED)
    for name, quantity in place.tenant.quota:
        hard |= dict.fromkeys(_QUOTA[name], quantity)
    return [
        _namespace(place.platform, scope, (enforced, wanted), injection="enabled"),
        *_bounds(scope, hard),
        *_viewers(scope, place.tenant.view),
    ]


def build_namespace(place: Place) -> list[Object]:
    """Return what `build` does for the namespace of image builds, and its network walls; empty where none is built.

    Builds are outside the mesh: a sidecar would keep them from ending. BuildKit needs a seccomp profile that lets it
    make user namespaces: one that the nodes have fits "baseline", none at all only "privileged".
    """
    if not place.build_namespace:
        return []
    scope = build_scope(place)
    level = "privileged" if place.platform.build.seccomp == "unconfined" else "baseline"
    hard = {**_NOT_EXPOSED, "pods": str(BUILD_PODS)}
    return [
        _namespace(place.platform, scope, (level, level), injection="disabled"),
        *_bounds(scope, hard),
        *_viewers(scope, place.tenant.view),
        *build_network(place),
    ]


def _namespace(platform: Platform, scope: Scope, levels: tuple[str, str], *, injection: str) -> Object:
    """Return the Namespace; ``levels``: what is enforced, what is warned of."""
    version = "v" + ".".join(dict(platform.versions)["kubernetes"].split(".")[:2])
    enforced, wanted = levels
    modes = {"audit": wanted, "enforce": enforced, "warn": wanted}
    security = {f"{_POD_SECURITY}/{mode}": level for mode, level in modes.items()}
    versions = {f"{_POD_SECURITY}/{mode}-version": version for mode in modes}
    bare = obj(replace(scope, namespace=""), NAMESPACE, scope.namespace, {}, Wave.NAMESPACE)
    return annotated(labelled(bare, {**security, **versions, "istio-injection": injection}), _HELD)


def _bounds(scope: Scope, hard: dict[str, str]) -> list[Object]:
    quota = {"hard": dict(sorted(hard.items()))}
    return [
        obj(scope, RESOURCE_QUOTA, "quota", {"spec": quota}, Wave.WALLS),
        obj(scope, LIMIT_RANGE, "defaults", {"spec": {"limits": [_DEFAULTS]}}, Wave.WALLS),
    ]


def _viewers(scope: Scope, groups: tuple[str, ...]) -> list[Object]:
    """Return the binding of the tenant's groups to ``view``, which shows no Secret; nobody edits but Argo CD."""
    api = "rbac.authorization.k8s.io"
    if not groups:
        return []
    subjects = [{"kind": "Group", "name": group, "apiGroup": api} for group in groups]
    role = {"apiGroup": api, "kind": "ClusterRole", "name": "view"}
    return [obj(scope, ROLE_BINDING, "view", {"roleRef": role, "subjects": subjects})]
