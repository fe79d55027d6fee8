"""What a mapping of a spec says, and the defaults for what it leaves out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from generator.resolve.defaults import Default
from generator.tenancy import Account

Spec = Mapping[str, Any]

_SECONDS = {"s": 1, "m": 60}


@dataclass(frozen=True, slots=True)
class Said:
    """A mapping of a spec; ``at`` is its path in the table of defaults, with a ``.`` at the end."""

    data: Spec
    defaults: Mapping[str, Default]
    at: str = ""

    def __getitem__(self, key: str) -> Any:
        """Return what is said, else the default.

        Raises:
            KeyError: Neither is there: the schema demands the key, so this is a bug.
        """
        value = self.data.get(key)
        return self.defaults[self.at + key].value if value is None else value

    def text(self, key: str) -> str:
        """Return what is said, else "": for keys whose absence means something of its own."""
        return str(self.data.get(key) or "")

    def below(self, key: str) -> "Said":
        """Return the mapping under a key; an empty one where there is none."""
        return Said(self.data.get(key) or {}, self.defaults, f"{self.at}{key}.")

    def each(self, key: str) -> "dict[str, Said]":
        """Return the mappings under the names under a key, sorted by name."""
        bodies: Spec = self.data.get(key) or {}
        return {name: Said(bodies[name] or {}, self.defaults, f"{self.at}{key}.*.") for name in sorted(bodies)}

    def items(self, key: str) -> "list[Said]":
        """Return the mappings of the list under a key, in its order."""
        return [Said(item, self.defaults, f"{self.at}{key}[].") for item in self.data.get(key) or ()]


def pairs(data: Spec | None) -> tuple[tuple[str, str], ...]:
    """Return a mapping of texts as pairs, sorted by key."""
    return tuple(sorted((data or {}).items()))


def seconds(text: str) -> int:
    """Return a time like ``3s`` or ``2m`` in seconds."""
    return int(text[:-1]) * _SECONDS[text[-1]]


def account(text: str) -> Account:
    """Return the ServiceAccount that is written ``namespace/name``."""
    namespace, _, name = text.partition("/")
    return Account(namespace=namespace, name=name)
