"""The page that names a test for each trap names tests that exist."""

import re
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs/rules-seldon-bento.md"


def test_every_test_that_the_page_names_exists() -> None:
    named = set(re.findall(r"`(test_[a-z0-9_]+)`", PAGE.read_text(encoding="utf-8")))
    texts = [path.read_text(encoding="utf-8") for path in sorted(TESTS.glob("test_build_*.py"))]
    written = {name for text in texts for name in re.findall(r"(?m)^def (test_\w+)", text)}
    assert sorted(named - written) == []
    assert len(named) > 50
