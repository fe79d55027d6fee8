"""Delivery: who may sync what (AppProjects), what is synced (Applications), and when it counts as healthy.

Everything is explicit: no ApplicationSet can then delete a tenant because a repository did not answer, and no
template decides a project (Argo CD documentation, "ApplicationSet security"). Two waves per Application, policies
before the workload and nothing after it, so that a degraded model blocks no neighbour.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from generator import names
from generator.build.health import CHECKS
from generator.build.meta import CONFIG_MAP, Kind, Scope, Wave, annotated, obj
from generator.tenancy import Object, Place, Platform

APP_PROJECT = Kind(api="argoproj.io/v1alpha1", name="AppProject")
APPLICATION = Kind(api="argoproj.io/v1alpha1", name="Application")
HUB_SERVER = "https://kubernetes.default.svc"
CASCADE = "resources-finalizer.argocd.argoproj.io"
# Retries outlast the five minutes that a quota controller may need for a new kind, and each takes the newest
# revision: without refresh a retry repeats the one that failed (Argo CD 3.5, operator manual, "Automated sync").
RETRY = {"limit": 8, "refresh": True, "backoff": {"duration": "10s", "factor": 2, "maxDuration": "3m"}}
# FailOnSharedResource: two owners of one object is an error, not "last sync wins". ServerSideApply: the
# SeldonDeployment CRD is too large for a client-side annotation. No PruneLast: it throws the order of waves away.
SYNC_OPTIONS = ["CreateNamespace=false", "FailOnSharedResource=true", "ServerSideApply=true"]

Permitted = tuple[str, str]  # API group, kind
TENANT_KINDS: tuple[Permitted, ...] = (
    ("", "Service"),
    ("", "ServiceAccount"),
    ("apps", "Deployment"),
    ("machinelearning.seldon.io", "SeldonDeployment"),
    ("policy", "PodDisruptionBudget"),
    ("security.istio.io", "AuthorizationPolicy"),
    ("security.istio.io", "RequestAuthentication"),
)
BUILD_KINDS: tuple[Permitted, ...] = (("", "ConfigMap"), ("", "ServiceAccount"), ("batch", "Job"))
PLATFORM_KINDS: tuple[Permitted, ...] = (
    ("", "ConfigMap"),
    ("", "LimitRange"),
    ("", "ResourceQuota"),
    ("argoproj.io", "AppProject"),
    ("argoproj.io", "Application"),
    ("networking.istio.io", "Gateway"),
    ("networking.istio.io", "ServiceEntry"),
    ("networking.istio.io", "Sidecar"),
    ("networking.k8s.io", "NetworkPolicy"),
    ("rbac.authorization.k8s.io", "RoleBinding"),
    ("security.istio.io", "AuthorizationPolicy"),
    ("security.istio.io", "PeerAuthentication"),
    ("security.istio.io", "RequestAuthentication"),
    ("telemetry.istio.io", "Telemetry"),
)


def build(platform: Platform, served: Sequence[tuple[Place, tuple[str, ...]]]) -> list[Object]:
    """Return the objects of the hub; ``served`` are every tenant's environments with the models deployed there."""
    places = [place for place, _ in served]
    return [
        _default_project(platform),
        _platform_project(platform, places),
        *(project for tenant in _by_tenant(places) for project in _tenant_projects(platform, tenant)),
        _hub_application(platform),
        *(_platform_application(platform, e.name, e.cluster) for e in platform.environments),
        *(app for place in places for app in _walls(place)),
        *(app for place, deployed in served for app in _serving(place, deployed)),
        *(_build_application(place) for place in places if place.build_namespace),
        _settings(platform),
        _parameters(platform),
    ]


def _by_tenant(places: Sequence[Place]) -> list[list[Place]]:
    tenants = dict.fromkeys(place.tenant.name for place in places)
    return [[place for place in places if place.tenant.name == name] for name in tenants]


def _default_project(platform: Platform) -> Object:
    # The project `default` allows everything. Each list is written out: server-side apply leaves alone what a
    # manifest does not name (Argo CD documentation, "Projects").
    everything = [{"group": "*", "kind": "*"}]
    spec = {
        "description": "Closed: every Application names a project of its own",
        "sourceRepos": [],
        "sourceNamespaces": [],
        "destinations": [],
        "clusterResourceWhitelist": [],
        "clusterResourceBlacklist": everything,
        "namespaceResourceWhitelist": [],
        "namespaceResourceBlacklist": everything,
    }
    return obj(_hub(platform), APP_PROJECT, "default", {"spec": spec}, Wave.BEFORE)


def _platform_project(platform: Platform, places: Sequence[Place]) -> Object:
    destinations = {(HUB_SERVER, platform.argocd)}
    for environment in platform.environments:
        for namespace in (platform.mesh.gateway.namespace, platform.mesh.root_namespace, platform.seldon):
            destinations.add((environment.cluster, namespace))
    owned = {(place.environment.cluster, ns) for place in places for ns in _namespaces(place)}
    cluster_kinds = [{"group": "", "kind": "Namespace", "name": name} for name in sorted({ns for _, ns in owned})]
    return _project(
        platform,
        "platform",
        f"Walls, gateway and delivery of {platform.name}",
        destinations=destinations | owned,
        kinds=PLATFORM_KINDS,
        cluster_kinds=cluster_kinds,
    )


