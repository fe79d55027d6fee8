"""What of a foreign object a spec says, and what it cannot: the account that an import keeps."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from generator.document import Path, dotted
from generator.seldon.objects import Object

MEANT = ("lifecycle", "livenessProbe", "readinessProbe", "securityContext")


class Change(StrEnum):
    """What becomes of a part of the original that the spec does not say as it stands."""

    LEFT_OUT = "left out"  # it had an effect, and is gone
    OTHERWISE = "said otherwise"  # the spec means the same, or does it more safely, in another way
    IDLE = "without effect"  # the operator makes the same with it and without it


@dataclass(frozen=True, slots=True, kw_only=True)
class Remainder:
    """One part of the original that the spec does not say as it stands: where, what, why, and what to do about it."""

    path: Path
    value: Any
    change: Change
    reason: str
    todo: str

    @property
    def place(self) -> str:
        """Return the path as people write it."""
        return dotted(self.path)


class UnsayableError(Exception):
    """A part without which there is no spec cannot be said; ``path`` leads to it."""

    def __init__(self, path: Path, reason: str, todo: str) -> None:
        self.path, self.reason, self.todo = path, reason, todo
        super().__init__(reason)


class Ledger:
    """What one import has said so far, by path in the original; a path stands for all that lies below it."""

    __slots__ = ("_original", "_said", "noted")

    def __init__(self, original: Object) -> None:
        self._original = original
        self._said: dict[Path, None] = {}
        self.noted: list[Remainder] = []

    def say(self, *paths: Path) -> None:
        """Note that the spec says what stands at the paths."""
        self._said.update(dict.fromkeys(paths))

    def unsay(self, path: Path) -> None:
        """Take back that the spec says what stands at a path or below it."""
        self._said = {known: None for known in self._said if known[: len(path)] != path}

    def value(self, *path: str | int) -> Any:
        """Return what the original says at a path, None where it says nothing."""
        return value_at(self._original, path)

    def note(self, path: Path, change: Change, reason: str, todo: str) -> None:
        """Note what the spec does not say as it stands; with OTHERWISE its parts are still to be said."""
        self.noted.append(
            Remainder(path=path, value=value_at(self._original, path), change=change, reason=reason, todo=todo)
        )

    def covers(self, path: Path) -> bool:
        """Say whether a path is accounted for: said, or noted whole."""
        noted = [one.path for one in self.noted if one.change is not Change.OTHERWISE]
        return any(path[:depth] in self._said for depth in range(len(path) + 1)) or any(
            path[: len(one)] == one for one in noted
        )


def value_at(thing: Any, path: Path) -> Any:
    """Return what stands at a path, None where nothing does."""
    for step in path:
        try:
            thing = thing[step]
        except (KeyError, IndexError, TypeError):
            return None
    return thing


def leaves(thing: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield path and value of everything that is no collection; null and what is empty say nothing.

    But for an empty mapping under a word of `MEANT`: it keeps the operator from filling the field in.
    """
    if thing == {} and path and path[-1] in MEANT:
        yield path, thing
    elif isinstance(thing, dict):
        for key, value in thing.items():
            yield from leaves(value, (*path, key))
    elif isinstance(thing, list):
        for index, value in enumerate(thing):
            yield from leaves(value, (*path, index))
    elif thing is not None and thing != "":
        yield path, thing


def without(original: Object, paths: list[Path]) -> Object:
    """Return a copy of the original without what stands at the paths."""
    copy = deepcopy(original)
    for path in sorted(set(paths), key=_order, reverse=True):  # from the end, so that indices stay true
        holder: Any = value_at(copy, path[:-1])
        if value_at(holder, path[-1:]) is not None:
            del holder[path[-1]]
    return copy


def _order(path: Path) -> tuple[tuple[int, int, str], ...]:
    return tuple((0, step, "") if isinstance(step, int) else (1, 0, step) for step in path)
