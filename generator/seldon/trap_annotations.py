"""Traps in annotations: the place where each is read, and the values that break it.

Source: Seldon Core 1.17.1, operator/controllers/ (where each key is read) and executor/k8s/annotation.go (the
executor's parser).
"""

import re

from generator.seldon.objects import (
    NO_ENGINE,
    SEPARATE_ENGINE,
    SERVICE_NAME,
    Object,
    annotation,
    annotation_of,
    has_engine,
    has_separate_engine,
)
from generator.seldon.settings import OperatorSettings
from generator.seldon.trap_rules import Finds, Found
from generator.seldon.verdict import Path, component_parts, predictors

WHOLE_NUMBER = re.compile(r"[+-]?[0-9]+")
RETRIES = "seldon.io/istio-retries"
RETRIES_TIMEOUT = "seldon.io/istio-retries-timeout"
QUEUE_SIZE = "seldon.io/executor-logger-queue-size"
WRITE_TIMEOUT = "seldon.io/executor-logger-write-timeout-ms"
HOST = "seldon.io/istio-host"
OBJECT, SPEC, PREDICTOR, COMPONENT = "metadata", "spec", "predictor", "componentSpec metadata"
PLACES: dict[str, tuple[str, ...]] = {
    NO_ENGINE: (PREDICTOR,),
    SERVICE_NAME: (PREDICTOR,),
    SEPARATE_ENGINE: (SPEC,),
    "seldon.io/no-storage-initializer": (SPEC,),
    "seldon.io/headless-svc": (SPEC, OBJECT),
    "seldon.io/istio-gateway": (SPEC, OBJECT),
    HOST: (SPEC, OBJECT),
    RETRIES: (SPEC, OBJECT),
    RETRIES_TIMEOUT: (SPEC, OBJECT),
    QUEUE_SIZE: (SPEC, OBJECT),
    WRITE_TIMEOUT: (SPEC, OBJECT),
    "seldon.io/rest-timeout": (SPEC, PREDICTOR, COMPONENT),
    "seldon.io/grpc-timeout": (SPEC, PREDICTOR, COMPONENT),
    "seldon.io/grpc-max-message-size": (SPEC, PREDICTOR, COMPONENT),
}


def places(deployment: Object, _: OperatorSettings) -> Finds:
    """Find annotations where nobody reads them."""
    for place, path, annotations in _annotations(deployment):
        for key in annotations:
            read = PLACES.get(key)
            if read is not None and place not in read:
                text = f"{key} is read from the annotations of {' or '.join(read)}, not of {place}"
                yield Found("annotation-place", (*path, key), text)


def values(deployment: Object, _: OperatorSettings) -> Finds:
    """Find values that the operator or the executor cannot read."""
    engines = any(has_engine(predictor) for _, predictor in predictors(deployment))
    numbers = [*((QUEUE_SIZE, WRITE_TIMEOUT) if engines else ())]
    if annotation(deployment, RETRIES, ""):
        numbers += [RETRIES, RETRIES_TIMEOUT]
    for key in numbers:
        value = annotation(deployment, key, "0")
        if not WHOLE_NUMBER.fullmatch(value):
            yield Found("annotation-number", _top(deployment, key), f'{key} is "{value}", no whole number')
    retries = annotation(deployment, RETRIES, "")
    if WHOLE_NUMBER.fullmatch(retries) and int(retries) > 0 and not annotation(deployment, RETRIES_TIMEOUT, ""):
        text = f"{RETRIES} without {RETRIES_TIMEOUT}"
        yield Found("retries-without-timeout", _top(deployment, RETRIES), text)
    if "," in annotation(deployment, HOST, ""):
        yield Found("host-list", _top(deployment, HOST), "a list of hosts")


def engine_words(deployment: Object, _: OperatorSettings) -> Finds:
    """Find a no-engine annotation that does not switch the executor off."""
    for path, predictor in predictors(deployment):
        word = annotation_of(predictor, NO_ENGINE, "true")
        if word.lower() != "true":
            yield Found("no-engine-word", (*path, "annotations", NO_ENGINE), f'{NO_ENGINE} is "{word}"')


def equals(deployment: Object, _: OperatorSettings) -> Finds:
    """Find values with "=" among the annotations of a pod with an executor; a pod of its own gets none of them."""
    with_engine = [path for path, predictor in predictors(deployment) if has_engine(predictor)]
    if has_separate_engine(deployment) or not with_engine:
        return
    # The executor is in the pod of the first componentSpec.
    hosts = [path for one in with_engine for path in ((*one, "annotations"), (*one, *_FIRST))]
    for _place, path, annotations in _annotations(deployment):
        for key, value in annotations.items():
            if "=" in f"{key}{value}" and path in (("spec", "annotations"), *hosts):
                yield Found("annotation-equals", (*path, key), f'{key} contains "="')


def twice(deployment: Object, _: OperatorSettings) -> Finds:
    """Find a key with two values, one of the predictor and one of its componentSpec."""
    for path, predictor in predictors(deployment):
        own = predictor.get("annotations") or {}
        for place, component in component_parts(predictor, path):
            for key, value in ((component.get("metadata") or {}).get("annotations") or {}).items():
                if own.get(key, value) != value:
                    where = (*place, "metadata", "annotations", key)
                    yield Found("annotation-twice", where, f"{key} has another value in the predictor's annotations")


_FIRST = ("componentSpecs", 0, "metadata", "annotations")


def _annotations(deployment: Object) -> list[tuple[str, Path, Object]]:
    """Return place, path and annotations of every part that can carry them."""
    found: list[tuple[str, Path, Object]] = [
        (OBJECT, ("metadata", "annotations"), deployment["metadata"].get("annotations") or {}),
        (SPEC, ("spec", "annotations"), deployment["spec"].get("annotations") or {}),
    ]
    for path, predictor in predictors(deployment):
        found.append((PREDICTOR, (*path, "annotations"), predictor.get("annotations") or {}))
        for place, component in component_parts(predictor, path):
            own = (component.get("metadata") or {}).get("annotations") or {}
            found.append((COMPONENT, (*place, "metadata", "annotations"), own))
    return found


def _top(deployment: Object, key: str) -> Path:
    owner = SPEC if key in (deployment["spec"].get("annotations") or {}) else OBJECT
    return (owner, "annotations", key)


RULES = (places, values, engine_words, equals, twice)
