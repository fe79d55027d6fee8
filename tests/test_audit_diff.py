"""Who gains and who loses: the laws, over specs changed at random, and the command over a history."""

import json
from pathlib import Path

import pytest
import yaml
from audit_world import ACCESS, RANK, commit, edited, golden, obj, on_disk, policy, rewrite, taken
from command import gen
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.audit.diff import difference
from generator.audit.doors import Door, Way
from generator.audit.identities import Identity
from generator.audit.matrix import Matrix
from generator.audit.snapshot import Snapshot
from generator.audit.told import lines
from generator.audit.verdicts import beyond, refused

Triple = tuple[Identity, Door, Way]
WHO = {
    "users": ["alice@corp.example", "eve@corp.example"],
    "groups": ["desk", "Shop Analysts"],
    "clients": ["checkout"],
    "workloads": ["orders/checkout", "search/web"],
    "callers": ["desk"],
}


@st.composite
def grants(draw: st.DrawFn) -> dict[str, object]:
    field = draw(st.sampled_from(sorted(WHO)))
    grant: dict[str, object] = {field: [draw(st.sampled_from(WHO[field]))]}
    if draw(st.booleans()):
        grant["can"] = draw(st.sampled_from([["predict"], ["train"], ["predict", "train"]]))
    if draw(st.booleans()):
        grant["in"] = [draw(st.sampled_from(["dev", "prod"]))]
    return grant


def distinct(access: list[dict[str, object]]) -> list[dict[str, object]]:
    return list({json.dumps(grant, sort_keys=True): grant for grant in access}.values())


specs = st.lists(grants(), max_size=4).map(distinct)


def with_access(access: list[dict[str, object]]) -> Snapshot:
    data = yaml.safe_load((ACCESS / RANK).read_text(encoding="utf-8"))
    data["spec"]["access"] = access
    return taken({RANK: yaml.safe_dump(data, sort_keys=False)})


def triples(made: Matrix) -> set[Triple]:
    return {(identity, door, way) for (identity, door), cell in made.cells.items() for way in cell.ways}


@settings(max_examples=12, deadline=None, derandomize=True)
@given(specs)
def test_the_matrix_of_any_spec_is_what_it_grants(access: list[dict[str, object]]) -> None:
    now = with_access(access)
    made = now.matrix()
    assert beyond(made, now.granted) == ()
    assert refused(made, now.granted) == ()


@settings(max_examples=12, deadline=None, derandomize=True)
@given(specs, specs)
def test_a_difference_is_the_one_matrix_without_the_other(
    before: list[dict[str, object]], after: list[dict[str, object]]
) -> None:
    then, now = with_access(before), with_access(after)
    forth, back = difference(then, now), difference(now, then)
    gains = {(one.identity, one.door, way) for one in forth.gains for way in one.ways}
    losses = {(one.identity, one.door, way) for one in forth.losses for way in one.ways}
    assert gains == triples(forth.after) - triples(forth.before)
    assert losses == triples(forth.before) - triples(forth.after)
    assert gains == {(one.identity, one.door, way) for one in back.losses for way in one.ways}
    assert losses == {(one.identity, one.door, way) for one in back.gains for way in one.ways}


@settings(max_examples=6, deadline=None, derandomize=True)
@given(specs)
def test_a_time_does_not_differ_from_itself(access: list[dict[str, object]]) -> None:
    now = with_access(access)
    assert difference(now, now).changes == ()


@settings(max_examples=8, deadline=None, derandomize=True)
@given(specs, grants())
def test_a_grant_more_takes_nothing_away(access: list[dict[str, object]], grant: dict[str, object]) -> None:
    assert difference(with_access(access), with_access(distinct([*access, grant]))).losses == ()


