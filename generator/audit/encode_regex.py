"""Regular expressions of Envoy's matchers as automata: the whole text has to match, a dot is anything but a line's end.

Source: google/re2 syntax as Envoy uses it (full match); Python's own parser reads the expressions, which are those
that Istio writes: quoted texts, `.*`, `.+`, groups, alternatives and sets.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

LAST = 0x10FFFF
Chars = tuple[tuple[int, int], ...]  # ranges of characters, both ends included
EVERY: Chars = ((0, LAST),)
Edge = tuple[Chars | None, int]  # None: without a character
States = frozenset[int]


@dataclass(frozen=True, slots=True)
class Automaton:
    """States by number with their edges; the last one accepts, and the first begins."""

    edges: tuple[tuple[Edge, ...], ...]

    @property
    def start(self) -> States:
        """Return the states before the first character."""
        return self._closed([0])

    def step(self, states: States, char: int) -> States:
        """Return the states after one more character."""
        return self._closed(
            target
            for state in states
            for chars, target in self.edges[state]
            if chars is not None and any(low <= char <= high for low, high in chars)
        )

    def accepts(self, states: States) -> bool:
        """Say whether the text so far matches."""
        return len(self.edges) - 1 in states

    def bounds(self) -> Iterator[int]:
        """Yield where a range of characters begins, or the next one after it."""
        for edges in self.edges:
            for chars, _ in edges:
                for low, high in chars or ():
                    yield low
                    yield high + 1

    def _closed(self, states: Iterable[int]) -> States:
        found = dict.fromkeys(states)
        todo = list(found)
        while todo:
            for chars, target in self.edges[todo.pop()]:
                if chars is None and target not in found:
                    found[target] = None
                    todo.append(target)
        return frozenset(found)


def automaton(kind: str, value: str) -> Automaton:
    """Return what takes the texts that `value` asks for: a prefix, a suffix, a part, or a regular expression.

    Raises:
        ValueError: The expression has a part that is not covered.
    """
    builder = _Builder([[]])
    around = {"prefix": (False, True), "suffix": (True, False), "part": (True, True), "regex": (False, False)}
    before, after = around[kind]
    if before:
        builder.repeat(lambda: builder.take(EVERY))
    if kind == "regex":
        parser = re._parser  # type: ignore[attr-defined]  # noqa: SLF001  # there is no public way to Python's parser
        builder.sequence(list(parser.parse(value)))
    else:
        for char in value:
            builder.take(((ord(char), ord(char)),))
    if after:
        builder.repeat(lambda: builder.take(EVERY))
    builder.jump(len(builder.edges) - 1, builder.state())
    return Automaton(tuple(map(tuple, builder.edges)))


@dataclass(slots=True)
class _Builder:
    """An automaton that grows at its last state."""

    edges: list[list[Edge]]

    def state(self) -> int:
        self.edges.append([])
        return len(self.edges) - 1

    def jump(self, start: int, end: int) -> None:
        self.edges[start].append((None, end))

    def take(self, chars: Chars) -> None:
        here = len(self.edges) - 1
        there = self.state()
        self.edges[here].append((chars, there))

    def repeat(self, inner: Callable[[], None]) -> None:
        """Add any number of something."""
        here = len(self.edges) - 1
        first = self.state()
        inner()
        self.jump(len(self.edges) - 1, first)
        end = self.state()
        self.jump(here, first)
        self.jump(first, end)

    def either(self, inners: Iterable[Callable[[], None]]) -> None:
        """Add one of several things."""
        here, ends = len(self.edges) - 1, []
        for inner in inners:
            self.jump(here, self.state())
            inner()
            ends.append(len(self.edges) - 1)
        end = self.state()
        for each in ends:
            self.jump(each, end)

    def sequence(self, parts: Iterable[Any]) -> None:
        for kind, value in parts:
            PARTS.get(str(kind), _unknown(str(kind)))(self, value)


def _repeated(builder: _Builder, value: Any) -> None:
    low, high, inner = value
    for _ in range(low):
        builder.sequence(inner)
    if str(high) == "MAXREPEAT":
        builder.repeat(lambda: builder.sequence(inner))
        return
    for _ in range(int(high) - low):
        builder.either([lambda: builder.sequence(inner), lambda: None])


def _set(parts: Iterable[Any]) -> Chars:
    ranges, negated = [], False
    for kind, value in parts:
        match str(kind):
            case "NEGATE":
                negated = True
            case "RANGE":
                ranges.append((int(value[0]), int(value[1])))
            case "LITERAL":
                ranges.append((int(value), int(value)))
            case other:
                raise ValueError(f"a set of characters with {other.lower()}")
    return _others(tuple(ranges)) if negated else tuple(ranges)


def _others(chars: Chars) -> Chars:
    made, next_ = [], 0
    for low, high in sorted(chars):
        if low > next_:
            made.append((next_, low - 1))
        next_ = max(next_, high + 1)
    return (*made, (next_, LAST)) if next_ <= LAST else tuple(made)


def _unknown(kind: str) -> Callable[[_Builder, Any], None]:
    def refuse(_: _Builder, __: Any) -> None:
        raise ValueError(f"a regular expression with {kind.lower()}")

    return refuse


def _one(value: Any) -> Chars:
    return ((int(value), int(value)),)


PARTS: dict[str, Callable[[_Builder, Any], None]] = {
    "LITERAL": lambda builder, value: builder.take(_one(value)),
    "NOT_LITERAL": lambda builder, value: builder.take(_others(_one(value))),
    "ANY": lambda builder, _: builder.take(_others(_one(ord("\n")))),
    "IN": lambda builder, value: builder.take(_set(value)),
    "SUBPATTERN": lambda builder, value: builder.sequence(value[-1]),
    "BRANCH": lambda builder, value: builder.either(partial(builder.sequence, part) for part in value[1]),
    "MAX_REPEAT": _repeated,
    "MIN_REPEAT": _repeated,
}
