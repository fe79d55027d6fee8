"""Turn a Kubernetes object into YAML text that every reader reads alike.

Three readers see the text: Kustomize and the API server (go-yaml, between YAML 1.1 and 1.2), Python tools
(YAML 1.1) and editors (YAML 1.2). They disagree about ``no``, ``1e3``, ``0o17``, ``12:30``, ``05890`` and many
more, so a string stands bare only when it is on a short list of shapes that none of them takes for anything else;
every other string is quoted as JSON, whose escapes are YAML's too.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import chain
from math import isfinite
from typing import Any

# A letter or "/" first, then name, path, image and URL characters; ":" only inside, as in "host:80" or "sha256:0f".
_PLAIN = re.compile(r"[A-Za-z/](?:[A-Za-z0-9_./@-]|:(?=[A-Za-z0-9/]))*")
# Bare words that YAML 1.1, YAML 1.2 core or a reader's number parser takes for a boolean, null or number.
_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity"))
# Characters outside c-printable of YAML 1.2.2 §5.1, which a YAML stream may not hold; and U+0085, which is inside,
# but Kustomize 5.8.1 prints it bare and it is then read as a line break.
_UNPRINTABLE = re.compile("[^\t\n\r -~\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Line breaks of YAML 1.1, blanks, joiners, direction marks and tags: shown as escapes, so that a review sees them.
_INVISIBLE = (
    "\xa0\xad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_HIDDEN = re.compile(f"[{_INVISIBLE}]")
_ESCAPE = re.compile(f'["\\\\\t\n\r{_INVISIBLE}]')
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_BMP_MAX = 0xFFFF  # above it an escape takes eight digits
# What a literal block would lose, or what readers disagree about: a text that opens with a blank, tab or empty line,
# a line that ends in a blank or tab, a carriage return, more than one line break at the end.
_NOT_LITERAL = re.compile(r"\A[ \t\n]|[ \t](?:\n|\Z)|\r|\n\n\Z")
_KEY_MAX = 1000  # libyaml and go-yaml look for the ":" of a one-line key within 1024 characters
_INT_MAX = 2**63  # Kubernetes integers are int64; readers turn a larger one into a float

_FIRST = ("apiVersion", "kind", "metadata", "spec", "data")
_FIRST_METADATA = ("name", "namespace", "labels", "annotations")


def emit(obj: Mapping[str, Any] | list[Any], *, header: str | None = None) -> str:
    r"""Return the object as one YAML document in block style, keys in the order given.

    Args:
        obj: A mapping or a list of mappings, lists, strings, numbers and booleans.
        header: Comment lines to put first, each beginning with ``#``.

    Returns:
        Text with ``\n`` line ends and one at the end; list dashes stand under their key, as kubectl prints them.

    Raises:
        ValueError: Something in the object has no safe form: ``None`` (the CRDs of Istio and Seldon refuse null),
            NaN, an infinity, an integer beyond 64 bits, a key that is no string, too long or ``<<``, a character
            outside YAML's printable set, or U+0085. The text names the path. It is a bug of the caller, never the
            user's mistake.
    """
    out: list[str] = []
    try:
        if isinstance(obj, Mapping) and obj:
            _mapping(obj, "", "", out)
        elif isinstance(obj, list | tuple) and obj:
            _sequence(obj, "", "", out)
        else:
            out.append(_other(obj, "") + "\n")
    except _UnfitError as problem:
        raise ValueError(f"{_find(obj, '') or 'the document'}: {problem}") from None
    return (_comment(header) if header else "") + "".join(out)


def canonical(obj: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object with its keys in the order people read them; the order below ``metadata`` stays as given.

    First come apiVersion, kind, metadata (name, namespace, labels, annotations), spec and data, then the rest as
    given. Labels and annotations are sorted, as the API server prints them.
    """
    result = _ordered(obj, _FIRST)
    if isinstance(result.get("metadata"), Mapping):
        metadata = _ordered(result["metadata"], _FIRST_METADATA)
        for name in ("labels", "annotations"):
            if isinstance(metadata.get(name), Mapping):
                metadata[name] = dict(sorted(metadata[name].items()))
        result["metadata"] = metadata
    return result


class _UnfitError(Exception):
    """A value or key that has no safe form; the path is found afterwards, so that good objects do not pay for it."""


def _ordered(mapping: Mapping[str, Any], first: tuple[str, ...]) -> dict[str, Any]:
    return {
        key: mapping[key] for key in chain((k for k in first if k in mapping), (k for k in mapping if k not in first))
    }


@lru_cache(maxsize=64)  # all files of a folder have the same
def _comment(header: str) -> str:
    lines = header.splitlines()
    if not all(line.startswith("#") for line in lines) or _UNPRINTABLE.search(header):
        raise ValueError(f"a header is made of comment lines: {header!r}")
    return "\n".join(lines) + "\n"


