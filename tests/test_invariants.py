"""What is said of every request: formulas mean what the evaluator says, holes are refuted, the rest is proved."""

import json
import random
import re
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

import access_policies
import pytest
import z3
from prove_cluster import Edit, cluster, declared, edited
from test_prove import HOLES, LET_IN, MORE_HOLES, POLICY, Objects, rule

from generator.access import Request, Settings, Transport, Workload, guard, judge, read
from generator.access.mesh import Guard
from generator.access.paths import PathNormalization, normalize, without_query
from generator.access.sample import sample, sampler
from generator.access.signing import Signer, key_set, make_signer
from generator.access.tokens import verify
from generator.audit import encode as e
from generator.audit import encode_hops as hops
from generator.audit.encode_regex import automaton
from generator.audit.encode_text import MARK, UncoveredError, constants, finite
from generator.audit.invariants import GRANTS, OPENS, TENANTS, TOKEN, invariants
from generator.audit.invariants_replay import with_invariants
from generator.audit.prove import Proof, Scope
from generator.audit.statement import Statement, Word

NOW = 1_800_000_000
IRIS = ("example-model/iris",)
WORKLOAD = Workload(namespace="team-a", name="fraud", labels={"app": "fraud"})
REGEXES = (".+", ".*/ns/team\\-a/.*", "spiffe://.+/ns/a\\.b/(.+/|)sa/web(/.+)?", "[^/]*x", "a{2,3}b?", "[a-c]+|z.")


def statements(edit: Edit = lambda _: None, models: tuple[str, ...] = IRIS) -> tuple[Statement, ...]:
    return tuple(invariants(edited(cluster(), edit), declared(), models))


def words(found: tuple[Statement, ...]) -> dict[str, Word]:
    return {f"{each.subject}: {each.what}": each.word for each in found}


def test_everything_is_proved_of_every_hand_built_model() -> None:
    found = statements(models=())
    assert {each.word for each in found} == {Word.PROVED}, found
    subjects = ("example-model/iris", "example-model/partner", "example-model/dark", "payments/fraud", "growth/churn")
    for subject in subjects:
        assert [each.what for each in found if each.subject == subject][:3] == [TOKEN, GRANTS, OPENS]
    assert [each.subject for each in found if each.what == TENANTS] == ["example-model", "payments", "growth"]


@pytest.mark.parametrize("hole", [name for name, (_, what) in (HOLES | MORE_HOLES).items() if what == LET_IN])
def test_a_hole_is_refuted(hole: str) -> None:
    edit, _ = (HOLES | MORE_HOLES)[hole]
    refuted = [each for each in statements(edit) if each.word is Word.REFUTED]
    # Where a token stands is outside of what formulas speak of: there, requests are fired.
    assert bool(refuted) is (hole != "tokens from anywhere")


def replayed(edit: Edit) -> Proof:
    return with_invariants(Proof(environment="prod"), edited(cluster(), edit), declared(), Scope(models=IRIS))


@pytest.mark.parametrize("hole", ["a name too many", "every path"])
def test_a_counterexample_is_put_to_envoy(hole: str) -> None:
    proof = replayed((HOLES | MORE_HOLES)[hole][0])
    (failure,) = proof.failures
    assert failure.what == f"not true: {GRANTS}"
    assert failure.outcome.decision.code == failure.outcome.code == "200"
    assert failure.curl.startswith("curl ")


@pytest.mark.slow
@pytest.mark.parametrize("hole", HOLES | MORE_HOLES)
def test_every_counterexample_gets_the_same_from_envoy(hole: str) -> None:
    for failure in replayed((HOLES | MORE_HOLES)[hole][0]).failures:
        assert failure.outcome.agrees, failure


def test_what_a_formula_does_not_cover_is_not_proved() -> None:
    edit = rule(lambda found: found["from"][0]["source"].update(ipBlocks=["10.0.0.0/8"]))
    found = words(statements(edit))
    assert found[f"example-model/iris: {GRANTS}"] is Word.OPEN
    whys = {each.why for each in statements(edit) if each.word is Word.OPEN}
    assert whys == {"a condition on source.ip is outside of what formulas cover"}
    assert not replayed(edit).is_green


