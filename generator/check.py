"""A document against the schema of its kind: everything that is wrong, at its place, in the user's words."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from generator.diag import Diagnostic, ordered, quoted
from generator.document import Document, Path, dotted
from generator.failure import Failure, Found, holders
from generator.key_messages import (
    known_keys,
    missing_keys,
    unknown_keys,
    word_any,
    word_dependent,
    word_not,
    word_refused,
    word_required,
    word_unknown,
)
from generator.scalars import is_ambiguous, scalar
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
    "minLength": length("fewer than", "at least"),
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
    if validator(kind).is_valid(document.data) and not any(map(_is_doubtful, document.plain.values())):
        return ()
    return check_against(schema(kind), document)


def check_against(root: dict[str, Any], document: Document) -> Found:
    """Return what keeps the document from fitting a draft 2020-12 schema whose references are all local."""
    failures = [_failure(root, document, error) for error in compiled(root).iter_errors(document.data)]
    misspelt = frozenset(_misspelt(failures))
    spoken = frozenset(failure.path for failure in failures) | frozenset(_unknown(failures))
    found = [*_ambiguous(document, spoken), *_fractions(root, document)]
    for failure in _foremost(failures):
        if misspelt.isdisjoint((failure.path, key) for key in missing_keys(failure)):
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
    """Yield every failure of a mapping's keys, and the foremost of each value and each key's name.

    Keys are not spoken of where a mapping is wanted and something else stands: ``oneOf`` fails there by chance.
    """
    order = {keyword: place for place, keyword in enumerate(VALUE_FORMATTERS)}
    spoken: set[tuple[Path, str | None]] = set()
    mistyped = {failure.path for failure in failures if failure.keyword == "type"}
    for failure in sorted(failures, key=lambda failure: order.get(failure.keyword, len(order))):
        place = (failure.path, failure.key)
        if failure.keyword in KEY_FORMATTERS and failure.key is None:
            if failure.path not in mistyped:
                yield failure
        elif place not in spoken:
            spoken.add(place)
            yield failure


def _misspelt(failures: list[Failure]) -> Iterator[tuple[Path, str]]:
    """Yield the missing keys that an unknown key beside them explains."""
    missing = {(failure.path, key) for failure in failures for key in missing_keys(failure)}
    for failure in failures:
        for key in unknown_keys(failure):
            meant = closest(key, known_keys(failure))
            if meant is not None and (failure.path, meant) in missing:
                yield failure.path, meant


def _unknown(failures: list[Failure]) -> Iterator[Path]:
    """Yield the places of unknown keys: what they hold is not judged."""
    return ((*failure.path, key) for failure in failures for key in unknown_keys(failure))


def _is_doubtful(raw: str) -> bool:
    return is_ambiguous(raw) or _is_whole_fraction(scalar(raw))


def _is_whole_fraction(value: Any) -> bool:
    return isinstance(value, float) and value.is_integer()


def _ambiguous(document: Document, spoken: frozenset[Path]) -> Iterator[Diagnostic]:
    """Yield the unquoted scalars on which YAML readers differ, unless their place or key is already spoken of."""
    for path, raw in document.plain_paths():
        if is_ambiguous(raw) and not any(path[:end] in spoken for end in range(1, len(path) + 1)):
            yield _doubt(document, path, raw)


def _doubt(document: Document, path: Path, raw: str) -> Diagnostic:
    value = document.value(path)
    if isinstance(value, str):
        what = f"{dotted(path)} is {raw}, which some readers of YAML do not take for text"
        return Diagnostic(document.value_mark(path), "ambiguous-scalar", what, f'quote it: "{raw}"')
    what = f"{dotted(path)} is {raw}, which readers of YAML take for different things"
    number = int(value) if _is_whole_fraction(value) else value
    return Diagnostic(document.value_mark(path), "ambiguous-scalar", what, f"write {number}")


def _fractions(root: dict[str, Any], document: Document) -> Iterator[Diagnostic]:
    """Yield the numbers written ``2.0`` where a whole number is wanted: JSON Schema takes them, Kubernetes does not.

    A validator told that each is 2.5 says which they are.
    """
    whole = {path: raw for path, raw in document.plain_paths() if _is_whole_fraction(scalar(raw))}
    if not whole:
        return
    for error in compiled(root).iter_errors(_shifted(document.data)):
        path = tuple(error.instance_path)
        if path in whole and error.evaluation_path[-1] == "type" and not is_ambiguous(whole[path]):
            what = f"{dotted(path)} is {whole[path]}, not a whole number"
            yield Diagnostic(document.value_mark(path), "bad-type", what, f"write {int(document.value(path))}")


def _shifted(value: Any) -> Any:
    """Return the value with a half added to every fraction that is whole."""
    if isinstance(value, dict):
        return {key: _shifted(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_shifted(part) for part in value]
    return value + 0.5 if _is_whole_fraction(value) else value
