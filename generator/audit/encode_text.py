"""Texts of any length in formulas: what is asked of one is a proposition, and texts that answer all alike are a case.

A formula asks a text only a few things: whether it is this, begins with that, matches an expression. It holds for
some texts exactly if it holds for some cases; automata find every case, with the shortest text to stand for it.
"""

import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import z3

from generator.audit.encode_regex import LAST, Automaton, States, automaton

Formula = Any  # z3.BoolRef; the package has no types
MARK = "text "
STATES = 200_000  # of all questions about one text together: more would be a policy that nobody reads
USUAL = {"method": ("GET", "POST", "PUT", "DELETE"), "path": ("/other",)}  # what stands for any other text
PREFERRED = "abcxyz0/@.-_:ABC"  # characters that stand for their likes, the best first


class UncoveredError(Exception):
    """A condition is outside of what formulas cover; the text says which, in the words of the policy."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text of a request that may be anything, by its name."""

    name: str

    def one_of(self, values: Iterable[str]) -> Formula:
        """Say that it is one of some texts."""
        return z3.Or([self.is_(value) for value in values] or [z3.BoolVal(val=False)])

    def is_(self, value: str) -> Formula:
        """Say that it is a text to the letter."""
        return self._asked("exact", value)

    def begins(self, value: str) -> Formula:
        """Say that it begins with a text."""
        return self._asked("prefix", value)

    def ends(self, value: str) -> Formula:
        """Say that it ends with a text."""
        return self._asked("suffix", value)

    def holds(self, value: str) -> Formula:
        """Say that a text stands in it."""
        return self._asked("part", value)

    def like(self, regex: str) -> Formula:
        """Say that all of it matches a regular expression."""
        return self._asked("regex", regex)

    def _asked(self, kind: str, value: str) -> Formula:
        return z3.Bool(MARK + json.dumps([self.name, kind, value]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Finite:
    """A formula with what binds its propositions to each other, and by name of a text what stands for each case."""

    formula: Formula
    cases: Mapping[str, tuple[str, ...]]


def finite(formula: Formula) -> Finite:
    """Bind every proposition about a text to the case that the text is of.

    Raises:
        UncoveredError: A text has too many cases, or an expression is not covered.
    """
    asked: dict[str, list[tuple[str, str, Formula]]] = {}
    for each in constants(formula):
        if str(each).startswith(MARK):
            name, kind, value = json.loads(str(each).removeprefix(MARK))
            asked.setdefault(name, []).append((kind, value, each))
    bonds, cases = [], {}
    for name in sorted(asked):
        questions = sorted(asked[name], key=lambda one: one[:2])
        found = _table(tuple((kind, value) for kind, value, _ in questions), USUAL.get(name, ()))
        number = case_of(name)
        bonds.append(z3.And(number >= 0, number < len(found)))
        for index, (_, _, proposition) in enumerate(questions):
            holds = [number == at for at, (_, truth) in enumerate(found) if truth[index]]
            bonds.append(proposition == z3.Or(holds or [z3.BoolVal(val=False)]))
        cases[name] = tuple(standing for standing, _ in found)
    return Finite(formula=z3.And(formula, *bonds), cases=cases)


def case_of(name: str) -> Any:
    """Return the number of the case that a text is of."""
    return z3.Int(f"case {name}")


def constants(formula: Formula) -> list[Formula]:
    """Return the constants of a formula, each once."""
    seen: dict[int, None] = {}
    todo, found = [formula], []
    while todo:
        each = todo.pop()
        if each.get_id() not in seen:
            seen[each.get_id()] = None
            if z3.is_const(each) and each.decl().kind() == z3.Z3_OP_UNINTERPRETED:
                found.append(each)
            todo.extend(each.children())
    return found


@cache
def _table(questions: tuple[tuple[str, str], ...], usual: tuple[str, ...]) -> tuple[tuple[str, tuple[bool, ...]], ...]:
    """Return all cases; the same questions are asked of the same text again and again."""
    return tuple(_cases(questions, usual))


def _cases(questions: tuple[tuple[str, str], ...], usual: tuple[str, ...]) -> Iterator[tuple[str, tuple[bool, ...]]]:
    """Yield what stands for each case of a text, with the answers to all questions."""
    known = tuple(dict.fromkeys(value for kind, value in questions if kind == "exact"))
    try:
        machines = [automaton(kind, value) if kind != "exact" else None for kind, value in questions]
    except ValueError as problem:
        raise UncoveredError(str(problem)) from None
    for text in known:
        yield (
            text,
            tuple(
                text == value if machine is None else _runs(machine, text)
                for (_, value), machine in zip(questions, machines, strict=True)
            ),
        )
    seen: dict[tuple[bool, ...], None] = {}
    others = [machine for machine in machines if machine is not None]
    for text, truths in _unwritten(known, others, usual):
        answers = iter(truths)
        truth = tuple(False if machine is None else next(answers) for machine in machines)
        if truth not in seen:
            seen[truth] = None
            yield text, truth


def _runs(machine: Automaton, text: str) -> bool:
    states = machine.start
    for char in text:
        states = machine.step(states, ord(char))
    return machine.accepts(states)


def _unwritten(
    known: tuple[str, ...], machines: list[Automaton], usual: tuple[str, ...]
) -> Iterator[tuple[str, tuple[bool, ...]]]:
    """Yield texts that no question writes out, shortest first, until every way to answer the others has been seen."""
    if not machines:
        yield next(text for text in (*usual, *_plain(len(known))) if text not in known), ()
        return
    beginnings = {text[:length] for text in known for length in range(len(text) + 1)}
    chars = _alphabet(known, machines)
    start: tuple[tuple[States, ...], str | None] = (tuple(m.start for m in machines), "" if known else None)
    seen = {start: None}
    todo = deque([(start, "")])
    while todo:
        (states, begun), text = todo.popleft()
        if begun not in known or begun is None:
            yield text, tuple(m.accepts(at) for m, at in zip(machines, states, strict=True))
        for char in chars:
            after = tuple(m.step(at, char) for m, at in zip(machines, states, strict=True))
            longer = begun + chr(char) if begun is not None and begun + chr(char) in beginnings else None
            if (after, longer) not in seen:
                seen[after, longer] = None
                todo.append(((after, longer), text + chr(char)))
        if len(seen) > STATES:
            raise UncoveredError("a text that is asked for more than can be told apart")


def _plain(count: int) -> Iterator[str]:
    """Yield more names than are known."""
    yield from ("somebody", *(f"nobody{number}" for number in range(count)))


def _alphabet(known: Iterable[str], machines: Iterable[Automaton]) -> tuple[int, ...]:
    """Return one character for each set of characters that nothing tells apart, those that can be sent first."""
    bounds = {0, *(bound for machine in machines for bound in machine.bounds())}
    bounds |= {bound for text in known for char in text for bound in (ord(char), ord(char) + 1)}
    ordered = [*sorted(bound for bound in bounds if bound <= LAST), LAST + 1]
    liked = [ord(char) for char in PREFERRED]
    found = []
    for low, after in pairwise(ordered):
        best = next((char for char in liked if low <= char < after), low)
        found.append(best)
    ranks = {char: index for index, char in enumerate(liked)}
    return tuple(sorted(found, key=lambda char: (ranks.get(char, len(ranks)), not chr(char).isalnum(), char)))
