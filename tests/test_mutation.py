"""Every mistake in a model's policies is caught by evaluator and Envoy, or proved to change nothing."""

from collections.abc import Callable

import pytest
from prove_cluster import cluster, declared, models

from generator.access.signing import key_set, make_signer
from generator.audit.mutate import Mutant, mutants, name_of
from generator.audit.mutate_equal import equality
from generator.audit.mutate_run import Fate, mutated, score, summary
from generator.audit.statement import Word

POLICY, DENY = "AuthorizationPolicy example-model/iris", "AuthorizationPolicy example-model/default-deny"
PEERS = "PeerAuthentication example-model/default"
FEW = (
    "rule 0: no condition on the audience",
    "rule 0: OR between the parts of a source",
    "rule 0: operation 0: paths /*",
    "the selector's seldon-deployment-id is mistyped",
    "forwarding is turned round",
)


def fates(wanted: Callable[[Mutant], bool]) -> tuple[Fate, ...]:
    iris = next(model for model in models() if model.name == "iris")
    return tuple(score(cluster(), declared(), iris, wanted=wanted))


def test_a_few_mistakes_at_the_workload_are_caught_by_both() -> None:
    found = fates(lambda mutant: mutant.where == "the workload" and mutant.what in FEW)
    assert sorted({fate.mutant.what for fate in found}) == sorted(FEW)
    assert [str(fate.mutant) for fate in found if not fate.caught] == []


def test_a_check_that_is_doubled_is_listed_with_its_reason() -> None:
    found = fates(lambda mutant: mutant.where == "the namespace" and "gone" in mutant.what)
    denied, mutual = "the model's own policy refuses whatever it does not allow", "every rule asks for a certificate"
    assert list(summary(found)) == [
        f"equivalent, proved by z3: the namespace: it is gone ({DENY}): {denied}",
        f"equivalent, proved by z3: the namespace: it is gone ({PEERS}): {mutual} of the mesh",
        "2 mutants, 2 of them equivalent",
        "caught by evaluator and Envoy: 0 of 0 (100 %)",
    ]


def test_what_is_decided_otherwise_is_not_called_equal() -> None:
    start = cluster()
    (mutant,) = [
        each
        for each in mutants(start.objects, {POLICY: "the workload"}, key_set(make_signer()))
        if each.what == "rule 0: a value too many of request.auth.claims[email]"
    ]
    found = equality(start, mutated(start, mutant))
    assert found.word is Word.REFUTED
    assert found.witness is not None
    assert "gen-prove-nobody@corp.example" in found.witness.claims["email"]  # alone or in a list: as the solver likes
    assert equality(start, start).word is Word.PROVED


def test_where_a_token_stands_is_not_said_to_be_equal() -> None:
    start = cluster()
    tokens = "RequestAuthentication api/seldon-gateway"
    (mutant,) = [
        each
        for each in mutants(start.objects, {tokens: "the gateway"}, key_set(make_signer()))
        if each.what == "token rule 0: the token is taken from a cookie too"
    ]
    found = equality(start, mutated(start, mutant))
    assert (found.word, found.why) == (
        Word.OPEN,
        "where a token stands in a request is outside of what formulas cover",
    )


def test_every_mutant_differs_from_what_it_was_made_of() -> None:
    start = {name_of(obj): obj for obj in cluster().objects}
    places = dict.fromkeys((POLICY, DENY, "RequestAuthentication example-model/iris"), "the workload")
    found = list(mutants(start.values(), places, key_set(make_signer())))
    assert len({str(mutant) for mutant in found}) == len(found) > 80
    for mutant in found:
        assert all(made != start[name] for name, made in mutant.made.items()), mutant


@pytest.mark.slow
@pytest.mark.parametrize("name", ["iris", "partner", "fraud", "churn"])
def test_no_mistake_in_the_policies_is_missed(name: str) -> None:
    (model,) = [model for model in models() if model.name == name]
    lines = list(summary(score(cluster(), declared(), model)))
    assert not [line for line in lines if line.startswith("missed")], "\n".join(lines)
    assert lines[-1].endswith("(100 %)")
