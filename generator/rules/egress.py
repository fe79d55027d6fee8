"""Rules about what a tenant's pods may call outside the cluster."""

import ipaddress
from collections.abc import Iterator

from generator.diag import Severity, quoted
from generator.rules.cases import TenantSpec
from generator.rules.guard import Breach, guarded
from generator.rules.places import hosts_of, namespaces_of
from generator.rules.rule import Problem, Problems, Rule
from generator.rules.specs import Specs

SHORT = 2  # labels of ``service.namespace``


def in_cluster(specs: Specs) -> Problems:
    """Find hosts of the cluster itself, or of the gateway, among those outside."""
    served = {host: tenant.name for tenant in specs.tenants for _, host, _ in hosts_of(tenant)}
    spaces = {namespace: tenant.name for tenant in specs.tenants for (_, namespace), _ in namespaces_of(tenant)}
    for tenant in specs.tenants:
        for index, host in _hosts(tenant):
            labels = host.split(".")
            mark = tenant.mark("egress", index, "host")
            if host in served:
                what = f"{quoted(host)} is the host of tenant {quoted(served[host])} at the gateway"
                yield mark, what, f"write {{model: {served[host]}/<model>}}: models are called inside the mesh"
            elif "svc" in labels[1:] or host.endswith(".cluster.local"):
                todo = "write {model: <tenant>/<model>} for a model; other services in the cluster cannot be called"
                yield mark, f"{quoted(host)} is inside the cluster", todo
            elif len(labels) == SHORT and labels[1] in spaces:
                what = f"{quoted(host)} is a service of tenant {quoted(spaces[labels[1]])} inside the cluster"
                yield mark, what, f"write {{model: {spaces[labels[1]]}/<model>}}"


def bad_addresses(specs: Specs) -> Problems:
    """Find ranges of addresses that are none."""
    for tenant in specs.tenants:
        for index, target in enumerate(tenant.spec.get("egress", ())):
            for position, cidr in enumerate(target.get("cidrs", ())):
                for what, todo in _bad(cidr):
                    yield tenant.mark("egress", index, "cidrs", position), what, todo


def _bad(cidr: str) -> Iterator[tuple[str, str]]:
    try:
        network = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        yield f"{quoted(cidr)} is no range of addresses", "write it like 10.20.0.0/16"
        return
    if str(network) != cidr:
        yield f"{quoted(cidr)} has bits behind its length", f"write {network}"
    if network.is_link_local or network.is_loopback:
        yield f"{quoted(cidr)} are addresses of the node itself, where clouds keep credentials", "take it out"


def _hosts(tenant: TenantSpec) -> Iterator[tuple[int, str]]:
    for index, target in enumerate(tenant.spec.get("egress", ())):
        if "host" in target:
            yield index, target["host"]


def _anywhere(tenant: TenantSpec) -> Iterator[tuple[int, str]]:
    for index, host in _hosts(tenant):
        cidrs = tenant.spec["egress"][index].get("cidrs", ())
        if not cidrs or any(cidr.endswith("/0") for cidr in cidrs):
            yield index, host


def any_address(specs: Specs) -> Problems:
    """Find hosts without addresses in environments that allow it."""
    for tenant in specs.tenants:
        allowed = [name for name in tenant.environments if not tenant.platform.forbids(name, "egressAnyAddress")]
        for index, host in _anywhere(tenant) if allowed else ():
            yield _said(tenant, index, host)


def any_address_forbidden(specs: Specs) -> Iterator[Breach]:
    """Find hosts without addresses in environments that forbid it."""
    for tenant in specs.tenants:
        for name in tenant.environments:
            for index, host in _anywhere(tenant) if tenant.platform.forbids(name, "egressAnyAddress") else ():
                mark, what, todo = _said(tenant, index, host)
                yield Breach(mark, f"{what}, which {name} forbids", todo, tenant, name)


def _said(tenant: TenantSpec, index: int, host: str) -> Problem:
    port = tenant.spec["egress"][index].get("port", 443)
    what = f"pods of {tenant.name} can reach any address outside on port {port}, not only {host}"
    return tenant.mark("egress", index, "host"), what, "add the addresses of the host, such as cidrs: [203.0.113.0/24]"


RULES = (
    Rule(
        id="egress-in-cluster",
        title="egress names hosts outside the cluster, or models",
        why="Egress opens a tenant's walls outward. Another tenant's model is called inside the mesh, where both "
        "sides are known; whoever must may then be granted.",
        todo="Write `model: tenant/model`, and let that model grant the caller.",
        example="{host: fraud.payments.svc.cluster.local, cidrs: [10.20.0.0/16]}",
        find=in_cluster,
        across=True,
    ),
    Rule(
        id="bad-addresses",
        title="addresses of egress are ranges, and none of the node's own",
        why="Kubernetes refuses the policy, or the pods could fetch the node's credentials.",
        todo="Write ranges such as `10.20.0.0/16`.",
        example="cidrs: [10.20.0.5/16, 300.1.1.1/8, 169.254.169.254/32]",
        find=bad_addresses,
    ),
    Rule(
        id="egress-any-address",
        title="egress says the addresses of its hosts",
        why="A network policy knows addresses, not names. Without them the port is open to the whole world, and only "
        "the sidecar, which a process in the pod can go round, holds pods to the host.",
        todo="Add `cidrs`.",
        example="{host: features.corp.example, port: 443}",
        find=any_address,
        severity=Severity.NOTICE,
    ),
    Rule(
        id="egress-any-address-forbidden",
        title="egress says the addresses of its hosts where the environment demands it",
        why="See egress-any-address.",
        todo="Add `cidrs`.",
        example="forbid: [anyAuthenticated, imageTags, egressAnyAddress]",
        find=guarded("egress-any-address-forbidden", any_address_forbidden),
    ),
)
