"""A spec file as data, with the place of every key and value and the raw text of its unquoted scalars."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from generator.diag import Mark

Path = tuple[str | int, ...]  # keys and list indices from the root; () is the root mapping

COLUMN_BITS = 20  # a mark is line << 20 | column, both from 0; a file is smaller than 2**18 characters


@dataclass(frozen=True, kw_only=True, eq=False)
class Document:
    """One spec file: its data and where each part of it stands. Nobody changes ``data``.

    ``data`` holds only what JSON can say: mappings with text keys, lists, text, int, float, bool, None.
    ``places`` are the packed marks of all keys and values in the order of the file, ``plain`` the raw text of
    every unquoted scalar that is not surely text, by its position in ``places``.
    """

    file: str
    data: dict[str, Any]
    places: Sequence[int]
    plain: Mapping[int, str]

    @property
    def kind(self) -> str | None:
        """Return the text after ``kind``, or None where there is none."""
        kind = self.data.get("kind")
        return kind if isinstance(kind, str) else None

    @property
    def name(self) -> str:
        """Return ``metadata.name``, or "" where there is none (the schemas demand it)."""
        metadata = self.data.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        return name if isinstance(name, str) else ""

    def value(self, path: Path) -> Any:
        """Return the value at a path that the file has; KeyError or IndexError otherwise."""
        value: Any = self.data
        for part in path:
            value = value[part]
        return value

    def value_mark(self, path: Path) -> Mark:
        """Return where the value at ``path`` begins; of the nearest parent that exists otherwise."""
        return self._mark(self._nearest(path)[1])

    def key_mark(self, path: Path) -> Mark:
        """Return where the last key of ``path`` stands; a list item has no key: its value's mark.

        The root's key mark is its value mark: the first key of the file.
        """
        return self._mark(self._nearest(path)[0])

    def has(self, path: Path) -> bool:
        """Return whether the file has a value at ``path``."""
        return path in self._index

    def raw(self, path: Path) -> str | None:
        """Return the unquoted scalar at ``path`` as written (``1.30``, ``yes``), None for anything surely text."""
        place = self._index.get(path)
        return None if place is None else self.plain.get(place[1])

    def plain_paths(self) -> Iterator[tuple[Path, str]]:
        """Yield path and raw text of every unquoted scalar that is not surely text, in the order of the file."""
        if self.plain:
            for path, (_, value) in self._index.items():
                if value in self.plain:
                    yield path, self.plain[value]

    @cached_property
    def _index(self) -> dict[Path, tuple[int, int]]:
        """Positions in ``places`` of key and value by path; made only when somebody asks for a place."""
        index: dict[Path, tuple[int, int]] = {(): (0, 0)}
        position = 0
        stack: list[Iterator[tuple[Path, Any, bool]]] = [_children((), self.data)]
        while stack:
            for path, value, keyed in stack[-1]:
                key = position + 1
                position = key + keyed
                index[path] = (key, position)
                if isinstance(value, dict | list):
                    stack.append(_children(path, value))
                    break
            else:
                stack.pop()
        return index

    def _nearest(self, path: Path) -> tuple[int, int]:
        while path not in self._index:
            path = path[:-1]
        return self._index[path]

    def _mark(self, position: int) -> Mark:
        place = self.places[position]
        return Mark(self.file, (place >> COLUMN_BITS) + 1, (place & ((1 << COLUMN_BITS) - 1)) + 1)


def _children(path: Path, value: Any) -> Iterator[tuple[Path, Any, bool]]:
    if isinstance(value, dict):
        return (((*path, key), child, True) for key, child in value.items())
    return (((*path, index), child, False) for index, child in enumerate(value))


def dotted(path: Path) -> str:
    """Return the path as people write it: ``spec.access[0].users[1]``; "the file" for the root."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{_key(part)}" for part in path)
    return text.removeprefix(".") or "the file"


def _key(key: str) -> str:
    return key if key and not any(mark in key for mark in ".[] \"'") else f'"{key}"'
