"""Which pods a model has, and who inside the mesh is tried at them."""

from generator.access.mesh import Workload, principal_of
from generator.audit.prove_grants import others
from generator.audit.prove_spoken import spoken_principals
from generator.audit.suite import Target
from generator.build.meta import COMPONENT, NAME, pods_of
from generator.model import Model
from generator.tenancy import Account


def pods(target: Target) -> tuple[Workload, ...]:
    """Return the workloads of the model's own pods."""
    labels = pods_of(target.model).items()
    return tuple(
        each
        for each in target.cluster.workloads
        if each.namespace == target.model.place.namespace and labels <= each.labels.items()
    )


def detectors(target: Target) -> tuple[Workload, ...]:
    """Return the workloads of the model's detectors."""
    return tuple(
        each
        for each in target.cluster.workloads
        if each.namespace == target.model.place.namespace
        and each.labels.get(NAME) == target.model.name
        and each.labels.get(COMPONENT, "").startswith("detector-")
    )


def principals(target: Target) -> dict[str, str]:
    """Return who inside the mesh is tried, by principal: named ones, and those who have no business here."""
    model, place = target.model, target.model.place
    domain = target.cluster.settings.trust_domain
    accounts = [account for grants in model.grants for account in grants.workloads]
    found = {account.principal(domain): f"workload {_text(account)}" for account in accounts}
    found[model.account.principal(domain)] = "the model's own pods"
    if scraper := place.platform.prometheus:
        found.setdefault(scraper.principal(domain), "Prometheus")
    if model.log:
        found.setdefault(f"{domain}/ns/{model.log.sink.namespace}/sa/default", "the payload log")
    for other in list(others(target.models, model))[:2]:
        found.setdefault(other.account.principal(domain), f"the pods of {_text(other.account)}")
    for account in target.watched.accounts:
        found.setdefault(account.principal(domain), f"workload {_text(account)}")
    strangers = [Account(namespace=place.namespace, name="default"), Account(namespace="strangers", name=model.name)]
    strangers += [Account(namespace="strangers", name=account.name) for account in accounts[:1]]
    strangers += [Account(namespace=account.namespace, name="default") for account in accounts[:1]]
    for account in strangers:
        found.setdefault(account.principal(domain), f"workload {_text(account)}")
    for known in list(found):  # somebody else in the namespace of everybody who has business here
        found.setdefault(f"{known.rpartition('/')[0]}/default", "another account of that namespace")
    gateway_space = Account(namespace=target.cluster.gateway.namespace, name="default")
    found.setdefault(gateway_space.principal(domain), "another account of the gateway's namespace")
    for principal in spoken_principals(target, pods(target)):
        found.setdefault(principal, f"the principal {principal}")
    found[principal_of(target.cluster.gateway, target.cluster.settings)] = "the gateway"
    return found


def _text(account: Account) -> str:
    return f"{account.namespace}/{account.name}"


def has_business(model: Model, principal: str) -> bool:
    """Say whether a principal is one that the model's pods know: the gateway, Prometheus, its own, or one granted."""
    domain = model.place.platform.mesh.trust_domain
    accounts = [account for grants in model.grants for account in grants.workloads]
    accounts += [model.account, *filter(None, [model.place.platform.prometheus])]
    return principal in [model.place.gateway_principal, *(account.principal(domain) for account in accounts)]
