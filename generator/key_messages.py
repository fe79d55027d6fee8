"""The words for a key that is missing, unknown or refused, and for mappings that must be of one form or another."""

from collections.abc import Iterator
from typing import Any

from generator.diag import Diagnostic, quoted
from generator.document import Path, dotted
from generator.failure import Failure, Found, example
from generator.schemas import resolve
from generator.value_messages import word_fit, word_types
from generator.wording import choice, closest, flow

HOME_LEVELS = 3  # a key that belongs deeper than this was hardly meant


def word_required(failure: Failure) -> Found:
    """Word a missing key, at the mapping that lacks it."""
    key = failure.facts["property"]
    what = f"{dotted((*failure.path, key))} is missing"
    return failure.at_key("missing-key", what, _add(failure, key))


def missing_keys(failure: Failure) -> tuple[str, ...]:
    """Return the keys of which a failure wants one or all, where that is what it is about."""
    if failure.keyword in {"required", "dependentRequired"}:
        return (failure.facts["property"],)
    if failure.keyword in {"anyOf", "oneOf"} and isinstance(failure.value, dict):
        keys = _keys_of_choice(failure)
        return () if any(key in failure.value for key in keys) else keys
    return ()


def _keys_of_choice(failure: Failure) -> tuple[str, ...]:
    branches = (resolve(failure.root, branch) for branch in failure.owner[failure.keyword])
    return tuple(key for branch in branches for key in branch.get("required", ()))


def _add(failure: Failure, key: str) -> str:
    known = (holder.get("properties", {}) for holder in failure.holders)
    subschema = next((properties[key] for properties in known if key in properties), None)
    sample = example(failure.root, subschema)
    return f'add the key "{key}"' if sample is None else f"add this line: {flow(key)}: {sample}"


def word_dependent(failure: Failure) -> Found:
    """Word a key that is missing beside another, at the other."""
    key = failure.facts["property"]
    because = next(
        have for have, needs in failure.owner["dependentRequired"].items() if key in needs and have in failure.value
    )
    what = f"{dotted((*failure.path, key))} is missing: {because} needs it"
    return failure.at_key("missing-key", what, _add(failure, key), of=(because,))


def word_unknown(failure: Failure) -> Found:
    """Word each key that the schema does not know, at the key."""
    known = known_keys(failure)
    return tuple(
        Diagnostic(
            failure.document.key_mark((*failure.path, key)),
            "unknown-key",
            f"unknown key {quoted(key)}" + (f" in {failure.name}" if failure.path else ""),
            _meant(failure, key, known),
        )
        for key in unknown_keys(failure)
    )


def _meant(failure: Failure, key: str, known: tuple[str, ...]) -> str:
    """Return the action for an unknown key: the closest name, the mapping where it belongs, or what there is."""
    if closest(key, known) is None:
        below = [(*failure.path, *way) for way in _homes(failure.root, failure.owner, key)]
        for home in sorted(below or _homes(failure.root, failure.root, key), key=len):
            return f"move it to {dotted(home)}"
    return choice(key, known)


def _homes(root: dict[str, Any], node: dict[str, Any], key: str, levels: int = HOME_LEVELS) -> Iterator[Path]:
    """Yield the ways from a mapping to the mappings below it that have such a key."""
    for name, part in node.get("properties", {}).items():
        below = resolve(root, part)
        if levels and isinstance(below, dict):
            if key in below.get("properties", {}):
                yield (name,)
            yield from ((name, *way) for way in _homes(root, below, key, levels - 1))


def unknown_keys(failure: Failure) -> tuple[str, ...]:
    """Return the keys that a failure is about because no schema names them."""
    unexpected = tuple(failure.facts.get("unexpected", ()))
    if failure.keyword != "unevaluatedProperties":
        return unexpected
    # It lists known keys too where a schema beside it failed.
    names = allowed_keys(failure.root, failure.owner)
    return tuple(key for key in unexpected if key not in names)


def known_keys(failure: Failure) -> tuple[str, ...]:
    """Return the keys that an unknown one may have been meant for: those that are not there yet."""
    names = tuple(failure.owner.get("properties", ()))
    if failure.keyword == "unevaluatedProperties":
        names = allowed_keys(failure.root, failure.owner)
    return tuple(key for key in names if key not in failure.value)


def word_refused(failure: Failure) -> Found:
    """Word a key that the schema forbids in this company (``then: {properties: {key: false}}``)."""
    what = f"{failure.name} cannot stand here"
    if must := failure.word("x-must"):
        what = f"{failure.name} cannot stand here: {dotted(failure.path[:-1])} must {must}"
    return failure.at_key("not-allowed", what, failure.word("x-todo") or "take it out")


def word_not(failure: Failure) -> Found:
    """Word what a schema forbids: a key, keys together, or by the schema's own words."""
    refused = failure.owner["not"]
    keys = refused.get("required", ()) if isinstance(refused, dict) else ()
    if failure.key is not None or not keys or failure.word("x-must"):
        return word_fit(failure)
    together = "together" if len(keys) > 1 else "here"
    names = " and ".join(dotted((*failure.path, key)) for key in keys)
    todo = failure.word("x-todo") or ("keep one of them" if len(keys) > 1 else "take it out")
    return failure.at_key("not-allowed", f"{names} cannot stand {together}", todo, of=(keys[-1],))


def word_any(failure: Failure) -> Found:
    """Word an anyOf or oneOf: by the schema's own words, of types, or of ``required`` lists."""
    if failure.word("x-must"):
        return word_fit(failure)
    branches = [resolve(failure.root, branch) for branch in failure.owner[failure.keyword]]
    keys = _keys_of_choice(failure)
    if keys and isinstance(failure.value, dict):
        return _word_choice(failure, keys)
    types = [name for branch in branches for name in _types(branch)]
    return word_types(failure, types) if types else word_fit(failure)


def _types(branch: dict[str, Any]) -> list[str]:
    types = branch.get("type", [])
    return [types] if isinstance(types, str) else list(types)


def _word_choice(failure: Failure, keys: tuple[str, ...]) -> Found:
    present = [key for key in keys if key in failure.value]
    if len(present) > 1:
        what = f"{' and '.join(dotted((*failure.path, key)) for key in present)} cannot stand together"
        return failure.at_key("not-allowed", what, failure.word("x-todo") or "keep one of them", of=(present[-1],))
    what = f"{failure.name} has none of: {', '.join(keys)}"
    return failure.at_key("missing-key", what, failure.word("x-todo") or "add one of them")


def allowed_keys(root: dict[str, Any], node: Any) -> tuple[str, ...]:
    """Return the keys that a schema and the schemas of the same mapping name, sorted."""
    if not isinstance(node, dict):  # true and false are schemas too
        return ()
    if "$ref" in node:
        node = {**resolve(root, node), **{word: part for word, part in node.items() if word != "$ref"}}
    beside = [node[word] for word in ("if", "then", "else") if word in node]
    beside += [part for word in ("allOf", "anyOf", "oneOf") for part in node.get(word, ())]
    own = [key for key, part in node.get("properties", {}).items() if part is not False]
    return tuple(sorted({*own, *(key for part in beside for key in allowed_keys(root, part))}))
