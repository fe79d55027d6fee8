"""Pins: which built image a predictor serves in an environment, written into the spec by digest."""

from collections.abc import Iterable, Mapping

from generator.diag import GenError, quoted
from generator.edit import with_text
from generator.model import Model

DIGEST = "@sha256:"


class PinError(GenError):
    """What was asked for cannot be pinned; the text says why and what to do."""


def pinnable(model: Model) -> dict[str, str]:
    """Return the image that each pin of the model stands for, without digest, by the key of the pin.

    The key is the predictor's name, and ``<predictor>/<node>`` in a graph of several nodes. A Bento counts under the
    tag that its build pushes, whatever is pinned now.
    """
    found = {}
    for predictor in model.predictors:
        nodes = predictor.nodes()
        for node in nodes:
            if node.run is not None and node.run.kind != "server":
                key = predictor.name if len(nodes) == 1 else f"{predictor.name}/{node.name}"
                found[key] = (node.run.tag_image or node.run.image).partition(DIGEST)[0]
    return found


def matched(model: Model, images: Iterable[str]) -> dict[str, str]:
    """Return image by pin for the images given, each ``repository:tag@sha256:…``.

    Raises:
        PinError: An image has no digest, or is none that the model serves in its environment.
    """
    known = pinnable(model)
    pins: dict[str, str] = {}
    for image in images:
        tagged, _, digest = image.partition(DIGEST)
        if not digest:
            raise PinError(
                f"{quoted(image)} has no digest\n  give it as the build Job prints it: repository:tag{DIGEST}…"
            )
        keys = [key for key, wanted in known.items() if wanted == tagged]
        if not keys:
            served = ", ".join(sorted(set(known.values()))) or "no image of its own"
            where = model.place.environment.name
            raise PinError(f"{model.name} does not serve {quoted(tagged)} in {where}\n  it serves {served}")
        pins |= dict.fromkeys(keys, image)
    return pins


def promoted(pins: Mapping[str, str], source: str, target: Model) -> dict[str, str]:
    """Return the pins of one environment that another takes over: those of the predictors that it has.

    Raises:
        PinError: A predictor of the target has no pin to take over.
    """
    wanted = pinnable(target)
    missing = [key for key in wanted if key not in pins]
    if missing:
        name = f"{target.place.tenant.name}/{target.name}"
        todo = f"pin it there first: gen pin {name} IMAGE{DIGEST}…"
        raise PinError(f"nothing is pinned for {', '.join(missing)} in {source}\n  {todo}")
    return {key: pins[key] for key in wanted}


def written(text: str, environment: str, pins: Mapping[str, str]) -> str:
    """Return a model's spec with the pins of an environment; comments and layout stay."""
    for key, image in pins.items():
        text = with_text(text, ("spec", "environments", environment, "pins", key), image)
    return text
