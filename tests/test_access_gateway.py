"""A real Envoy as the gateway before a real Envoy as every model's sidecar, asked the same as `decide`."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

import pytest
from access_mesh import ISSUER, JWKS_URI, mesh
from test_access_route import CALL, CANARY, FRAUD, GATEWAY, PREDICT, SERVERS, SHORT, admit, predictor, seldon, tokens

from generator.access import Decision, Mesh, Peer, Protocol, Request, Transport, decide, guard, with_token
from generator.access.client import Ask, ask
from generator.access.envoy import ServerCertificate, http_listener
from generator.access.harness import Envoy, reserved, running
from generator.access.proxying import Behind, clusters, destinations_of, gateway_listener
from generator.access.route import workloads_behind
from generator.access.signing import Signer, key_set, make_authority, make_signer, write_authority, write_identity

CHURN = predictor("team-b", "churn")
SECOND = predictor("team-a", "fraud", "canary")
FIRST_ROUTE = "port: {number: 8000}}\n"
WEIGHTED = f"          weight: 80\n        {CANARY}\n"
GATE = admit("api", "gate", CALL.path).replace("principals", "notPrincipals")
FORWARDED = (
    SERVERS.replace("team-a/a.example.com", "'*/a.example.com'")
    + tokens("api", forward=True)
    + tokens("team-a", audiences=("fraud",))
    + admit("team-a", "fraud", SHORT)
    + admit("team-a", "grpc", PREDICT)
    + seldon("team-a", "fraud", "a.example.com")
    + seldon("team-b", "churn", "a.example.com")
)
OWN = tokens("team-b", audiences=("churn",)) + admit("team-b", "churn", SHORT)
TRUSTING = """
kind: AuthorizationPolicy
metadata: {name: from-gateway, namespace: team-b}
spec: {rules: [{from: [{source: {principals: [cluster.local/ns/api/sa/seldon-gateway]}}]}]}
---
"""
BY_ADDRESS = """
kind: AuthorizationPolicy
metadata: {name: address, namespace: team-b}
spec: {rules: [{from: [{source: {remoteIpBlocks: [127.0.0.2]}}]}]}
---
"""
PLAIN = """
kind: Gateway
metadata: {name: plain, namespace: api}
spec:
  selector: {istio: ingressgateway}
  servers:
    - {port: {number: 80, name: http, protocol: HTTP}, hosts: ['*/a.example.com'], tls: {httpsRedirect: true}}
