"""Ask a live API server what it would say: a server-side dry run with strict field validation, by kubectl.

Nothing is changed in the cluster. An object whose namespace is not there yet is tried in ``default``: the server
would refuse it for the namespace alone, and say nothing of what is in it.
"""

import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from generator.diag import ToolError
from generator.emit import emit
from generator.tenancy import Object
from generator.verify.law import key, named

TIMEOUT_S = 60
DRY_RUN = (
    "apply",
    "--server-side",
    "--dry-run=server",
    "--validate=strict",
    "--force-conflicts",
    "--field-manager=gen-verify",
    "--filename=-",
)
# What kubectl says when it did not get as far as the object.
UNREACHED = re.compile(
    r"connection to the server|Unable to connect|context .* does not exist|context was not found"
    r"|must be logged in|no configuration has been provided|invalid configuration",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A cluster as kubectl knows it: the program, the context of its configuration, the namespaces that are there."""

    kubectl: Path
    context: str
    namespaces: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What the server has against one object, in its own words."""

    obj: Object
    text: str


def connect(kubectl: Path, context: str) -> Cluster:
    """Return the cluster behind a context.

    Raises:
        ToolError: There is no such context, the server does not answer, or it does not let us in.
    """
    done = _run([str(kubectl), f"--context={context}", "get", "namespaces", "--output=json"], "")
    if done.returncode:
        raise ToolError(f"the cluster behind the context {context} does not answer:\n{_said(done.stderr)}\n  {_HINT}")
    found = frozenset(item["metadata"]["name"] for item in json.loads(done.stdout)["items"])
    return Cluster(kubectl=kubectl, context=context, namespaces=found)


def refusals(cluster: Cluster, objects: Sequence[Object]) -> Iterator[Refusal]:
    """Yield what the server would refuse; asks once for all, and one by one only when something was refused.

    Raises:
        ToolError: The server went away.
    """
    homed = [_homed(cluster, obj) for obj in objects]
    if not _ask(cluster, homed):
        return
    for original, obj in zip(objects, homed, strict=True):
        if text := _ask(cluster, [obj]):
            yield Refusal(obj=original, text=text)


def homeless(cluster: Cluster, objects: Sequence[Object]) -> tuple[str, ...]:
    """Return the namespaces that objects want and the cluster does not have, sorted."""
    wanted = {obj["metadata"].get("namespace", "") for obj in objects}
    return tuple(sorted(wanted - cluster.namespaces - {""}))


def dump(cluster: Cluster, kinds: Sequence[str]) -> tuple[Object, ...]:
    """Return every object of some kinds, in all namespaces.

    Args:
        cluster: The cluster.
        kinds: Full names of resources, such as ``envoyfilters.networking.istio.io``; those that it does not know are
            left out.

    Raises:
        ToolError: The server went away, or does not let us read.
    """
    front = [str(cluster.kubectl), f"--context={cluster.context}"]
    known = _answer(cluster, [*front, "api-resources", "--output=name", "--cached=false"]).split()
    asked = [kind for kind in kinds if kind in known]
    text = _answer(cluster, [*front, "get", ",".join(asked), "--all-namespaces", "--output=json"]) if asked else ""
    return tuple(json.loads(text)["items"]) if text else ()


def _answer(cluster: Cluster, command: list[str]) -> str:
    done = _run(command, "")
    if done.returncode:
        raise ToolError(f"the cluster behind the context {cluster.context} says:\n{_said(done.stderr)}\n  {_HINT}")
    return done.stdout


_HINT = "try it yourself: kubectl --context=NAME get namespaces"


def _homed(cluster: Cluster, obj: Object) -> Object:
    namespace = obj["metadata"].get("namespace")
    if namespace is None or namespace in cluster.namespaces:
        return obj
    return {**obj, "metadata": {**obj["metadata"], "namespace": "default"}}


def _ask(cluster: Cluster, objects: Sequence[Object]) -> str:
    """Return the server's objections, "" if it has none."""
    done = _run([str(cluster.kubectl), f"--context={cluster.context}", *DRY_RUN], "---\n".join(map(emit, objects)))
    if done.returncode == 0:
        return ""
    if UNREACHED.search(done.stderr):
        raise ToolError(f"the cluster behind the context {cluster.context} went away:\n{_said(done.stderr)}\n  {_HINT}")
    return _said(done.stderr) or f"kubectl ended with {done.returncode} over {named(key(objects[0]))}"


def _said(stderr: str) -> str:
    lines = [line for line in stderr.strip().splitlines() if line]
    return "\n".join(re.sub(r'^Error from server \((\w+)\): |error when \w+ing "STDIN": ', "", line) for line in lines)


def _run(command: list[str], text: str) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(  # noqa: S603  # the program is the bundled kubectl or the one the person named
            command, input=text, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except FileNotFoundError:
        raise ToolError(f"there is no kubectl at {command[0]}\n  run gen doctor") from None
    except subprocess.TimeoutExpired:
        raise ToolError(f"the cluster did not answer within {TIMEOUT_S} s\n  {_HINT}") from None
