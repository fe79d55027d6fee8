"""A real Envoy with the compiled filters, asked the same requests as the evaluator."""

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import access_policies
import pytest
from access_mesh import AUTHENTICATION, guarded, objects, policy

from generator.access import (
    Guard,
    Peer,
    Port,
    Protocol,
    Reason,
    Request,
    Settings,
    Token,
    Transport,
    Verdict,
    Workload,
    guard,
    judge,
    read,
    with_token,
)
from generator.access.client import Answer, Ask, Identity, ask
from generator.access.envoy import ServerCertificate, http_listener, tcp_listener
from generator.access.harness import running, validate
from generator.access.paths import PathNormalization
from generator.access.sample import principals_of, sample, sampler
from generator.access.signing import Signer, key_set, make_authority, make_signer, write_authority, write_identity
from generator.diag import ToolError

PORTS = (8000, 9000)
WORKLOAD = Workload(namespace="team-a", name="fraud", labels={"app": "fraud"})
TCP_WORKLOAD = replace(WORKLOAD, ports=tuple(Port(number=port, protocol="tcp") for port in PORTS))
GATEWAY = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "Gateway",
    "metadata": {"name": "gateway", "namespace": "team-a"},
    "spec": {
        "selector": {"app": "fraud"},
        "servers": [{"port": {"number": 8000, "name": "http", "protocol": "HTTP"}, "hosts": ["*/*"]}],
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Keys and certificates for one run; identities of a foreign authority are called "!" and the principal."""

    signers: tuple[Signer, ...]
    certificate: ServerCertificate
    identities: dict[str, Identity]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("keys")
    mesh, foreign = make_authority("mesh"), make_authority("foreign")
    own = write_identity(mesh, "cluster.local/ns/team-a/sa/fraud", folder, "server")
    identities = {}
    for index, principal in enumerate(access_policies.PRINCIPALS):
        for mark, authority in (("", mesh), ("!", foreign)):
            certificate, key = write_identity(authority, principal, folder, f"client{mark}{index}")
            identities[mark + principal] = Identity(certificate=certificate, key=key)
    return Bench(
        signers=(make_signer("k1"), make_signer(), make_signer("k1")),
        certificate=ServerCertificate(
            certificate=str(own[0]), key=str(own[1]), authority=str(write_authority(mesh, folder / "mesh.crt"))
        ),
        identities=identities,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One workload with its policies, and the requests to it."""

    guard: Guard
    is_tcp: bool
    requests: tuple[Request, ...]


def scene(bench: Bench, rng: Random, count: int) -> Scene:
    jwks = (key_set(bench.signers[0]), key_set(bench.signers[1]))
    made = access_policies.policies(rng, jwks)
    is_tcp, is_gateway = rng.choices(((False, False), (True, False), (False, True)), (8, 1, 2))[0]
    settings = Settings(
        trust_domain_aliases=("old.domain",),
        path_normalization=rng.choice(tuple(PathNormalization)),
        trusted_proxies=rng.choice((0, 0, 1, 2)),
    )
    workload = TCP_WORKLOAD if is_tcp else WORKLOAD
    guard_ = guard(read([*made, *[GATEWAY][:is_gateway]], settings), workload)
    source = sampler(guard_, principals=access_policies.PRINCIPALS, ports=PORTS)
    requests = sample(source, bench.signers, rng, count=count, time=int(time.time()))
    return Scene(guard=guard_, is_tcp=is_tcp, requests=tuple(shaped(each, guard_, is_tcp=is_tcp) for each in requests))


def shaped(request: Request, guard_: Guard, *, is_tcp: bool) -> Request:
    if is_tcp:
        return replace(request, protocol=Protocol.TCP)
    # A gateway's servers decide over TLS, not its filters: here it is plain.
    return replace(request, peer=Peer(address=request.peer.address)) if guard_.is_gateway else request


def on_the_wire(request: Request) -> Request:
    """Return the request with the name of its client's certificate."""
    if request.peer.transport != Transport.FOREIGN:
        return request
    return replace(request, peer=replace(request.peer, principal="!" + request.peer.principal))


def compare(bench: Bench, seed: int, *, scenes: int, requests: int) -> Iterator[tuple[Verdict, Answer, Request]]:
    """Yield what both say of every pair of generated policies and requests."""
    rng = Random(seed)  # noqa: S311  repeatable, not secret
    made = [scene(bench, rng, requests) for _ in range(scenes)]
    listeners = [
        (tcp_listener if each.is_tcp else http_listener)(f"scene{index}", each.guard, bench.certificate, port=PORTS[0])
        for index, each in enumerate(made)
    ]
    asks = [
        Ask(listener=f"scene{index}", request=on_the_wire(request))
        for index, each in enumerate(made)
        for request in each.requests
    ]
    with running(listeners) as envoy:
        answers = ask(envoy, asks, bench.identities)
    pairs = [(each.guard, request) for each in made for request in each.requests]
    for (guard_, request), answer in zip(pairs, answers, strict=True):
        yield judge(guard_, request), answer, request


def detail_of(verdict: Verdict, request: Request) -> str:
    """Return how Envoy's own word for a verdict begins; "" for what it gives no word for."""
    if verdict.code == "closed" or request.protocol == Protocol.TCP:
        return ""
    if verdict.allowed:
        return "direct_response"
    if verdict.reason is Reason.TOKEN_REFUSED:
        return f"jwt_authn_access_denied{{{verdict.detail.replace(' ', '_')}}}"
    return {
        Reason.NO_RULE: "rbac_access_denied_matched_policy[none]",
        Reason.DENY_RULE: "rbac_access_denied_matched_policy[ns[",
        Reason.BAD_PATH: "path_normalization_failed",
    }[verdict.reason]


def differing(pairs: Iterator[tuple[Verdict, Answer, Request]]) -> tuple[list[str], dict[str, int]]:
    """Return the differences as text, and how many pairs had each reason."""
    wrong, reasons = [], dict.fromkeys(map(str, Reason), 0)
    for verdict, answer, request in pairs:
        reasons[verdict.reason] += 1
        if verdict.code != answer.code or not answer.details.startswith(detail_of(verdict, request)):
            wrong.append(f"evaluator {verdict}\nenvoy {answer}\n{request}\n")
    return wrong, reasons


SEEN = (Reason.ALLOW_RULE, Reason.NO_ALLOW_POLICY, Reason.NO_RULE, Reason.DENY_RULE, Reason.TOKEN_REFUSED)


def test_the_evaluator_and_envoy_agree_on_two_thousand_pairs(bench: Bench) -> None:
    wrong, reasons = differing(compare(bench, 1, scenes=80, requests=25))
    assert not wrong, f"{len(wrong)} differ, the first: {wrong[0]}"
    assert sum(reasons.values()) == 2000
    assert all(reasons[reason] > 100 for reason in SEEN), reasons


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 150))
def test_the_evaluator_and_envoy_agree_on_a_hundred_thousand_pairs(bench: Bench, seed: int) -> None:
    wrong, reasons = differing(compare(bench, seed, scenes=80, requests=25))
    assert not wrong, f"{len(wrong)} differ, the first: {wrong[0]}"
    assert sum(reasons.values()) == 2000


