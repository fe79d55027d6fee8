"""Turns of phrase that many rules share."""

from collections.abc import Iterable


def listed(names: Iterable[object], word: str = "and") -> str:
    """Return ``a``, ``a and b`` or ``a, b and c``."""
    texts = [str(name) for name in names]
    return f" {word} ".join(filter(None, (", ".join(texts[:-1]), *texts[-1:])))
