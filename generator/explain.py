"""Look up what the schemas say of a field, and what the id in a message stands for."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from generator import rules
from generator.explanations import EXPLANATIONS, Explanation
from generator.foresee import PREFIX, todo_for
from generator.schemas import at_pointer, schema
from generator.seldon.trap_rules import TRAPS
from generator.seldon.verdict import Outcome
from generator.wording import NOUNS, flow

Node = Mapping[str, Any]
Way = tuple[str, ...]

HEADS = ("model", "tenant", "platform")
NAME = "<name>"  # stands for a key that the person chooses
LEVELS = 8  # the deepest field that is found by its last words alone
_HOLDS = {
    Outcome.REFUSED: "the API server takes every SeldonDeployment",
    Outcome.FAILED: "the operator can carry out every SeldonDeployment",
    Outcome.STUCK: "every SeldonDeployment gets ready",
    Outcome.WRONG: "a SeldonDeployment does what it says",
    Outcome.NOTED: "a SeldonDeployment has no effect that nobody expects",
}
_SAME = ("then", "else")
_SAME_EACH = ("allOf", "anyOf", "oneOf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What a schema says of a field. ``keys`` are the fields below it with the first sentence about each."""

    path: str
    file: str
    description: str
    type: str
    needed: bool
    default: Any = None
    has_default: bool = False
    allowed: tuple[Any, ...] = ()
    form: str = ""
    examples: tuple[Any, ...] = ()
    keys: tuple[tuple[str, str], ...] = ()


def find(word: str) -> tuple[Field | Explanation, ...]:
    """Return what a word means: an id, a path such as ``model.runtime.replicas``, or the end of a path.

    Indices and names that people chose may stand in a path or be left out: ``spec.access[0].users`` is
    ``model.access.users``. Empty if nothing is called so.
    """
    if message := _message(word):
        return (message,)
    parts = tuple(part for part in re.sub(r"\[[^\]]*\]", "", word).strip(".").split(".") if part)
    if not parts:
        return ()
    heads = (parts[0],) if parts[0] in HEADS else HEADS
    rest = parts[1:] if parts[0] in HEADS else parts
    found = tuple(field for head in heads if (field := _field(head, rest)))
    return found or tuple(
        field
        for path in fields()
        if path.endswith(f".{'.'.join(parts)}") and (field := _field(*_split(path)))
    )  # fmt: skip


def closest(word: str) -> tuple[str, ...]:
    """Return at most three ids and paths that a person may have meant."""
    known = {known.rpartition(".")[2]: known for known in reversed(words())} | {known: known for known in words()}
    near = get_close_matches(word, known, n=3, cutoff=0.6) or get_close_matches(word.rpartition(".")[2], known, n=3)
    return tuple(dict.fromkeys(known[name] for name in near))


def words() -> tuple[str, ...]:
    """Return everything that can be asked for: the paths of all fields, then all ids."""
    return (*fields(), *ids())


def ids() -> tuple[str, ...]:
    """Return the ids of all messages, those of rules first, those of Seldon's operator last."""
    known = (*(rule.id for rule in rules.RULES), *(known.id for known in EXPLANATIONS))
    return (*known, *(f"{PREFIX}{trap.rule}" for trap in TRAPS))


def fields() -> tuple[str, ...]:
    """Return the paths of all fields, without those of patches, which repeat what they patch."""
    return tuple(dict.fromkeys(path for head in HEADS for path in (head, *_below(head))))


def _below(head: str) -> Iterator[str]:
    root = schema(head.capitalize())
    start = _properties(root, root)["spec"]
    yield from (f"{head}.{'.'.join(way)}" for way in _ways(root, start, (), LEVELS))


def _ways(root: Node, node: Node, way: Way, levels: int) -> Iterator[Way]:
    for key, part in _properties(root, node).items():
        yield (*way, key)
        is_patch = "patch" in str(part.get("description", "")).lower()
        if levels and not (is_patch or (key in {"environments", "predictors"} and root["title"] == "Model")):
            yield from _ways(root, part, (*way, key), levels - 1)
    for part, mark in _unnamed(root, node):
        if levels:
            yield from _ways(root, part, (*way, mark) if mark else way, levels - 1)


def _message(word: str) -> Explanation | None:
    if rule := rules.explain(word):
        return Explanation(
            id=rule.id,
            title=rule.title,
            why=rule.why,
            todo=rule.todo,
            example=rule.example,
            severity=rule.severity.value,
        )
    if word.startswith(PREFIX):
        return _of_operator(word)
    return next((known for known in EXPLANATIONS if known.id == word), None)


def _of_operator(word: str) -> Explanation | None:
    """Return what stands behind an id that gen took over from Seldon's operator."""
    rule = word.removeprefix(PREFIX)
    trap = next((trap for trap in TRAPS if trap.rule == rule), None)
    if trap is None:
        return None
    return Explanation(
        id=word,
        title=_HOLDS[trap.outcome],
        why=f"{trap.consequence[0].upper()}{trap.consequence[1:]}.",
        todo=f"{todo_for(rule)[0].upper()}{todo_for(rule)[1:]}.",
        severity="notice" if trap.outcome is Outcome.NOTED else "error",
    )


