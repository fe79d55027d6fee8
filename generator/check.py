"""A document against the schema of its kind: everything that is wrong, at its place, in the user's words."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from generator.diag import Diagnostic, ordered, quoted
from generator.document import Document, Path, dotted
from generator.failure import Failure, Found, holders
from generator.key_messages import (
    word_any,
    word_dependent,
    word_not,
    word_refused,
    word_required,
    word_unknown,
)
from generator.scalars import is_ambiguous
from generator.schemas import API_VERSION, KINDS, compiled, schema, validator
from generator.value_messages import (
    count,
    length,
    limit,
    word_const,
    word_enum,
    word_fit,
    word_type,
    word_unique,
)
from generator.wording import choice, closest

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

# One formatter a keyword. Of several failures of one value only the first in this order is said.
VALUE_FORMATTERS: Mapping[str, Callable[[Failure], Found]] = {
    "type": word_type,
    "const": word_const,
    "enum": word_enum,
    "minLength": length("less than", "at least"),
    "pattern": word_fit,
    "format": word_fit,
    "maxLength": length("more than", "at most"),
    "minimum": limit("less than", "at least"),
    "maximum": limit("more than", "at most"),
    "exclusiveMinimum": limit("not more than", "more than"),
    "exclusiveMaximum": limit("not less than", "less than"),
    "multipleOf": limit("no multiple of", "a multiple of"),
    "minItems": count("item", "fewer than", "at least"),
    "maxItems": count("item", "more than", "at most"),
    "minProperties": count("key", "fewer than", "at least"),
    "maxProperties": count("key", "more than", "at most"),
    "contains": word_fit,
    "uniqueItems": word_unique,
}
# Failures of what stands in a mapping: all of them are said.
KEY_FORMATTERS: Mapping[str, Callable[[Failure], Found]] = {
    "additionalProperties": word_unknown,
    "unevaluatedProperties": word_unknown,
    "required": word_required,
    "dependentRequired": word_dependent,
    "anyOf": word_any,
    "oneOf": word_any,
    "not": word_not,
    "false": word_refused,
}


def check(document: Document) -> Found:
    """Return what keeps the document from being a valid spec of its kind; rules run only on what passes."""
    problems = (*_check_version(document), *_check_kind(document))
    if problems:
        return ordered(problems)
    kind = document.data["kind"]
    if validator(kind).is_valid(document.data) and not any(map(is_ambiguous, document.plain.values())):
        return ()
    return check_against(schema(kind), document)


def check_against(root: dict[str, Any], document: Document) -> Found:
    """Return what keeps the document from fitting a draft 2020-12 schema whose references are all local."""
    failures = [_failure(root, document, error) for error in compiled(root).iter_errors(document.data)]
    misspelt = frozenset(_misspelt(failures))
    found = list(_ambiguous(document, frozenset(failure.path for failure in failures)))
    for failure in _foremost(failures):
        if (failure.path, failure.facts.get("property")) not in misspelt or failure.keyword != "required":
            found += (VALUE_FORMATTERS.get(failure.keyword) or KEY_FORMATTERS[failure.keyword])(failure)
    return ordered(found)


def _check_version(document: Document) -> Iterator[Diagnostic]:
    version = document.data.get("apiVersion")
    if "apiVersion" not in document.data:
        yield _missing(document, "apiVersion", f"add this line: apiVersion: {API_VERSION}")
    elif version != API_VERSION:
        mark = document.value_mark(("apiVersion",))
        said = quoted(version) if isinstance(version, str) else "not text"
        yield Diagnostic(mark, "unknown-version", f"apiVersion is {said}", f"write apiVersion: {API_VERSION}")


def _check_kind(document: Document) -> Iterator[Diagnostic]:
    kind = document.data.get("kind")
    if "kind" not in document.data:
        yield _missing(document, "kind", f"add a line kind: {', '.join(KINDS[:-1])} or {KINDS[-1]}")
    elif kind not in KINDS:
        said = quoted(kind) if isinstance(kind, str) else "not text"
        todo = choice(str(kind), KINDS)
        yield Diagnostic(document.value_mark(("kind",)), "unknown-kind", f"kind is {said}", todo)


def _missing(document: Document, key: str, todo: str) -> Diagnostic:
    """Return one message for a key of the file's head that is absent or misspelt."""
    for written in document.data:
        if closest(written, (key,)) and written not in {"metadata", "spec", "kind", "apiVersion"}:
            mark = document.key_mark((written,))
            return Diagnostic(mark, "unknown-key", f"unknown key {quoted(written)}", f'did you mean "{key}"?')
    return Diagnostic(document.key_mark(()), "missing-key", f"{key} is missing", todo)


def _failure(root: dict[str, Any], document: Document, error: "ValidationError") -> Failure:
    facts = error.kind.as_dict()
    key = None
    if type(error.kind).__name__ == "PropertyNames":
        error = facts["error"]
        key = str(error.instance)
        facts = error.kind.as_dict()
    way = list(error.evaluation_path)
    keyword = str(way.pop())
    if type(error.kind).__name__ == "FalseSchema":
        keyword = "false"
        way = way[:-1]  # without "properties": the holder is the schema of the mapping
    return Failure(
        document=document,
        root=root,
        path=tuple(error.instance_path),
        keyword=keyword,
        facts=facts,
        holders=holders(root, way),
        key=key,
    )


def _foremost(failures: list[Failure]) -> Iterator[Failure]:
    """Yield every failure of a mapping's keys, and the foremost of each value and each key's name."""
    order = {keyword: place for place, keyword in enumerate(VALUE_FORMATTERS)}
    spoken: set[tuple[Path, str | None]] = set()
    for failure in sorted(failures, key=lambda failure: order.get(failure.keyword, len(order))):
        place = (failure.path, failure.key)
        if failure.keyword in KEY_FORMATTERS and failure.key is None:
            yield failure
        elif place not in spoken:
            spoken.add(place)
            yield failure


def _misspelt(failures: list[Failure]) -> Iterator[tuple[Path, str]]:
    """Yield the missing keys that an unknown key beside them explains."""
    missing = [(failure.path, str(failure.facts["property"])) for failure in failures if failure.keyword == "required"]
    for failure in failures:
        if failure.keyword in {"additionalProperties", "unevaluatedProperties"}:
            for message in word_unknown(failure):
                yield from (
                    (path, key)
                    for path, key in missing
                    if path == failure.path and message.todo == f'did you mean "{key}"?'
                )


def _ambiguous(document: Document, spoken: frozenset[Path]) -> Iterator[Diagnostic]:
    """Yield the unquoted scalars on which YAML readers differ, where no other message stands."""
    for path, raw in document.plain_paths():
        if path not in spoken and is_ambiguous(raw):
            yield _doubt(document, path, raw)


def _doubt(document: Document, path: Path, raw: str) -> Diagnostic:
    value: Any = document.data
    for part in path:
        value = value[part]
    if isinstance(value, str):
        what = f"{dotted(path)} is {raw}, which some readers of YAML do not take for text"
        return Diagnostic(document.value_mark(path), "ambiguous-scalar", what, f'quote it: "{raw}"')
    what = f"{dotted(path)} is {raw}, which readers of YAML take for different things"
    number = int(value) if value == int(value) else value
    return Diagnostic(document.value_mark(path), "ambiguous-scalar", what, f"write {number}")
