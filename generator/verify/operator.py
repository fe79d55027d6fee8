"""SeldonDeployments as Kustomize printed them, shown to what the Seldon operator's webhook and controller would say."""

from collections.abc import Iterator, Mapping, Sequence

from generator.build.operator import settings_of
from generator.diag import Diagnostic, Mark
from generator.foresee import PREFIX, judge, severity_of, text_of, todo_for
from generator.names import object_file
from generator.seldon.claims import clashes
from generator.seldon.settings import OperatorSettings
from generator.seldon.traps import settings_traps
from generator.tenancy import Object, Platform
from generator.verify.law import key, named

KIND = "SeldonDeployment"
_CLASH = "rename one of the two models or predictors"


def check(platform: Platform, synced: Mapping[str, Sequence[Object]]) -> Iterator[Diagnostic]:
    """Yield what the operator would refuse, fail at or get wrong; ``synced``: an environment's overlays, printed.

    Two SeldonDeployments of a namespace that derive one name undo each other's work: that is seen here alone, where
    all of them are at hand.
    """
    settings = settings_of(platform)
    found = [(Mark(f"{folder}/{object_file(o)}"), o) for folder, objs in synced.items() for o in objs if _is(o)]
    for verdict in settings_traps(settings):
        yield Diagnostic(Mark("platform.yaml"), PREFIX + verdict.rule, text_of(verdict), todo_for(verdict.rule))
    for mark, deployment in found:
        for verdict in judge(deployment, settings):
            what = f"{named(key(deployment))}: {text_of(verdict)}"
            yield Diagnostic(mark, PREFIX + verdict.rule, what, todo_for(verdict.rule), severity_of(verdict))
    yield from _collisions(found, settings)


def _collisions(found: Sequence[tuple[Mark, Object]], settings: OperatorSettings) -> Iterator[Diagnostic]:
    """Yield the first name that two SeldonDeployments share; within one, `judge` has said it."""
    said: set[tuple[int, int]] = set()
    for clash in clashes([deployment for _, deployment in found], settings):
        (first, one), (second, other) = clash.first, clash.second
        if first == second or (first, second) in said:
            continue
        said.add((first, second))
        mine, theirs = named(key(found[second][1])), named(key(found[first][1]))
        what = f"{mine} takes the {other.kind} {other.name}, which {theirs} has"
        if one.name != other.name:
            what += f" as {one.name}"
        yield Diagnostic(found[second][0], f"{PREFIX}name-collision", what, _CLASH)


def count(synced: Mapping[str, Sequence[Object]]) -> int:
    """Return how many SeldonDeployments there are to show."""
    return sum(_is(obj) for objects in synced.values() for obj in objects)


def _is(obj: Object) -> bool:
    return bool(obj["kind"] == KIND)
