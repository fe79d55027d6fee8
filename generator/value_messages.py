"""The words for a value that a keyword of its schema refuses.

A schema helps with ``x-must`` ("be lower-case letters, digits and -"), ``x-todo`` (the action) and ``examples``.
"""

import json
from collections.abc import Callable, Sequence

from generator.diag import Diagnostic, quoted
from generator.failure import Failure, Found, example
from generator.scalars import scalar
from generator.schemas import resolve
from generator.wording import NOUNS, choice, flow, shown

_BOOLS_1_1 = {**dict.fromkeys(("y", "yes", "on", "true"), True), **dict.fromkeys(("n", "no", "off", "false"), False)}


def word_type(failure: Failure) -> Found:
    """Word a value of the wrong type."""
    return word_types(failure, failure.facts["types"])


def word_types(failure: Failure, wanted: Sequence[str]) -> Found:
    """Word a value that has none of the wanted JSON Schema types."""
    value = failure.value
    raw = failure.document.raw(failure.path)
    if "enum" in failure.owner and not isinstance(value, dict | list | None):
        return word_enum(failure)
    if raw and "string" in wanted and value is not None:
        what = f"{failure.name} is {shown(value)}, not text"
        return failure.at_value("ambiguous-scalar", what, f'quote it: "{raw}"')
    nouns = " or ".join(NOUNS[name] for name in wanted if name != "null") or NOUNS["null"]
    what = f"{failure.name} is {shown(value)}, not {nouns}"
    return failure.at_value("bad-type", what, failure.word("x-todo") or _to_type(failure, wanted, nouns))


def _to_type(failure: Failure, wanted: Sequence[str], nouns: str) -> str:
    """Return the action that makes the value one of the wanted types."""
    value = failure.value
    if "enum" in failure.owner:
        return choice("", _options(failure))
    if value is None:
        return f"write {nouns}, or take the {'item' if isinstance(failure.path[-1], int) else 'key'} out"
    if isinstance(value, str) and (plain := _unquoted(value, wanted)) is not None:
        return f"write {flow(plain)}"
    if "array" in wanted and not isinstance(value, dict | list):
        return f"write [{_as_item(failure)}]"
    sample = example(failure.root, failure.owner) if {"array", "object", "string"} & set(wanted) else None
    return f"write {nouns}" if sample is None else f"write it like {sample}"


def _as_item(failure: Failure) -> str:
    """Return the lone value as the item of the list that is wanted."""
    raw = failure.document.raw(failure.path)
    wants_text = resolve(failure.root, failure.owner.get("items", {})).get("type") == "string"
    return f'"{raw}"' if raw and wants_text else flow(failure.value)


def _unquoted(text: str, wanted: Sequence[str]) -> bool | float | None:
    """Return the number or truth value that a text says, if one is wanted."""
    if "boolean" in wanted and text.lower() in _BOOLS_1_1:
        return _BOOLS_1_1[text.lower()]
    return _number(text) if {"integer", "number"} & set(wanted) else None


def _number(text: str) -> int | float | None:
    """Return the number that somebody put in quotes or wrote with underscores."""
    value = scalar(text.replace("_", ""))
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def word_enum(failure: Failure) -> Found:
    """Word a value, or a key, that is none of the allowed ones."""
    options = _options(failure)
    if failure.key is not None:
        what = f"{failure.name} has no key {quoted(failure.key)}"
        return failure.at_key("unknown-key", what, choice(failure.key, options), of=(failure.key,))
    written = failure.document.raw(failure.path) or str(failure.value)
    return failure.at_value("bad-value", f"{failure.name} is {_said(failure)}", choice(written, options))


def _options(failure: Failure) -> list[str]:
    return [option if isinstance(option, str) else flow(option) for option in failure.owner["enum"]]


def word_const(failure: Failure) -> Found:
    """Word a value that is not the only one allowed."""
    return failure.at_value("bad-value", f"{failure.name} is {_said(failure)}", f"write {flow(failure.owner['const'])}")


def _said(failure: Failure) -> str:
    """Return the wrong value, in quotes only if it is text."""
    value = failure.value
    if isinstance(value, str):
        return quoted(value) if value else "empty"
    return shown(value).removeprefix("the number ")


def word_fit(failure: Failure) -> Found:
    """Word a failure of pattern, format, not, anyOf, oneOf or contains: by the schema's own words."""
    todo = failure.word("x-todo")
    if todo is None:
        sample = example(failure.root, failure.owner)
        todo = "change it" if sample is None else f"write it like {sample}"
    must = failure.word("x-must") or "be of another form"
    if failure.key is not None:
        what = f"the key {quoted(failure.key)} of {failure.name} must {must}"
        return failure.at_key("bad-key", what, failure.word("x-todo") or "rename it", of=(failure.key,))
    if isinstance(failure.value, dict | list):
        return failure.at_key("bad-value", f"{failure.name} must {must}", todo)
    return failure.at_value("bad-value", f"{failure.name} is {_said(failure)}, but must {must}", todo)


def limit(word: str, at: str) -> Callable[[Failure], Found]:
    """Word a number outside its range: ``word`` as in "more than", ``at`` as in "at most"."""

    def formatter(failure: Failure) -> Found:
        bound = failure.owner[failure.keyword]
        what = f"{failure.name} is {failure.value}, {word} {bound}"
        return failure.at_value("out-of-range", what, f"write {at} {bound}")

    return formatter


def length(word: str, at: str) -> Callable[[Failure], Found]:
    """Word a text, or a key, that is too short or too long."""

    def formatter(failure: Failure) -> Found:
        bound = failure.owner[failure.keyword]
        text = failure.value if failure.key is None else failure.key
        size = f"{len(text)} character{'' if len(text) == 1 else 's'}"
        if failure.key is not None:
            what = f"the key {quoted(text)} of {failure.name} has {size}"
            return failure.at_key("bad-key", what, f"use {at} {bound}", of=(text,))
        if not text:
            return failure.at_value("bad-length", f"{failure.name} is the empty text", f"write {at} {bound}")
        return failure.at_value("bad-length", f"{failure.name} has {size}, {word} {bound}", f"use {at} {bound}")

    return formatter


def count(noun: str, word: str, at: str) -> Callable[[Failure], Found]:
    """Word a list or a mapping with too few or too many parts."""

    def formatter(failure: Failure) -> Found:
        bound = failure.owner[failure.keyword]
        number = len(failure.value)
        many = f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
        what = f"{failure.name} has {many}" + (f", {word} {bound}" if number else "")
        todo = failure.word("x-todo") or f"give {at} {bound}"
        return failure.at_key("bad-count", what, todo)

    return formatter


def word_unique(failure: Failure) -> Found:
    """Word a list that has an item twice, at the second."""
    firsts: dict[str, int] = {}
    found: list[Diagnostic] = []
    for index, item in enumerate(failure.value):
        first = firsts.setdefault(json.dumps(item, sort_keys=True), index)
        if first != index:
            place = failure.document.value_mark((*failure.path, first))
            said = quoted(item) if isinstance(item, str) else "an item"
            mark = failure.document.value_mark((*failure.path, index))
            what = f"{failure.name} has {said} twice: first at {place}"
            found.append(Diagnostic(mark, "duplicate-item", what, "take one of them out"))
    # To JSON Schema 1 and 1.0 are the same.
    return tuple(found) or failure.at_value(
        "duplicate-item", f"{failure.name} has an item twice", "take one of them out"
    )
