"""Expectations are held against the rendered policies, and what is past is asked of git."""

from datetime import date
from pathlib import Path

import pytest
from audit_world import ACCESS, RANK, Object, commit, edited, golden, obj, on_disk, policy, rewrite, taken
from command import gen

from generator.audit.blame import expiring
from generator.audit.expect import broken

EXPECT = """  expect:
    - {as: eve@corp.example, can: nothing}
    - {client: checkout, can: [predict], in: [prod]}
    - {as: erin@corp.example, group: desk, can: [train]}
    - {as: any workload, can: nothing}
    - {workload: monitoring/prometheus, can: [metrics]}
"""


def expecting(text: str = EXPECT) -> dict[str, str]:
    return {RANK: (ACCESS / RANK).read_text(encoding="utf-8") + text}


def test_what_is_expected_and_so_is_not_said() -> None:
    now = taken(expecting())
    assert broken(now.specs, now.matrix()) == ()


def test_a_change_of_the_tree_that_breaks_an_expectation_is_said_with_the_rule() -> None:
    def widen(objects: list[Object]) -> None:
        selector = {"matchLabels": {"seldon-deployment-id": "rank"}}
        rules = [{"from": [{"source": {"principals": ["*"]}}]}]
        objects.append(policy("oops", "shop", selector=selector, action="ALLOW", rules=rules))

    now = edited(taken(expecting()), "prod", widen)
    said = [f"{one.mark.line}: {one.what}" for one in broken(now.specs, now.matrix())]
    rule = "by AuthorizationPolicy shop/oops rule 0, and is expected not to"
    assert f"18: any workload may anything at shop/rank in prod, {rule}" in said


def test_a_change_of_the_tree_that_takes_away_what_is_expected_is_said() -> None:
    def narrow(objects: list[Object]) -> None:
        rules = obj(objects, "AuthorizationPolicy", "shop", "rank")["spec"]["rules"]
        rules[:] = [rule for rule in rules if "checkout" not in str(rule)]

    now = edited(taken(expecting()), "prod", narrow)
    assert [one.what for one in broken(now.specs, now.matrix())] == [
        "checkout may not predict at shop/rank in prod, and is expected to"
    ]


def test_the_platform_expects_of_every_model() -> None:
    text = (ACCESS / "platform.yaml").read_text(encoding="utf-8")
    now = taken({"platform.yaml": text + '  expect: [{model: "*", as: nobody, can: nothing}]\n'})
    assert broken(now.specs, now.matrix()) == ()

    def widen(objects: list[Object]) -> None:
        obj(objects, "PeerAuthentication", "shop", "default")["spec"]["mtls"]["mode"] = "DISABLE"
        objects.append(policy("oops", "shop", action="ALLOW", rules=[{}]))

    open_ = edited(now, "prod", widen)
    said = {one.what for one in broken(open_.specs, open_.matrix())}
    assert said == {
        f"nobody may anything at shop/{name} in prod, by AuthorizationPolicy shop/oops rule 0, and is expected not to"
        for name in ("inside", "nobody", "open", "prices", "rank")
    }


def test_an_expectation_that_the_grants_break_stops_gen(tmp_path: Path) -> None:
    root = on_disk(tmp_path)
    rewrite(root, RANK, "  access:\n", "  expect: [{as: bob@corp.example, can: nothing}]\n  access:\n")
    ran = gen(root, "access")
    assert ran.code == 1
    assert "bob@corp.example may predict at shop/rank in dev and prod, granted at tenants/shop/rank.yaml:9" in ran.err


def test_gen_verify_holds_grants_and_expectations(tmp_path: Path) -> None:
    root = on_disk(tmp_path)
    rewrite(root, RANK, "  access:\n", "  expect: [{as: eve@corp.example, can: nothing}]\n  access:\n")
    assert gen(root, "render", "-q").code == 0
    ran = gen(root, "verify")
    assert ran.code == 0, ran.err
    assert "answers of the policies, as the specs grant and expect them" in ran.out


def test_grants_that_end_soon_are_listed_by_their_day() -> None:
    granted = golden().granted
    assert expiring(granted, date(2030, 12, 1), 30) == ()
    found = expiring(granted, date(2030, 12, 1), 90)
    assert [(str(day), str(identity), str(at)) for day, identity, at, _ in found] == [
        ("2031-01-31", "user erin@corp.example", "train of shop/rank in dev")
    ]
    assert len(expiring(granted, date(2031, 5, 1), 0)) == 1


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Return a repository in which bob lost access on 1 March."""
    root = on_disk(tmp_path)
    assert gen(root, "render", "-q").code == 0
    commit(root, "Start", day=date(2026, 1, 5))
    rewrite(root, RANK, "alice@corp.example, bob@corp.example", "alice@corp.example")
    assert gen(root, "render", "-q").code == 0
    commit(root, "Bob has left", author="Bo", day=date(2026, 3, 1))
    return root


@pytest.mark.parametrize(("when", "rows"), [("2026-02-28", 1), ("2026-03-01", 0), ("HEAD", 0), ("HEAD~1", 1)])
def test_who_could_call_then_is_asked_of_the_trees_of_then(history: Path, when: str, rows: int) -> None:
    ran = gen(history, "access", "at", when, "--as", "bob@corp.example", "--environment", "prod")
    assert ran.code == 0
    assert ran.out.count("user bob@corp.example") == rows
    assert ("Start" if rows else "Bob has left") in ran.err


def test_a_day_before_the_first_commit_is_said(history: Path) -> None:
    ran = gen(history, "access", "at", "2025-12-31")
    assert (ran.code, "there was no commit yet on 2025-12-31" in ran.err) == (3, True)


def test_trees_of_a_time_whose_specs_are_not_accepted_now_are_asked_all_the_same(tmp_path: Path) -> None:
    root = on_disk(tmp_path)
    text = (root / RANK).read_text(encoding="utf-8")
    rewrite(root, RANK, "kind: Model", "kind: Model\nold: true")
    commit(root, "A field of old", day=date(2026, 1, 5))
    (root / RANK).write_text(text, encoding="utf-8")
    commit(root, "Without it", day=date(2026, 1, 6))
    ran = gen(root, "access", "at", "HEAD~1", "--model", "rank", "--environment", "prod")
    assert "client checkout" in ran.out
    assert "nothing is said of what they granted" in ran.err
