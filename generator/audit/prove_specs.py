"""What the specs declare, for a proof: the deployed models of every environment, and the keys of every issuer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from generator import resolve
from generator.access.keys import keys_of
from generator.diag import SpecError, errors
from generator.model import Model
from generator.pipeline import examine, platform_of
from generator.tenancy import Issuer, Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """The platform, and by environment the models that are deployed there."""

    platform: Platform
    models: Mapping[str, tuple[Model, ...]]

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
    return Declared(platform=platform, models={name: tuple(here) for name, here in models.items()})


def key_names(issuer: Issuer) -> tuple[str, ...]:
    """Return the names of an issuer's keys as `keys.Key.name` has them: thumbprints, or the URI that they come from."""
    return tuple(key.name for key in keys_of(issuer.jwks)) if issuer.jwks else (issuer.jwks_uri,)
