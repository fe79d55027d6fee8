"""Read a Kubernetes object field by field and report every field that nobody asked for."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from generator.diag import GenError, quoted


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """The name of a Kubernetes object as people say it: kind, namespace, name."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, order=True)
class Unsupported:
    """Something in an object that the evaluator does not cover, and that may change who gets in."""

    ref: Ref
    field: str
    why: str
    todo: str

    def __str__(self) -> str:
        return f"{self.ref}: {self.field} {self.why}\n  {self.todo}"


class UnsupportedError(GenError):
    """The objects say something about access that gen cannot judge; carries every finding, sorted."""

    def __init__(self, findings: Iterable[Unsupported]) -> None:
        self.findings = tuple(sorted(set(findings)))
        super().__init__("\n".join(map(str, self.findings)))


@dataclass(slots=True)
class Reader:
    """One mapping of an object, with its path; remembers what was read so that `close` can name the rest.

    Every accessor returns an empty value for a missing or null field, as the API server and the
    protobuf reader of istiod do, and reports a value of another type.
    """

    value: dict[str, Any]
    ref: Ref
    path: str
    found: list[Unsupported]
    _read: list[str] = field(default_factory=list)

    def text(self, key: str) -> str:
        """Return a text field, or "" when it is missing."""
        return str(self._typed(key, str, ""))

    def flag(self, key: str) -> bool:
        """Return a true/false field, or False when it is missing."""
        return bool(self._typed(key, bool, default=False))

    def number(self, key: str) -> int:
        """Return a whole number, or 0 when it is missing."""
        return int(self._typed(key, int, 0))

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, or () when it is missing."""
        items = self._typed(key, list, [])
        for index, item in enumerate(items):
            if not isinstance(item, str):
                self.report(f"{key}[{index}]", "is not text", 'write it in quotes, like "8000"')
        return tuple(item for item in items if isinstance(item, str))

    def pairs(self, key: str) -> tuple[tuple[str, str], ...]:
        """Return a mapping of text to text as sorted pairs, or () when it is missing."""
        items = self._typed(key, dict, {})
        for name, item in items.items():
            if not isinstance(item, str):
                self.report(f"{key}.{name}", "is not text", "write it in quotes")
        return tuple(sorted((name, item) for name, item in items.items() if isinstance(item, str)))

    def has(self, key: str) -> bool:
        """Say whether a field is present and not null."""
        return self.value.get(key) is not None

    def child(self, key: str) -> "Reader":
        """Return the mapping under a key; a missing one reads as empty."""
        return Reader(self._typed(key, dict, {}), self.ref, self._at(key), self.found)

    def children(self, key: str) -> Iterator["Reader"]:
        """Yield the mappings of a list."""
        for index, item in enumerate(self._typed(key, list, [])):
            if isinstance(item, dict):
                yield Reader(item, self.ref, f"{self._at(key)}[{index}]", self.found)
            else:
                self.report(f"{key}[{index}]", "is not a mapping", "write its fields under it")

    def named(self, key: str) -> Iterator[tuple[str, "Reader"]]:
        """Yield name and mapping of every entry of a mapping of mappings, sorted by name."""
        inner = self.child(key)
        for name in sorted(inner.value, key=str):
            yield str(name), Reader(inner.value[name] or {}, self.ref, f"{inner.path}.{name}", self.found)

    def skip(self, *keys: str) -> None:
        """Mark fields as read that have no say in who gets in."""
        self._read.extend(keys)

    def report(self, key: str, why: str, todo: str) -> None:
        """Add a finding about a field of this mapping."""
        self.found.append(Unsupported(self.ref, self._at(key) if key else self.path, why, todo))

    def close(self) -> None:
        """Report every field that was neither read nor skipped: the API server drops unknown fields in silence."""
        for key in self.value:
            if key not in self._read:
                self.report(str(key), "is not a field that gen knows here", "take it out, or mend its spelling")

    def _at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def _typed(self, key: str, kind: type, default: Any) -> Any:
        self._read.append(key)
        value = self.value.get(key)
        if value is None:
            return default
        if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
            return value
        words = {str: "text", bool: "true or false", int: "a whole number", list: "a list", dict: "a mapping"}
        self.report(key, f"is {quoted(value)}, not {words[kind]}", f"write {words[kind]}")
        return default


def reader_of(obj: dict[str, Any], found: list[Unsupported], *, namespace: str = "default") -> Reader:
    """Return the reader of an object's spec; metadata is read here and has no unknown fields.

    An object without a namespace lies in `namespace`, as it does for kubectl.
    """
    meta = obj.get("metadata") or {}
    ref = Ref(str(obj.get("kind")), str(meta.get("namespace") or namespace), str(meta.get("name")))
    return Reader(obj.get("spec") or {}, ref, "spec", found)


def selector_of(spec: Reader) -> tuple[tuple[str, str], ...]:
    """Return the labels that a policy selects by; () selects every workload of its namespace."""
    for key in ("targetRef", "targetRefs"):
        if spec.has(key):
            spec.report(
                key,
                "attaches the policy to a Gateway API object or a waypoint; for other workloads Istio ignores it",
                "use spec.selector",
            )
        spec.skip(key)
    selector = spec.child("selector")
    labels = selector.pairs("matchLabels")
    selector.close()
    return labels
