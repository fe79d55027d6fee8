"""The whole path from specs to files, in one screen: load, check, resolve, build, factor, emit. Nothing is written."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from generator import build, layout, names, resolve
from generator.diag import Diagnostic, SpecError, errors
from generator.examine import examine, platform_of
from generator.factor import Layer, factor
from generator.layout import Files, Overlay
from generator.model import Model
from generator.rules.cases import TenantSpec
from generator.rules.specs import Specs, shares
from generator.tenancy import Object, Place, Platform
from generator.tree import merge

__all__ = [
    "Generated",
    "Part",
    "examine",
    "generate",
    "parts",
    "platform_of",
    "platform_part",
    "tenant_part",
]

Served = tuple[tuple[str, tuple[str, ...]], ...]  # a tenant's environments, and the models that are deployed there


@dataclass(frozen=True, kw_only=True)
class Part:
    """The files of one tenant or of the platform, the overlays they make, and what a tenant deploys where."""

    files: Files
    overlays: tuple[Overlay, ...]
    served: Served = ()


@dataclass(frozen=True, kw_only=True)
class Generated:
    """Everything that gen makes of a repository, and what it has to say about it."""

    platform: Platform
    files: Files
    overlays: tuple[Overlay, ...]
    notices: tuple[Diagnostic, ...]


def generate(root: Path, today: date) -> Generated:
    """Return every file of base/, overlays/ and CODEOWNERS; touch nothing.

    Raises:
        SpecError: Any spec has a problem; it carries all of them, sorted, notices too.
        ToolError: A file cannot be read.
    """
    specs, diagnostics = examine(root, today)
    if errors(diagnostics):
        raise SpecError(diagnostics)
    made = tuple(parts(specs))
    return Generated(
        platform=platform_of(specs),
        files=merge(part.files for part in made),
        overlays=tuple(overlay for part in made for overlay in part.overlays),
        notices=diagnostics,
    )


def parts(specs: Specs) -> Iterator[Part]:
    """Yield a part per tenant, then the platform's. The specs have passed every rule."""
    platform = platform_of(specs)
    served: list[Served] = []
    for share in shares(specs)[1:]:
        part = tenant_part(platform, share)
        served.append(part.served)
        yield part
    yield platform_part(platform, specs.tenants, served)


def platform_part(platform: Platform, specs: Sequence[TenantSpec], served: Sequence[Served]) -> Part:
    """Return what is the platform's own; ``served``: what each of the tenants deploys where."""
    source = names.PLATFORM_SPEC
    tenants = [resolve.tenant(spec.document.data, platform) for spec in specs]
    places = [
        (resolve.place(platform, tenant, environment), models)
        for tenant, deployed in zip(tenants, served, strict=True)
        for environment, models in deployed
    ]
    overlays = [_whole(names.HUB, source, build.hub(platform, places))]
    for environment in platform.environments:
        here = [place for place, _ in places if place.environment.name == environment.name]
        folder = names.platform_folder(environment.name)
        overlays.append(_whole(folder, source, build.settings(platform, environment, here)))
    owners = layout.codeowners(build.codeowners(platform, tenants))
    return Part(files=merge([owners, *(files for files, _ in overlays)]), overlays=tuple(o for _, o in overlays))


def tenant_part(platform: Platform, share: Specs) -> Part:
    """Return what one tenant has: its models, walls and image builds; ``share`` holds it and its models alone."""
    tenant = resolve.tenant(share.tenants[0].document.data, platform)
    places = [resolve.place(platform, tenant, environment) for environment in tenant.environments]
    models = {one.name: [resolve.model(one.document.data, place) for place in places] for one in share.models}
    made = [
        part
        for one in share.models
        for part in _model(resolve.base_model(one.document.data, platform, tenant), models[one.name])
    ]
    objects = {overlay.folder: overlay.objects for _, overlay in made}
    served = []
    for index, place in enumerate(places):
        here = [resolved[index] for resolved in models.values() if resolved[index].deployed]
        made += [*_walls(place, here), _listing(place, here, objects)]
        served.append((place.environment.name, tuple(model.name for model in here)))
    made += _images(places, models)
    return Part(files=merge(files for files, _ in made), overlays=tuple(o for _, o in made), served=tuple(served))


def _model(neutral: Model, models: Sequence[Model]) -> list[tuple[Files, Overlay]]:
    """Return the base and overlays of one model; nothing where no environment deploys it."""
    deployed = {model.place.environment.name: model for model in models if model.deployed}
    if not deployed:
        return []
    tenant = neutral.place.tenant.name
    source, base_folder = names.model_spec(tenant, neutral.name), names.base_folder(tenant, neutral.name)
    serving = {environment: build.serving(model) for environment, model in deployed.items()}
    factored = factor(build.serving(neutral), serving)
    base_files = layout.whole(base_folder, source, factored.base)
    made: list[tuple[Files, Overlay]] = []
    for environment, model in deployed.items():
        policies = build.policies(model)
        layer = factored.layers[environment]
        folder = names.model_folder(environment, tenant, model.name)
        files = layout.patched(
            folder,
            source,
            base_folder=base_folder,
            namespace=model.place.namespace,
            layer=Layer(whole=(*layer.whole, *policies), patches=layer.patches),
        )
        overlay = Overlay(folder=folder, source=source, objects=(*serving[environment], *policies))
        made.append((merge([base_files, files]) if not made else files, overlay))
    return made


def _walls(place: Place, models: Sequence[Model]) -> list[tuple[Files, Overlay]]:
    tenant, environment = place.tenant.name, place.environment.name
    source = names.tenant_spec(tenant)
    walls = [_whole(names.namespace_folder(environment, tenant), source, build.walls(place, models))]
    if place.build_namespace:
        walls.append(_whole(names.build_namespace_folder(environment, tenant), source, build.build_walls(place)))
    return walls


def _listing(place: Place, models: Sequence[Model], objects: Mapping[str, tuple[Object, ...]]) -> tuple[Files, Overlay]:
    tenant, environment = place.tenant.name, place.environment.name
    folder, source = names.models_folder(environment, tenant), names.tenant_spec(tenant)
    inside = [obj for model in models for obj in objects[names.model_folder(environment, tenant, model.name)]]
    files = layout.listing(folder, source, [model.name for model in models])
    return files, Overlay(folder=folder, source=source, objects=tuple(inside))


def _images(places: Sequence[Place], models: Mapping[str, Sequence[Model]]) -> list[tuple[Files, Overlay]]:
    """Return the image builds of a tenant, in the one environment where the platform builds."""
    return [
        _whole(
            names.build_folder(place.environment.name, place.tenant.name),
            names.tenant_spec(place.tenant.name),
            build.images(place, [(name, run) for name, here in models.items() for run in resolve.image_builds(here)]),
        )
        for place in places
        if place.build_namespace
    ]


def _whole(folder: str, source: str, objects: Sequence[Object]) -> tuple[Files, Overlay]:
    files = layout.whole(folder, source, objects)
    return files, Overlay(folder=folder, source=source, objects=tuple(objects))
