"""Rules about images: where they come from, and that an environment gets exactly what was tested before."""

from collections.abc import Iterator

from generator.diag import Severity, quoted
from generator.document import Path
from generator.patch import Spec
from generator.rules.cases import Case, Slot
from generator.rules.each import HERE, each_case, each_predictor
from generator.rules.guard import Breach, guarded
from generator.rules.rule import Problem, Problems, Rule
from generator.rules.specs import Specs
from generator.rules.words import listed

Named = tuple[Slot | Case, Path, str]

TENANT = "{tenant}"  # stands for the tenant's name in the platform's templates


def within(image: str, registries: list[str]) -> bool:
    """Say whether an image lies in one of the registries; ``registry.local/a`` does not hold ``registry.local/ab``."""
    return any(image == registry or image.startswith((f"{registry}/", f"{registry}:")) for registry in registries)


def repository(image: str) -> str:
    """Return an image's name without digest and tag; a registry's port is part of the name."""
    name = image.partition("@")[0]
    front, slash, last = name.rpartition("/")
    return f"{front}{slash}{last.partition(':')[0]}"


def tag(image: str) -> str:
    """Return an image's tag, "" without one."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[2]


def has_digest(image: str) -> bool:
    """Say whether the image is named by its digest."""
    return "@sha256:" in image


def pin_key(slot: Slot, node: str) -> str:
    """Return the key under ``pins`` of a node's image: the predictor, in a graph with the node behind it."""
    return slot.name if len(slot.nodes) == 1 else f"{slot.name}/{node}"


def given(case: Case) -> Iterator[Named]:
    """Yield whose it is, path and name of every image that the model names itself."""
    for slot in case.predictors:
        for _, path, run in slot.runs:
            if "image" in run:
                yield slot, (*path, "image"), run["image"]
            elif "oci" in run.get("source", ()):
                yield slot, (*path, "source", "oci"), run["source"]["oci"]
    yield from beside(case)


def beside(case: Case) -> Iterator[Named]:
    """Yield whose it is, path and name of the images of the explainer and the detectors."""
    if image := case.spec.get("explainer", {}).get("run", {}).get("image"):
        yield case, ("explainer", "run", "image"), image
    for name, body in case.spec.get("detectors", {}).items():
        if image := body.get("run", {}).get("image"):
            yield case, ("detectors", name, "run", "image"), image


def latest(case: Case) -> Problems:
    """Find images that are another one tomorrow."""
    for holder, path, image in given(case):
        if ":latest" in image and tag(image) == "latest" and not has_digest(image):
            todo = 'name it by its digest: "<image>@sha256:…", which crane digest or docker inspect print'
            yield holder.mark(*path), f'the image {quoted(image)} is whatever "latest" is at the moment', todo


def registries(case: Case) -> Problems:
    """Find images from a registry that the tenant may not use."""
    allowed = case.model.tenant.spec.get("registries") or case.model.platform.spec["registries"]
    for holder, path, image in given(case):
        if not within(repository(image), allowed):
            what = f"tenant {quoted(case.model.tenant.name)} takes no images from {quoted(repository(image))}"
            yield holder.mark(*path), what, f"mirror it to {listed(allowed, 'or')}"


def registries_above(specs: Specs) -> Problems:
    """Find registries of tenants and builds outside the platform's."""
    if specs.platform is None:
        return
    allowed = specs.platform.spec["registries"]
    build = specs.platform.spec["build"]
    own = [(("build", "registry"), build["registry"])] if "registry" in build else []
    tools: Spec = build.get("images", {})
    for path, image in (*own, *((("build", "images", tool), image) for tool, image in tools.items())):
        if not within(repository(image), allowed):
            what = f"{quoted(repository(image))} lies outside the platform's registries"
            yield specs.platform.mark(*path), what, f"mirror it to {listed(allowed, 'or')}, or add the registry"
    for tenant in specs.tenants:
        for index, registry in enumerate(tenant.spec.get("registries", ())):
            if not within(registry, allowed):
                what = f"the registry {quoted(registry)} is none of the platform's"
                yield tenant.mark("registries", index), what, f"use {listed(allowed, 'or')}, or a folder in it"


def unpinned(specs: Specs) -> Problems:
    """Find models that an environment does not deploy, for want of pins."""
    for model in specs.models:
        for case in model.cases:
            for name in case.environments:
                if model.platform.requires(name).get("pins") and (missing := list(_missing(case))):
                    mark = case.key_mark("pins") if case.pins else model.document.value_mark(("metadata", "name"))
                    what = f"{model.name} is not deployed in {name}: nothing is pinned for {listed(missing)}"
                    yield mark, what, _pin(case, name)


def _missing(case: Case) -> Iterator[str]:
    for slot in case.predictors:
        for node, _, run in slot.runs:
            key = pin_key(slot, node)
            if not has_digest(run.get("image", "")) and "server" not in run and key not in case.pins:
                yield key


def _pin(case: Case, environment: str) -> str:
    model, platform = case.model, case.model.platform
    before = platform.environments[environment].get("after")
    if before and before in model.tenant.environments:
        return f"run gen promote {model.tenant.name}/{model.name} --from {before} --to {environment}"
    return f"run gen pin {model.tenant.name}/{model.name} IMAGE@sha256:… as its build prints it"


def strangers(slot: Slot) -> Problems:
    """Find pins of an image that is not the predictor's."""
    for node, _, run in slot.runs:
        key = pin_key(slot, node)
        pin = slot.case.pins.get(key)
        own = _repository(slot, node, run) if pin else ""
        if pin and own and repository(pin) != own:
            what = f"the pin of {quoted(key)} is an image of {quoted(repository(pin))}, and its own is {quoted(own)}"
            yield (
                slot.case.mark("pins", key),
                what,
                "pin an image of the same name: pins choose a version, nothing else",
            )


