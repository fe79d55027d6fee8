"""How values, types and choices read in a message."""

import json
import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from generator.diag import quoted
from generator.scalars import is_surely_text

LIST_MAX = 8  # more choices than this are not read

NOUNS = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "empty",
}


def closest(word: str, options: Iterable[str]) -> str | None:
    """Return the option that a person probably meant by a misspelt word."""
    known = sorted(options)
    same = [option for option in known if option.casefold() == word.casefold()]
    return next(iter(same or get_close_matches(word, known, 1)), None)


def choice(word: str, options: Iterable[str]) -> str:
    """Return the action for a word that is none of the options: the closest, else up to 8 of them."""
    known = sorted(options)
    near = closest(word, known)
    if near is not None:
        return f'did you mean "{near}"?'
    if len(known) == 1:
        return f"write {known[0]}"
    return f"use one of: {listed(known)}" if known else "take it out"


def listed(options: Iterable[str]) -> str:
    """Return the options sorted, at most 8 of them."""
    known = sorted(options)
    more = f", … and {len(known) - LIST_MAX} more" if len(known) > LIST_MAX else ""
    return ", ".join(known[:LIST_MAX]) + more


def flow(value: Any) -> str:
    """Return a value as one would write it in one line of a spec."""
    match value:
        case dict():
            return "{" + ", ".join(f"{flow(key)}: {flow(part)}" for key, part in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(flow, value)) + "]"
        case str() if re.fullmatch(r"[A-Za-z/][A-Za-z0-9_./@-]*", value) and is_surely_text(value):
            return value
        case _:
            return json.dumps(value, ensure_ascii=False)


def shown(value: Any) -> str:
    """Return a wrong value in words, never a whole mapping or list."""
    match value:
        case None:
            return "empty"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case bool():
            return str(value).lower()
        case str():
            return f"the text {quoted(value)}" if value else "the empty text"
        case _:
            return f"the number {value}"
