"""Rules about expectations: that they speak of what there is, and that the grants keep them.

These hold the specs against each other, for a fast answer. The same expectations are held against the rendered
policies by `audit`, where an edit of the trees shows too.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from generator.diag import Mark, quoted
from generator.patch import Spec
from generator.rules.access import grants, operations
from generator.rules.cases import ModelSpec
from generator.rules.rule import Problem, Problems, Rule
from generator.rules.specs import Specs
from generator.rules.words import listed
from generator.wording import choice

EVERY = "*"
METRICS = "metrics"  # what Prometheus may read; no grant names it
NOTHING = "nothing"
KINDS = (("as", "users"), ("group", "groups"), ("client", "clients"), ("workload", "workloads"))
UNNAMED = ("nobody", "stranger", "any workload")  # whom `as` names beside people


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One expectation of one model: what was said, and where."""

    model: ModelSpec
    said: Spec
    mark: Mark

    @property
    def environments(self) -> tuple[str, ...]:
        """Return the environments of the model that it speaks of."""
        return tuple(name for name in self.said.get("in", self.model.tenant.environments) if name in self._own)

    @property
    def _own(self) -> tuple[str, ...]:
        return self.model.tenant.environments

    @property
    def can(self) -> tuple[str, ...]:
        """Return the operations that are expected, () for nothing."""
        return () if self.said["can"] == NOTHING else tuple(self.said["can"])

    @property
    def who(self) -> str:
        """Return the identity in words."""
        return " in group ".join(str(self.said[field]) for field, _ in KINDS if field in self.said)


def expected(specs: Specs) -> Iterator[Expected]:
    """Yield every expectation of every model that it speaks of, the models' own first."""
    for model in specs.models:
        for index, said in enumerate(model.spec.get("expect", ())):
            yield Expected(model=model, said=said, mark=model.mark("expect", index))
    if specs.platform:
        for index, said in enumerate(specs.platform.spec.get("expect", ())):
            for model in specs.models:
                if said["model"] in (EVERY, model.tenant.name, f"{model.tenant.name}/{model.name}"):
                    yield Expected(model=model, said=said, mark=specs.platform.mark("expect", index))


def of_nothing(specs: Specs) -> Problems:
    """Find expectations of models, environments and operations that there are not."""
    for index, said in enumerate(specs.platform.spec.get("expect", ()) if specs.platform else ()):
        known = {EVERY, *specs.tenant, *(f"{m.tenant.name}/{m.name}" for m in specs.models)}
        if specs.platform and said["model"] not in known and _is_whole(specs):
            what = f"there is no model or tenant {quoted(said['model'])}"
            yield specs.platform.mark("expect", index, "model"), what, choice(said["model"], known)
    for model in specs.models:
        for index, said in enumerate(model.spec.get("expect", ())):
            yield from _unknown(model, index, said)


def _unknown(model: ModelSpec, index: int, said: Spec) -> Iterator[Problem]:
    for position, name in enumerate(said.get("in", ())):
        if name not in model.tenant.environments:
            what = f"{model.tenant.name} has no environment {quoted(name)}"
            yield model.mark("expect", index, "in", position), what, choice(name, model.tenant.environments)
    known = {METRICS, *(name for case in model.cases for name in operations(case))}
    for position, name in enumerate(() if said["can"] == NOTHING else said["can"]):
        if name not in known:
            what = f"the model has no operation {quoted(name)}"
            yield model.mark("expect", index, "can", position), what, choice(name, known)


def _is_whole(specs: Specs) -> bool:
    """Say whether every spec that stands in the folders was understood."""
    return len(specs.models) + len(specs.tenants) == sum(
        path.startswith("tenants/") and path.endswith(".yaml") for path in specs.paths
    )


def broken(specs: Specs) -> Problems:
    """Find expectations that the grants do not keep."""
    for one in expected(specs):
        found: dict[tuple[str, str], list[str]] = {}
        for environment in one.environments:
            may = _granted(one, environment)
            known = {name for case in one.model.cases for name in operations(case)}
            for name in sorted({*may, *(name for name in one.can if name in known)}):
                if (name in may) is not (name in one.can):
                    found.setdefault((name, may.get(name, "")), []).append(environment)
        for (name, place), environments in found.items():
            yield _problem(one, name, place, environments)


def _problem(one: Expected, name: str, place: str, environments: list[str]) -> Problem:
    where = f"{one.model.tenant.name}/{one.model.name} in {listed(environments)}"
    if place:
        what = f"{one.who} may {name} at {where}, granted at {place}, and is expected not to"
        return one.mark, what, "take back the grant, or agree on another expectation with its owner"
    what = f"{one.who} may not {name} at {where}, and is expected to"
    return one.mark, what, "grant it, or agree on another expectation with its owner"


def _granted(one: Expected, environment: str) -> dict[str, str]:
    """Return the operations that the grants give to whom the expectation names, each with where."""
    model = one.model
    may: dict[str, str] = {}
    for index, grant in grants(model):
        if environment in grant.get("in", (environment,)) and _names(model, grant, one.said):
            mark = model.mark("access", index)
            may |= {name: f"{mark.file}:{mark.line}" for name in grant.get("can", ("predict",)) if name not in may}
    known = [name for case in model.cases if environment in case.environments for name in operations(case)]
    return {name: place for name, place in may.items() if name in known}


def _names(model: ModelSpec, grant: Spec, said: Spec) -> bool:
    sets = [grant, *(model.tenant.spec.get("callers", {}).get(name, {}) for name in grant.get("callers", ()))]
    token = said.get("as") not in ("nobody", "any workload") and "workload" not in said
    if token and grant.get("anyAuthenticated"):
        return True
    return any(said.get(field) in members.get(plural, ()) for field, plural in KINDS for members in sets)


RULES = (
    Rule(
        id="expectation-of-nothing",
        title="an expectation speaks of a model, an environment and operations that there are",
        why="One that speaks of nothing holds for ever, and whoever relies on it is not protected.",
        todo="Correct the name, or take the expectation out.",
        example="{client: checkout, can: [predikt], in: [prod]}",
        find=of_nothing,
    ),
    Rule(
        id="expectation-broken",
        title="the grants keep what is expected",
        why="An expectation is what an owner wants to stay true when others edit the specs later.",
        todo="Take back the grant, or change the expectation together with whoever owns it.",
        example="{as: eve@corp.example, can: nothing, reason: RISK-7}",
        find=broken,
    ),
)
