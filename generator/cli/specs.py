"""One model's spec as the commands that write pins need it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from generator import names, pinning, resolve, write
from generator.cli.report import echo, report
from generator.diag import SpecError, errors
from generator.model import Model
from generator.pipeline import examine, platform_of
from generator.rules.cases import ModelSpec
from generator.tenancy import Platform


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    """A model's spec, read and judged with its tenant and platform."""

    root: Path
    spec: ModelSpec
    platform: Platform

    @classmethod
    def open(cls, root: Path, name: str) -> "ModelFile":
        """Return the spec of ``tenant/model``.

        Raises:
            SpecError: It, its tenant or the platform has problems.
            click.UsageError: There is no such model.
        """
        tenant, _, model = name.partition("/")
        path = names.model_spec(tenant, model)
        if not model or not (root / path).is_file():
            raise click.UsageError(f'there is no model "{name}"\n  write it as TENANT/MODEL; its spec would be {path}')
        specs, diagnostics = examine(root, datetime.now(UTC).date(), (path,))
        if errors(diagnostics):
            raise SpecError(diagnostics)
        return cls(root=root, spec=specs.models[0], platform=platform_of(specs))

    def resolved(self, environment: str) -> Model:
        """Return the model as an environment has it.

        Raises:
            click.UsageError: Its tenant is not in that environment.
        """
        tenant = resolve.tenant(self.spec.tenant.document.data, self.platform)
        if environment not in tenant.environments:
            known = ", ".join(tenant.environments)
            raise click.UsageError(f'{tenant.name} is not in the environment "{environment}"\n  one of: {known}')
        return resolve.model(self.spec.document.data, resolve.place(self.platform, tenant, environment))

    def pins(self, environment: str) -> dict[str, str]:
        """Return what is pinned in an environment."""
        patch = (self.spec.spec.get("environments") or {}).get(environment) or {}
        return dict(patch.get("pins") or {})

    def save(self, environment: str, pins: Mapping[str, str]) -> int:
        """Write pins, unless the spec would then have problems; return the exit code."""
        path = self.spec.document.file
        text = pinning.written((self.root / path).read_bytes().decode(), environment, pins)
        _, diagnostics = examine(self.root, datetime.now(UTC).date(), (path,), {path: text})
        if errors(diagnostics):
            report(diagnostics)
            return 1
        write.rewrite(self.root / path, text)
        for key, image in pins.items():
            echo(f"{path}: {environment} {key} is now {image}")
        echo("now run gen render")
        return 0
