"""Fire cases at a real Envoy and hold three answers side by side: the specs', the evaluator's, and Envoy's."""

import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from generator.access import client
from generator.access.client import Ask
from generator.access.decide import Decision, decide
from generator.access.envoy import Json
from generator.access.harness import Envoy, running
from generator.access.mesh import Mesh, Workload
from generator.access.request import Request, Transport
from generator.audit import prove_http2
from generator.audit.prove_bench import (
    CASE_HEADER,
    FOREIGN,
    Bench,
    Certificates,
    Dressing,
    bench,
    certificates,
    container_port,
)
from generator.audit.suite import Case, Wire

GOOD = ("200", "OK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One case with the evaluator's decision and Envoy's answer; `name` is its id in the access log."""

    name: str
    case: Case
    decision: Decision
    code: str  # Envoy's, as in `client.Answer`
    details: str

    @property
    def entered(self) -> bool:
        """Say whether Envoy let the request in."""
        return self.code in GOOD

    @property
    def agrees(self) -> bool:
        """Say whether Envoy answers as the evaluator says.

        Over HTTP/2 a method in lower case comes to a pod's HTTP/1.1, which refuses it in its own words.
        """
        if self.case.wire is Wire.HTTP2:
            return self.entered == self.decision.allowed or self.code == "400"
        return self.code in self.decision.codes

    @property
    def differs(self) -> str:
        """Say in words what is wrong, or ""."""
        if not self.agrees:
            return "Envoy and the evaluator differ"
        if self.case.granted is None:
            return ""
        if self.case.granted and not self.entered:
            return "the trees refuse what the specs grant"
        if not self.case.granted and (self.entered or self.decision.allowed):
            return "the trees let in what the specs refuse"
        return ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Fired:
    """A run: what came of every case, and what it takes to start the same Envoy again."""

    outcomes: tuple[Outcome, ...]
    setup: Bench
    certificates: Certificates
    ports: Mapping[str, int]


def decided(mesh: Mesh, cases: Iterable[Case]) -> tuple[Decision, ...]:
    """Return what the evaluator says of each case."""
    return tuple(decide(mesh, case.request, case.to) for case in cases)


def fire(mesh: Mesh, gateway: Workload, cases: Sequence[Case], log: Json | None, folder: Path) -> Fired:
    """Start an Envoy for the cases, put them to it, and return what came of it; the log is whole afterwards.

    Raises:
        ToolError: The extra `prove` is not installed, or Envoy does not start.
    """
    made = certificates(mesh, gateway, cases, folder)
    decisions = decided(mesh, cases)
    names = dict.fromkeys([*(case.to for case in cases), *reached(decisions)])
    setup = bench(mesh, gateway, names, Dressing(server=made.server, log=log))
    with running(setup.listeners, setup.clusters) as envoy:
        answers = asked(envoy, mesh, cases, made)
        ports = envoy.ports
    outcomes = tuple(
        Outcome(name=f"gen-{index}", case=case, decision=decision, code=code, details=details)
        for index, (case, decision, (code, details)) in enumerate(zip(cases, decisions, answers, strict=True))
    )
    return Fired(outcomes=outcomes, setup=setup, certificates=made, ports=ports)


def reached(decisions: Iterable[Decision]) -> Iterator[str]:
    """Yield the pods that requests to the gateway come to."""
    for decision in decisions:
        for trail in decision.trails:
            yield from (str(hop.workload) for hop in trail.hops[1:])


def asked(envoy: Envoy, mesh: Mesh, cases: Sequence[Case], made: Certificates, mark: str = "") -> list[tuple[str, str]]:
    """Return Envoy's code and word for each case, in order."""
    answers: dict[int, tuple[str, str]] = {}
    plain: list[int] = []
    for index, case in enumerate(cases):
        if case.wire is Wire.HTTP2:
            answers[index] = (_over_http2(envoy, on_the_wire(mesh, case, index), case.to, made, mark), "")
        else:
            plain.append(index)
    asks = [Ask(listener=mark + cases[index].to, request=on_the_wire(mesh, cases[index], index)) for index in plain]
    for index, answer in zip(plain, client.ask(envoy, asks, made.clients), strict=True):
        answers[index] = (answer.code, answer.details)
    return [answers[index] for index in range(len(cases))]


def on_the_wire(mesh: Mesh, case: Case, index: int) -> Request:
    """Return a case's request as it is sent: to the pod's own port, with a name for the log."""
    request = case.request
    workload = mesh.workloads[case.to][0]
    peer = request.peer
    if peer.transport == Transport.FOREIGN:
        peer = replace(peer, principal=FOREIGN + peer.principal)
    headers = (*request.headers, (CASE_HEADER, f"gen-{index}"))
    return replace(request, port=container_port(workload, request.port), headers=headers, peer=peer)


def _over_http2(envoy: Envoy, request: Request, to: str, made: Certificates, mark: str) -> str:
    context = None
    if request.peer.transport != Transport.PLAINTEXT:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False  # the server is our own, on loopback
        context.verify_mode = ssl.CERT_NONE
        identity = made.clients.get(request.peer.principal)
        if identity is not None:
            context.load_cert_chain(identity.certificate, identity.key)
    hello = f"PROXY TCP4 127.0.0.1 127.0.0.1 1 {request.port}\r\n".encode()
    return prove_http2.ask(("127.0.0.1", envoy.ports[mark + to]), hello, context, request)
