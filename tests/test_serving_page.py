"""The page about serving shows specs that pass and render."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from graphs import judge, make
from yaml import safe_load

from generator.cli import main

PAGE = Path(__file__).parents[1] / "docs/serving.md"
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=[block.splitlines()[0][:40] for block in BLOCKS])
def test_what_the_page_shows_validates_and_renders(block: str) -> None:
    spec = safe_load(block)
    assert [str(problem) for problem in judge(spec)] == []
    assert make(spec).objects


def test_the_picture_on_the_page_is_the_one_that_gen_graph_draws(*, bless: bool) -> None:
    made = CliRunner().invoke(main, ["-C", str(PAGE.parents[1]), "graph", "growth/churn", "--format", "svg"]).stdout
    if bless:
        (PAGE.parent / "churn.svg").write_text(made, encoding="utf-8")
    assert made == (PAGE.parent / "churn.svg").read_text(encoding="utf-8")


def test_the_page_shows_every_part_of_serving() -> None:
    text = "\n".join(BLOCKS)
    words = ("grpcPort", "server", "shadow", "RANDOM_ABTEST", "explainer", "detectors", "log", "triggers", "gpu")
    assert [word for word in words if f"{word}:" not in text and word not in text] == []