STRICT = objects("kind: PeerAuthentication\nmetadata: {name: p, namespace: team-a}\nspec: {mtls: {mode: STRICT}}")
FROM_GATEWAY = policy([{"from": [{"source": {"principals": ["cluster.local/ns/api/sa/gateway"]}}]}])
CALLERS = {
    "the gateway": (Peer(transport=Transport.MTLS, principal="cluster.local/ns/api/sa/gateway"), "200"),
    "another namespace": (Peer(transport=Transport.MTLS, principal="cluster.local/ns/team-b/sa/web"), "403"),
    "another trust domain": (Peer(transport=Transport.MTLS, principal="strange.domain/ns/api/sa/gateway"), "closed"),
    "the gateway's name by a foreign authority": (
        Peer(transport=Transport.FOREIGN, principal="cluster.local/ns/api/sa/gateway"),
        "closed",
    ),
    "TLS without a certificate": (Peer(transport=Transport.TLS), "closed"),
    "plaintext": (Peer(), "closed"),
}


def test_a_strict_workload_takes_only_the_gateway(bench: Bench) -> None:
    guard_ = guard(read([*objects(FROM_GATEWAY), *STRICT]), WORKLOAD)
    requests = [Request(port=8000, authority="x", peer=peer) for peer, _ in CALLERS.values()]
    with running([http_listener("strict", guard_, bench.certificate, port=8000)]) as envoy:
        answers = ask(envoy, [Ask(listener="strict", request=on_the_wire(each)) for each in requests], bench.identities)
    expected = [code for _, code in CALLERS.values()]
    assert [answer.code for answer in answers] == expected
    assert [judge(guard_, request).code for request in requests] == expected


