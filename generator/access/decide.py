"""Decide a request on its whole way: at the gateway, along its route, at the workload; or at a workload directly."""

from dataclasses import dataclass, replace

from generator.access.evaluate import CLOSED, GRPC_CODES, Reason, Verdict, passed
from generator.access.mesh import Mesh, Workload, guard
from generator.access.request import Protocol, Request
from generator.access.route import Listening, Onward, is_redirected, listening, onward, workloads_behind


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One proxy on the way: the request as it came there, and the decision."""

    workload: Workload
    request: Request
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """One way that the request may take; `is_mirror` for a copy whose answer nobody sees."""

    hops: tuple[Hop, ...]
    is_mirror: bool = False

    @property
    def verdict(self) -> Verdict:
        """The last hop's decision."""
        return self.hops[-1].verdict

    @property
    def code(self) -> str:
        """What the client gets: the last hop's code, or "503" where a gateway's own connection is closed."""
        if self.verdict.code != CLOSED or len(self.hops) == 1:
            return self.verdict.code
        return "UNAVAILABLE" if self.hops[0].request.protocol == Protocol.GRPC else "503"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Every way that the request may take: more than one with a canary, a shadow, or a shared host."""

    trails: tuple[Trail, ...]

    @property
    def allowed(self) -> bool:
        """Whether the request gets to a workload on any way, a mirrored copy included."""
        return any(trail.verdict.allowed for trail in self.trails)

    @property
    def codes(self) -> tuple[str, ...]:
        """What the client may get, each once, in the order of the trails; mirrored copies left out."""
        return tuple(dict.fromkeys(trail.code for trail in self.trails if not trail.is_mirror))

    @property
    def code(self) -> str:
        """What the client gets, or the codes that it may get with `|` between them."""
        return "|".join(self.codes)


def decide(mesh: Mesh, request: Request, to: str) -> Decision:
    """Decide a request that its client sends to `to`: "namespace/name" of a workload, or a Service's full host name.

    A workload that a Gateway selects is a gateway: the request goes on from there by its routes. Any
    other workload is the end of the way, whether the client is in the mesh or only knows the pod's
    address: how it speaks is `request.peer`.

    Raises:
        ValueError: There is no such workload, or a rule compares an address that nothing gives.
    """
    targets = mesh.workloads.get(to, ())
    if not targets:
        raise ValueError(f'no workload is called "{to}"')
    trails: list[Trail] = []
    for target in targets:
        if guard(mesh, target).is_gateway:
            trails += _through_gateway(mesh, target, request)
        else:
            trails.append(Trail(hops=(_last_hop(mesh, target, request),)))
    return Decision(trails=tuple(trails))


def _last_hop(mesh: Mesh, workload: Workload, request: Request) -> Hop:
    verdict, _ = passed(guard(mesh, workload), request)
    return Hop(workload=workload, request=request, verdict=verdict)


def _through_gateway(mesh: Mesh, workload: Workload, request: Request) -> list[Trail]:
    listeners = listening(mesh, workload, request)
    if not listeners:
        return [_ended(workload, request, (), _refusal(request, Reason.NO_SERVER, 0))]
    verdict, routed = passed(guard(mesh, workload), request)
    first = Hop(workload=workload, request=request, verdict=verdict)
    if not verdict.allowed:
        return [Trail(hops=(first,))]
    return _routed(mesh, first, listeners, routed)


def _routed(mesh: Mesh, first: Hop, listeners: tuple[Listening, ...], routed: Request) -> list[Trail]:
    if is_redirected(listeners, routed):
        return [_ended(first.workload, routed, (first,), _refusal(routed, Reason.REDIRECT, 301))]
    trails = []
    for onwards in onward(mesh, first.workload, listeners, routed):
        ends = [(each, _arriving(each, onwards)) for each in workloads_behind(mesh, onwards.destination)]
        trails += [
            Trail(hops=(first, _last_hop(mesh, end, request)), is_mirror=onwards.is_mirror) for end, request in ends
        ]
    return trails or [_ended(first.workload, routed, (first,), _refusal(routed, Reason.NO_ROUTE, 404))]


def _arriving(workload: Workload, onwards: Onward) -> Request:
    port = onwards.destination.port or (workload.ports[0].number if workload.ports else 0)
    return replace(onwards.request, port=port)


def _ended(workload: Workload, request: Request, before: tuple[Hop, ...], verdict: Verdict) -> Trail:
    return Trail(hops=(*before, Hop(workload=workload, request=request, verdict=verdict)))


def _refusal(request: Request, reason: Reason, status: int) -> Verdict:
    code = str(status) if status else CLOSED
    if status and request.protocol == Protocol.GRPC:
        code = GRPC_CODES.get(status, "UNKNOWN")
    return Verdict(allowed=False, code=code, reason=reason)
