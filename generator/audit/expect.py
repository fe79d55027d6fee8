"""Expectations of the specs, held against what the rendered policies let in."""

from collections.abc import Iterator

from generator.audit.calls import ELSE
from generator.audit.doors import Door
from generator.audit.identities import ANY_WORKLOAD, NOBODY, STRANGER, Identity, client, group, user, workload
from generator.audit.matrix import Matrix
from generator.diag import Diagnostic, ordered
from generator.patch import Spec
from generator.rules.expectations import Expected, expected
from generator.rules.specs import Specs
from generator.rules.words import listed

RULE = "expectation-broken"
UNNAMED = {"nobody": NOBODY, "stranger": STRANGER, "any workload": ANY_WORKLOAD}
FIELDS = (("group", group), ("client", client), ("workload", workload))


def identity_of(said: Spec) -> Identity:
    """Return whom an expectation speaks of."""
    found = [identity(said[field]) for field, identity in FIELDS if field in said]
    if "as" in said:
        found.insert(0, UNNAMED.get(said["as"]) or user(said["as"]))
    first, *others = found
    return Identity(kind=first.kind, name=first.name, also=tuple(others))


def expected_of(specs: Specs) -> dict[tuple[str, str], tuple[Identity, ...]]:
    """Return whom expectations speak of, by tenant and model."""
    found: dict[tuple[str, str], dict[Identity, None]] = {}
    for one in expected(specs):
        found.setdefault((one.model.tenant.name, one.model.name), {})[identity_of(one.said)] = None
    return {model: tuple(identities) for model, identities in found.items()}


def broken(specs: Specs, made: Matrix) -> tuple[Diagnostic, ...]:
    """Return the expectations that the policies do not keep, in the environments that the matrix has.

    A model that is not deployed somewhere is expected to do nothing there.
    """
    doors: dict[tuple[str, str, str], list[Door]] = {}
    for door in made.asked:
        doors.setdefault((door.tenant, door.model, door.environment), []).append(door)
    return ordered(problem for one in expected(specs) for problem in _broken(one, made, doors))


def _broken(one: Expected, made: Matrix, doors: dict[tuple[str, str, str], list[Door]]) -> Iterator[Diagnostic]:
    identity = identity_of(one.said)
    found: dict[tuple[str, str], list[str]] = {}
    for environment in one.environments:
        here = doors.get((one.model.tenant.name, one.model.name, environment), [])
        may = {door.operation: made.cells[identity, door] for door in here if made.allows(identity, door)}
        for name in sorted({door.operation for door in here}):
            if name in may and name not in one.can:
                found.setdefault((name, str(may[name].rule or may[name].reason.value)), []).append(environment)
            elif name in one.can and name not in may:
                found.setdefault((name, ""), []).append(environment)
    gathered: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (name, rule), environments in found.items():
        gathered.setdefault((rule, tuple(environments)), []).append(name)
    for (rule, there), names in gathered.items():
        where = f"{one.model.tenant.name}/{one.model.name} in {listed(there)}"
        what = "anything" if ELSE in names else listed(names)
        if rule:
            said = f"{one.who} may {what} at {where}, by {rule}, and is expected not to"
            yield Diagnostic(one.mark, RULE, said, "take back what lets it in: gen access explain says what that is")
        else:
            said = f"{one.who} may not {what} at {where}, and is expected to"
            yield Diagnostic(one.mark, RULE, said, "run gen render; gen access explain says what refuses it")
