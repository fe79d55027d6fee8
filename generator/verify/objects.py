"""Objects against the schemas of their kinds; a field that the schema does not name is an error."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from generator.diag import Diagnostic, Mark, ToolError
from generator.names import object_file
from generator.tenancy import Object
from generator.verify import crd
from generator.verify.law import key, named

# API groups of Kubernetes itself; the suffix .k8s.io alone would take in CRDs of its special interest groups.
OWN = ("", "apps", "autoscaling", "batch", "networking.k8s.io", "policy", "rbac.authorization.k8s.io")


@dataclass(frozen=True, kw_only=True)
class Checker:
    """The schemas at hand: Kubernetes' own of one version ("" without the package), and those of a folder of CRDs."""

    kubernetes: str
    custom: Mapping[tuple[str, str], Any]  # (apiVersion, kind) -> validator

    def check(self, folder: str, objects: Sequence[Object]) -> Iterator[Diagnostic]:
        """Yield what the schemas have against the objects of an overlay."""
        for obj in objects:
            for path, problem in self._problems(obj):
                what = f"{named(key(obj))}: {path or 'the object'}: {problem}"
                todo = "run gen render; if it stays, this is a bug of gen: report it"
                yield Diagnostic(Mark(f"{folder}/{object_file(obj)}"), "object-schema", what, todo)

    def count(self, folders: Iterable[Sequence[Object]]) -> int:
        """Return how many of the objects have a schema here."""
        return sum(self._knows(obj) for objects in folders for obj in objects)

    def left_out(self, folders: Iterable[Sequence[Object]]) -> tuple[str, ...]:
        """Return the kinds that no schema here speaks of, sorted, with what would bring one."""
        unknown = sorted({(_group(o), o["kind"]) for objects in folders for o in objects if not self._knows(o)})
        own = [kind for group, kind in unknown if group in OWN]
        custom = [kind for group, kind in unknown if group not in OWN]
        return (
            *([f"schemas of {', '.join(own)}: pip install 'modelapi-gen[verify]'"] if own else []),
            *([f"schemas of {', '.join(custom)}: give their CRDs with --crds DIR, or ask a cluster"] if custom else []),
        )

    def _knows(self, obj: Object) -> bool:
        return bool(self.kubernetes) if _group(obj) in OWN else (obj["apiVersion"], obj["kind"]) in self.custom

    def _problems(self, obj: Object) -> Iterator[tuple[str, str]]:
        if not self._knows(obj):
            return
        if _group(obj) in OWN:
            yield from _own_problems(obj, self.kubernetes)
            return
        for error in self.custom[obj["apiVersion"], obj["kind"]].iter_errors(obj):
            yield ".".join(map(str, error.instance_path)), error.message


@cache
def checker(crds: Path | None, kubernetes: str) -> Checker:
    """Return the checker for a version of Kubernetes and a folder of CRDs.

    Raises:
        ToolError: The folder is not there or broken, or the package has no schemas of that version.
    """
    from jsonschema_rs import Draft202012Validator  # noqa: PLC0415  # costs 24 ms that only verify needs

    found = crd.schemas(crds) if crds else {}
    return Checker(
        kubernetes=_known(kubernetes) if find_spec("kubernetes_validate") else "",
        custom={which: Draft202012Validator(schema) for which, schema in found.items()},
    )


def _group(obj: Object) -> str:
    return str(obj["apiVersion"]).rpartition("/")[0]


def _own_problems(obj: Object, version: str) -> Iterator[tuple[str, str]]:
    import kubernetes_validate as kubernetes  # noqa: PLC0415  # an extra; 70 ms

    try:
        kubernetes.validate(obj, version, strict=True)
    except kubernetes.ValidationError as problem:
        yield ".".join(map(str, problem.path)), problem.message
    except kubernetes.SchemaNotFoundError as problem:
        yield "kind", problem.message


def _known(version: str) -> str:
    """Return the version if there are schemas of it; the package itself takes an older one's without a word."""
    from kubernetes_validate.utils import all_versions  # noqa: PLC0415  # an extra; 70 ms

    minors = list(dict.fromkeys(".".join(one.split(".")[:2]) for one in all_versions()))
    if ".".join(version.split(".")[:2]) in minors:
        return version
    raise ToolError(
        f"kubernetes-validate has schemas of Kubernetes {minors[0]} to {minors[-1]}, and platform.yaml says {version}\n"
        "  write the version that your clusters have, or install a kubernetes-validate that knows it"
    )