def _tenant_projects(platform: Platform, places: Sequence[Place]) -> list[Object]:
    tenant = places[0].tenant
    projects = [
        _project(
            platform,
            tenant.name,
            f"Models of {tenant.name}, {tenant.contact}",
            destinations={(p.environment.cluster, p.namespace) for p in places},
            kinds=TENANT_KINDS,
        )
    ]
    builders = {(p.environment.cluster, p.build_namespace) for p in places if p.build_namespace}
    if builders:
        name = names.build_application(tenant.name)
        text = f"Image builds of {tenant.name}, {tenant.contact}"
        projects.append(_project(platform, name, text, destinations=builders, kinds=BUILD_KINDS))
    return projects


def _project(  # noqa: PLR0913  # one argument per list of an AppProject
    platform: Platform,
    name: str,
    description: str,
    *,
    destinations: Iterable[tuple[str, str]],
    kinds: Sequence[Permitted],
    cluster_kinds: Sequence[dict[str, str]] = (),
) -> Object:
    spec = {
        "description": description,
        "sourceRepos": [platform.repository],
        "destinations": [{"server": server, "namespace": namespace} for server, namespace in sorted(destinations)],
        "clusterResourceWhitelist": list(cluster_kinds),
        "namespaceResourceWhitelist": [{"group": group, "kind": kind} for group, kind in kinds],
    }
    return _cascading(obj(_hub(platform), APP_PROJECT, name, {"spec": spec}, Wave.BEFORE))


def _hub_application(platform: Platform) -> Object:
    return _application(
        platform,
        "hub",
        project="platform",
        path=names.HUB,
        destination=(HUB_SERVER, platform.argocd),
    )


def _platform_application(platform: Platform, environment: str, cluster: str) -> Object:
    return _application(
        platform,
        names.platform_application(environment),
        project="platform",
        path=names.platform_folder(environment),
        destination=(cluster, platform.mesh.gateway.namespace),
    )


def _walls(place: Place) -> list[Object]:
    """Return the Applications of a tenant's namespaces: never cascading, so that walls outlast what they hold."""
    platform, tenant, environment = place.platform, place.tenant.name, place.environment
    walls = [
        _application(
            platform,
            names.namespace_application(tenant, environment.name),
            project="platform",
            path=names.namespace_folder(environment.name, tenant),
            destination=(environment.cluster, place.namespace),
        )
    ]
    if place.build_namespace:
        walls.append(
            _application(
                platform,
                names.build_namespace_application(tenant),
                project="platform",
                path=names.build_namespace_folder(environment.name, tenant),
                destination=(environment.cluster, place.build_namespace),
            )
        )
    return walls


def _serving(place: Place, deployed: Sequence[str]) -> list[Object]:
    tenant, environment = place.tenant.name, place.environment
    folders = (
        {model: names.model_folder(environment.name, tenant, model) for model in deployed}
        if place.tenant.applications == "model"
        else {"": names.models_folder(environment.name, tenant)}
    )
    return [
        _application(
            place.platform,
            names.models_application(tenant, environment.name, model),
            project=tenant,
            path=folder,
            destination=(environment.cluster, place.namespace),
            also=f"/{names.base_folder(tenant, model)}" if model else f"/{names.BASE}/{tenant}",
            cascade=True,
        )
        for model, folder in folders.items()
    ]


def _build_application(place: Place) -> Object:
    tenant, environment = place.tenant.name, place.environment
    return _application(
        place.platform,
        names.build_application(tenant),
        project=names.build_application(tenant),
        path=names.build_folder(environment.name, tenant),
        destination=(environment.cluster, place.build_namespace),
        cascade=True,
    )


def _application(  # noqa: PLR0913  # an Application has that many sides
    platform: Platform,
    name: str,
    *,
    project: str,
    path: str,
    destination: tuple[str, str],
    also: str = "",
    cascade: bool = False,
) -> Object:
    server, namespace = destination
    spec: dict[str, Any] = {
        "project": project,
        "source": {"repoURL": platform.repository, "targetRevision": f"refs/heads/{platform.branch}", "path": path},
        "destination": {"server": server, "namespace": namespace},
        "syncPolicy": {
            "automated": {"prune": True, "selfHeal": True},
            "syncOptions": SYNC_OPTIONS,
            "retry": RETRY,
        },
    }
    # The folders whose change concerns the Application, so that a commit for one tenant runs Kustomize for no other.
    paths = {"argocd.argoproj.io/manifest-generate-paths": f".;{also}" if also else "."}
    application = annotated(obj(_hub(platform), APPLICATION, name, {"spec": spec}), paths)
    return _cascading(application) if cascade else application


def _cascading(thing: Object) -> Object:
    return {**thing, "metadata": {**thing["metadata"], "finalizers": [CASCADE]}}


def _hub(platform: Platform) -> Scope:
    return Scope(namespace=platform.argocd, part_of=platform.name)


def _settings(platform: Platform) -> Object:
    data = {
        "application.resourceTrackingMethod": "annotation",
        "helm.enable": "false",
        "jsonnet.enable": "false",
        "kustomize.buildOptions": "",
        **{f"resource.customizations.health.{kind}": lua for kind, lua in CHECKS},
    }
    return obj(_argocd(platform), CONFIG_MAP, "argocd-cm", {"data": data})


def _parameters(platform: Platform) -> Object:
    # A backstop well above a build Job's own deadline: an operation that waits holds up everything behind it.
    data = {"controller.sync.timeout.seconds": "7200"}
    return obj(_argocd(platform), CONFIG_MAP, "argocd-cmd-params-cm", {"data": data})


def _argocd(platform: Platform) -> Scope:
    # Argo CD reads only ConfigMaps that carry this label (Argo CD documentation, "Declarative setup").
    return Scope(namespace=platform.argocd, part_of="argocd")


def _namespaces(place: Place) -> tuple[str, ...]:
    return (place.namespace, place.build_namespace) if place.build_namespace else (place.namespace,)