---
"""
MESHES = {
    "every model has its own policies": FORWARDED + OWN,
    "one model trusts the gateway": FORWARDED + TRUSTING,
    "one model goes by the client's address": FORWARDED + BY_ADDRESS,
    "the gateway keeps the token": FORWARDED.replace("forwardOriginalToken: true", "forwardOriginalToken: false") + OWN,
    "the gateway has a policy of its own": FORWARDED + TRUSTING + GATE,
    "a route turns TLS off": FORWARDED.replace("subsets:", "trafficPolicy: {tls: {}}, subsets:") + TRUSTING,
    "a canary": FORWARDED.replace(FIRST_ROUTE, FIRST_ROUTE + WEIGHTED, 1) + OWN,
    "a redirect": FORWARDED + OWN + PLAIN,
}
HOSTS = ("a.example.com", "b.example.com", "A.example.com:443", "c.example.com")
NAMES = ("a.example.com", "a.example.com", "b.example.com", "c.example.com")
PATHS = (
    CALL.path,
    CALL.path + "?q=1",
    f"/seldon/team-b/churn{SHORT}",
    "/seldon/team-a/fraud",
    "/seldon/team-a/../team-b/churn" + SHORT,
    SHORT,
    PREDICT,
)
LEADS = ((), (("seldon", "fraud"), ("namespace", "team-a")), (("seldon", "churn"), ("namespace", "team-b")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    gateway: ServerCertificate
    sidecar: ServerCertificate


@pytest.fixture(scope="module")
def signer() -> Signer:
    return make_signer("k1")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("keys")
    authority = make_authority("mesh")
    ca = str(write_authority(authority, folder / "mesh.crt"))
    made = []
    for name, principal in (
        ("gateway", "cluster.local/ns/api/sa/seldon-gateway"),
        ("sidecar", "cluster.local/ns/x/sa/x"),
    ):
        certificate, key = write_identity(authority, principal, folder, name)
        made.append(ServerCertificate(certificate=str(certificate), key=str(key), authority=ca))
    return Certificates(gateway=made[0], sidecar=made[1])


@contextmanager
def proxied(made: Mesh, certificates: Certificates) -> Iterator[Envoy]:
    """Run the gateway and a sidecar for every destination."""
    destinations = destinations_of(made)
    with reserved(len(destinations)) as ports:
        behind = Behind(ports=dict(zip(destinations, ports, strict=True)), identity=certificates.gateway)
        listeners = [gateway_listener(made, GATEWAY, number, behind) for number in (443, 80)]
        for destination, port in behind.ports.items():
            (workload,) = workloads_behind(made, destination)
            name = f"{workload} {destination.port}"
            listeners.append(
                http_listener(name, guard(made, workload), certificates.sidecar, port=destination.port, listen=port)
            )
        with running([each for each in listeners if each["filter_chains"]], clusters(made, GATEWAY, behind)) as envoy:
            yield envoy


def requests(signer: Signer, rng: Random, count: int) -> Iterator[Request]:
    now = int(time.time())
    right = {"iss": ISSUER, "sub": "1", "aud": "fraud", "email": "alice@corp.example", "exp": now + 3600}
    changes = ({}, {}, {"aud": "churn"}, {"aud": ["fraud", "churn"]}, {"email": "bob"}, {"exp": 1}, {"aud": "else"})
    known = [signer.sign(right | change) for change in changes]
    for _ in range(count):
        host, name = rng.choice(HOSTS), rng.choice(NAMES)
        is_plain = rng.random() < 0.1
        request = Request(
            method=rng.choice(("POST", "POST", "GET")),
            path=rng.choice(PATHS),
            authority=host,
            headers=rng.choice(LEADS),
            peer=Peer(
                transport=Transport.PLAINTEXT if is_plain else Transport.TLS,
                address=rng.choice(("127.0.0.1", "127.0.0.2")),
            ),
            port=80 if is_plain else 443,
            protocol=rng.choice((Protocol.HTTP, Protocol.GRPC)),
            sni="" if is_plain else name,
            time=now,
        )
        if rng.random() < 0.8:
            request = with_token(request, rng.choice(known))
        yield request


def arriving(decision: Decision) -> list[str]:
    """Return the paths that reach a workload."""
    return [trail.hops[-1].request.path for trail in decision.trails if trail.verdict.allowed]


@pytest.mark.parametrize("text", MESHES.values(), ids=MESHES)
def test_the_whole_way_ends_as_decided(text: str, signer: Signer, certificates: Certificates) -> None:
    keyed = text.replace(f"jwksUri: {JWKS_URI}", f"jwks: '{key_set(signer)}'")
    made = mesh(keyed, GATEWAY, FRAUD, SECOND, CHURN)
    asked = list(requests(signer, Random(3), 300))  # noqa: S311  repeatable, not secret
    with proxied(made, certificates) as envoy:
        reachable = [each for each in asked if f"gateway{each.port}" in envoy.ports]
        answers = ask(envoy, [Ask(listener=f"gateway{each.port}", request=each) for each in reachable], {})
    decided = [decide(made, each, "api/gateway") for each in reachable]
    wrong = [
        f"decided {decision.codes}, Envoy {answer}: {request}"
        for request, decision, answer in zip(reachable, decided, answers, strict=True)
        if answer.code not in decision.codes or (answer.path and answer.path not in arriving(decision))
    ]
    assert not wrong, f"{len(wrong)} differ, the first: {wrong[0]}"
    assert len({code for decision in decided for code in decision.codes}) >= 5
