"""Every rule, seen firing: the exact text for each case of tests/invalid, and the style of every message."""

import re
from pathlib import Path

import pytest
from conftest import Same
from invalid_cases import FOLDER, TODAY, VALID, Case, build, cases, judge
from invalid_pages import pages, slug

from generator import rules
from generator.diag import Severity
from generator.resolve import defaults
from generator.rules import access
from generator.rules import cases as rule_cases

CASES = cases()
DOCS = Path(__file__).parents[1] / "docs"
SPECS = Path(__file__).parents[2] / "shared" / "specs"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}/{case.name}")
def test_a_broken_spec_is_told_exactly_this(case: Case, tmp_path: Path, *, bless: bool) -> None:
    build(case, tmp_path)
    said = "".join(f"{problem}\n" for problem in judge(tmp_path))
    if bless:
        case.wanted.write_text(said, encoding="utf-8")
    assert said == case.said()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}/{case.name}")
def test_a_case_fires_the_rule_that_its_folder_is_named_after(case: Case) -> None:
    assert f" [{case.rule}]\n" in case.said()


def test_the_repository_that_the_cases_change_is_valid() -> None:
    assert judge(VALID) == ()


@pytest.mark.skipif(not SPECS.is_dir(), reason="the example specs of the referee folder are not here")
def test_the_example_specs_break_no_rule() -> None:
    assert [str(problem) for problem in judge(SPECS) if problem.severity is Severity.ERROR] == []


def test_every_rule_has_a_case_that_fires_it() -> None:
    fired = {case.rule for case in CASES}
    assert [rule.id for rule in rules.RULES if rule.id not in fired] == []


def test_ids_of_rules_are_lower_case_words_and_stand_once() -> None:
    ids = [rule.id for rule in rules.RULES]
    assert len(ids) == len(set(ids))
    assert [name for name in ids if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)] == []


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.id)
def test_the_example_of_a_rule_is_taken_from_a_case_that_fires_it(rule: rules.Rule) -> None:
    texts = [case.text() for case in CASES if case.rule == rule.id]
    assert rule.example
    assert any(all(line.strip() in text for line in rule.example.splitlines()) for text in texts)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}/{case.name}")
def test_a_message_says_what_is_wrong_and_one_thing_to_do(case: Case) -> None:
    lines = case.said().splitlines()
    for what, todo in zip(lines[::2], lines[1::2], strict=True):
        said = re.fullmatch(r"[^:\n]+:\d+:\d+: (?:notice: )?(.+) \[[a-z0-9-]+\]", what)
        assert said, what
        assert todo.startswith("  "), todo
        for text in (said[1], todo[2:]):
            assert _bad_style(text) == [], text


def _bad_style(text: str) -> list[str]:
    words = re.sub(r'"[^"]*"', '""', text).lower()
    found = [word for word in ("invalid", "please", "sorry", "nonetype", " dict", "str ") if word in words]
    if text.endswith((".", "!")):
        found.append("ends in a full stop")
    first = text[:1]
    if first.isupper() and not re.match(r"[A-Z]{2,}|Istio|Seldon|Kubernetes|BentoML|Argo|MLServer|OIDC", text):
        found.append("begins in upper case")
    return found


def test_folders_of_cases_are_named_after_rules() -> None:
    ids = {rule.id for rule in rules.RULES}
    folders = [path.name for path in sorted(FOLDER.iterdir()) if path.is_dir() and path != VALID]
    assert [name for name in folders if name not in ids] == []


def test_nothing_is_said_of_an_empty_set_of_specs_but_that_the_platform_is_missing() -> None:
    assert [problem.rule for problem in rules.find(rules.of(()), TODAY)] == ["missing-platform"]


def test_explain_knows_every_rule_and_nothing_else() -> None:
    assert all(rules.explain(rule.id) is rule for rule in rules.RULES)
    assert rules.explain("no-such-rule") is None


def test_the_pages_of_docs_are_fresh(same: Same, *, bless: bool) -> None:
    made = pages()
    same({path.removeprefix("errors/"): text for path, text in made.items() if "/" in path}, DOCS / "errors")
    if bless:
        (DOCS / "errors.md").write_text(made["errors.md"], encoding="utf-8")
    assert made["errors.md"] == (DOCS / "errors.md").read_text(encoding="utf-8")


def test_groups_of_rules_have_different_pages() -> None:
    names = [slug(title) for title, _ in rules.GROUPS]
    assert len(names) == len(set(names))


def test_rules_and_resolve_have_the_same_defaults() -> None:
    assert rule_cases.DEFAULT_PREDICTOR == defaults.PREDICTOR == defaults.MODEL["explainer.predictor"].value
    assert dict(access.ROUTES) == defaults.MODEL["api.routes"].value
