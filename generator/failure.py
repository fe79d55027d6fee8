"""One place where a document does not fit its schema, with the parts of the schema that speak of that place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from generator.diag import Diagnostic
from generator.document import Document, Path, dotted
from generator.schemas import at_pointer
from generator.wording import flow

Found = tuple[Diagnostic, ...]

EXAMPLE_MAX = 120  # characters of an example: an image by digest fits, more is not read
_SAMPLES = ("const", "default")
# Keywords that lead from a schema to the schema of a part of the data (JSON Schema 2020-12 core, 10.3).
_INTO_ONE = frozenset(("additionalProperties", "unevaluatedProperties", "propertyNames", "items", "contains"))
_INTO_NAMED = frozenset(("properties", "patternProperties", "prefixItems"))
# Keywords that lead to another schema of the same data, by name or by index (10.2).
_SAME_NAMED = frozenset(("allOf", "anyOf", "oneOf", "dependentSchemas"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A keyword of the schema that the value at ``path`` does not satisfy.

    ``facts`` are what the validator says of it (``property``, ``limit``, ``unexpected`` …), ``holders`` the schemas
    of this value on the way to the keyword; the last one holds it. ``key`` is set if a key's name is at fault.
    """

    document: Document
    root: dict[str, Any]
    path: Path
    keyword: str
    facts: Mapping[str, Any]
    holders: tuple[dict[str, Any], ...]
    key: str | None = None

    @property
    def owner(self) -> dict[str, Any]:
        """Return the schema that holds the keyword."""
        return self.holders[-1]

    @property
    def value(self) -> Any:
        """Return what the document says at the path."""
        return self.document.value(self.path)

    @property
    def name(self) -> str:
        """Return the path as people write it."""
        return dotted(self.path)

    def word(self, key: str) -> str | None:
        """Return what the schema itself says about a failure here (``x-must``, ``x-todo``), None if nothing.

        A property's own words win over those of a definition that it refers to.
        """
        order = sorted(self.holders, key=lambda holder: "$ref" in holder)
        return next((str(holder[key]) for holder in reversed(order) if key in holder), None)

    def at_value(self, rule: str, what: str, todo: str) -> tuple[Diagnostic, ...]:
        """Return the diagnostic at the value."""
        return (Diagnostic(self.document.value_mark(self.path), rule, what, todo),)

    def at_key(self, rule: str, what: str, todo: str, *, of: Path = ()) -> tuple[Diagnostic, ...]:
        """Return the diagnostic at the key of the value, or of a part of it."""
        return (Diagnostic(self.document.key_mark((*self.path, *of)), rule, what, todo),)


def example(root: dict[str, Any], node: Any) -> str | None:
    """Return the first example of a schema as one writes it, else its only, first or default value.

    None if there is none, or none that fits in a line.
    """
    while isinstance(node, dict):
        given = [*node.get("examples", ()), *node.get("enum", ()), *(node[word] for word in _SAMPLES if word in node)]
        if given:
            line = flow(given[0])
            return line if len(line) <= EXAMPLE_MAX else None
        node = at_pointer(root, node["$ref"]) if "$ref" in node else None
    return None


def holders(root: dict[str, Any], way: list[str | int]) -> tuple[dict[str, Any], ...]:
    """Return the schemas of the last value on the way that a validator took through the schema, outermost first.

    The way is JSON Schema's keyword location (2020-12 core, 12.3.1) without its last keyword.
    """
    found: list[dict[str, Any]] = []
    for node, same in _walk(root, way):
        found = [*found, node] if same else [node]
    return tuple(found)


def _walk(root: dict[str, Any], way: list[str | int]) -> Iterator[tuple[dict[str, Any], bool]]:
    node: Any = root
    yield node, False
    parts = iter(way)
    for part in parts:
        if part == "$ref":
            node = at_pointer(root, node["$ref"])
        elif part in _INTO_NAMED or part in _SAME_NAMED:
            node = node[part][next(parts)]
        else:
            node = node[part]
        if isinstance(node, dict):
            yield node, part not in _INTO_ONE and part not in _INTO_NAMED
