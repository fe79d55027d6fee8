"""What the access log says of the requests of a proof: who called, for allowed and for refused ones, and no token.

The format is the one that the rendered mesh settings ask for, by the provider that the mesh's Telemetry names.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from generator.access.decide import Decision, Hop
from generator.access.evaluate import CLOSED, Reason
from generator.access.mesh import Mesh, guard
from generator.access.paths import normalize
from generator.access.request import Transport
from generator.access.tokens import verify
from generator.access.tree import MESH_SETTINGS, Cluster
from generator.audit.prove_bench import CASE, HANDED, HOP
from generator.audit.suite import Case, Wire
from generator.tenancy import Object

REFUSED_TOKEN = "jwt_authn_access_denied"  # noqa: S105  how Envoy's word for it begins
SHORT = 20  # characters: what is no longer is garbage that stands for a token
Lines = Mapping[str, Mapping[str, list[Mapping[str, Any]]]]  # by case and hop


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Something that the log does not show, or shows and must not; `case` is "" for the whole cluster."""

    case: str
    what: str


def log_format(cluster: Cluster) -> tuple[dict[str, str], tuple[Gap, ...]]:
    """Return the labels of the access log that the cluster's objects ask for, and what is wrong with asking."""
    telemetries = [obj for obj in cluster.objects if obj["kind"] == "Telemetry"]
    root = cluster.settings.root_namespace
    mesh_wide = [one for one in telemetries if one["metadata"].get("namespace") == root and not _selector(one)]
    gaps = [
        Gap(
            case="",
            what=f"Telemetry {one['metadata'].get('namespace')}/{one['metadata']['name']} changes the access log",
        )
        for one in telemetries
        if one not in mesh_wide and (one.get("spec") or {}).get("accessLogging")
    ]
    named = [
        provider.get("name")
        for one in mesh_wide
        for logging in (one.get("spec") or {}).get("accessLogging") or ()
        if not logging.get("disabled") and not logging.get("filter")
        for provider in logging.get("providers") or ()
    ]
    for provider in _providers(cluster.objects):
        labels = ((provider.get("envoyFileAccessLog") or {}).get("logFormat") or {}).get("labels")
        if provider.get("name") in named and labels:
            return {str(name): str(value) for name, value in labels.items()}, tuple(gaps)
    return {}, (*gaps, Gap(case="", what="no Telemetry of the mesh asks for an access log with every request in it"))


def read_lines(text: str) -> Lines:
    """Return the log's lines by case and hop."""
    found: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
    for line in text.splitlines():
        entry = json.loads(line)
        found.setdefault(str(entry.get(CASE)), {}).setdefault(str(entry.get(HOP)), []).append(entry)
    return found


def gaps_of(mesh: Mesh, case: Case, name: str, decision: Decision, lines: Lines) -> Iterator[Gap]:
    """Yield what the log lacks of one case that was fired under a name."""
    trails = [trail for trail in decision.trails if not trail.is_mirror]
    if case.wire is Wire.HTTP2:
        return  # a method in lower case is refused by a pod's HTTP/1.1 before it is a request
    for trail in trails:
        for index, hop in enumerate(trail.hops):
            if hop.verdict.code == CLOSED or hop.verdict.reason in (Reason.BAD_PATH, Reason.NO_SIDECAR):
                continue  # refused before any request was read
            here = lines.get(name, {}).get(str(hop.workload), ())
            others = [other.hops[index] for other in trails if len(other.hops) > index]
            if not here and any(str(other.workload) in lines.get(name, {}) for other in others):
                continue  # the canary's share went to another pod
            yield from _hop_gaps(mesh, case, hop, here)


def leaks(case: Case, name: str, lines: Lines) -> Iterator[Gap]:
    """Yield what the log shows of one case and must not: its token, or a query that may hold one."""
    query = case.request.path.partition("?")[2]
    texts = [token.text for token in case.request.tokens if len(token.text) > SHORT]
    texts += [query] if query.startswith("access_token=") else []
    for hop, entries in lines.get(name, {}).items() if texts else ():
        for entry in entries:
            if any(text in str(value) for name, value in entry.items() if name != HANDED for text in texts):
                yield Gap(case=case.what, what=f"{hop} logs the token")


def _hop_gaps(mesh: Mesh, case: Case, hop: Hop, here: Iterable[Mapping[str, Any]]) -> Iterator[Gap]:
    entries = list(here)
    if not entries:
        yield Gap(case=case.what, what=f"{hop.workload} logs nothing")
        return
    for entry in entries:
        said = {str(value) for value in entry.values()}
        if hop.verdict.reason is Reason.TOKEN_REFUSED:
            if not any(text.startswith(REFUSED_TOKEN) for text in said):
                yield Gap(case=case.what, what=f"{hop.workload} does not log why it refused the token")
            continue
        if hop.verdict.allowed and entry.get(HANDED) and not guard(mesh, hop.workload).is_gateway:
            yield Gap(case=case.what, what=f"{hop.workload} gets the caller's token")
        for what, text in _wanted(mesh, hop):
            if text not in said:
                yield Gap(case=case.what, what=f"{hop.workload} does not log {what} {text}")


def _wanted(mesh: Mesh, hop: Hop) -> Iterator[tuple[str, str]]:
    """Yield what has to stand in a line that RBAC decided: the caller's token, its certificate, the rule."""
    request, stands = hop.request, guard(mesh, hop.workload)
    headers = tuple((name.lower(), value.strip()) for name, value in request.headers)
    path = normalize(request.path, mesh.settings.path_normalization) or request.path
    kept = {value.lower() for name, value in headers if name == "connection"}  # from the next hop
    told = tuple(each for each in headers if each[0] not in kept)
    payload = verify(stands.token_rules, request, told, path).payload
    for claim in ("iss", "sub"):
        value = (payload or {}).get(claim)
        if isinstance(value, str) and value:
            yield f"the claim {claim}", value
    if request.peer.transport == Transport.MTLS and not stands.is_gateway:
        yield "the peer", f"spiffe://{request.peer.principal}"
    rule = hop.verdict.rule
    if rule is not None:
        yield "the rule", _rule_name(rule.policy.namespace, rule.policy.name, rule.index)


def _rule_name(namespace: str, policy: str, index: int) -> str:
    return f"ns[{namespace}]-policy[{policy}]-rule[{index}]"


def _selector(obj: Object) -> Any:
    spec = obj.get("spec") or {}
    return spec.get("selector") or spec.get("targetRefs") or spec.get("targetRef")


def _providers(objects: Iterable[Object]) -> Iterator[Mapping[str, Any]]:
    for obj in objects:
        if obj["kind"] == "ConfigMap" and obj["metadata"]["name"] == MESH_SETTINGS:
            config = yaml.load((obj.get("data") or {}).get("mesh", ""), Loader=yaml.CSafeLoader)
            yield from (config or {}).get("extensionProviders") or ()
