"""The smallest change of a spec that would change one answer, tried before it is told."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from generator import build, resolve
from generator.audit.asking import Asked
from generator.audit.doors import Door
from generator.audit.identities import Identity, Kind
from generator.audit.matrix import parts
from generator.audit.snapshot import Snapshot
from generator.audit.verdicts import grants_for
from generator.rules.cases import ModelSpec
from generator.wording import flow

FIELDS = {Kind.USER: "users", Kind.GROUP: "groups", Kind.CLIENT: "clients", Kind.WORKLOAD: "workloads"}
Data = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What to write where, in words; ``changes`` says that it was tried and the answer is the other one."""

    what: str
    changes: bool


def edit_for(taken: Snapshot, asked: Asked) -> Edit | None:
    """Return the change that would let somebody in who is refused, or refuse somebody who is let in.

    None where no grant would: the request is no operation of the model, or nobody in particular asks.
    """
    if asked.frontage is None or asked.door is None or asked.frontage.resolved is None:
        return None
    spec = next(
        one
        for one in taken.specs.models
        if (one.tenant.name, one.name) == (asked.frontage.tenant, asked.frontage.model)
    )
    if asked.allowed:
        return _taking(taken, asked, asked.door, spec)
    known = {operation.name for operation in asked.frontage.resolved.operations}
    return _giving(asked, asked.door, spec) if asked.door.operation in known else None


def _giving(asked: Asked, door: Door, spec: ModelSpec) -> Edit | None:
    one = next((each for each in parts(asked.identity) or (asked.identity,) if each.kind in FIELDS), None)
    if one is None:
        return None
    grant: Data = {FIELDS[one.kind]: [one.name], "can": [door.operation], "in": [door.environment]}
    if door.operation == "predict":
        del grant["can"]

    def add(data: Data) -> None:
        data["spec"].setdefault("access", []).append(grant)

    mark = spec.key_mark("access") if "access" in spec.spec else spec.document.key_mark(("spec",))
    field = "" if "access" in spec.spec else "access: "
    what = f"add below {mark.file}:{mark.line}  {field}- {flow(grant)}"
    return Edit(what=what, changes=_tried(asked, spec, add))


def _taking(taken: Snapshot, asked: Asked, door: Door, spec: ModelSpec) -> Edit | None:
    named = [
        (each, grant)
        for each in parts(asked.identity) or (asked.identity,)
        for grant in grants_for(taken.granted, each, door)
        if grant.index >= 0
    ]
    if not named:
        return None
    gone = {(grant.index, each) for each, grant in named}

    def take(data: Data) -> None:
        for index, each in gone:
            _without(data["spec"]["access"][index], each)
        data["spec"]["access"] = [grant for grant in data["spec"]["access"] if grant]

    words = [f"{each if each.kind in FIELDS else 'anyAuthenticated'} out of {grant}" for each, grant in named]
    return Edit(what=f"take {', and '.join(words)}", changes=_tried(asked, spec, take))


def _without(grant: Data, identity: Identity) -> None:
    """Take an identity out of a grant; the whole of it where it names sets or nobody else."""
    field = FIELDS.get(identity.kind, "anyAuthenticated")
    rest = [name for name in grant.get(field, ()) if name != identity.name] if field != "anyAuthenticated" else []
    if rest and "callers" not in grant:
        grant[field] = rest
        return
    grant.pop(field, None)
    if "callers" in grant or not any(name in grant for name in (*FIELDS.values(), "anyAuthenticated")):
        grant.clear()


def _tried(asked: Asked, spec: ModelSpec, change: Callable[[Data], None]) -> bool:
    """Say whether the answer is the other one with the change, as the policies made of it decide."""
    if asked.frontage is None or asked.frontage.resolved is None:
        return False
    data: Data = deepcopy(spec.document.data)
    change(data)
    model = resolve.model(data, asked.frontage.resolved.place)
    made = {_key(obj): obj for obj in build.policies(model)}
    objects = tuple(_replaced(asked.cluster.objects, made))
    return replace(asked, cluster=replace(asked.cluster, objects=objects)).allowed is not asked.allowed


def _replaced(objects: Iterable[Data], made: Mapping[tuple[str, str, str], Data]) -> Iterator[Data]:
    left = dict(made)
    for obj in objects:
        yield left.pop(_key(obj), obj)
    yield from left.values()


def _key(obj: Data) -> tuple[str, str, str]:
    metadata = obj["metadata"]
    return str(obj["kind"]), str(metadata.get("namespace", "")), str(metadata["name"])
