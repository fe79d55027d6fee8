"""The page about serving shows specs that pass and render."""

import re
from pathlib import Path

import pytest
from graphs import judge, make
from yaml import safe_load

PAGE = Path(__file__).parents[1] / "docs/serving.md"
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=[block.splitlines()[0][:40] for block in BLOCKS])
def test_what_the_page_shows_validates_and_renders(block: str) -> None:
    spec = safe_load(block)
    assert [str(problem) for problem in judge(spec)] == []
    assert make(spec).objects


def test_the_page_shows_every_part_of_serving() -> None:
    text = "\n".join(BLOCKS)
    words = ("grpcPort", "server", "shadow", "RANDOM_ABTEST", "explainer", "detectors", "log", "triggers", "gpu")
    assert [word for word in words if f"{word}:" not in text and word not in text] == []