def test_envoy_names_the_rule_that_the_verdict_names() -> None:
    text = policy([{"to": [{"operation": {"paths": ["/x"]}}]}, {}], action="DENY", name="shut")
    guard_ = guarded(text, WORKLOAD)
    with running([http_listener("deny", guard_, None)]) as envoy:
        (answer,) = ask(envoy, [Ask(listener="deny", request=Request(authority="x"))], {})
    assert answer.details == "rbac_access_denied_matched_policy[ns[team-a]-policy[shut]-rule[1]]"
    assert str(judge(guard_, Request()).rule) == "AuthorizationPolicy team-a/shut rule 1"


def test_a_key_set_that_is_not_there_refuses_every_token(bench: Bench) -> None:
    token = bench.signers[0].sign({"iss": "https://idp.example.com/realms/ml", "aud": "fraud", "sub": "s"})
    request = with_token(Request(authority="x"), token)
    with running([http_listener("none", guarded(AUTHENTICATION), None)]) as envoy:
        answers = ask(envoy, [Ask(listener="none", request=each) for each in (request, Request(authority="x"))], {})
    assert [answer.code for answer in answers] == ["401", "200"]
    assert judge(guarded(AUTHENTICATION), request).code == "401"


def test_the_same_seed_makes_the_same_requests(bench: Bench) -> None:
    first, second = (scene(bench, Random(7), 20) for _ in range(2))  # noqa: S311  repeatable

    def plain(made: Scene) -> list[Any]:
        return [(each.method, each.path.partition("access_token")[0], each.peer, each.port) for each in made.requests]

    assert plain(first) == plain(second)
    assert set(principals_of(first.requests)) <= set(access_policies.PRINCIPALS)


def test_envoys_refusal_of_a_configuration_is_told_in_its_own_words(tmp_path: Path) -> None:
    broken: dict[str, Any] = {
        "name": "broken",
        "address": {"pipe": {"path": str(tmp_path)}},
        "filter_chains": [{"no": 1}],
    }
    with pytest.raises(ToolError, match=r"envoy refuses the configuration \(exit 1\)(.|\n)*has unknown fields"):
        validate({"broken": broken})
    with pytest.raises(ToolError, match=r"envoy did not start \(exit 1\)(.|\n)*has unknown fields"), running([broken]):
        pass


def test_a_token_signed_by_a_signer_is_what_it_says(bench: Bench) -> None:
    token = bench.signers[0].sign({"sub": "s"})
    assert token == Token(claims={"sub": "s"}, key=bench.signers[0].name, kid="k1", text=token.text)


@pytest.mark.parametrize("call", ["harness.find_envoy()", "signing.make_signer()", "signing.make_authority('x')"])
def test_without_the_extra_the_proof_says_what_to_install(call: str) -> None:
    code = f"from generator.access import harness, signing\n{call}"
    # -S leaves out what is installed: of packages there is the standard library and this project.
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.endswith(
        "ToolError: the packages for proofs are not installed\n  install modelapi-gen[prove]\n"
    ), done.stderr