def _repository(slot: Slot, node: str, run: Spec) -> str:
    if "image" in run:
        return repository(run["image"])
    if "bento" not in run:
        return ""
    platform, model = slot.model.platform, slot.model
    registry = platform.spec["build"].get("registry", f"{platform.spec['registries'][0]}/{TENANT}")
    name = model.name if len(slot.nodes) == 1 else f"{model.name}-{node}"
    return f"{registry.replace(TENANT, model.tenant.name)}/{name}"


def pins_of_nothing(slot: Slot) -> Problems:
    """Find pins of a node that the predictor does not have, and of a predictor whose nodes are pinned one by one."""
    keys = [pin_key(slot, node) for node, _, _ in slot.runs] if slot.case.pins else []
    for pin in slot.case.pins:
        if pin.partition("/")[0] == slot.name and pin not in keys:
            what = f"{quoted(pin)} is pinned, and there is no image of that name{HERE}"
            yield slot.case.key_mark("pins", pin), what, f"write {listed(keys, 'or')}"


def built_nowhere(case: Case) -> Problems:
    """Find Bentos of a tenant whose images nobody builds."""
    tenant, build = case.model.tenant, case.model.platform.spec["build"]
    if tenant.builds or build.get("engine") == "external" or not case.model.platform.has_build_environment:
        return
    for slot in case.predictors:
        for _, path, run in slot.runs:
            if "bento" in run:
                environment = case.model.platform.build_environment
                what = f"nobody builds this Bento: images are built in {environment}, where {tenant.name} is not"
                todo = f"add {environment} to the tenant's environments, or name a finished image: run: {{image: …}}"
                yield slot.mark(*path, "bento"), what, todo


def by_tag(specs: Specs) -> Iterator[Breach]:
    """Find images without digest where the environment forbids them, and where nothing could pin them."""
    for model in specs.models:
        for case in model.cases:
            for name in case.environments:
                pins = model.platform.requires(name).get("pins")
                if model.platform.forbids(name, "imageTags") or pins:
                    for mark, image, todo in _tagged(case, pinned=bool(pins)):
                        yield Breach(mark, f"{quoted(image)} has no digest, as {name} demands", todo, model, name)


def _tagged(case: Case, *, pinned: bool) -> Iterator[Problem]:
    for slot in () if pinned else case.predictors:  # where pins are required, what lacks one is not deployed
        for node, path, run in slot.runs:
            if pin_key(slot, node) not in case.pins and not has_digest(run.get("image", "")) and "server" not in run:
                field = "image" if "image" in run else "bento"
                yield slot.mark(*path, field), run[field], f"run gen pin {case.model.tenant.name}/{case.model.name}"
    for holder, path, image in beside(case):
        if not has_digest(image):
            yield holder.mark(*path), image, 'name it by its digest: "<image>@sha256:…"'


RULES = (
    Rule(
        id="image-latest",
        title="no image is called latest",
        why="It is another image tomorrow: no review, no rollback and no two pods of one deployment could be trusted.",
        todo="Name the image by its digest.",
        example='run: {image: "registry.local/growth/gbm:latest"}',
        find=each_case(latest),
    ),
    Rule(
        id="unknown-registry",
        title="images come from the tenant's registries, else from the platform's",
        why="What runs in the cluster is what the platform has scanned and mirrored.",
        todo="Mirror the image, or ask the platform's owners to add the registry.",
        example='run: {image: "docker.io/growth/gbm@sha256:',
        find=each_case(registries),
    ),
    Rule(
        id="registry-outside",
        title="registries of tenants and builds lie in the platform's",
        why="A tenant can narrow where its images come from, and not widen it.",
        todo="Name a folder of the platform's registries.",
        example="registries: [registry.local, ghcr.io/payments]",
        find=registries_above,
    ),
    Rule(
        id="not-deployed-here",
        title="a model is deployed where its images are pinned, if the environment requires pins",
        why="Such an environment runs exactly what was tried before. A model without its pins is left out of it.",
        todo="Promote the image from the environment before.",
        example="pins:",
        find=unpinned,
        severity=Severity.NOTICE,
    ),
    Rule(
        id="pin-mismatch",
        title="a pin is an image of the predictor's own repository",
        why="A pin chooses a version. With another name it would replace the model by some other program.",
        todo="Let `gen pin` and `gen promote` write pins.",
        example='main: "registry.local/payments/fraud:2.4.1',
        find=each_predictor(strangers),
    ),
    Rule(
        id="pin-of-nothing",
        title="in a graph each node is pinned, elsewhere the predictor",
        why="A pin that belongs to nothing changes nothing and looks as if it did.",
        todo="Write `<predictor>/<node>` in a graph, `<predictor>` elsewhere; `gen pin` does so.",
        example="main/score:",
        find=each_predictor(pins_of_nothing),
    ),
    Rule(
        id="built-nowhere",
        title="a tenant with Bentos has the environment in which images are built",
        why="The build runs in that environment's cluster, in a namespace of the tenant's.",
        todo="Add the environment to the tenant, or name a finished image.",
        example="environments: [prod]",
        find=each_case(built_nowhere),
    ),
    Rule(
        id="image-tag",
        title="images are named by digest where the environment demands it",
        why="A tag can be moved to another image after the review.",
        todo="Pin the image, or name it by its digest.",
        example='run: {image: "registry.local/payments/anchor:1.4.0"}',
        find=guarded("image-tag", by_tag),
    ),
)
