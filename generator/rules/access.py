"""Rules about grants: that they name somebody real, something there is to do, and nobody by accident."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from generator.diag import Mark, quoted
from generator.patch import Spec
from generator.rules.cases import Case, ModelSpec
from generator.rules.each import each_case
from generator.rules.guard import Breach, guarded
from generator.rules.rule import Problem, Problems, Rule
from generator.rules.specs import Specs
from generator.rules.words import listed
from generator.wording import choice

# What can be granted by protocol; under bento the names of api.routes. "explain" comes with an explainer.
# Source: Seldon Core 1.17.1, executor/api/rest/server.go. `resolve` says which paths these are.
OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "seldon": ("feedback", "metadata", "predict"),
    "v2": ("metadata", "predict"),
    "tensorflow": ("metadata", "predict"),
}
ROUTES: Mapping[str, tuple[str, ...]] = {"predict": ("/predict",)}
EVERYBODY = ("users", "groups", "clients")  # callers with a token, whom anyAuthenticated admits anyway
SHARED_ACCOUNT = "default"  # the ServiceAccount of every pod that names none

Place = Callable[[], Mark]  # asked only where something is wrong: to find a place costs more than the whole rule


def operations(case: Case) -> tuple[str, ...]:
    """Return the names of what a model can be asked to do."""
    if case.protocol == "bento":
        names = tuple(case.api.get("routes", ROUTES))
    else:
        feedback = ("feedback",) if case.protocol == "tensorflow" and case.executor_for else ()
        names = (*OPERATIONS[case.protocol], *feedback)
    return (*names, "explain") if case.spec.get("explainer") and case.protocol != "bento" else names


def grants(model: ModelSpec) -> Iterator[tuple[int, Spec]]:
    """Yield the grants with their place in the list."""
    yield from enumerate(model.spec.get("access", ()))


def unknown_operations(specs: Specs) -> Problems:
    """Find grants of what the model can do in none of the environments of the grant."""
    for model in specs.models:
        known = {name: operations(case) for case in model.cases for name in case.environments}
        for index, grant in grants(model):
            here = [name for name in grant.get("in", model.tenant.environments) if name in known]
            for position, name in enumerate(grant.get("can", ("predict",))):
                if here and not any(name in known[environment] for environment in here):
                    mark = model.mark("access", index, *(("can", position) if "can" in grant else ()))
                    where = f" in {listed(here)}" if "in" in grant else ""
                    todo = _instead(_case(model, here[0]), name)
                    yield mark, f"the model has no operation {quoted(name)}{where}", todo


def _case(model: ModelSpec, environment: str) -> Case:
    return next(case for case in model.cases if environment in case.environments)


def _instead(case: Case, name: str) -> str:
    if name == "explain" and case.protocol != "bento":
        return "add an explainer, or take the operation out"
    if case.protocol == "bento" and name in ("explain", "feedback", "metadata"):
        protocol = "v2" if name == "explain" else "seldon"
        return f"write api: {{protocol: {protocol}}}, or add {name} to api.routes"
    return choice(name, operations(case))


def forbidden_anyone(specs: Specs) -> Iterator[Breach]:
    """Find grants to any caller where the environment forbids them."""
    for model in specs.models:
        for index, grant in grants(model):
            for name in grant.get("in", model.tenant.environments) if grant.get("anyAuthenticated") else ():
                if name in model.tenant.environments and model.platform.forbids(name, "anyAuthenticated"):
                    what = f"anyAuthenticated admits whoever has a token, which {name} forbids"
                    todo = "name users, groups or clients, or narrow the grant to other environments by in"
                    yield Breach(model.mark("access", index, "anyAuthenticated"), what, todo, model, name)


def no_effect(specs: Specs) -> Problems:
    """Find callers whom a grant names although it admits everybody."""
    for model in specs.models:
        for index, grant in grants(model):
            for field in EVERYBODY if grant.get("anyAuthenticated") else ():
                if field in grant:
                    what = f"{field} changes nothing beside anyAuthenticated, which admits whoever has a token"
                    yield model.key_mark("access", index, field), what, "keep one of the two"


def twice(specs: Specs) -> Problems:
    """Find grants that say what another said."""
    for model in specs.models:
        first: dict[str, int] = {}
        for index, grant in grants(model):
            said = {key: sorted(value) if isinstance(value, list) else value for key, value in sorted(grant.items())}
            other = first.setdefault(str({k: v for k, v in said.items() if k not in ("reason", "until")}), index)
            if other != index:
                what = f"this grant says the same as another: first at {model.mark('access', other)}"
                yield model.mark("access", index), what, "keep one of them"


def upper_case(specs: Specs) -> Problems:
    """Find e-mail addresses that are not in lower case."""
    for place, user in _users(specs):
        if user != user.lower():
            yield place(), f"the address {quoted(user)} has capital letters", f"write {user.lower()}"


def domains(case: Case) -> Problems:
    """Find users whom the model's issuer does not vouch for."""
    model = case.model
    known = model.platform.spec["issuers"].get(case.issuer, {}).get("userDomains", ())
    if not known:
        return
    for index, grant in grants(model):
        for position, user in enumerate(grant.get("users", ())):
            if user.rpartition("@")[2].lower() not in known:
                what = f"the issuer {quoted(case.issuer)} has no users of {quoted(user.rpartition('@')[2])}"
                yield model.mark("access", index, "users", position), what, _domain(known)


