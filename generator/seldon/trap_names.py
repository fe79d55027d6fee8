"""Traps in names: characters, lengths, hashes, collisions, reserved words.

Source: Seldon Core 1.17.1, seldondeployment_types.go and seldondeployment_controller.go; Kubernetes "Object Names
and IDs", "Labels and Selectors"; the CRD's list-map keys of container ports.
"""

import re

from generator.seldon import names
from generator.seldon.claims import PREFIX, Claim, claimed_names
from generator.seldon.objects import ENGINE_CONTAINER, SERVICE_NAME, TFSERVING_CONTAINER, Object, annotation_of
from generator.seldon.settings import OperatorSettings
from generator.seldon.trap_rules import Finds, Found
from generator.seldon.verdict import component_containers, component_parts, predictors

SERVICE = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")  # DNS-1035 label
LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")  # DNS-1123 label
RESERVED = (ENGINE_CONTAINER, TFSERVING_CONTAINER, "istio-proxy", "istio-init")


def bad_names(deployment: Object, _: OperatorSettings) -> Finds:
    """Find names that do not fit where the operator puts them."""
    sdep = deployment["metadata"]["name"]
    if not SERVICE.fullmatch(sdep):
        yield Found("bad-name", ("metadata", "name"), f'"{sdep}" cannot begin the name of a Service')
    for path, predictor in predictors(deployment):
        name = predictor["name"]
        if not LABEL.fullmatch(name):
            yield Found("bad-name", (*path, "name"), f'"{name}" cannot be part of the name of a Service')
        custom = annotation_of(predictor, SERVICE_NAME, "unset")
        if not SERVICE.fullmatch(custom):
            place = (*path, "annotations", SERVICE_NAME)
            yield Found("bad-name", place, f'"{custom}" cannot be the name of a Service')


def bad_part_names(deployment: Object, _: OperatorSettings) -> Finds:
    """Find names of containers and componentSpecs that Kubernetes does not take."""
    for path, predictor in predictors(deployment):
        for place, container in component_containers(predictor, path):
            if not LABEL.fullmatch(container["name"]):
                yield Found("bad-name", (*place, "name"), f'"{container["name"]}" cannot be the name of a container')
        for place, component in component_parts(predictor, path):
            pinned = (component.get("metadata") or {}).get("name") or "unset"
            if not LABEL.fullmatch(pinned):
                where = (*place, "metadata", "name")
                yield Found("bad-name", where, f'"{pinned}" cannot end the name of a Deployment')


def long_names(deployment: Object, settings: OperatorSettings) -> Finds:
    """Find names that are too long, or that the operator hashes."""
    for path, predictor in predictors(deployment):
        labelled = (predictor.get("labels") or {}).get("version") or predictor["name"]
        if len(labelled) > names.NAME_MAX:
            yield Found("label-length", (*path, "name"), f"the label has {len(labelled)} characters, 63 fit")
        custom = annotation_of(predictor, SERVICE_NAME)
        if len(custom) > names.NAME_MAX:
            place = (*path, "annotations", SERVICE_NAME)
            yield Found("service-name-length", place, f"the name has {len(custom)} characters, 63 fit")
        for place, container in component_containers(predictor, path):
            length = len(container["name"])
            if length > names.CONTAINER_MAX:
                text = f"the name has {length} characters, {names.CONTAINER_MAX} fit"
                yield Found("container-name-length", (*place, "name"), text)
    for claim in claimed_names(deployment, settings):
        if re.fullmatch(r"(seldon|.+)-[0-9a-f]{32}", claim.name):
            yield Found("hashed-name", claim.path, f"the {claim.kind} is named {claim.name}")


def collisions(deployment: Object, settings: OperatorSettings) -> Finds:
    """Find two parts of one SeldonDeployment that derive the same name."""
    taken: dict[tuple[str, str], Claim] = {}
    for claim in claimed_names(deployment, settings):
        first = taken.setdefault((claim.kind, claim.name), claim)
        if first is not claim and claim.kind != PREFIX:
            yield Found("name-collision", claim.path, f'two parts make the {claim.kind} "{claim.name}"')


def containers(deployment: Object, _: OperatorSettings) -> Finds:
    """Find container names that are reserved or there twice, and ports declared twice."""
    for path, predictor in predictors(deployment):
        for place, component in component_parts(predictor, path):
            yield from _doubles(component, place)
        for place, container in component_containers(predictor, path):
            if container["name"] in RESERVED:
                yield Found("reserved-name", (*place, "name"), f'"{container["name"]}" is taken')
            seen = []
            for index, port in enumerate(container.get("ports") or ()):
                key = (port["containerPort"], port.get("protocol") or "TCP")
                if key in seen:
                    text = f"port {key[0]}/{key[1]} is declared twice"
                    yield Found("duplicate-port", (*place, "ports", index), text)
                seen.append(key)


def _doubles(component: Object, path: tuple[str | int, ...]) -> Finds:
    seen = []
    spec = component.get("spec") or {}
    for kind in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(kind) or ()):
            if container["name"] in seen:
                place = (*path, "spec", kind, index, "name")
                yield Found("duplicate-container", place, f'a second container is named "{container["name"]}"')
            seen.append(container["name"])


RULES = (bad_names, bad_part_names, long_names, collisions, containers)