def _split(path: str) -> tuple[str, Way]:
    head, *rest = path.split(".")
    return head, tuple(rest)


def _field(head: str, parts: Way) -> Field | None:
    root = schema(head.capitalize())
    top = _properties(root, root)
    for prefix in ((), ("spec",)) if parts and parts[0] in top else (("spec",),):
        if found := _walk(root, root, (*prefix, *parts), (), needed=True):
            node, way, needed = found
            return _described(head, root, node, way=way, needed=needed)
    return None


def _walk(root: Node, node: Node, parts: Way, way: Way, *, needed: bool) -> tuple[Node, Way, bool] | None:
    """Return the schema that the parts lead to, the way in full, and whether its mapping needs it."""
    if not parts:
        return node, way, needed
    key, *rest = parts
    if part := _properties(root, node).get(key):
        required = any(key in same.get("required", ()) for same in _always(root, node))
        return _walk(root, part, tuple(rest), (*way, key), needed=required)
    for part, mark in _unnamed(root, node):
        if mark and key != mark and (found := _walk(root, part, parts, (*way, mark), needed=False)):
            return found  # the name was left out
        if found := _walk(root, part, tuple(rest) if mark else parts, (*way, mark) if mark else way, needed=False):
            return found
    return None


def _unnamed(root: Node, node: Node) -> Iterator[tuple[Node, str]]:
    """Yield the schemas of what stands below a node under any name, or as an item of a list (the name is empty)."""
    for same in _branches(root, node):
        for word, mark in (("additionalProperties", NAME), ("items", "")):
            if isinstance(part := same.get(word), dict):
                yield part, mark


def _properties(root: Node, node: Node) -> dict[str, Node]:
    """Return the schemas of a mapping's keys by name; where several speak of one, the first."""
    found: dict[str, Node] = {}
    for same in _branches(root, node):
        for key, part in same.get("properties", {}).items():
            if isinstance(part, dict) and part:
                found.setdefault(key, part)
    return found


def _branches(root: Node, node: Any) -> Iterator[Node]:
    """Yield every schema that speaks of the same value, the nearest first."""
    if not isinstance(node, dict):  # true and false are schemas too
        return
    yield node
    if "$ref" in node:
        yield from _branches(root, at_pointer(dict(root), node["$ref"]))
    for part in (
        *(node[word] for word in _SAME if word in node),
        *(p for word in _SAME_EACH for p in node.get(word, ())),
    ):
        yield from _branches(root, part)


def _always(root: Node, node: Node) -> Iterator[Node]:
    """Yield the schemas of a value that hold without condition."""
    yield node
    if "$ref" in node:
        yield from _always(root, at_pointer(dict(root), node["$ref"]))


def _described(head: str, root: Node, node: Node, *, way: Way, needed: bool) -> Field:
    same = tuple(_branches(root, node))
    file = {"platform": "platform.yaml", "tenant": "tenants/<tenant>/tenant.yaml"}
    return Field(
        path=".".join((head, *(way[1:] if way[:1] == ("spec",) else way))),
        file=f"{file.get(head, 'tenants/<tenant>/<model>.yaml')}: {'.'.join(way) or 'the whole file'}",
        description=_first(same, "description", ""),
        type=_type(root, same),
        needed=needed,
        default=_first(same, "default", None),
        has_default=any("default" in one for one in same),
        allowed=tuple(_first(same, "enum", ())),
        form=_form(same),
        examples=tuple(_first(same, "examples", ())),
        keys=tuple((key, _sentence(root, part)) for key, part in _keys(root, node).items()),
    )


def _keys(root: Node, node: Node) -> dict[str, Node]:
    """Return the keys of a mapping, or of what a list or a mapping by chosen names holds."""
    below = (part for part, _ in _unnamed(root, node))
    return _properties(root, node) or next((keys for part in below if (keys := _properties(root, part))), {})


def _first(same: tuple[Node, ...], word: str, otherwise: Any) -> Any:
    return next((one[word] for one in same if word in one), otherwise)


def _type(root: Node, same: tuple[Node, ...]) -> str:
    """Return the type in words; the items of a list too."""
    said = _first(same, "type", [])
    if not said and (const := _first(same, "const", None)) is not None:
        return f"only {flow(const)}"
    kinds = [said] if isinstance(said, str) else said
    text = " or ".join(NOUNS[kind] for kind in kinds if kind != "null")
    if "array" in kinds and isinstance(items := _first(same, "items", None), dict):
        text += f", each item {_type(root, tuple(_branches(root, items)))}"
    if "object" in kinds and any(isinstance(one.get("additionalProperties"), dict) for one in same):
        text += " by names that you choose"
    return text


def _form(same: tuple[Node, ...]) -> str:
    """Return what a value must be like, in words."""
    if must := _first(same, "x-must", ""):
        return str(must)
    low, high = _first(same, "minimum", None), _first(same, "maximum", None)
    if low is not None and high is not None:
        return f"be from {low} to {high}"
    return f"be at least {low}" if low is not None else ""


def _sentence(root: Node, part: Node) -> str:
    text = str(_first(tuple(_branches(root, part)), "description", ""))
    return text.partition(". ")[0].removesuffix(".")