def test_a_tenants_policy_for_another_tenants_host_is_refuted() -> None:
    def greedy(objects: Objects) -> None:
        rules = objects["AuthorizationPolicy api/tenant-growth"]["spec"]["rules"]
        rules[0]["to"][0]["operation"]["hosts"].append("example-model.ml.corp.example")

    found = {each.subject: each for each in statements(greedy, ()) if each.what == TENANTS}
    assert {name: each.word for name, each in found.items()} == {
        "example-model": Word.REFUTED,
        "payments": Word.PROVED,
        "growth": Word.PROVED,
    }
    witness = found["example-model"].witness
    assert witness is not None
    assert witness.authority == "example-model.ml.corp.example"


def test_a_tenants_route_for_another_tenants_host_is_refuted() -> None:
    def widened(objects: Objects) -> None:
        servers = objects["Gateway api/seldon-gateway"]["spec"]["servers"]
        servers[0]["hosts"] = [host.replace("example-model/", "*/") for host in servers[0]["hosts"]]
        stolen = objects["VirtualService growth/churn"]["spec"]
        stolen["hosts"] = [*stolen["hosts"], "example-model.ml.corp.example"]

    (found,) = [each for each in statements(widened) if each.what == TENANTS]
    assert found.word is Word.REFUTED
    assert "a route of example-model.ml.corp.example to churn-main.growth.svc.cluster.local" in found.why


def test_a_policy_of_a_tenant_in_the_root_namespace_is_refuted() -> None:
    def stray(objects: Objects) -> None:
        labels = {"app.kubernetes.io/part-of": "growth"}
        metadata = {"name": "stray", "namespace": "istio-system", "labels": labels}
        objects["stray"] = objects[POLICY] | {"metadata": metadata, "spec": {"rules": [{}]}}

    (found,) = [each for each in statements(stray) if each.what == TENANTS]
    assert (found.word, found.why) == (Word.REFUTED, "AuthorizationPolicy istio-system/stray has")


@pytest.mark.parametrize("regex", REGEXES)
def test_an_automaton_takes_what_the_expression_takes(regex: str) -> None:
    machine, rng = automaton("regex", regex), random.Random(regex)  # noqa: S311  repeatable, not secret
    for _ in range(2000):
        text = "".join(rng.choices("abcxz/\n.-", k=rng.randrange(8)))
        if rng.random() < 0.3:
            text = f"spiffe://{text}/ns/{rng.choice(('a.b', 'team-a', 'axb'))}/{text}sa/web{rng.choice(('', '/x'))}"
        states = machine.start
        for char in text:
            states = machine.step(states, ord(char))
        assert machine.accepts(states) is (re.fullmatch(regex, text) is not None), text


def test_every_case_of_a_text_is_there() -> None:
    text = e.PATH
    parts = (text.begins("/a"), text.ends("z"), text.is_("/az"), text.like("/a[0-9]+z"))
    asked = finite(z3.Or(parts))
    found = asked.cases["path"]
    truths = [(t == "/az", t.startswith("/a"), bool(re.fullmatch("/a[0-9]+z", t)), t.endswith("z")) for t in found]
    assert len(set(truths)) == len(truths) == 6
    solver = z3.Solver()
    solver.add(asked.formula, parts[3], z3.Not(parts[0]))
    assert solver.check() == z3.unsat


@pytest.fixture(scope="module")
def signers() -> tuple[Signer, ...]:
    return make_signer("k1"), make_signer(), make_signer("k1")


@pytest.mark.parametrize("seed", range(4))
def test_a_formula_says_what_the_evaluator_says(signers: tuple[Signer, ...], seed: int) -> None:
    rng, compared, allowed = Random(seed), 0, 0  # noqa: S311  repeatable, not secret
    for _ in range(25):
        stands, lock = scene(rng, signers)
        if lock is None:
            continue
        source = sampler(stands, principals=access_policies.PRINCIPALS, ports=(8000, 9000))
        for request in sample(source, signers, rng, count=12, time=NOW):
            facts = facts_of(stands, request)
            if facts is not None:
                verdict = judge(stands, request)
                formula = z3.And(hops.possible(stands.settings.trust_domains), lock.opens)
                assert said(formula, facts) is verdict.allowed, (request, verdict, stands.policies)
                compared, allowed = compared + 1, allowed + verdict.allowed
    assert compared > 80
    assert allowed > 15


