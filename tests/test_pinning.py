"""Pins and promotion: digests get into the spec by command, comments stay, and nothing wrong is written."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from generator.cli import main

ROOT = Path(__file__).parent.parent
DIGEST = "@sha256:" + "5e" * 32
MAIN = "registry.local/payments/fraud:2.4.1-3510bdf66229"
CANARY = "registry.local/payments/fraud:2.5.0-d3376ab2ecaa"
SPEC = "tenants/payments/fraud.yaml"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Return a copy of the example specs."""
    shutil.copy(ROOT / "platform.yaml", tmp_path)
    for folder in ("tenants", "keys"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def run(repo: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["-C", str(repo), *words])


def added(repo: Path, path: str) -> list[str]:
    before, after = ((root / path).read_text().splitlines() for root in (ROOT, repo))
    assert [line for line in before if line not in after] == []
    return [line.strip() for line in after if line not in before]


def test_a_pin_goes_to_the_predictor_that_serves_its_tag_and_comments_stay(repo: Path) -> None:
    done = run(repo, "pin", "payments/fraud", MAIN + DIGEST, CANARY + DIGEST, "--environment", "staging")
    assert (done.exit_code, done.stderr) == (0, "")
    assert added(repo, SPEC) == ["staging:", "pins:", f'main: "{MAIN}{DIGEST}"', f'canary: "{CANARY}{DIGEST}"']
    assert run(repo, "render", "-q").exit_code == 0


def test_pins_are_promoted_to_the_next_environment_and_deploy_the_model_there(repo: Path) -> None:
    image = "registry.local/example-model/iris:1.2.0-"
    assert run(repo, "render", "-q").exit_code == 0
    assert not (repo / "overlays/prod/example-model/models/iris").exists()
    shown = run(repo, "pin", "example-model/iris", f"{image}000000000000{DIGEST}").stderr
    tag = shown.partition("it serves ")[2].strip()
    assert run(repo, "pin", "example-model/iris", tag + DIGEST, "--environment", "staging").exit_code == 0
    done = run(repo, "promote", "example-model/iris", "--from", "staging", "--to", "prod")
    assert (done.exit_code, done.stdout.splitlines()[0]) == (
        0,
        f"tenants/example-model/iris.yaml: prod main is now {tag}{DIGEST}",
    )
    assert run(repo, "render", "-q").exit_code == 0
    assert (repo / "overlays/prod/example-model/models/iris").is_dir()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("pin", "payments/fraud", MAIN), 3, "has no digest"),
        (("pin", "payments/fraud", f"registry.local/payments/other:1{DIGEST}"), 3, 'fraud does not serve "registry'),
        (("pin", "payments/none", MAIN + DIGEST), 2, 'there is no model "payments/none"'),
        (("pin", "payments/fraud", MAIN + DIGEST, "--environment", "moon"), 2, 'not in the environment "moon"'),
        (
            ("promote", "payments/fraud", "--from", "dev", "--to", "staging"),
            3,
            "nothing is pinned for main, canary in dev",
        ),
        (("promote", "payments/fraud", "--from", "prod", "--to", "dev"), 2, "prod does not come before dev"),
        (("pin", "payments/fraud", f"{MAIN}@sha256:short"), 1, "must be an image by digest"),
    ],
    ids=[
        "no digest",
        "another image",
        "no model",
        "no environment",
        "nothing to promote",
        "backwards",
        "half a digest",
    ],
)
def test_what_cannot_be_pinned_is_said_and_nothing_is_written(
    repo: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    done = run(repo, *words)
    assert (done.exit_code, said in done.stderr) == (code, True), done.stderr
    assert (repo / SPEC).read_bytes() == (ROOT / SPEC).read_bytes()
