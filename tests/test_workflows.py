"""The workflows and what they run: actions pinned, no rights, limits on time, and the README's commands."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from generator.cli import COMMANDS, main

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text()
README = (ROOT / "README.md").read_text()


def load(path: Path) -> dict[str, Any]:
    """Read a workflow; YAML 1.1 takes its key `on` for true."""
    data: dict[str, Any] = yaml.safe_load(path.read_text())
    return data


def jobs() -> list[Any]:
    return [
        pytest.param(job, id=f"{path.stem}-{name}") for path in WORKFLOWS for name, job in load(path)["jobs"].items()
    ]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_has_no_rights_but_those_that_a_job_asks_for(path: Path) -> None:
    assert load(path)["permissions"] == {}


@pytest.mark.parametrize("job", jobs())
def test_a_job_has_a_limit_of_time_and_reads_only(job: dict[str, Any]) -> None:
    assert 0 < job["timeout-minutes"] <= 120
    assert job["permissions"] in ({}, {"contents": "read"})
    assert job["runs-on"] == "ubuntu-24.04"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_its_commit_with_the_version_beside_it(path: Path) -> None:
    uses = [line for line in path.read_text().splitlines() if "uses:" in line]
    assert uses
    for line in uses:
        assert re.search(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


@pytest.mark.parametrize("job", jobs())
def test_a_checkout_leaves_no_credentials_behind(job: dict[str, Any]) -> None:
    checkouts = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
    assert [step["with"]["persist-credentials"] for step in checkouts] == [False] * len(checkouts)


@pytest.mark.parametrize("job", jobs())
def test_no_step_puts_what_others_write_into_a_shell(job: dict[str, Any]) -> None:
    assert not [step for step in job["steps"] if "${{" in step.get("run", "")]


def test_every_gen_command_in_workflows_readme_and_ci_is_one() -> None:
    texts = [README, (ROOT / ".ci/run").read_text(), *(path.read_text() for path in WORKFLOWS)]
    named = [word for text in texts for word in re.findall(r"(?m)^\s*(?:run: |\.venv/bin/|\$ )?gen ([a-z]+)\b", text)]
    assert len(named) > 10
    assert sorted(set(named) - set(COMMANDS)) == []


def test_every_option_that_the_readme_shows_is_one() -> None:
    for command, rest in re.findall(r"(?m)^gen ([a-z]+)(.*)$", README):
        shown = CliRunner().invoke(main, [command, "--help"]).stdout
        for option in re.findall(r"(?<!\S)--[a-z-]+", rest.partition("#")[0]):
            assert option in shown, f"gen {command} has no {option}"


def test_the_readme_names_every_command() -> None:
    table = README.partition("## Commands")[2].partition("\n## ")[0]
    assert [name for name in COMMANDS if f"`gen {name}" not in table] == []


@pytest.mark.parametrize(
    "target", sorted(set(re.findall(r"(?m)^make ([a-z]+)", README + (ROOT / ".ci/run").read_text())))
)
def test_every_make_target_that_is_named_exists(target: str) -> None:
    assert re.search(rf"(?m)^{target}:", MAKEFILE)


def test_the_dependencies_of_the_project_are_all_held_to_a_version() -> None:
    held = {
        line.partition("==")[0].lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text().split()
    }
    pins = re.findall(r'"([A-Za-z0-9_-]+)==', (ROOT / "pyproject.toml").read_text())
    assert len(pins) > 15
    assert sorted({pin.lower().replace("_", "-") for pin in pins} - held) == []


@pytest.mark.parametrize("page", sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")}), ids=lambda path: path.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
