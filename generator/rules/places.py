"""Rules across tenants: no two share a namespace, a host or the name of an Argo CD object."""

from collections.abc import Iterator

from generator.diag import Mark, quoted
from generator.names import (
    build_application,
    build_namespace_application,
    models_application,
    namespace_application,
    platform_application,
)
from generator.rules.cases import PlatformSpec, TenantSpec
from generator.rules.files import RESERVED_TENANTS
from generator.rules.rule import Problem, Problems, Rule
from generator.rules.specs import Specs

TENANT = "{tenant}"  # stands for the tenant's name in the platform's templates
NAME_MAX = 63  # DNS label, RFC 1123 section 2.1
HOST_MAX = 253  # RFC 1035 section 2.3.4
SYSTEM = ("default", "kube-node-lease", "kube-public", "kube-system")  # Kubernetes "Initial namespaces"

Place = tuple[str, str]  # cluster, namespace
Delivered = tuple[str, str, str, Mark]  # kind, name, whose it is, where that is named


def namespaces(specs: Specs) -> Problems:
    """Find namespaces that two tenants, two environments or a tenant and the platform would share."""
    if specs.platform is None:
        return
    kept = _platforms_own(specs.platform)
    taken: dict[Place, tuple[str, Mark]] = {}
    for tenant in specs.tenants:
        for (cluster, namespace), holder in namespaces_of(tenant):
            mark = tenant.document.value_mark(("metadata", "name"))
            if namespace in kept:
                what = f"{holder} would be the namespace {quoted(namespace)}, which is {kept[namespace]}"
                yield mark, what, "choose another name for the tenant, or another template in platform.yaml"
            first, place = taken.setdefault((cluster, namespace), (holder, mark))
            if first != holder:
                what = f"{holder} would be the namespace {quoted(namespace)}, and so would {first}: first at {place}"
                yield mark, what, "choose another name for the tenant, or another template in platform.yaml"


def namespaces_of(tenant: TenantSpec) -> Iterator[tuple[Place, str]]:
    """Yield (cluster, namespace) and holder of every namespace that a tenant has."""
    platform = tenant.platform
    for name in tenant.environments:
        body = platform.environments[name]
        namespace = body.get("namespace", TENANT).replace(TENANT, tenant.name)
        yield (body["cluster"], namespace), f"{tenant.name} in {name}"
    if tenant.builds:
        namespace = platform.spec["build"].get("namespace", f"{TENANT}-build").replace(TENANT, tenant.name)
        cluster = platform.environments[platform.build_environment]["cluster"]
        yield (cluster, namespace), f"the builds of {tenant.name}"


def _platforms_own(platform: PlatformSpec) -> dict[str, str]:
    spec = platform.spec
    gateway = spec["mesh"]["gateway"]
    kept = dict.fromkeys(SYSTEM, "Kubernetes' own")
    kept[spec["mesh"].get("rootNamespace", "istio-system")] = "Istio's"
    kept[spec.get("argocd", {}).get("namespace", "argocd")] = "Argo CD's"
    kept[spec.get("seldon", {}).get("namespace", "seldon-system")] = "the Seldon operator's"
    for account in (gateway["name"], gateway["serviceAccount"]):
        kept[account.partition("/")[0]] = "the gateway's"
    if scraper := spec.get("observability", {}).get("prometheus"):
        kept[scraper.partition("/")[0]] = "Prometheus's"
    for name, sink in spec.get("sinks", {}).items():
        for address in (sink.get("url", ""), *sink.get("kafka", {}).get("brokers", ())):
            if namespace := _namespace_of(address):
                kept.setdefault(namespace, f"that of the sink {quoted(name)}")
    tracing = spec.get("observability", {}).get("tracing", {})
    for address in (tracing.get("service", ""), tracing.get("jaeger", "")):
        if namespace := _namespace_of(address):
            kept.setdefault(namespace, "that of traces")
    return kept


def _namespace_of(address: str) -> str:
    """Return the namespace of ``[http://]<service>.<namespace>.svc…``, "" for what is outside the cluster."""
    host = address.rpartition("//")[2].partition("/")[0].partition(":")[0]
    labels = host.removesuffix(".cluster.local").split(".")
    return labels[-2] if labels[-1] == "svc" else ""


def hosts(specs: Specs) -> Problems:
    """Find hosts that two tenants, or two environments, would share."""
    taken: dict[str, tuple[str, Mark]] = {}
    for tenant in specs.tenants:
        for environment, host, mark in hosts_of(tenant):
            holder = f"{tenant.name} in {environment}"
            first, place = taken.setdefault(host, (holder, mark))
            if first != holder:
                what = f"{holder} has the host {quoted(host)}, and so has {first}: first at {place}"
                yield mark, what, "give one of them another host: the gateway tells tenants apart by it"


def bad_hosts(specs: Specs) -> Problems:
    """Find hosts that no certificate and no resolver would take."""
    for tenant in specs.tenants:
        for _, host, mark in hosts_of(tenant):
            labels = host.split(".")
            if any(not label or label[0] == "-" or label[-1] == "-" for label in labels):
                what = f"the host {quoted(host)} has a part that is empty, or begins or ends with -"
                yield mark, what, "correct the template in platform.yaml"
            elif len(host) > HOST_MAX or any(len(label) > NAME_MAX for label in labels):
                what = f"the host {quoted(host)} is too long: at most {NAME_MAX} characters between two dots"
                yield mark, what, "choose a shorter name for the tenant, or a shorter template in platform.yaml"


