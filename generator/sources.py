"""Read the specs of a repository: which files there are, what they say, what their schemas say of them."""

import json
import os
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from generator import parallel
from generator.check import check
from generator.diag import Diagnostic, Mark, ToolError, errors
from generator.document import Document
from generator.load import load
from generator.names import PLATFORM_SPEC, TENANTS
from generator.rules import specs as rules_specs
from generator.rules.specs import Entry, Specs
from generator.survey import hash_of

SUFFIX = ".yaml"
SPECIAL = "special"  # neither file nor folder nor link
STRAY = "stray-file"
_SPEC_DEPTH = 3  # tenants/<tenant>/<file>.yaml
_AT_ONCE = 32  # specs that a process reads before it hands them over


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What was read: the specs that passed their schemas, what is wrong with the others, a hash of each file's text."""

    specs: Specs
    diagnostics: tuple[Diagnostic, ...]
    hashes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Spec:
    """One file: what it says if it passed its schema, what is wrong with it, the hash of its text."""

    document: Document | None
    problems: tuple[Diagnostic, ...]
    hash: str


def read(
    root: Path,
    only: tuple[str, ...] = (),
    drafts: Mapping[str, str] | None = None,
    *,
    tenants: Collection[str] | None = None,
) -> Sources:
    """Read platform.yaml and everything below tenants/, or ``only`` some specs and what they stand on.

    ``drafts`` are texts of specs by path that count as if they stood on the disk. Where ``tenants`` are named, only
    the specs of these are read; of the others it is still said that they are there.

    Raises:
        ToolError: A file or folder is there but cannot be read.
    """
    drafts = drafts or {}
    there = tuple(_stands_on(root, only) if only else _entries(root))
    entries = (*(e for e in there if e.path not in drafts), *(Entry(path=path) for path in drafts))
    misplaced = [problem for entry in entries for problem in _misplaced(entry)]
    entries = tuple(
        entry for entry in entries if entry.kind != SPECIAL and (entry.path, entry.kind) != (TENANTS, "file")
    )
    wanted = [entry.path for entry in entries if _is_spec(entry) and _is_of(entry, tenants)]
    found = _all_specs(root, wanted, drafts)
    passed = [one.document for one in found.values() if one.document]
    platform = next((d for d in passed if d.file == PLATFORM_SPEC and d.kind == "Platform"), None)
    keys = {path: _key_file(root, path) for path in rules_specs.key_files(platform)} if platform else {}
    return Sources(
        specs=rules_specs.of(passed, entries, keys),
        diagnostics=(*misplaced, *(problem for one in found.values() for problem in one.problems)),
        hashes={
            **{path: one.hash for path, one in found.items()},
            **{path: hash_of(text.encode()) for path, text in keys.items() if text is not None},
        },
    )


def canonical_keys(text: str) -> str:
    """Return a JSON Web Key Set as one line of canonical JSON, as policies carry it."""
    return json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _entries(root: Path) -> Iterator[Entry]:
    for path in (PLATFORM_SPEC, TENANTS):
        if (entry := _entry(root, path)) and (path, entry.kind) != (TENANTS, "folder"):
            yield entry
        elif entry:
            yield from _below(root, TENANTS)


def _stands_on(root: Path, only: tuple[str, ...]) -> Iterator[Entry]:
    """Yield the platform's spec, the specs asked for, and those of their tenants."""
    tenants = {f"{path.rpartition('/')[0]}/tenant.yaml" for path in only if path.startswith(f"{TENANTS}/")}
    for path in sorted({PLATFORM_SPEC, *only, *tenants}):
        if entry := _entry(root, path):
            yield entry


def _below(root: Path, folder: str) -> Iterator[Entry]:
    try:
        with os.scandir(root / folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as problem:
        raise _unreadable(folder, problem) from None
    for found_entry in entries:
        path = f"{folder}/{found_entry.name}"
        yield Entry(path=path, kind=_kind(found_entry))
        if found_entry.is_dir(follow_symlinks=False):
            yield from _below(root, path)


def _entry(root: Path, path: str) -> Entry | None:
    """Return what stands at a path, None if nothing does."""
    place = root / path
    try:
        mode = place.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as problem:
        raise _unreadable(path, problem) from None
    kinds = ((stat.S_ISLNK, "link"), (stat.S_ISDIR, "folder"), (stat.S_ISREG, "file"))
    return Entry(path=path, kind=next((kind for is_such, kind in kinds if is_such(mode)), SPECIAL))


def _kind(entry: "os.DirEntry[str]") -> str:
    if entry.is_symlink():
        return "link"
    if entry.is_dir():
        return "folder"
    return "file" if entry.is_file() else SPECIAL


def _misplaced(entry: Entry) -> Iterator[Diagnostic]:
    """Yield what is wrong with an entry that can hold no specs at all."""
    if entry.kind == SPECIAL:
        yield Diagnostic(Mark(entry.path), STRAY, "this is a pipe, a socket or a device, not a file", "take it out")
    elif (entry.path, entry.kind) == (PLATFORM_SPEC, "folder"):
        yield Diagnostic(Mark(entry.path), STRAY, "platform.yaml is a folder", "put the platform's spec there, a file")
    elif (entry.path, entry.kind) == (TENANTS, "file"):
        yield Diagnostic(Mark(entry.path), STRAY, "tenants is a file", "make it a folder with a folder for each tenant")


def _unreadable(path: str, problem: OSError) -> ToolError:
    return ToolError(f"{path} cannot be read: {problem.strerror}\n  mend its permissions, then run it again")


def _is_spec(entry: Entry) -> bool:
    if entry.kind != "file":
        return False
    parts = entry.path.split("/")
    return entry.path == PLATFORM_SPEC or (len(parts) == _SPEC_DEPTH and parts[-1].endswith(SUFFIX))


def _is_of(entry: Entry, tenants: Collection[str] | None) -> bool:
    return tenants is None or entry.path == PLATFORM_SPEC or entry.path.split("/")[1] in tenants


def text_of(root: Path, path: str) -> bytes:
    """Return what stands in a spec file.

    Raises:
        ToolError: It cannot be read.
    """
    try:
        with open(f"{root}/{path}", "rb", buffering=0) as file:  # noqa: PTH123  # half the time of Path.read_bytes
            return file.read()
    except OSError as problem:
        raise _unreadable(path, problem) from None


def _all_specs(root: Path, paths: Sequence[str], drafts: Mapping[str, str]) -> dict[str, _Spec]:
    def read_some(some: Sequence[str]) -> list[_Spec]:
        return [_spec(path, drafts[path].encode() if path in drafts else text_of(root, path)) for path in some]

    some = [paths[start : start + _AT_ONCE] for start in range(0, len(paths), _AT_ONCE)]
    found = parallel.spread(read_some, some, parallel.workers(len(paths)))
    return dict(zip(paths, (one for specs in found for one in specs), strict=True))


def _spec(path: str, text: bytes) -> _Spec:
    found = load(text, path)
    if not isinstance(found, Document):
        return _Spec(None, found, hash_of(text))
    problems = check(found)
    return _Spec(None if errors(problems) else found, problems, hash_of(text))


def _key_file(root: Path, path: str) -> str | None:
    place = root / path
    if not place.resolve().is_relative_to(root.resolve()) or not place.is_file():
        return None
    try:
        return place.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return None
