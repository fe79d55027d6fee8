"""What an unquoted scalar is: its YAML 1.2 value, and whether other readers take it for something else."""

import re
from functools import lru_cache

Scalar = str | int | float | bool | None

LENGTH_MAX = 64  # no number is longer: int64 has 64 digits even in base 2
INT_BITS = 63  # Kubernetes numbers are int64 (API conventions, "Primitive types"); JSON readers lose larger ones

# First characters of everything that YAML 1.1 or 1.2 reads as something other than text; "" is null.
NOT_SURELY_TEXT = frozenset(("", *"-+.0123456789~=<tTfFnNyYoO"))

# YAML 1.2.2, 10.3.2 "Tag Resolution" of the core schema.
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NO_JSON = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")

# yaml.org/type/{bool,int,float,timestamp,merge,value}: what YAML 1.1 reads and 1.2 does not, or reads otherwise.
_ONLY_1_1 = re.compile(
    r"y|Y|yes|Yes|YES|n|N|no|No|NO|on|On|ON|off|Off|OFF|<<|="
    r"|[-+]?0[0-9_]+|[-+]?0b[01_]+|[-+]?0x[0-9a-fA-F_]*_[0-9a-fA-F_]*|[-+]?[1-9][0-9]*_[0-9_]*"
    r"|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*"
    r"|(?=.*_)[-+]?(?:[0-9][0-9_]*)?\.[0-9_]+(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*_[0-9_]*\."
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}.*"
)
_NUMERIC = frozenset("0123456789_.:+-eE")  # of these a number too long to be looked at closely consists
# Numbers that YAML 1.2 reads and readers of 1.1 take for text: an exponent without dot or sign, ``0o17``, ``-.5``.
_ONLY_1_2 = re.compile(r"0o[0-7]+|[-+]\.[0-9].*|[-+]?[0-9]+[eE].*|[-+]?[0-9]*\.[0-9]*[eE][0-9].*")


def scalar(raw: str) -> Scalar:
    """Return the YAML 1.2 core value of an unquoted scalar.

    What JSON cannot say (``.inf``, ``.nan``, whole numbers outside int64, ``1e999``) and what is longer than 64
    characters stays text.
    """
    return raw if len(raw) > LENGTH_MAX else _scalar(raw)


def is_surely_text(raw: str) -> bool:
    """Return whether every reader of YAML, 1.1 or 1.2, takes the unquoted scalar for text."""
    if raw[:1] not in NOT_SURELY_TEXT:
        return True
    return not is_ambiguous(raw) and isinstance(scalar(raw), str)


def is_ambiguous(raw: str) -> bool:
    """Return whether readers of YAML differ on the unquoted scalar: ``yes``, ``0777``, ``1e3``, ``2027-01-31``."""
    return set(raw) <= _NUMERIC if len(raw) > LENGTH_MAX else _is_ambiguous(raw)


@lru_cache(4096)  # specs say the same few words again and again
def _scalar(raw: str) -> Scalar:
    if raw in _NULLS:
        return None
    if raw in _BOOLS:
        return _BOOLS[raw]
    if _INT.fullmatch(raw):
        return _whole(raw)
    if _FLOAT.fullmatch(raw):
        number = float(raw)
        return raw if number in {float("inf"), float("-inf")} else number
    return raw


@lru_cache(4096)
def _is_ambiguous(raw: str) -> bool:
    if _ONLY_1_1.fullmatch(raw) or _ONLY_1_2.fullmatch(raw) or _NO_JSON.fullmatch(raw):
        return True
    return isinstance(scalar(raw), str) and bool(_INT.fullmatch(raw) or _FLOAT.fullmatch(raw))


def _whole(raw: str) -> int | str:
    number = int(raw, {"0o": 8, "0x": 16}.get(raw[:2], 10))
    return number if -(1 << INT_BITS) <= number < 1 << INT_BITS else raw
