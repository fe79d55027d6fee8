"""Files that other tools wrote -> the objects in them, each with the place of its parts.

Unlike specs these may hold anchors, tags, several documents and lists of objects; they are read as kubectl reads them.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any

import yaml

from generator.diag import Diagnostic, Mark, SpecError, ToolError
from generator.document import Path

SELDON = "machinelearning.seldon.io"
VERSIONS = ("v1", "v1alpha2", "v1alpha3")  # one schema, Seldon Core 1.17.1, CRD
POLICIES = ("AuthorizationPolicy", "RequestAuthentication")
ISTIO_SECURITY = "security.istio.io"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FLOAT = r"[-+]?(?:[0-9][0-9]*\.[0-9]*(?:[eE][-+]?[0-9]+)?|\.[0-9]+(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)"


class _Loader(_LOADER):  # type: ignore[misc, valid-type]  # libyaml's or Python's, whichever there is
    """YAML as kubectl's reader takes it: no dates, and no numbers to the base of 60 (go-yaml v2, resolve.go)."""


_FOREIGN = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in known if tag not in _FOREIGN]
    for first, known in _LOADER.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(f"^(?:{_FLOAT})$"), list("-+0123456789."))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^(?:[-+]?[0-9]+|0x[0-9a-fA-F]+|0o[0-7]+)$"), list("-+0123456789")
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Original:
    """One object of a file; ``node`` is what YAML made of it, ``at`` the path in the document for an item of a List."""

    file: str
    data: dict[str, Any]
    node: Any

    def mark(self, path: Path = ()) -> Mark:
        """Return where a part begins: at its key, else at the nearest part that exists."""
        if self.node is None:
            return Mark(self.file)
        node, place = self.node, self.node.start_mark
        for step in path:
            found = _below(node, step)
            if found is None:
                break
            place, node = found
        return Mark(self.file, place.line + 1, place.column + 1)

    @property
    def kind(self) -> str:
        """Return the kind, "" where there is none."""
        return str(self.data.get("kind") or "")

    @property
    def group(self) -> str:
        """Return the API group."""
        return str(self.data.get("apiVersion") or "").rpartition("/")[0]

    @property
    def name(self) -> str:
        """Return the name, "" where there is none."""
        return str(_metadata(self.data).get("name") or "")

    @property
    def namespace(self) -> str:
        """Return the namespace, "" where none is said."""
        return str(_metadata(self.data).get("namespace") or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What the files hold: SeldonDeployments, policies, and the rest by name."""

    deployments: tuple[Original, ...]
    policies: tuple[Original, ...]
    others: tuple[Original, ...]


def read(files: Sequence[File]) -> Read:
    """Return the objects of the files, in their order.

    Raises:
        ToolError: A file cannot be read.
        SpecError: A file is no YAML or JSON.
    """
    return sort(tuple(one for file in files for one in parse(_bytes(file), file.as_posix())))


def sort(found: Sequence[Original]) -> Read:
    """Return the objects by what they are."""
    deployments = tuple(one for one in found if one.kind == "SeldonDeployment" and one.group == SELDON)
    policies = tuple(one for one in found if one.kind in POLICIES and one.group == ISTIO_SECURITY)
    taken = (*deployments, *policies)
    return Read(deployments=deployments, policies=policies, others=tuple(one for one in found if one not in taken))


def parse(text: bytes, file: str) -> tuple[Original, ...]:
    """Return the objects of one file; a List is opened.

    Raises:
        SpecError: It is no YAML or JSON, or holds something that is no object.
    """
    found = [one for data, node in _documents(text, file) for one in _items(data, node, file)]
    for one in found:
        if not isinstance(one.data, dict):
            raise SpecError((Diagnostic(one.mark(), "not-an-object", "this is no object", _KIND),))
    return tuple(found)


_KIND = "give files of Kubernetes objects, as `kubectl get -o yaml` prints them"


def _bytes(file: File) -> bytes:
    try:
        return file.read_bytes()
    except OSError as problem:
        raise ToolError(f"{file} cannot be read: {problem.strerror}\n  name a file that you may read") from None


def _documents(text: bytes, file: str) -> Iterator[tuple[Any, Any]]:
    try:
        loader = _Loader(text)
        while loader.check_node():
            node = loader.get_node()
            data = loader.construct_document(node)
            if data is not None:
                yield data, node
    except yaml.YAMLError as problem:
        whole = _json(text)
        if whole is None:
            mark = getattr(problem, "problem_mark", None)
            where = Mark(file, mark.line + 1, mark.column + 1) if mark else Mark(file)
            what = f"this is neither YAML nor JSON: {getattr(problem, 'problem', None) or problem}"
            raise SpecError((Diagnostic(where, "not-yaml", what, _KIND),)) from None
        yield whole, None


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _items(data: Any, node: Any, file: str) -> Iterator[Original]:
    if isinstance(data, dict) and str(data.get("kind") or "").endswith("List") and isinstance(data.get("items"), list):
        below = _below(node, "items") if node is not None else None
        for index, item in enumerate(data["items"]):
            inner = _below(below[1], index) if below else None
            yield from _items(item, inner[1] if inner else None, file)
    else:
        yield Original(file=file, data=data, node=node)


def _below(node: Any, step: str | int) -> tuple[Any, Any] | None:
    """Return the mark of a part and its node, None where there is none."""
    if isinstance(node, yaml.MappingNode):
        pairs = [(key, value) for key, value in node.value if key.value == step]
        return (pairs[-1][0].start_mark, pairs[-1][1]) if pairs else None
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark, node.value[step]
    return None


def _metadata(data: dict[str, Any]) -> dict[str, Any]:
    metadata = data.get("metadata")
    return metadata if isinstance(metadata, dict) else {}