def _mapping(mapping: Mapping[str, Any], lead: str, pad: str, out: list[str]) -> None:
    """Append the entries; ``lead`` opens the first line (it may hold a dash), ``pad`` the others."""
    deeper = pad + "  "
    for key, value in mapping.items():
        kind = type(value)
        if kind is str:
            text = _block(value, deeper) if "\n" in value else _string(value)
            out.append(f"{lead}{_key(key)} {text}\n")
        elif kind is int or kind is bool:
            out.append(f"{lead}{_key(key)} {_other(value, deeper)}\n")
        elif (kind is list or kind is tuple) and value:
            out.append(f"{lead}{_key(key)}\n")
            _sequence(value, pad, pad, out)
        elif (kind is dict or isinstance(value, Mapping)) and value:
            out.append(f"{lead}{_key(key)}\n")
            _mapping(value, deeper, deeper, out)
        else:
            out.append(f"{lead}{_key(key)} {_other(value, deeper)}\n")
        lead = pad


def _sequence(items: list[Any] | tuple[Any, ...], lead: str, pad: str, out: list[str]) -> None:
    deeper = pad + "  "
    for value in items:
        kind = type(value)
        if kind is str:
            text = _block(value, deeper) if "\n" in value else _string(value)
            out.append(f"{lead}- {text}\n")
        elif (kind is list or kind is tuple) and value:
            _sequence(value, f"{lead}- ", deeper, out)
        elif (kind is dict or isinstance(value, Mapping)) and value:
            _mapping(value, f"{lead}- ", deeper, out)
        else:
            out.append(f"{lead}- {_other(value, deeper)}\n")
        lead = pad


def _other(value: Any, pad: str) -> str:
    """Return the text of what is neither a plain ``str`` nor a collection with something in it."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():  # an enum member
            text = str.__str__(value)
            return _block(text, pad) if "\n" in text else _string(text)
        case int() if -_INT_MAX <= value < _INT_MAX:
            return int.__repr__(value)
        case float() if isfinite(value):
            return _float(float.__repr__(value))
        case Mapping():
            return "{}"
        case list() | tuple():
            return "[]"
        case _:
            raise _UnfitError(f"{value!r} has no safe form in YAML")


def _float(digits: str) -> str:
    # YAML 1.1 takes a number for a float only if it has a point: 1e+16 would be a string.
    return digits if "." in digits else digits.replace("e", ".0e")


@lru_cache(maxsize=64)  # a few long scripts fill most documents: looking through one costs more than all else in it
def _block(value: str, pad: str) -> str:
    """Return a text of several lines as a literal block, or quoted where a block would not hold it."""
    if _NOT_LITERAL.search(value) or _HIDDEN.search(value) or _UNPRINTABLE.search(value):
        return _string(value)
    body = value.removesuffix("\n").replace("\n", "\n" + pad).replace(pad + "\n", "\n")
    return ("|\n" if value[-1] == "\n" else "|-\n") + pad + body


@lru_cache(maxsize=4096)  # the same few keys fill every document: a lookup costs a fifth of the check
def _key(key: str) -> str:
    if not isinstance(key, str):
        raise _UnfitError(f"the key {key!r} is no string")
    if key == "<<":  # Kustomize 5.8.1 takes it for a merge even in quotes, and drops it without a word
        raise _UnfitError("the key '<<' has no safe form in YAML")
    text = _string(str.__str__(key))
    if len(text) > _KEY_MAX:
        raise _UnfitError(f"the key {key[:60]!r}… is too long")
    return text + ":"


@lru_cache(maxsize=4096)
def _string(value: str) -> str:
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    if unfit := _UNPRINTABLE.search(value):
        raise _UnfitError(f"the character U+{ord(unfit[0]):04X} has no safe form in YAML")
    return f'"{_ESCAPE.sub(_escape, value)}"'


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return _ESCAPES.get(found[0]) or (f"\\u{code:04X}" if code <= _BMP_MAX else f"\\U{code:08X}")


def _find(value: Any, path: str) -> str:
    """Return the path of the first thing below ``value`` that cannot be written; empty if it is not there."""
    named = isinstance(value, Mapping)
    for key, item in value.items() if named else enumerate(value) if isinstance(value, list | tuple) else ():
        place = (f"{path}.{key}" if path else str(key)) if named else f"{path}[{key}]"
        try:
            if named:
                _key(key)
            if not isinstance(item, Mapping | list | tuple):
                _other(item, "")
        except _UnfitError:
            return place
        if found := _find(item, place):
            return found
    return ""
