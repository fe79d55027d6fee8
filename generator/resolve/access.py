"""Who may call: the grants of a spec -> what one environment grants, gathered by operations."""

from collections.abc import Iterable, Mapping

from generator.model import Grants
from generator.resolve.said import Said
from generator.resolve.tenants import callers
from generator.tenancy import Callers


def grants(access: Iterable[Said], environment: str, sets: Mapping[str, Callers]) -> tuple[Grants, ...]:
    """Return what an environment grants, sorted by operations; everybody once for each list of operations.

    ``sets``: the tenant's named sets of callers. The day on which a grant ends plays no part: time is no input.
    """
    gathered: dict[tuple[str, ...], list[Said]] = {}
    for one in access:
        if environment in (one.data.get("in") or (environment,)):
            gathered.setdefault(tuple(sorted(set(one["can"]))), []).append(one)
    return tuple(_gather(operations, gathered[operations], sets) for operations in sorted(gathered))


def _gather(operations: tuple[str, ...], granted: list[Said], sets: Mapping[str, Callers]) -> Grants:
    named = [sets[name] for one in granted for name in one.data.get("callers") or ()]
    admitted = [*map(callers, granted), *named]
    workloads = {(w.namespace, w.name): w for one in admitted for w in one.workloads}
    return Grants(
        operations=operations,
        users=tuple(sorted({user for one in admitted for user in one.users})),
        groups=tuple(sorted({group for one in admitted for group in one.groups})),
        clients=tuple(sorted({client for one in admitted for client in one.clients})),
        workloads=tuple(workloads[key] for key in sorted(workloads)),
        anyone=any(one.data.get("anyAuthenticated") for one in granted),
    )
