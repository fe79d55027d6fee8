"""Run gen as people do: in this process where that is enough, as a real program where signals and terminals matter."""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from generator.cli import main

VALID = Path(__file__).parent / "invalid/_valid"
PROGRAM = (sys.executable, "-c", "from generator.cli import main; main(prog_name='gen')")
DIGEST = "registry.local/risk/bentos/fraud@sha256:" + "0b" * 32


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


def gen(root: Path, *words: str, said: str | None = None, env: Mapping[str, str] | None = None) -> Ran:
    """Run gen in a repository; ``said`` is what a person types, ``env`` what is added to the environment."""
    result = CliRunner().invoke(main, ["-C", str(root), *words], input=said, env=env, prog_name="gen")
    return Ran(code=result.exit_code, out=result.stdout, err=result.stderr)


def program(root: Path, *words: str) -> list[str]:
    """Return the words that start gen as a program of its own."""
    return [*PROGRAM, "-C", str(root), *words]


def environment(**added: str) -> dict[str, str]:
    """Return this process's environment, without what decides about colour, with something added."""
    plain = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "GEN_KUSTOMIZE", "TERM"}}
    return {**plain, "PYTHONPATH": str(Path(__file__).parents[1]), **added}


def snapshot(root: Path, *, without: Sequence[str] = (".gen",)) -> dict[str, bytes]:
    """Return every file of a repository by its path."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.relative_to(root).parts[0] not in without
    }


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Make a small valid repository, without trees."""
    root = tmp_path / "repo"
    shutil.copytree(VALID, root)
    return root
