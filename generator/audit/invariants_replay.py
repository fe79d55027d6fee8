"""Put the solver's counterexamples to Envoy: a statement that is refuted shows a request, and what became of it."""

import time
from collections.abc import Callable
from dataclasses import replace

from generator.access.reading import UnsupportedError
from generator.access.request import Peer, Protocol, Request, Transport, with_token
from generator.access.tree import Cluster
from generator.audit.encode_hops import FOREIGN, MTLS, TLS
from generator.audit.invariants import TENANTS, invariants
from generator.audit.prove import Failure, Proof, Scope, folder_for
from generator.audit.prove_keep import keep
from generator.audit.prove_keys import Keyring, keyring, with_signers
from generator.audit.prove_run import fire
from generator.audit.prove_specs import Declared
from generator.audit.prove_tokens import VALID_S
from generator.audit.statement import Statement, Witness, Word
from generator.audit.suite import HTTPS, Case

# A CORS preflight needs no token, and is the only request of its method that gets past a wrong one.
PREFLIGHT = (("origin", "https://web.example.com"), ("access-control-request-method", "POST"))
TRANSPORTS = {TLS: Transport.TLS, MTLS: Transport.MTLS, FOREIGN: Transport.FOREIGN}


def with_invariants(
    proof: Proof, cluster: Cluster, declared: Declared, scope: Scope, *, step: Callable[[str], None] = lambda _: None
) -> Proof:
    """Return the proof with every statement about its cluster; each that is refuted is put to Envoy and fails.

    Raises:
        ToolError: The extra `prove` is not installed, or Envoy fails.
    """
    step(f"{cluster.environment}: statements about every request")
    try:
        found = tuple(invariants(cluster, declared, scope.models))
    except UnsupportedError:
        return proof  # which says so already
    made = replace(proof, statements=found)
    shown = [(each, each.witness) for each in found if each.witness is not None and not each.witness.is_tcp]
    if not shown:
        return made
    ring = keyring(cluster.objects, declared)
    own = replace(cluster, objects=with_signers(cluster.objects, ring))
    cases = [case_of(statement, witness, own, ring) for statement, witness in shown]
    folder = folder_for(proof, scope)
    fired = fire(own.mesh, own.gateway, cases, None, folder)
    curls = keep(folder, own.mesh, fired, fired.outcomes)
    failures = (
        Failure(
            environment=statement.environment,
            model=statement.subject,
            what=f"not true: {statement.what}",
            outcome=outcome,
            curl=curls[outcome.name],
        )
        for (statement, _), outcome in zip(shown, fired.outcomes, strict=True)
    )
    return replace(made, failures=(*made.failures, *failures), folders=(*made.folders, folder))


def case_of(statement: Statement, witness: Witness, cluster: Cluster, ring: Keyring) -> Case:
    """Return the request of a counterexample, with a real token where it has one."""
    now = int(time.time())
    transport = TRANSPORTS.get(witness.transport, Transport.PLAINTEXT)
    is_gateway = witness.to == str(cluster.gateway)
    request = Request(
        method=witness.method,
        path=witness.path if witness.path.startswith("/") else f"/{witness.path}",
        authority=witness.authority or "anything",
        headers=(*witness.headers, *(PREFLIGHT if witness.method == "OPTIONS" else ())),
        peer=_peer(transport, witness.principal, is_gateway=is_gateway),
        port=HTTPS if is_gateway else witness.port,
        protocol=Protocol.HTTP,
        sni=witness.authority if is_gateway else "",
        time=now,
    )
    if witness.has_token:
        claims = {**witness.claims, "iat": now - 10, "exp": now + VALID_S}
        signer = ring.signers.get(witness.key, ring.strange)
        request = with_token(request, signer.sign(claims))
    who = witness.principal or str(transport)
    return Case(
        what=statement.what,
        who=who if not witness.has_token else f"{who} with a token of {witness.claims.get('iss', 'nobody')}",
        door=_door(witness, statement),
        to=witness.to,
        request=request,
        granted=None if statement.word is Word.REFUTED and statement.what == TENANTS else False,
    )


def _peer(transport: Transport, principal: str, *, is_gateway: bool) -> Peer:
    if is_gateway:
        return Peer(transport=Transport.TLS)
    named = transport in (Transport.MTLS, Transport.FOREIGN)
    return Peer(transport=transport, principal=principal if named else "")


def _door(witness: Witness, statement: Statement) -> str:
    clean = "" if witness.clean else ", cannot be sent as it stands"
    return f"port {witness.port} of {witness.to}{clean}" if statement.what != TENANTS else f"the gateway{clean}"
