"""Change one thing in a spec, and leave every other byte as the person wrote it.

The text itself is cut, by the places that libyaml reports: an editor that parses and prints again moves comments,
loses the ones that stand behind a deleted item, and rewrites quotes and flow style.
"""

import json
import re
from collections.abc import Collection
from typing import Any

import yaml

from generator.document import Path

_COMMA = re.compile(r"(?:\s|#[^\n]*\n)*,")  # behind an item in brackets
_REST = re.compile(r"[ \t]*(?:#[^\n]*)?\n")  # of a line
_BLANK = re.compile(r"[ \t]*")
_BEFORE = re.compile(r"[ \t]*,?[ \t]*\Z")

Node = Any  # yaml.Node; the C composer gives every node its start and end


def without_items(text: str, path: Path, gone: Collection[int]) -> str:
    """Return the text without some items of the list at ``path``; without its key if none is left.

    Args:
        text: A spec that loads.
        path: Keys and indices from the root to the list.
        gone: Indices of the items to take out.

    Raises:
        ValueError: The result would not say what it must: a bug.
    """
    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    key, items = _find(root, path)
    kept = [item for index, item in enumerate(items.value) if index not in gone]
    if not kept:
        edited = _cut_lines(text, key.start_mark.line, _last_line(items)) if not _is_inside_flow(root, path) else None
        edited = edited if edited is not None else _replaced(text, items, "[]")
    elif items.flow_style:
        edited = _flow(text, items, gone)
    else:
        edited = text
        for item in sorted((items.value[index] for index in gone), key=lambda node: -node.start_mark.index):
            edited = _cut_lines(edited, item.start_mark.line, _last_line(item))
    _prove(text, edited, path, gone)
    return edited


def _find(root: Node, path: Path) -> tuple[Node, Node]:
    key, node = root, root
    for part in path:
        if isinstance(part, int):
            key = node = node.value[part]
        else:
            key, node = next(pair for pair in node.value if pair[0].value == part)
    return key, node


def _is_inside_flow(root: Node, path: Path) -> bool:
    return any(_find(root, path[:depth])[1].flow_style for depth in range(len(path)))


def _flow(text: str, items: Node, gone: Collection[int]) -> str:
    """Return the text without some items of a list in brackets; comments stay, but those on the line of an item."""
    edited = text
    for item in sorted((items.value[index] for index in gone), key=lambda node: -node.start_mark.index):
        start, end = item.start_mark.index, item.end_mark.index
        if comma := _COMMA.match(edited, end):
            end = comma.end()
        line = edited.rfind("\n", 0, start) + 1
        if edited[line:start].isspace() and (rest := _REST.match(edited, end)):
            start, end = line, rest.end()  # it has its lines for itself
        elif comma:
            end = _BLANK.match(edited, end).end()  # type: ignore[union-attr]  # it matches nothing too
        else:
            start = len(_BEFORE.sub("", edited[:start]))
        edited = edited[:start] + edited[end:]
    return edited


def _replaced(text: str, node: Node, new: str) -> str:
    return text[: node.start_mark.index] + new + text[node.end_mark.index :]


def _cut_lines(text: str, first: int, last: int) -> str:
    lines = text.splitlines(keepends=True)
    return "".join(lines[:first] + lines[last + 1 :])


def _last_line(node: Node) -> int:
    """Return the line on which the node really ends: a block collection's own end lies behind later comments."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        mark = node.end_mark
        return int(mark.line if mark.column else mark.line - 1)  # a block scalar ends at the start of a line
    last = node.value[-1]
    return _last_line(last[1] if isinstance(last, tuple) else last)


def _prove(before: str, after: str, path: Path, gone: Collection[int]) -> None:
    wanted, made = (yaml.load(text, Loader=yaml.CSafeLoader) for text in (before, after))
    *parents, last = path
    holder = wanted
    for part in parents:
        holder = holder[part]
    kept = [item for index, item in enumerate(holder[last]) if index not in gone]
    holder[last] = kept
    emptied = {key: value for key, value in holder.items() if key != last} if not kept else None
    if made == wanted:
        return
    if emptied is not None:
        holder.clear()
        holder.update(emptied)
        if made == wanted:
            return
    raise ValueError(f"taking items out of {'.'.join(map(str, path))} would change more than that")


def with_text(text: str, path: tuple[str, ...], value: str) -> str:
    """Return the text with a string at ``path``, in place of what stands there or as new lines; nothing else changes.

    Args:
        text: A spec that loads.
        path: Keys from the root; those that are missing are made.
        value: The string; it is written in double quotes.

    Raises:
        ValueError: The result would not say what it must: a bug.
    """
    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    depth, key, node = _deepest(root, path)
    missing = path[depth:]
    if not missing:
        edited = _replaced(text, node, json.dumps(value))
    elif isinstance(node, yaml.MappingNode) and not node.flow_style:
        edited = _inserted(text, _last_line(node), _lines(missing, value, node.start_mark.column))
    elif isinstance(node, yaml.MappingNode):
        comma = ", " if node.value else ""
        edited = _replaced(
            text, node, text[node.start_mark.index : node.end_mark.index - 1] + comma + _pair(missing, value) + "}"
        )
    else:  # a key with nothing behind it
        edited = _inserted(text, key.start_mark.line, _lines(missing, value, key.start_mark.column + 2))
    _prove_text(text, edited, path, value)
    return edited


def _deepest(root: Node, path: tuple[str, ...]) -> tuple[int, Node, Node]:
    """Return how far the path exists, with the last key and value that do."""
    key = node = root
    for depth, part in enumerate(path):
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        found = next((pair for pair in pairs if pair[0].value == part), None)
        if found is None:
            return depth, key, node
        key, node = found
    return len(path), key, node


def _lines(keys: tuple[str, ...], value: str, column: int) -> str:
    *outer, last = keys
    lines = [f"{' ' * (column + 2 * depth)}{key}:\n" for depth, key in enumerate(outer)]
    return "".join(lines) + f"{' ' * (column + 2 * len(outer))}{last}: {json.dumps(value)}\n"


def _pair(keys: tuple[str, ...], value: str) -> str:
    *outer, last = keys
    return "".join(f"{key}: {{" for key in outer) + f"{last}: {json.dumps(value)}" + "}" * len(outer)


def _inserted(text: str, line: int, lines: str) -> str:
    there = text.splitlines(keepends=True)
    before, after = "".join(there[: line + 1]), "".join(there[line + 1 :])
    return before + ("" if before.endswith("\n") else "\n") + lines + after


def _prove_text(before: str, after: str, path: tuple[str, ...], value: str) -> None:
    wanted, made = (yaml.load(text, Loader=yaml.CSafeLoader) for text in (before, after))
    holder = wanted
    for key in path[:-1]:
        if not isinstance(holder.get(key), dict):
            holder[key] = {}
        holder = holder[key]
    holder[path[-1]] = value
    if made != wanted:
        raise ValueError(f"writing {'.'.join(path)} would change more than that")
