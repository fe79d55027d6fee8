"""All specs of a repository, as the rules see them: platform, tenants, models, and what else stands in the folders."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from generator.document import Document
from generator.names import PLATFORM_SPEC, TENANTS
from generator.rules.cases import ModelSpec, PlatformSpec, TenantSpec

TENANT_FILE = "tenant.yaml"
SPEC_DEPTH = 3  # tenants/<tenant>/<file>


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Entry:
    """Something that stands where specs do: ``path`` relative to the repository, ``kind`` file, folder or link."""

    path: str
    kind: str = "file"


@dataclass(frozen=True, kw_only=True, eq=False)
class Specs:
    """Everything that the rules may look at.

    ``platform`` is None where platform.yaml is missing or broken. ``tenants`` and ``models`` are those whose own file
    and every file above it passed their schema, in order of their paths. ``entries`` are platform.yaml and all that
    stands below tenants/, ``keys`` the text of the key files that issuers name, by path, None for one that is absent.
    """

    platform: PlatformSpec | None
    tenants: tuple[TenantSpec, ...] = ()
    models: tuple[ModelSpec, ...] = ()
    misplaced: tuple[Document, ...] = ()  # documents of another kind than their place asks for
    entries: tuple[Entry, ...] = ()
    keys: Mapping[str, str | None] = field(default_factory=dict)

    @cached_property
    def paths(self) -> frozenset[str]:
        """Return the paths of all entries."""
        return frozenset(entry.path for entry in self.entries)

    @cached_property
    def tenant(self) -> dict[str, TenantSpec]:
        """Return the tenants by name."""
        return {tenant.name: tenant for tenant in self.tenants}


def of(
    documents: Iterable[Document], entries: Iterable[Entry] = (), keys: Mapping[str, str | None] | None = None
) -> Specs:
    """Return the specs that the documents make, each put where its path says it belongs.

    ``documents`` have passed the schema of their kind. Models of a tenant whose own file is not among them are left
    out, and everything is where platform.yaml is not: what is wrong with those files is said elsewhere.
    """
    placed = sorted(documents, key=lambda document: document.file)
    right = [document for document in placed if document.kind == kind_at(document.file)]
    found = next((PlatformSpec(document=d) for d in right if d.file == PLATFORM_SPEC), None)
    tenants = _tenants(right, found) if found else {}
    return Specs(
        platform=found,
        tenants=tuple(tenants.values()),
        models=tuple(_models(right, tenants)),
        misplaced=tuple(document for document in placed if document.kind != kind_at(document.file)),
        entries=tuple(sorted(entries)),
        keys=keys or {},
    )


def shares(specs: Specs) -> tuple[Specs, ...]:
    """Return the specs in shares: what belongs to no tenant, then each tenant with its models.

    A rule that is not ``across`` finds the same in all the shares as in the whole, if in each of them it finds no
    error; the texts of errors may differ, where they say what else there is.
    """
    models: dict[str, list[ModelSpec]] = {name: [] for name in specs.tenant}
    entries: dict[str, list[Entry]] = {name: [] for name in ("", *specs.tenant)}
    for model in specs.models:
        models[model.tenant.name].append(model)
    for entry in specs.entries:
        owner = entry.path.split("/")[1:2]
        entries[owner[0] if owner and owner[0] in specs.tenant else ""].append(entry)
    above = [entry for entry in entries[""] if entry.path == PLATFORM_SPEC]
    return (
        replace(specs, tenants=(), models=(), entries=tuple(entries[""])),
        *(
            Specs(
                platform=specs.platform,
                tenants=(tenant,),
                models=tuple(models[name]),
                entries=(*above, *entries[name]),
                keys=specs.keys,
            )
            for name, tenant in specs.tenant.items()
        ),
    )


def afresh(specs: Specs) -> Specs:
    """Return the same specs without anything worked out of the models: it goes when they go."""
    return replace(specs, models=tuple(replace(model) for model in specs.models))


def key_files(platform: Document) -> tuple[str, ...]:
    """Return the paths of the key files that the issuers of a platform name, relative to the repository, sorted."""
    issuers = PlatformSpec(document=platform).spec["issuers"].values()
    return tuple(sorted({issuer["jwksFile"] for issuer in issuers if "jwksFile" in issuer}))


def kind_at(path: str) -> str:
    """Return the kind that a spec at ``path`` must have."""
    if path == PLATFORM_SPEC:
        return "Platform"
    return "Tenant" if path.endswith(f"/{TENANT_FILE}") else "Model"


def _tenants(documents: Iterable[Document], platform: PlatformSpec) -> dict[str, TenantSpec]:
    found = {}
    for document in documents:
        parts = document.file.split("/")
        if len(parts) == SPEC_DEPTH and parts[0] == TENANTS and parts[2] == TENANT_FILE:
            found[parts[1]] = TenantSpec(name=parts[1], document=document, platform=platform)
    return found


def _models(documents: Iterable[Document], tenants: Mapping[str, TenantSpec]) -> Iterator[ModelSpec]:
    for document in documents:
        parts = document.file.split("/")
        if len(parts) == SPEC_DEPTH and parts[0] == TENANTS and parts[2] != TENANT_FILE and parts[1] in tenants:
            name = parts[2].removesuffix(".yaml")
            yield ModelSpec(name=name, document=document, tenant=tenants[parts[1]])
