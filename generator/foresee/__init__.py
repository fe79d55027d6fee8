"""What the Seldon operator would make of every model, said before the cluster sees it.

The rules refuse what a spec must not say; this is the net below them. It builds a model's SeldonDeployment, asks the
operator's webhook and the catalogue of traps, and points at the line of the spec that the answer is about. A model
that passes the rules falls into it only by its size or by a parameter, see docs/seldon-rules.md; everything else that
is caught here is a mistake of gen's own builders.

A SeldonDeployment takes about a millisecond, so models that differ in names of images alone are asked about once.
"""

import json
from collections.abc import Iterator
from typing import Any

from generator import resolve
from generator.build import seldon
from generator.build.operator import settings_of
from generator.diag import Diagnostic, Mark, Severity, ordered
from generator.foresee.places import Place, mark_of
from generator.foresee.words import BY_DESIGN, Meant, todo_for
from generator.rules.cases import Case, ModelSpec
from generator.rules.specs import Specs
from generator.rules.words import listed
from generator.seldon import traps, webhook
from generator.seldon.settings import OperatorSettings
from generator.seldon.verdict import Outcome, Verdict
from generator.tenancy import Object, Platform, Tenant

PREFIX = "seldon-"  # of every id: the rules about specs have ids like `traffic-sum` of their own
# A model that could come near the 128 KiB of one variable is never taken for another: characters of its spec times
# nodes, far below what makes a variable that long.
_SMALL = 20_000
# Of the first the operator is told nothing; the others are single values that nothing depends on. What is a mapping
# may be somebody's node of that name.
_UNHEARD = ("access", "owner", "data", "cpu", "memory", "timeout", "startup", "workers", "cpuPercent")
_NAMES = ("image", "bento", "modelUri")  # of a run: only that they are there

__all__ = ["PREFIX", "Meant", "find", "judge", "severity_of", "shape", "text_of", "todo_for"]


def find(specs: Specs, platform: Platform) -> tuple[Diagnostic, ...]:
    """Return what the operator would refuse, fail at or get wrong, sorted; the specs have passed every rule."""
    settings = settings_of(platform)
    tenants = {spec.name: resolve.tenant(spec.document.data, platform) for spec in specs.tenants}
    seen: set[str] = set()
    found: list[Diagnostic] = []
    for model in specs.models:
        known = shape(model)
        if known in seen:
            continue
        said = list(_of_model(model, platform, tenants[model.tenant.name], settings))
        found += said
        if known and not said:
            seen.add(known)
    return ordered(found)


def judge(deployment: Object, settings: OperatorSettings) -> list[Verdict]:
    """Return what webhook and traps say of a SeldonDeployment, without what gen causes on purpose."""
    refused = webhook.verdicts(deployment, settings)
    return [one for one in (*refused, *traps.traps(deployment, settings)) if not _is_meant(one)]


def severity_of(verdict: Verdict) -> Severity:
    """Return how bad it is: what works at a cost is a notice."""
    return Severity.NOTICE if verdict.outcome is Outcome.NOTED else Severity.ERROR


def text_of(verdict: Verdict, here: str = "") -> str:
    """Return what is wrong and what the operator would do, in one line; ``here``: " in dev and prod" or ""."""
    return f"{verdict.message}{here}: {verdict.consequence}"


def _of_model(model: ModelSpec, platform: Platform, tenant: Tenant, settings: OperatorSettings) -> Iterator[Diagnostic]:
    environments: dict[tuple[Mark, Verdict], list[str]] = {}
    for case in model.cases:
        deployment = _built(case, platform, tenant)
        for verdict in judge(deployment, settings) if deployment else ():
            key = (mark_of(Place(case=case, deployment=deployment, path=verdict.path)), verdict)
            environments.setdefault(key, []).extend(case.environments)
    for (mark, verdict), names in environments.items():
        here = "" if len(names) == len(model.tenant.environments) else f" in {listed(names)}"
        todo = todo_for(verdict.rule)
        yield Diagnostic(mark, PREFIX + verdict.rule, text_of(verdict, here), todo, severity_of(verdict))


def _built(case: Case, platform: Platform, tenant: Tenant) -> Object:
    """Return the SeldonDeployment of a case, {} where no environment of the tenant has it.

    One environment stands for all that do not patch the model: they differ in host, pins and replicas.
    """
    if not case.environments:
        return {}
    place = resolve.place(platform, tenant, case.environments[0])
    (deployment,) = seldon.build(resolve.model(case.model.document.data, place))
    return deployment


def shape(model: ModelSpec) -> str:
    """Return a text that is the same for models which only differ in names of images; "" for a model too large."""
    text = json.dumps(_bare(model.spec))
    nodes = max(1, text.count('"run"'))
    return f"{model.tenant.environments}{text}" if len(text) * nodes < _SMALL else ""


def _bare(spec: Object) -> Object:
    return {key: _heard(value) for key, value in spec.items() if isinstance(value, dict) or key not in _UNHEARD}


def _heard(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if any(isinstance(value.get(key), str) for key in ("image", "bento", "server")):
        return {key: "" if key in _NAMES else item for key, item in value.items() if key != "source"}
    if value and all(isinstance(item, str) and "@sha256:" in item for item in value.values()):
        return {}  # pins
    return _bare(value)


def _is_meant(verdict: Verdict) -> bool:
    return any(verdict.rule == one.rule and one.about in verdict.message for one in BY_DESIGN)
