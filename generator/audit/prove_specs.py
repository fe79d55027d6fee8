"""What the specs declare, for a proof: the deployed models of every environment, and the keys of every issuer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from generator import resolve
from generator.access.keys import keys_of
from generator.audit.prove_grants import Kind, Person
from generator.diag import SpecError, errors
from generator.model import Model
from generator.pipeline import examine, platform_of
from generator.rules.expectations import UNNAMED, Expected, expected
from generator.rules.specs import Specs
from generator.tenancy import Account, Issuer, Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """Whom expectations of a model speak of: they are tried whether or not anybody grants them anything."""

    persons: tuple[Person, ...] = ()
    accounts: tuple[Account, ...] = ()


NOBODY_WATCHED = Watched()


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """The platform, by environment the models that are deployed there, and whom to watch by (tenant, model)."""

    platform: Platform
    models: Mapping[str, tuple[Model, ...]]
    watched: Mapping[tuple[str, str], Watched] = field(default_factory=dict)

    def keys(self, issuer: str) -> tuple[str, ...]:
        """Return the names of the keys that an issuer's tokens may be signed with, () for an issuer nobody declared."""
        return next((key_names(each) for each in self.platform.issuers if each.url == issuer), ())


def declared(root: Path, today: date) -> Declared:
    """Read the specs of a repository.

    Raises:
        SpecError: Any spec has a problem.
        ToolError: A file cannot be read.
    """
    specs, found = examine(root, today)
    if errors(found):
        raise SpecError(found)
    platform = platform_of(specs)
    models: dict[str, list[Model]] = {environment.name: [] for environment in platform.environments}
    for spec in specs.tenants:
        tenant = resolve.tenant(spec.document.data, platform)
        for environment in tenant.environments:
            place = resolve.place(platform, tenant, environment)
            for one in specs.models:
                if one.tenant.name == tenant.name:
                    made = resolve.model(one.document.data, place)
                    models[environment] += [made] if made.deployed else []
    here = {name: tuple(made) for name, made in models.items()}
    return Declared(platform=platform, models=here, watched=_watched(specs))


def _watched(specs: Specs) -> dict[tuple[str, str], Watched]:
    found: dict[tuple[str, str], list[Expected]] = {}
    for one in expected(specs):
        found.setdefault((one.model.tenant.name, one.model.name), []).append(one)
    return {
        name: Watched(
            persons=tuple(dict.fromkeys(person for one in here for person in _persons(one))),
            accounts=tuple(dict.fromkeys(account for one in here for account in _accounts(one))),
        )
        for name, here in found.items()
    }


def _persons(one: Expected) -> Iterator[Person]:
    for key, kind in (("as", Kind.USER), ("group", Kind.GROUP), ("client", Kind.CLIENT)):
        if key in one.said and one.said[key] not in UNNAMED:
            yield Person(kind=kind, name=one.said[key])


def _accounts(one: Expected) -> Iterator[Account]:
    if "workload" in one.said:
        namespace, _, name = one.said["workload"].partition("/")
        yield Account(namespace=namespace, name=name)


def key_names(issuer: Issuer) -> tuple[str, ...]:
    """Return the names of an issuer's keys as `keys.Key.name` has them: thumbprints, or the URI that they come from."""
    return tuple(key.name for key in keys_of(issuer.jwks)) if issuer.jwks else (issuer.jwks_uri,)
