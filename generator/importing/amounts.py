"""Quantities and times of Kubernetes -> those of a spec, never less than what was asked for."""

import re
from fractions import Fraction

from generator.seldon.quantity import canonical

_MEMORY = re.compile(r"[1-9][0-9]*(Mi|Gi|Ti)")
_NUMBER = re.compile(r"([0-9]+)([A-Za-z]*)")
_BYTES = {
    "": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40,
}  # fmt: skip
_CPU = {"": Fraction(1), "m": Fraction(1, 1000), "k": Fraction(1000), "n": Fraction(1, 10**9), "u": Fraction(1, 10**6)}
_MIB = 2**20
_MILLI = 1000
_SECONDS_MAX = 999_999  # the schema's `time`


def cpu(amount: object) -> str:
    """Return an amount of processor time as a spec writes it, rounded up to thousandths; "" if it is none."""
    cores = _read(amount, _CPU)
    if cores is None or cores <= 0:
        return ""
    thousandths = -(-(cores * _MILLI).numerator // (cores * _MILLI).denominator)
    return str(thousandths // _MILLI) if thousandths % _MILLI == 0 else f"{thousandths}m"


def memory(amount: object) -> str:
    """Return an amount of memory as a spec writes it, rounded up to Mi; "" if it is none."""
    text = canonical(amount)
    if _MEMORY.fullmatch(text):
        return text
    size = _read(amount, {suffix: Fraction(factor) for suffix, factor in _BYTES.items()})
    if size is None or size <= 0:
        return ""
    return canonical(f"{-(-size.numerator // (size.denominator * _MIB))}Mi")


def is_more(one: str, other: str) -> bool:
    """Say whether a spec's amount is more than another; both as `cpu` or both as `memory` returns them."""
    table = {**{key: Fraction(value) for key, value in _BYTES.items()}, "m": Fraction(1, _MILLI)}
    return (_read(one, table) or 0) > (_read(other, table) or 0)


def time(seconds: int) -> str:
    """Return whole seconds as a spec writes a time; "" if there is no such time."""
    return f"{seconds}s" if 1 <= seconds <= _SECONDS_MAX else ""


def _read(amount: object, factors: dict[str, Fraction]) -> Fraction | None:
    found = _NUMBER.fullmatch(canonical(amount))
    if found is None or found[2] not in factors:
        return None
    return int(found[1]) * factors[found[2]]