def scene(rng: Random, signers: tuple[Signer, ...]) -> tuple[Guard, hops.Lock | None]:
    jwks = (key_set(signers[0]), key_set(signers[1]))
    settings = Settings(trust_domain_aliases=("old.domain",), path_normalization=rng.choice(tuple(PathNormalization)))
    stands = guard(read(access_policies.policies(rng, jwks), settings), WORKLOAD)
    try:
        return stands, hops.lock_of(stands)
    except UncoveredError:
        return stands, None


def facts_of(stands: Guard, request: Request) -> Mapping[str, Any] | None:
    """Return what a request is in the words of formulas; None for one that they do not speak of."""
    headers = tuple((name.lower(), value.strip()) for name, value in request.headers)
    path = normalize(request.path, stands.settings.path_normalization)
    names = [name for name, _ in headers]
    if path is None or names.count("authorization") > 1:
        return None
    checked = verify(stands.token_rules, request, headers, path)
    if checked.status:
        return None
    used = [token for token in request.tokens if checked.payload is not None]
    keys = {token.key for token in used if token.claims.get("iss") == (checked.payload or {}).get("iss")}
    if checked.payload is not None and len(keys) != 1:
        return None
    transports = (Transport.PLAINTEXT, Transport.TLS, Transport.MTLS, Transport.FOREIGN)
    mutual = request.peer.transport == Transport.MTLS
    sent = dict(checked.headers)
    return {
        "method": request.method,
        "path": without_query(checked.path),
        "authority": request.authority.lower(),
        "principal": f"spiffe://{request.peer.principal}" if mutual else "",
        "key": next(iter(keys), ""),
        "sni": request.sni,
        "port": request.port,
        "transport": transports.index(request.peer.transport),
        "has_token": checked.payload is not None,
        "is_tcp": False,
        "claims": checked.payload or {},
        "headers": {name: [value for each, value in checked.headers if each == name] for name in sent},
    }


def said(formula: Any, facts: Mapping[str, Any]) -> bool:
    """Return what a formula says of one request."""
    pairs = list(substitutes(constants(formula), facts))
    return bool(z3.is_true(z3.simplify(z3.substitute(formula, *pairs))))


def substitutes(found: list[Any], facts: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    for each in found:
        name = str(each)
        if name.startswith(MARK):
            text, kind, value = json.loads(name.removeprefix(MARK))
            yield each, z3.BoolVal(answers(kind, value, standing(text, facts)))
        elif "\x1f" in name:
            group, _, what = name.rpartition("\x1f")
            values = listed(group, facts)
            shape = e.ABSENT if values is None else e.LIST if isinstance(values, list) else e.TEXT
            yield each, z3.IntVal(shape if what == "shape" else len(values) if isinstance(values, list) else 0)
        else:
            value = facts[name]
            yield each, z3.BoolVal(value) if isinstance(value, bool) else z3.IntVal(value)


def listed(group: str, facts: Mapping[str, Any]) -> Any:
    kind, *path = group.split("\x1f")
    if kind == "header":
        return facts["headers"].get(path[0], [])
    value: Any = facts["claims"]
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    if isinstance(value, list):
        return [each for each in value if isinstance(each, str)][: e.MEMBERS]
    return value if isinstance(value, str) else None


def standing(text: str, facts: Mapping[str, Any]) -> str:
    group, mark, index = text.rpartition("\x1f")
    if not mark:
        return str(facts[text])
    values = listed(group, facts)
    members = values if isinstance(values, list) else [values]
    return str(members[int(index)]) if int(index) < len(members) and members[int(index)] is not None else ""


def answers(kind: str, value: str, text: str) -> bool:
    match kind:
        case "exact":
            return text == value
        case "prefix":
            return text.startswith(value)
        case "suffix":
            return text.endswith(value)
        case "part":
            return value in text
        case _:
            return re.fullmatch(value, text) is not None
