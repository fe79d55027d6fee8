"""Whom and what the policies of a model's pods speak of: what a hand wrote there is tried, whatever the specs say."""

from collections.abc import Iterator

from generator.access import policy as p
from generator.access.matchers import claim_path
from generator.access.mesh import Workload, guard
from generator.audit.prove_grants import Kind, Person
from generator.audit.prove_tokens import NOBODY
from generator.audit.suite import Target
from generator.build.tokens import claim_path as path_of_claim

Call = tuple[int, str, str, bool]  # port, method, path, whether it is gRPC


def spoken_persons(target: Target, pods: tuple[Workload, ...]) -> tuple[Person, ...]:
    """Return the persons whom claim conditions name; a name for whatever a `*` stands for."""
    issuer = target.model.issuer
    kinds = {
        path_of_claim(issuer.user_claim): Kind.USER,
        path_of_claim(issuer.groups_claim): Kind.GROUP,
        path_of_claim(issuer.client_claim): Kind.CLIENT,
    }
    found = {
        Person(kind=kinds[path], name=value.replace("*", NOBODY)): None
        for condition in _conditions(target, pods)
        if condition.key.startswith(p.CLAIM) and (path := _path(condition.key)) in kinds
        for value in condition.values
    }
    return tuple(found)


def spoken_principals(target: Target, pods: tuple[Workload, ...]) -> tuple[str, ...]:
    """Return principals that conditions on the client's certificate match."""
    domain, space = target.cluster.settings.trust_domain, target.model.place.namespace
    made = {
        p.PRINCIPAL: lambda value: _principal(value, domain),
        p.NAMESPACE: lambda value: f"{domain}/ns/{value.replace('*', NOBODY)}/sa/{NOBODY}",
        p.SERVICE_ACCOUNT: lambda value: (
            f"{domain}/ns/{(value if '/' in value else f'{space}/{value}').replace('/', '/sa/')}"
        ),
    }
    return tuple(
        dict.fromkeys(
            made[condition.key](value)
            for condition in _conditions(target, pods)
            if condition.key in made
            for value in condition.values
        )
    )


def spoken_calls(target: Target, pod: Workload, ports: tuple[int, ...]) -> tuple[Call, ...]:
    """Return what the rules of one pod let somebody ask: each path with each method at each port that it names."""
    found: dict[Call, None] = {}
    for policy in guard(target.cluster.mesh, pod).policies:
        for rule in policy.rules:
            for conditions in rule.operations:
                found |= dict.fromkeys(_calls({one.key: one.values for one in conditions}, ports))
    return tuple(found)


def _calls(said: dict[str, tuple[str, ...]], ports: tuple[int, ...]) -> Iterator[Call]:
    numbers = [int(port) for port in said.get(p.PORT, ()) if port.isdecimal()] or ports
    for path in said.get(p.PATH, ()) or ("/" + NOBODY,):
        for method in said.get(p.METHOD, ()) or ("GET", "POST"):
            for port in numbers:
                plain = path.replace("{**}", NOBODY).replace("{*}", NOBODY).replace("*", NOBODY)
                made = plain if plain.startswith("/") else "/" + plain
                yield (
                    port,
                    "POST" if "*" in method else method,
                    made,
                    made.startswith("/") and "." in made.split("/")[1],
                )


def _conditions(target: Target, pods: tuple[Workload, ...]) -> Iterator[p.Condition]:
    for pod in pods:
        for policy in guard(target.cluster.mesh, pod).policies:
            for rule in policy.rules:
                for conditions in rule.callers:
                    yield from conditions


def _path(key: str) -> tuple[str, ...]:
    try:
        return claim_path(key)
    except ValueError:
        return ()


def _principal(value: str, domain: str) -> str:
    """Return a principal that a pattern matches, of the mesh's own trust domain."""
    if value == "*":
        return f"{domain}/ns/{NOBODY}/sa/{NOBODY}"
    if value.startswith("*"):
        return (
            f"{domain}/ns/{NOBODY}{value[1:]}" if value.startswith("*/sa/") else f"{domain}/ns/{NOBODY}/sa/{value[1:]}"
        )
    return value.replace("*", NOBODY)
