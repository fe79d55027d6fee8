"""Rules about names that must exist: environments, issuers, audiences, sinks, callers, predictors, tenants, models."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from generator.diag import Mark, quoted
from generator.names import TENANTS, model_spec, tenant_spec
from generator.rules.cases import Case, ModelSpec, PlatformSpec, TenantSpec
from generator.rules.each import HERE, each_case
from generator.rules.rule import Problem, Problems, Rule
from generator.rules.specs import Specs
from generator.wording import choice

Place = Callable[[], Mark]  # asked only where something is wrong: to find a place costs more than the whole rule


def environments(specs: Specs) -> Problems:
    """Find names of environments that the platform, or the tenant, does not have."""
    if specs.platform is None:
        return
    for name, place in _of_platform(specs.platform):
        if name not in specs.platform.environments:
            yield place(), f"there is no environment {quoted(name)}", choice(name, specs.platform.environments)
    for tenant in specs.tenants:
        for index, name in enumerate(tenant.spec["environments"]):
            if name not in specs.platform.environments:
                what = f"there is no environment {quoted(name)}"
                yield tenant.mark("environments", index), what, choice(name, specs.platform.environments)
        yield from _absent(tenant, _of_tenant(tenant))
    for model in specs.models:
        yield from _absent(model.tenant, _of_model(model))


def _absent(tenant: TenantSpec, named: Iterable[tuple[str, Place]]) -> Iterator[Problem]:
    for name, place in named:
        if name not in tenant.environments:
            todo = choice(name, tenant.environments)
            yield place(), f"tenant {quoted(tenant.name)} has no environment {quoted(name)}", todo


def _of_platform(platform: PlatformSpec) -> Iterator[tuple[str, Place]]:
    if name := platform.spec["build"].get("environment"):
        yield name, partial(platform.mark, "build", "environment")
    for environment, body in platform.environments.items():
        if after := body.get("after"):
            yield after, partial(platform.mark, "environments", environment, "after")
    for index, waiver in enumerate(platform.spec.get("waivers", ())):
        for position, name in enumerate(waiver.get("in", ())):
            yield name, partial(platform.mark, "waivers", index, "in", position)


def _of_tenant(tenant: TenantSpec) -> Iterator[tuple[str, Place]]:
    for name in tenant.spec.get("reviewers", {}):
        if name != "default":
            yield name, partial(tenant.key_mark, "reviewers", name)
    for name in tenant.spec.get("hosts", {}):
        yield name, partial(tenant.key_mark, "hosts", name)


def _of_model(model: ModelSpec) -> Iterator[tuple[str, Place]]:
    for index, grant in enumerate(model.spec.get("access", ())):
        for position, name in enumerate(grant.get("in", ())):
            yield name, partial(model.mark, "access", index, "in", position)
    for name in model.spec.get("environments", {}):
        yield name, partial(model.key_mark, "environments", name)


def order(specs: Specs) -> Problems:
    """Find that the environments are no single line of promotion."""
    if specs.platform is None:
        return
    after = {name: body.get("after", "") for name, body in specs.platform.environments.items()}
    roots = [name for name, before in after.items() if not before]
    for name in roots[1:]:
        what = f"{quoted(name)} comes after no environment, and neither does {quoted(roots[0])}"
        todo = "say which environment it comes after: models are promoted from one to the next"
        yield specs.platform.key_mark("environments", name), what, todo
    for name in after:
        seen = [name]
        while (before := after.get(seen[-1], "")) and before not in seen:
            seen.append(before)
        if before == name and name == min(seen, key=list(after).index):
            what = f"the environments follow each other in a circle: {' after '.join([*seen, name])}"
            yield specs.platform.mark("environments", name, "after"), what, "let one of them come after none"


def issuers(case: Case) -> Problems:
    """Find models that name an issuer which the platform does not have."""
    known = case.model.platform.spec["issuers"]
    if case.issuer not in known:
        what = f"platform.yaml has no issuer {quoted(case.issuer)}"
        yield case.mark("api", "issuer"), what, choice(case.issuer, known)


def audiences(case: Case) -> Problems:
    """Find models that name an audience which their issuer does not give."""
    issuer = case.model.platform.spec["issuers"].get(case.issuer)
    if issuer and (name := case.api.get("audience")) and name not in issuer["audiences"]:
        what = f"the issuer {quoted(case.issuer)} has no audience {quoted(name)} in platform.yaml"
        yield case.mark("api", "audience"), what, choice(name, issuer["audiences"])


def sinks(case: Case) -> Problems:
    """Find logs that go to a sink which the platform does not have."""
    known = case.model.platform.spec.get("sinks", {})
    name = case.spec.get("log", {}).get("sink")
    if name and name not in known:
        yield case.mark("log", "sink"), f"platform.yaml has no sink {quoted(name)}", choice(name, known)


def callers(specs: Specs) -> Problems:
    """Find grants to a set of callers that the tenant does not have."""
    for model in specs.models:
        known = model.tenant.spec.get("callers", {})
        for index, grant in enumerate(model.spec.get("access", ())):
            for position, name in enumerate(grant.get("callers", ())):
                if name not in known:
                    what = f"{tenant_spec(model.tenant.name)} has no callers {quoted(name)}"
                    yield model.mark("access", index, "callers", position), what, choice(name, known)


def predictors(case: Case) -> Problems:
    """Find explainers and pins of a predictor that the model does not have in that environment."""
    known = [slot.name for slot in case.predictors]
    name = case.spec.get("explainer", {}).get("predictor")
    if name and name not in known:
        what = f"the explainer is for the predictor {quoted(name)}, which the model does not have{HERE}"
        yield case.mark("explainer", "predictor"), what, choice(name, known)
    for pin in case.pins:
        if pin.partition("/")[0] not in known:
            what = f"{quoted(pin)} is pinned, and the model has no such predictor{HERE}"
            yield case.key_mark("pins", pin), what, choice(pin, known)


def neighbours(specs: Specs) -> Problems:
    """Find calls to a tenant or a model that does not exist."""
    for tenant in specs.tenants:
        for index, target in enumerate(tenant.spec.get("egress", ())):
            if "model" in target:
                yield from _unknown(specs, target["model"], tenant.mark("egress", index, "model"))


def excused(specs: Specs) -> Problems:
    """Find waivers for a tenant or a model that does not exist."""
    for index, waiver in enumerate(specs.platform.spec.get("waivers", ()) if specs.platform else ()):
        if specs.platform:
            yield from _unknown(specs, waiver["on"], specs.platform.mark("waivers", index, "on"))


def _unknown(specs: Specs, name: str, mark: Mark) -> Iterator[Problem]:
    tenant, _, model = name.partition("/")
    if f"{TENANTS}/{tenant}" not in specs.paths:
        yield mark, f"there is no tenant {quoted(tenant)}", choice(tenant, specs.tenant)
    elif model and model_spec(tenant, model) not in specs.paths:
        known = [m.name for m in specs.models if m.tenant.name == tenant]
        yield mark, f"tenant {quoted(tenant)} has no model {quoted(model)}", choice(model, known)


RULES = (
    Rule(
        id="unknown-environment",
        title="an environment that a spec names exists in platform.yaml, and the tenant has it",
        why="A grant, a patch or a pin for an environment that is not there changes nothing and looks as if it did.",
        todo="Correct the name, or add the environment to platform.yaml and to the tenant.",
        example="{clients: [checkout], in: [production]}",
        find=environments,
    ),
    Rule(
        id="environment-order",
        title="environments form a tree of promotion with one beginning",
        why="Images are built in one environment and promoted from there; `gen promote` needs to know the way.",
        todo="Say with `after` which environment each one follows; exactly one follows none.",
        example="after: prod",
        find=order,
    ),
    Rule(
        id="unknown-issuer",
        title="a model's issuer is one that platform.yaml has",
        why="Only the platform decides whose tokens are believed.",
        todo="Correct the name; leave it out for the default issuer.",
        example="api: {issuer: corporate}",
        find=each_case(issuers),
    ),
    Rule(
        id="unknown-audience",
        title="a model's audience is one that its issuer has in platform.yaml",
        why="The gateway accepts only tokens for the audiences of platform.yaml; no caller could get through.",
        todo="Correct the name, or ask the platform's owners to add the audience.",
        example="api: {protocol: v2, audience: frauds}",
        find=each_case(audiences),
    ),
    Rule(
        id="unknown-sink",
        title="a log goes to a sink that platform.yaml has",
        why="Payloads are personal data; where they may go is decided in one place.",
        todo="Correct the name, or ask the platform's owners to add the sink.",
        example="log: {mode: request, sink: audits}",
        find=each_case(sinks),
    ),
    Rule(
        id="unknown-callers",
        title="a set of callers that a grant names exists in tenant.yaml",
        why="Nobody would be admitted by it.",
        todo="Correct the name, or add the set to tenant.yaml.",
        example="{callers: [crn], can: [predict, feedback]}",
        find=callers,
    ),
    Rule(
        id="unknown-predictor",
        title="explainers and pins are for predictors that the model has in that environment",
        why="An explainer without its predictor never becomes ready; a pin without one is an image that nobody serves.",
        todo="Correct the name; take the explainer out where its predictor is taken out.",
        example="predictor: mian",
        find=each_case(predictors),
    ),
    Rule(
        id="unknown-model",
        title="a tenant or model that a tenant calls exists",
        why="The door to it would lead nowhere.",
        todo="Correct the name, written `tenant/model`.",
        example="{model: payments/frauds}",
        find=neighbours,
        across=True,
    ),
    Rule(
        id="waiver-for-nobody",
        title="a waiver is for a tenant or a model that exists",
        why="A waiver that outlives what it excused would excuse the next one of that name.",
        todo="Correct the name, or take the waiver out.",
        example="on: grwth",
        find=excused,
        across=True,
    ),
)
