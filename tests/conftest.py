"""What all tests share: the option that takes what was made for what is wanted, and the comparison of whole trees."""

import difflib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# No deadline: how long an example takes says something about the machine. In CI the same examples at every run.
settings.register_profile("gen", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("gen"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "gen")

Same = Callable[[Mapping[str, str], Path], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--bless", action="store_true", help="take what is made for what is wanted; review git diff")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--bless") and os.environ.get("CI"):
        raise pytest.UsageError("--bless is for people who read the diff; CI only compares")


@pytest.fixture
def bless(request: pytest.FixtureRequest) -> bool:
    """Say whether what is made shall be taken for what is wanted."""
    return bool(request.config.getoption("--bless"))


@pytest.fixture
def same(*, bless: bool) -> Same:
    """Hold a made tree against a golden folder: no path missing, extra or different."""

    def compare(made: Mapping[str, str], golden: Path) -> None:
        kept = {path.relative_to(golden).as_posix(): path for path in golden.rglob("*") if path.is_file()}
        if bless:
            _bless(made, golden, kept)
            return
        report = [f"only in golden: {path}\n" for path in sorted(kept.keys() - made.keys())]
        report += [f"not in golden: {path}\n" for path in sorted(made.keys() - kept.keys())]
        for path in sorted(kept.keys() & made.keys()):
            want = kept[path].read_text(encoding="utf-8").splitlines(keepends=True)
            report += difflib.unified_diff(want, made[path].splitlines(keepends=True), f"golden/{path}", f"made/{path}")
        if report:
            pytest.fail("".join(report) + "\nMeant? `pytest --bless`, then review `git diff`.", pytrace=False)

    return compare


def _bless(made: Mapping[str, str], golden: Path, kept: Mapping[str, Path]) -> None:
    for path in kept.keys() - made.keys():
        kept[path].unlink()
    for path, text in made.items():
        (golden / path).parent.mkdir(parents=True, exist_ok=True)
        (golden / path).write_text(text, encoding="utf-8")
