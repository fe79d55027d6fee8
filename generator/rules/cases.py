"""A platform, a tenant, a model as their files say it, and what the patches make of a model in each environment.

A path here begins below ``spec``: ``model.mark("access", 0)`` is where the first grant stands.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from generator.diag import Mark
from generator.document import Document, Path
from generator.patch import Spec, merge

DEFAULT_PREDICTOR = "main"


@dataclass(frozen=True, kw_only=True, eq=False)
class PlatformSpec:
    """platform.yaml."""

    document: Document

    @property
    def spec(self) -> Spec:
        """Return what stands under ``spec``."""
        return _spec(self.document)

    @cached_property
    def environments(self) -> dict[str, Spec]:
        """Return the environments by name, in the order of the file."""
        return {name: body or {} for name, body in self.spec["environments"].items()}

    @cached_property
    def default_issuer(self) -> str:
        """Return the name of the first issuer that calls itself the default, else of the first; "" without issuers."""
        issuers: Spec = self.spec["issuers"]
        return next((name for name, body in issuers.items() if body.get("default")), next(iter(issuers), ""))

    @property
    def build_environment(self) -> str:
        """Return the environment in which images are built; by default the first."""
        return str(self.spec["build"].get("environment", next(iter(self.environments), "")))

    @property
    def has_build_environment(self) -> bool:
        """Say whether the environment in which images are built is one of the platform's."""
        return self.build_environment in self.environments

    def requires(self, environment: str) -> Spec:
        """Return what an environment requires."""
        required: Spec = self.environments.get(environment, {}).get("require") or {}
        return required

    def forbids(self, environment: str, what: str) -> bool:
        """Say whether an environment forbids something: anyAuthenticated, egressAnyAddress, imageTags."""
        return what in self.environments.get(environment, {}).get("forbid", ())

    def mark(self, *path: str | int) -> Mark:
        """Return where the value at ``path`` below ``spec`` stands."""
        return self.document.value_mark(("spec", *path))

    def key_mark(self, *path: str | int) -> Mark:
        """Return where the key at ``path`` below ``spec`` stands."""
        return self.document.key_mark(("spec", *path))


@dataclass(frozen=True, kw_only=True, eq=False)
class TenantSpec:
    """tenants/<tenant>/tenant.yaml; ``name`` is the folder's."""

    name: str
    document: Document
    platform: PlatformSpec

    @property
    def spec(self) -> Spec:
        """Return what stands under ``spec``."""
        return _spec(self.document)

    @cached_property
    def environments(self) -> tuple[str, ...]:
        """Return the tenant's environments that the platform has, in the order of the tenant's file."""
        return tuple(name for name in self.spec["environments"] if name in self.platform.environments)

    @property
    def builds(self) -> bool:
        """Say whether gen builds images for the tenant: its builder is not external, and has an environment here."""
        build = self.platform.spec["build"]
        return build.get("engine") != "external" and self.platform.build_environment in self.environments

    @property
    def pod_security(self) -> str:
        """Return the Pod Security level of the tenant's namespaces."""
        return str(self.spec.get("podSecurity", "restricted"))

    def mark(self, *path: str | int) -> Mark:
        """Return where the value at ``path`` below ``spec`` stands."""
        return self.document.value_mark(("spec", *path))

    def key_mark(self, *path: str | int) -> Mark:
        """Return where the key at ``path`` below ``spec`` stands."""
        return self.document.key_mark(("spec", *path))


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelSpec:
    """tenants/<tenant>/<model>.yaml; ``name`` is the file's."""

    name: str
    document: Document
    tenant: TenantSpec

    @property
    def spec(self) -> Spec:
        """Return what stands under ``spec``."""
        return _spec(self.document)

    @property
    def platform(self) -> PlatformSpec:
        """Return the platform that the model is served on."""
        return self.tenant.platform

    @cached_property
    def cases(self) -> "tuple[Case, ...]":
        """Return the different things that the model is: unpatched, then in each environment that patches it.

        The first is there even if every environment patches it: base/ is rendered from it.
        """
        patches: Spec = self.spec.get("environments") or {}
        names = self.tenant.environments
        plain = tuple(name for name in names if not patches.get(name))
        cases = [Case(model=self, environments=plain, patch=None)]
        cases += [Case(model=self, environments=(n,), patch=n) for n in names if n not in plain]
        return tuple(cases)

    def mark(self, *path: str | int) -> Mark:
        """Return where the value at ``path`` below ``spec`` stands."""
        return self.document.value_mark(("spec", *path))

    def key_mark(self, *path: str | int) -> Mark:
        """Return where the key at ``path`` below ``spec`` stands."""
        return self.document.key_mark(("spec", *path))


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """A model as it is in some of its environments: in those that do not patch it, or in the one that does."""

    model: ModelSpec
    environments: tuple[str, ...]
    patch: str | None

    @cached_property
    def spec(self) -> Spec:
        """Return the model's spec with the environment's patch."""
        spec = self.model.spec
        return spec if self.patch is None else merge(spec, spec["environments"][self.patch])

    @property
    def api(self) -> Spec:
        """Return what the model says of its API here."""
        api: Spec = self.spec.get("api", {})
        return api

    @cached_property
    def protocol(self) -> str:
        """Return what clients speak."""
        return str(self.api.get("protocol", "bento"))

    @property
    def issuer(self) -> str:
        """Return the name of the issuer whose tokens are taken."""
        return str(self.api.get("issuer", self.model.platform.default_issuer))

    @cached_property
    def predictors(self) -> "tuple[Slot, ...]":
        """Return the predictors, in the order of the file."""
        named: dict[str, Spec] = self.spec.get("predictors") or ({DEFAULT_PREDICTOR: {}} if self._unnamed else {})
        return tuple(Slot(case=self, name=name, spec=merge(self.spec, body)) for name, body in named.items())

    @property
    def _unnamed(self) -> bool:
        return "predictors" not in self.spec

    @cached_property
    def executor_for(self) -> str:
        """Return what Seldon's executor is needed for here, "" where callers reach the one node straight."""
        if self.protocol == "bento":
            return ""
        if self.protocol == "seldon":
            return "protocol seldon"
        if self.spec.get("log"):
            return "the request log"
        return "a graph of several nodes" if any(len(slot.nodes) > 1 for slot in self.predictors) else ""

    @property
    def pins(self) -> Spec:
        """Return the images that this environment pins, by predictor."""
        pins: Spec = self.spec.get("pins") or {}
        return pins

    def has(self, *path: str | int) -> bool:
        """Say whether the case has a value at ``path``."""
        value: Any = self.spec
        for part in path:
            if not isinstance(value, dict) or part not in value:
                return False
            value = value[part]
        return True

    def mark(self, *path: str | int) -> Mark:
        """Return where the value at ``path`` was said last: in the environment's patch, else in the model."""
        return self.model.document.value_mark(self._path(path))

    def key_mark(self, *path: str | int) -> Mark:
        """Return where the key at ``path`` was said last."""
        return self.model.document.key_mark(self._path(path))

    def _path(self, path: Path, *fronts: Path) -> Path:
        own: list[Path] = [("spec",)] if self.patch is None else [("spec", "environments", self.patch), ("spec",)]
        below = [(*front, *name) for name in fronts for front in own]
        candidates = [(*front, *path) for front in (*below, *own)]
        return next((c for c in candidates if self.model.document.has(c)), candidates[-1])


