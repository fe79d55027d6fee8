"""The page of rules names tests, rules of trees and rules of specs that exist, and leaves out no rule of trees."""

import re
from pathlib import Path

import pytest
from test_tree_rules import RULES as TREE_RULES

from generator import rules

TESTS = Path(__file__).parent
DOCS = TESTS.parent / "docs"
TEXT = (DOCS / "rules.md").read_text(encoding="utf-8")
ROWS = [line for line in TEXT.splitlines() if line.startswith("| ") and line.count(" | ") == 2]


def test_every_test_that_the_page_names_is_in_the_file_beside_it() -> None:
    named = re.findall(r"`(test_\w+\.py)`: ((?:`test_\w+`(?:, )?)+)", TEXT)
    pairs = [(file, test) for file, tests in named for test in re.findall(r"`(test_\w+)`", tests)]
    assert len(pairs) == len(re.findall(r"`test_\w+`", TEXT))
    missing = [(file, test) for file, test in pairs if f"def {test}(" not in (TESTS / file).read_text(encoding="utf-8")]
    assert missing == []


def test_every_line_of_a_table_names_what_holds_it() -> None:
    heads = ("| rule | where | test |", "| what happens to the unwary | where | test |")
    lines = [line for line in ROWS if line not in heads]
    assert len(lines) > 100
    assert [line for line in lines if not re.search(r"`test_\w+`|\*\w+\*|\]\(errors/", line.rsplit(" | ", 1)[1])] == []


def test_the_rules_of_trees_stand_on_the_page_and_no_others() -> None:
    assert set(re.findall(r"\*([a-z]+(?:_[a-z0-9]+)+)\*", TEXT)) == set(TREE_RULES)


@pytest.mark.parametrize(
    ("rule", "page", "anchor"), re.findall(r"\[([a-z0-9-]+)\]\((errors/[a-z-]+\.md)#([a-z0-9-]+)\)", TEXT)
)
def test_a_rule_of_specs_is_one_and_has_its_words_where_the_page_says(rule: str, page: str, anchor: str) -> None:
    assert rule == anchor
    assert rules.explain(rule)
    assert f"\n## {rule}\n" in (DOCS / page).read_text(encoding="utf-8")
