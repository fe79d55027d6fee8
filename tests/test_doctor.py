"""gen doctor: what is there, what is missing, and only what every command needs decides the exit code."""

import json
from pathlib import Path

from command import gen, repo

from generator import __version__
from generator.doctor import PACKAGES

__all__ = ["repo"]


def test_everything_that_gen_needs_is_looked_at(repo: Path) -> None:
    ran = gen(repo, "doctor", "--format", "json")
    found = {one["what"]: one for one in json.loads(ran.out)}
    assert (ran.code, ran.err) == (0, "")
    assert {"gen", "Python", "libyaml", "Kustomize", "repository", *PACKAGES} <= found.keys()
    assert found["gen"]["found"] == __version__
    assert found["Kustomize"]["found"].startswith("5.")
    assert found["repository"]["found"] == str(repo)


def test_the_text_has_a_line_for_each_and_no_action_where_all_is_well(repo: Path) -> None:
    ran = gen(repo, "doctor")
    assert len(ran.out.splitlines()) == len(json.loads(gen(repo, "doctor", "--format", "json").out))


def test_a_kustomize_that_is_not_there_is_said_with_what_to_do_and_exit_3(repo: Path) -> None:
    ran = gen(repo, "doctor", "--kustomize", "/nowhere/kustomize")
    assert ran.code == 3
    assert (
        'Kustomize            there is no program "/nowhere/kustomize"\n'
        "                     name a kustomize or kubectl program, or unset GEN_KUSTOMIZE to use the bundled one\n"
    ) in ran.out


def test_outside_a_repository_it_says_where_it_looked_and_does_not_fail(tmp_path: Path) -> None:
    ran = gen(tmp_path, "doctor")
    assert ran.code == 0
    assert ran.out.endswith(
        f"repository           no platform.yaml in {tmp_path} or above\n"
        "                     change into a repository of model APIs, or name one with -C\n"
    )