@dataclass(frozen=True, kw_only=True, eq=False)
class Slot:
    """One predictor of a case; ``spec`` is the model's with the environment's and the predictor's patches."""

    case: Case
    name: str
    spec: Spec

    @property
    def model(self) -> ModelSpec:
        """Return the model."""
        return self.case.model

    @cached_property
    def nodes(self) -> dict[str, Spec]:
        """Return the nodes by name; a model without ``nodes`` is one node, named like the model."""
        nodes: dict[str, Spec] = self.spec.get("nodes") or {self.model.name: self.spec}
        return nodes

    @cached_property
    def is_graph(self) -> bool:
        """Say whether the model names its nodes."""
        return bool(self.spec.get("nodes"))

    def node_path(self, node: str) -> Path:
        """Return the path of a node below the predictor's spec."""
        return ("nodes", node) if self.is_graph else ()

    @cached_property
    def runs(self) -> tuple[tuple[str, Path, Spec], ...]:
        """Return node, path and ``run`` of every node that is a container."""
        found = ((name, (*self.node_path(name), "run"), node.get("run")) for name, node in self.nodes.items())
        return tuple((name, path, run) for name, path, run in found if run)

    def mark(self, *path: str | int) -> Mark:
        """Return where the value at ``path`` was said last: predictor's patches, environment's patch, model."""
        return self.model.document.value_mark(self._path(path))

    def key_mark(self, *path: str | int) -> Mark:
        """Return where the key at ``path`` was said last."""
        return self.model.document.key_mark(self._path(path))

    def says(self, *path: str | int) -> bool:
        """Say whether the file has a value at ``path``, in a patch or in the model, even if it is taken out again."""
        return self.model.document.has(self._path(path))

    def name_mark(self) -> Mark:
        """Return where the predictor is named; where the model is, if it names no predictors."""
        if "predictors" in self.case.spec:
            return self.case.key_mark("predictors", self.name)
        return self.model.document.value_mark(("metadata", "name"))

    def _path(self, path: Path) -> Path:
        return self.case._path(path, ("predictors", self.name))  # noqa: SLF001  # both are the same lookup


def _spec(document: Document) -> Spec:
    spec: Spec = document.data["spec"]
    return spec
