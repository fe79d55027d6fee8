"""Read the specs of a repository: which files there are, what they say, what their schemas say of them."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from generator.check import check
from generator.diag import Diagnostic, ToolError, errors
from generator.document import Document
from generator.load import load
from generator.names import PLATFORM_SPEC, TENANTS
from generator.rules import specs as rules_specs
from generator.rules.specs import Entry, Specs

SUFFIX = ".yaml"
_SPEC_DEPTH = 3  # tenants/<tenant>/<file>.yaml


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What was read: the specs that passed their schemas, and what is wrong with the others."""

    specs: Specs
    diagnostics: tuple[Diagnostic, ...]


def read(root: Path, only: tuple[str, ...] = (), drafts: Mapping[str, str] | None = None) -> Sources:
    """Read platform.yaml and everything below tenants/, or ``only`` some specs and what they stand on.

    ``drafts`` are texts of specs by path that count as if they stood on the disk.

    Raises:
        ToolError: A file or folder is there but cannot be read.
    """
    drafts = drafts or {}
    there = tuple(_stands_on(root, only) if only else _entries(root))
    entries = (*(e for e in there if e.path not in drafts), *(Entry(path=path) for path in drafts))
    found = [
        load(drafts[entry.path].encode(), entry.path) if entry.path in drafts else _document(root, entry.path)
        for entry in entries
        if _is_spec(entry)
    ]
    documents = [document for document in found if isinstance(document, Document)]
    unread = [diagnostic for one in found if isinstance(one, tuple) for diagnostic in one]
    checked = [(document, check(document)) for document in documents]
    passed = [document for document, problems in checked if not errors(problems)]
    platform = next((d for d in passed if d.file == PLATFORM_SPEC and d.kind == "Platform"), None)
    keys = {path: _key_file(root, path) for path in rules_specs.key_files(platform)} if platform else {}
    return Sources(
        specs=rules_specs.of(passed, entries, keys),
        diagnostics=(*unread, *(problem for _, problems in checked for problem in problems)),
    )


def canonical_keys(text: str) -> str:
    """Return a JSON Web Key Set as one line of canonical JSON, as policies carry it."""
    return json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _entries(root: Path) -> Iterator[Entry]:
    if (root / PLATFORM_SPEC).exists() or (root / PLATFORM_SPEC).is_symlink():
        yield _entry(root, PLATFORM_SPEC)
    if (root / TENANTS).is_dir():
        yield from _below(root, TENANTS)


def _stands_on(root: Path, only: tuple[str, ...]) -> Iterator[Entry]:
    """Yield the platform's spec, the specs asked for, and those of their tenants."""
    tenants = {f"{path.rpartition('/')[0]}/tenant.yaml" for path in only if path.startswith(f"{TENANTS}/")}
    for path in sorted({PLATFORM_SPEC, *only, *tenants}):
        if (root / path).exists():
            yield _entry(root, path)


def _below(root: Path, folder: str) -> Iterator[Entry]:
    try:
        names = sorted(os.listdir(root / folder))  # noqa: PTH208  # names are all that is needed, sorted
    except OSError as problem:
        raise ToolError(f"{folder} cannot be read: {problem.strerror}\n  mend its permissions and run again") from None
    for name in names:
        entry = _entry(root, f"{folder}/{name}")
        yield entry
        if entry.kind == "folder":
            yield from _below(root, entry.path)


def _entry(root: Path, path: str) -> Entry:
    place = root / path
    kind = "link" if place.is_symlink() else "folder" if place.is_dir() else "file"
    return Entry(path=path, kind=kind)


def _is_spec(entry: Entry) -> bool:
    if entry.kind != "file":
        return False
    parts = entry.path.split("/")
    return entry.path == PLATFORM_SPEC or (len(parts) == _SPEC_DEPTH and parts[-1].endswith(SUFFIX))


def _document(root: Path, path: str) -> Document | tuple[Diagnostic, ...]:
    try:
        text = (root / path).read_bytes()
    except OSError as problem:
        raise ToolError(f"{path} cannot be read: {problem.strerror}\n  mend its permissions and run again") from None
    return load(text, path)


def _key_file(root: Path, path: str) -> str | None:
    place = root / path
    if not place.resolve().is_relative_to(root.resolve()) or not place.is_file():
        return None
    try:
        return place.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