def test_a_name_that_a_pattern_let_in_already_gains_nothing() -> None:
    def whole_domain(objects: list[dict[str, object]]) -> None:
        rules = obj(objects, "AuthorizationPolicy", "shop", "rank")["spec"]["rules"]
        rule = next(rule for rule in rules if "alice@corp.example" in str(rule))
        next(when for when in rule["when"] if "email" in when["key"])["values"].append("*@corp.example")

    text = (ACCESS / RANK).read_text(encoding="utf-8")
    named = taken({RANK: text.replace("bob@corp.example]", "bob@corp.example, eve@corp.example]")})
    then, now = edited(golden(), "dev", whole_domain), edited(named, "dev", whole_domain)
    assert [(str(one.identity), one.door.environment) for one in difference(then, now).changes] == [
        ("user eve@corp.example", "prod")
    ]


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Return a repository with one commit and what somebody changed after it, rendered."""
    root = on_disk(tmp_path)
    assert gen(root, "render", "-q").code == 0
    commit(root, "Start")
    rewrite(root, RANK, "bob@corp.example], reason: SHOP-1}", "eve@corp.example], reason: SHOP-9}")
    rewrite(root, RANK, "{clients: [checkout], in: [prod]}", "{clients: [checkout], in: [dev, prod]}")
    assert gen(root, "render", "-q").code == 0
    return root


def test_a_difference_names_who_where_by_which_rule_and_which_line(history: Path) -> None:
    ran = gen(history, "access", "diff")
    assert ran.code == 0
    assert ran.out == (
        "+ user eve@corp.example: predict of shop/rank in dev, prod\n"
        "    through the gateway, AuthorizationPolicy shop/rank rule 0; granted by tenants/shop/rank.yaml:8 SHOP-9\n"
        "+ client checkout: predict of shop/rank in dev\n"
        "    through the gateway, AuthorizationPolicy shop/rank rule 1; granted by tenants/shop/rank.yaml:10\n"
        "- user bob@corp.example: predict of shop/rank in dev, prod\n"
        "    through the gateway, AuthorizationPolicy shop/rank rule 0; granted by tenants/shop/rank.yaml:8 SHOP-1\n"
    )
    assert ran.err.startswith("2 gain access, 1 loses access since ")


def test_ci_can_fail_on_any_change_or_on_widening_alone(history: Path) -> None:
    assert gen(history, "access", "diff", "--exit-code").code == 1
    assert gen(history, "access", "diff", "--fail-on", "widening").code == 1
    rewrite(history, RANK, "eve@corp.example], reason: SHOP-9}", "bob@corp.example], reason: SHOP-1}")
    rewrite(history, RANK, "{clients: [checkout], in: [dev, prod]}", "{clients: [other], in: [dev]}")
    assert gen(history, "render", "-q").code == 0
    commit(history, "Others")
    rewrite(history, RANK, "    - {clients: [other], in: [dev]}\n", "")
    assert gen(history, "render", "-q").code == 0
    ran = gen(history, "access", "diff", "HEAD", "--fail-on", "widening")
    assert (ran.code, ran.out.splitlines()[0]) == (0, "- client other: predict of shop/rank in dev")
    assert gen(history, "access", "diff", "HEAD", "--exit-code").code == 1
    assert gen(history, "access", "diff", "HEAD^", "--exit-code").code == 1


def test_the_pull_request_reads_it_as_tables(history: Path, tmp_path: Path) -> None:
    out = tmp_path / "access.md"
    assert gen(history, "access", "diff", "--format", "markdown", "--output", str(out)).code == 0
    text = out.read_text(encoding="utf-8")
    assert "### Access: 2 gain access, 1 loses access" in text
    assert (
        "| `user eve@corp.example` | predict of shop/rank | dev, prod | through the gateway "
        "| `tenants/shop/rank.yaml:8` SHOP-9 |"
    ) in text
    assert "Widening: this needs the agreement of `@corp/ml-platform`." in text


def test_programs_get_every_change(history: Path) -> None:
    cells = json.loads(gen(history, "access", "diff", "--format", "json").out)["cells"]
    assert sorted({(cell["change"], cell["identity"], cell["environment"]) for cell in cells}) == [
        ("gains", "client checkout", "dev"),
        ("gains", "user eve@corp.example", "dev"),
        ("gains", "user eve@corp.example", "prod"),
        ("loses", "user bob@corp.example", "dev"),
        ("loses", "user bob@corp.example", "prod"),
    ]


def test_a_policy_by_hand_is_a_change_too(history: Path) -> None:
    commit(history, "More")
    folder = history / "overlays/prod/shop/namespace"
    text = yaml.safe_dump(policy("oops", "shop", action="ALLOW", rules=[{}]))
    (folder / "authorizationpolicy-oops.yaml").write_text(text, encoding="utf-8")
    rewrite(
        history,
        "overlays/prod/shop/namespace/kustomization.yaml",
        "resources:\n",
        "resources:\n- authorizationpolicy-oops.yaml\n",
    )
    ran = gen(history, "access", "diff", "--fail-on", "widening")
    assert ran.code == 1
    assert "+ any workload: anything of shop/nobody in prod" in ran.out
    assert "NOT GRANTED by any spec" in ran.out


def test_a_ref_that_is_none_and_a_folder_without_history_are_said(history: Path, tmp_path: Path) -> None:
    ran = gen(history, "access", "diff", "no-such-branch")
    assert (ran.code, '"no-such-branch" names no commit' in ran.err) == (3, True)
    assert gen(history, "access", "diff", "--", "--output").code == 3
    lonely = tmp_path / "lonely"
    lonely.mkdir()
    assert gen(on_disk(lonely), "access", "diff").code == 3


def test_whoever_everybody_stands_for_is_not_told_beside_everybody() -> None:
    text = (ACCESS / RANK).read_text(encoding="utf-8")
    grant = "  access:\n    - {anyAuthenticated: true, in: [dev]}\n"
    found = difference(golden(), taken({RANK: text.replace("  access:\n", grant)}))
    assert len(found.gains) > 3
    assert [(str(line.identity), line.what) for line in lines(found.changes, ("dev", "prod"))] == [
        ("anyone with a token", "predict")
    ]


def test_a_way_more_is_a_gain_of_that_way_alone() -> None:
    def from_any_pod(objects: list[dict[str, object]]) -> None:
        rules = obj(objects, "AuthorizationPolicy", "shop", "rank")["spec"]["rules"]
        del rules[0]["from"][0]["source"]["principals"]

    found = difference(golden(), edited(golden(), "prod", from_any_pod))
    assert [(str(one.identity), one.gains, one.ways) for one in found.changes] == [
        ("user alice@corp.example", True, (Way.MESH,)),
        ("user bob@corp.example", True, (Way.MESH,)),
    ]
