"""tenant.yaml -> Tenant, and the place that a tenant has in an environment."""

from collections.abc import Mapping
from typing import Any

from generator.resolve.defaults import TENANT
from generator.resolve.platforms import TENANT as TEMPLATE
from generator.resolve.said import Said, account, pairs
from generator.tenancy import Callers, Egress, Environment, Place, Platform, Tenant


def tenant(data: Mapping[str, Any], platform: Platform) -> Tenant:
    """Return the tenant. ``data``: tenant.yaml whole, after schema and rules."""
    said = Said(data["spec"], TENANT)
    egress = said.items("egress")
    return Tenant(
        name=data["metadata"]["name"],
        contact=said["contact"],
        data=said["data"],
        environments=tuple(one.name for one in platform.environments if one.name in said["environments"]),
        pod_security=said["podSecurity"],
        reviewers=pairs(said.data.get("reviewers")),
        view=tuple(sorted(said.below("rbac")["view"])),
        quota=_quota(said.below("quota")),
        egress=tuple(sorted((_egress(one) for one in egress if one.text("host")), key=lambda e: (e.host, e.port))),
        calls=tuple(sorted(_call(one["model"]) for one in egress if one.text("model"))),
        registries=tuple(sorted(said.data.get("registries") or platform.registries)),
        applications=said["applications"],
        callers=tuple((name, callers(one)) for name, one in said.each("callers").items()),
        hosts=pairs(said.data.get("hosts")),
    )


def callers(said: Said) -> Callers:
    """Return the callers that a mapping names, each list sorted."""
    workloads = map(account, said.data.get("workloads") or ())
    return Callers(
        users=tuple(sorted(said.data.get("users") or ())),
        groups=tuple(sorted(said.data.get("groups") or ())),
        clients=tuple(sorted(said.data.get("clients") or ())),
        workloads=tuple(sorted(workloads, key=lambda one: (one.namespace, one.name))),
    )


def place(platform: Platform, tenant: Tenant, environment: str) -> Place:
    """Return the place of a tenant in one of its environments.

    The build namespace is "" outside the build environment, and everywhere where something outside gen builds.
    """
    where = platform.environment(environment)
    builds = platform.build.environment == environment and platform.build.engine != "external"
    return Place(
        platform=platform,
        tenant=tenant,
        environment=where,
        namespace=_named(where.namespace, tenant),
        host=dict(tenant.hosts).get(environment) or _named(where.host, tenant),
        build_namespace=_named(platform.build.namespace, tenant) if builds else "",
    )


def nowhere(platform: Platform, tenant: Tenant) -> Place:
    """Return the place of what no environment has changed: no name, no namespace, no demands."""
    neutral = Environment(
        name="",
        after="",
        cluster="",
        namespace="",
        host="",
        pins=False,
        replicas=1,
        pod_security="restricted",
        forbid=(),
    )
    return Place(platform=platform, tenant=tenant, environment=neutral, namespace="", host="", build_namespace="")


def _named(template: str, tenant: Tenant) -> str:
    return template.replace(TEMPLATE, tenant.name)


def _quota(said: Said) -> tuple[tuple[str, str], ...]:
    asked = {name: str(said[name]) for name in ("cpu", "memory", "gpu")}
    return pairs({**asked, "pods": str(said["pods"])} if said.text("pods") else asked)


def _egress(said: Said) -> Egress:
    return Egress(host=said["host"], port=said["port"], cidrs=tuple(sorted(said["cidrs"])))


def _call(model: str) -> tuple[str, str]:
    tenant, _, name = model.partition("/")
    return tenant, name
