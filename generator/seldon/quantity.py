"""Write a Kubernetes quantity in its canonical form, as every Go program that reads and writes one does."""

import re
from fractions import Fraction

_FORM = re.compile(r"(?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?P<suffix>[KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+|)")
_BINARY = ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BY_EXPONENT = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY_MIN = 1024  # a smaller binary quantity is written in the decimal form
_NANO = Fraction(1, 10**9)  # the smallest step; what is finer is rounded away from zero
_SCALE_MIN = -9
_DIGITS_MAX = 14  # a longer number takes another way through Go's parser, and nobody asks for as much


def canonical(text: object) -> str:
    """Return ``500m`` for ``0.5``, ``1Gi`` for ``1024Mi``, ``1k`` for ``1000``; text that is no quantity as it is.

    Source: k8s.io/apimachinery/pkg/api/resource, quantity.go (CanonicalizeBytes).
    """
    found = _FORM.fullmatch(str(text).strip())
    if found is None:
        return str(text)
    suffix, number = found["suffix"], Fraction(found["number"])
    if suffix in _BINARY:
        return _binary(_rounded(number * 1024 ** (_BINARY.index(suffix) + 1)))
    return _decimal(_rounded(number * Fraction(10) ** _exponent(suffix)), exponential=suffix not in _DECIMAL)


def rewritten(text: object) -> str:
    """Return a quantity as a Go program writes on what it has only read: canonical, or the very text.

    Go keeps the text where it looks canonical, which ``1.500`` and ``+4T`` do to it; the API server rounds requests
    and limits and so always makes them canonical.

    Source: k8s.io/apimachinery/pkg/api/resource, quantity.go (ParseQuantity).
    """
    found = _FORM.fullmatch(str(text).strip())
    if found is None:
        return str(text)
    whole, _, fraction = found["number"].lstrip("+-").partition(".")
    digits = (whole.lstrip("0") or "0") + fraction
    suffix = found["suffix"]
    if suffix in _BINARY:
        kept = not fraction and int(digits) % 8 != 0
    else:
        scale = _exponent(suffix) - len(fraction)
        kept = scale >= _SCALE_MIN and scale % 3 == 0 and not digits.endswith("000") and digits[0] != "0"
    return str(text).strip() if kept and len(digits) <= _DIGITS_MAX else canonical(text)


def _exponent(suffix: str) -> int:
    return _DECIMAL[suffix] if suffix in _DECIMAL else int(suffix[1:])


def _binary(value: Fraction) -> str:
    if abs(value) < _BINARY_MIN or value.denominator != 1:
        return _decimal(value, exponential=False)
    number, power = int(value), 0
    while number % 1024 == 0 and power < len(_BINARY):
        number, power = number // 1024, power + 1
    return f"{number}{_BINARY[power - 1] if power else ''}"


def _decimal(value: Fraction, *, exponential: bool) -> str:
    if value == 0:
        return "0"
    exponent = 18
    while (value / Fraction(10) ** exponent).denominator != 1:
        exponent -= 3
    number = int(value / Fraction(10) ** exponent)
    if exponential:
        return f"{number}e{exponent}" if exponent else str(number)
    return f"{number}{_BY_EXPONENT[exponent]}"


def _rounded(value: Fraction) -> Fraction:
    steps = abs(value) / _NANO
    whole = -(-steps.numerator // steps.denominator)
    return whole * _NANO * (-1 if value < 0 else 1)