def hosts_of(tenant: TenantSpec) -> Iterator[tuple[str, str, Mark]]:
    """Yield environment, host and place of every host that a tenant has at the gateway."""
    own = tenant.spec.get("hosts", {})
    for name in tenant.environments:
        if name in own:
            yield name, own[name], tenant.mark("hosts", name)
        else:
            host = tenant.platform.environments[name]["host"].replace(TENANT, tenant.name)
            yield name, host, tenant.document.value_mark(("metadata", "name"))


def applications(specs: Specs) -> Problems:
    """Find Argo CD objects of one name."""
    if specs.platform is None:
        return
    taken: dict[tuple[str, str], tuple[str, Mark]] = {}
    for kind, name, holder, mark in _delivered(specs, specs.platform):
        first, place = taken.setdefault((kind, name), (holder, mark))
        if first != holder:
            what = f"the {kind} {quoted(name)} of {holder} would be that of {first} too: first at {place}"
            yield mark, what, "choose another name"


def _delivered(specs: Specs, platform: PlatformSpec) -> Iterator[Delivered]:
    """Yield kind, name, holder and place of every Argo CD object, in the order of the files."""
    start = platform.document.value_mark(("metadata", "name"))
    yield "Application", "hub", "the platform", start
    yield "AppProject", "platform", "the platform", start
    for name in platform.environments:
        mark = platform.key_mark("environments", name)
        yield "Application", platform_application(name), f"the platform in {name}", mark
    for tenant in specs.tenants:
        if tenant.name not in RESERVED_TENANTS:  # said elsewhere
            yield from _delivered_of(tenant)
    for model in specs.models:
        if model.tenant.spec.get("applications", "tenant") == "model":
            mark = model.document.value_mark(("metadata", "name"))
            for name in model.tenant.environments:
                holder = f"{model.tenant.name}/{model.name} in {name}"
                yield "Application", models_application(model.tenant.name, name, model.name), holder, mark


def _delivered_of(tenant: TenantSpec) -> Iterator[Delivered]:
    mark = tenant.document.value_mark(("metadata", "name"))
    yield "AppProject", tenant.name, f"tenant {tenant.name}", mark
    for name in tenant.environments:
        holder = f"{tenant.name} in {name}"
        yield "Application", namespace_application(tenant.name, name), f"the namespace of {holder}", mark
        if tenant.spec.get("applications", "tenant") == "tenant":
            yield "Application", models_application(tenant.name, name), f"the models of {holder}", mark
    if tenant.builds:
        holder = f"the builds of {tenant.name}"
        yield "AppProject", build_application(tenant.name), holder, mark
        yield "Application", build_application(tenant.name), holder, mark
        yield "Application", build_namespace_application(tenant.name), f"the namespace of {holder}", mark


def long_places(specs: Specs) -> Problems:
    """Find names of namespaces and Argo CD objects that are too long."""
    if specs.platform is None:
        return
    for tenant in specs.tenants:
        mark = tenant.document.value_mark(("metadata", "name"))
        for (_, namespace), holder in namespaces_of(tenant):
            yield from _too_long(mark, f"the namespace of {holder}", namespace)
    for kind, name, holder, mark in _delivered(specs, specs.platform):
        yield from _too_long(mark, f"the {kind} of {holder}", name)


def _too_long(mark: Mark, noun: str, name: str) -> Iterator[Problem]:
    if len(name) > NAME_MAX:
        what = f"{noun} would be called {quoted(name)}, {len(name)} characters"
        yield mark, what, f"choose a name that is {len(name) - NAME_MAX} characters shorter"


RULES = (
    Rule(
        id="namespace-collision",
        title="every tenant has namespaces of its own in every environment",
        why="Walls stand round namespaces: two tenants in one could read each other's secrets, and a tenant in the "
        "gateway's could let in anybody.",
        todo="Rename the tenant, or change the template in platform.yaml.",
        example="metadata: {name: api}",
        find=namespaces,
        across=True,
    ),
    Rule(
        id="host-collision",
        title="every tenant has hosts of its own",
        why="The gateway admits a tenant's callers by host. Two tenants on one would admit each other's.",
        todo="Give one of them another host.",
        example="hosts: {prod: growth.ml.corp.example}",
        find=hosts,
        across=True,
    ),
    Rule(
        id="bad-host",
        title="a host is one that resolvers and certificates take",
        why="Nobody could reach it.",
        todo="Correct the template in platform.yaml, or the tenant's `hosts`.",
        example='host: "-{tenant}.ml.corp.example"',
        find=bad_hosts,
    ),
    Rule(
        id="delivery-collision",
        title="no two Argo CD objects have one name",
        why="Two Applications of one name overwrite each other, and each deletes what the other deployed.",
        todo="Rename a tenant, an environment or a model.",
        example="applications: model",
        find=applications,
        across=True,
    ),
    Rule(
        id="place-too-long",
        title="names of namespaces and of Argo CD's objects have at most 63 characters",
        why="Kubernetes refuses longer ones.",
        todo="Choose shorter names.",
        example="metadata: {name: payments-and-everything-else-that-has-to-do-with-money-in-it}",
        find=long_places,
    ),
)
