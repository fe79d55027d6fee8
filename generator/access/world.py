"""Read Kubernetes objects into one Mesh; refuse, all at once, what has a say in access and is not covered."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from generator.access.authentication import peer_authentication, request_authentication
from generator.access.coverage import several_peers, uncovered_policy, uncovered_tokens
from generator.access.mesh import Mesh, Settings, Workload, grouped, with_guards
from generator.access.policy import authorization_policy
from generator.access.reading import Unsupported, UnsupportedError, reader_of
from generator.access.traffic import destination_rule, gateway, virtual_service

Objects = Iterable[dict[str, Any]]
READERS: dict[str, Callable[[dict[str, Any], list[Unsupported]], Any]] = {
    "RequestAuthentication": request_authentication,
    "AuthorizationPolicy": authorization_policy,
    "PeerAuthentication": peer_authentication,
    "Gateway": gateway,
    "VirtualService": virtual_service,
    "DestinationRule": destination_rule,
}
# Groups whose objects may change who gets in, and their kinds that do not: what leaves a workload, logs, traces.
GROUPS = ("security.istio.io", "networking.istio.io", "extensions.istio.io", "gateway.networking.k8s.io")
WITHOUT_SAY = ("ServiceEntry", "ProxyConfig")


def read(objects: Objects, settings: Settings | None = None, workloads: Iterable[Workload] = ()) -> Mesh:
    """Return the mesh that the objects make; objects of other API groups are passed over.

    Raises:
        UnsupportedError: Some object or field may change who gets in and is not covered; carries all of them.
    """
    chosen = settings or Settings()
    found: list[Unsupported] = []
    kinds: dict[str, list[Any]] = {kind: [] for kind in READERS}
    for obj in objects:
        group = str(obj.get("apiVersion")).partition("/")[0]
        kind = str(obj.get("kind"))
        if group in GROUPS[:2] and kind in READERS:
            kinds[kind].append(READERS[kind](obj, found))
        elif group in GROUPS:
            _other(kind, obj, found)
    made = {kind: tuple(sorted(parsed, key=lambda each: each.ref)) for kind, parsed in kinds.items()}
    found += [each for policy in made["AuthorizationPolicy"] for each in uncovered_policy(policy, chosen)]
    found += [each for policy in made["RequestAuthentication"] for each in uncovered_tokens(policy)]
    found += several_peers(made["PeerAuthentication"])
    if found:
        raise UnsupportedError(found)
    mesh = Mesh(
        settings=chosen,
        authorizations=_by_namespace(made["AuthorizationPolicy"]),
        requests=_by_namespace(made["RequestAuthentication"]),
        peers=_by_namespace(made["PeerAuthentication"]),
        gateways=made["Gateway"],
        virtual_services=grouped((_key(host), each) for each in made["VirtualService"] for host in each.hosts),
        destination_rules=grouped((each.host, each) for each in made["DestinationRule"]),
    )
    return with_guards(mesh, workloads)


def _other(kind: str, obj: dict[str, Any], found: list[Unsupported]) -> None:
    spec = reader_of(obj, found)
    if kind == "Sidecar" and not spec.has("ingress"):
        return
    if kind not in WITHOUT_SAY:
        spec.report(
            "ingress" if kind == "Sidecar" else "", "may change who gets in, and gen does not judge it", "take it out"
        )


def _by_namespace(policies: tuple[Any, ...]) -> Mapping[str, tuple[Any, ...]]:
    return grouped((policy.ref.namespace, policy) for policy in policies)


def _key(host: str) -> str:
    return "*" if host.startswith("*") else host.lower()