def domains_of_sets(specs: Specs) -> Problems:
    """Find users in a tenant's sets of callers whom no issuer vouches for."""
    if specs.platform is None:
        return
    issuers = specs.platform.spec["issuers"].values()
    known = [domain for issuer in issuers for domain in issuer.get("userDomains", ())]
    if not all(issuer.get("userDomains") for issuer in issuers):
        return
    for tenant in specs.tenants:
        for name, members in tenant.spec.get("callers", {}).items():
            for position, user in enumerate(members.get("users", ())):
                if user.rpartition("@")[2].lower() not in known:
                    what = f"no issuer has users of {quoted(user.rpartition('@')[2])}"
                    yield tenant.mark("callers", name, "users", position), what, _domain(known)


def _domain(known: list[str]) -> str:
    return f"use an address of {', '.join(sorted(known))}"


def _users(specs: Specs) -> Iterator[tuple[Place, str]]:
    for tenant in specs.tenants:
        for name, members in tenant.spec.get("callers", {}).items():
            for position, user in enumerate(members.get("users", ())):
                yield partial(tenant.mark, "callers", name, "users", position), user
    for model in specs.models:
        for index, grant in grants(model):
            for position, user in enumerate(grant.get("users", ())):
                yield partial(model.mark, "access", index, "users", position), user


def crowds(specs: Specs) -> Problems:
    """Find workloads that stand for many: the gateway, and accounts that a whole namespace shares."""
    gateway = specs.platform.spec["mesh"]["gateway"]["serviceAccount"] if specs.platform else ""
    for place, workload in _workloads(specs):
        if workload == gateway:
            what = f"{quoted(workload)} is the gateway: this admits everybody outside, with or without a token"
            yield place(), what, "name users, groups or clients: that is who calls through the gateway"
        elif workload.endswith(f"/{SHARED_ACCOUNT}"):
            what = f"{quoted(workload)} is the account of every pod that names none: this admits a whole namespace"
            yield place(), what, "give the calling pods a ServiceAccount of their own, and name that"


def _workloads(specs: Specs) -> Iterator[tuple[Place, str]]:
    for tenant in specs.tenants:
        for name, members in tenant.spec.get("callers", {}).items():
            for position, workload in enumerate(members.get("workloads", ())):
                yield partial(tenant.mark, "callers", name, "workloads", position), workload
    for model in specs.models:
        for index, grant in grants(model):
            for position, workload in enumerate(grant.get("workloads", ())):
                yield partial(model.mark, "access", index, "workloads", position), workload


def _both(specs: Specs) -> Iterator[Problem]:
    yield from each_case(domains)(specs)
    yield from domains_of_sets(specs)


RULES = (
    Rule(
        id="unknown-operation",
        title="a grant is for something that the model can do",
        why="A grant of nothing admits nobody, and whoever was promised access finds out in production.",
        todo="Use an operation of the model's protocol or a name of `api.routes`.",
        example="{groups: [fraud-analysts], can: [predict, explian]}",
        find=unknown_operations,
    ),
    Rule(
        id="any-authenticated",
        title="nobody is let in by having just any token where the environment forbids it",
        why="Everybody in the company has a token.",
        todo="Name who may call, or narrow the grant to other environments.",
        example="anyAuthenticated: true",
        find=guarded("any-authenticated", forbidden_anyone),
    ),
    Rule(
        id="grant-without-effect",
        title="no caller is named beside anyAuthenticated",
        why="The list looks as if it limited something.",
        todo="Keep either the names or anyAuthenticated.",
        example="anyAuthenticated: true, users: [alice@corp.example]",
        find=no_effect,
    ),
    Rule(
        id="duplicate-grant",
        title="no grant says what another said",
        why="Whoever takes one of them out believes that the access is gone.",
        todo="Keep one of them.",
        example="{groups: [fraud-analysts], can: [explain, predict], reason: RISK-812}",
        find=twice,
    ),
    Rule(
        id="upper-case-address",
        title="e-mail addresses of users are in lower case",
        why="They are compared letter by letter with what the issuer puts into tokens, which is lower case.",
        todo="Write the address in lower case.",
        example="users: [Alice@corp.example]",
        find=upper_case,
    ),
    Rule(
        id="unknown-domain",
        title="users have an address of a domain that the issuer vouches for",
        why="An issuer that lets people choose their address could let them choose that of a customer.",
        todo="Correct the address, or add the domain to `userDomains` of the issuer.",
        example="users: [alice@gmail.example]",
        find=_both,
    ),
    Rule(
        id="crowd",
        title="a workload is neither the gateway nor a default ServiceAccount",
        why="Every request from outside arrives with the gateway's identity, and every pod without an own account "
        "has the default one: who names them names everybody behind them, and asks for no token.",
        todo="Name users, groups or clients; give calling pods an own ServiceAccount.",
        example="workloads: [api/seldon-gateway]",
        find=crowds,
    ),
)
