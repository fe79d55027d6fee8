"""Look at what stands in the owned part of a repository: files, folders, and what gen does not touch."""

import os
import stat
from collections.abc import Collection
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from generator.diag import Diagnostic, Mark, ToolError

_READ_SIZE = 65536  # a larger buffer costs more to allocate than most of these files cost to read


@dataclass(frozen=True, slots=True)
class Found:
    """What is on disk: regular files, folders inside the owned folders (and these), and what is neither."""

    files: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)
    refused: list[Diagnostic] = field(default_factory=list)


def scan(root: Path, owned: tuple[str, ...], elsewhere: Collection[str] = ()) -> Found:
    """Return what stands in the owned folders and single files, less the folders that are looked at ``elsewhere``.

    Raises:
        ToolError: The system does not let gen read.
    """
    found = Found()
    for entry in owned:
        parents = entry.split("/")[:-1]
        for depth in range(1, len(parents) + 1):
            parent = "/".join(parents[:depth])
            mode = _mode(root, parent)
            if mode is None:
                break
            if not stat.S_ISDIR(mode):
                found.refused.append(special(parent))
                break
        else:
            mode = _mode(root, entry)
            if mode is not None and stat.S_ISDIR(mode):
                found.folders.add(entry)
                _walk(str(root), entry, found, elsewhere)
            elif mode is not None and stat.S_ISREG(mode):
                found.files.add(entry)
            elif mode is not None:
                found.refused.append(special(entry))
    return found


def bytes_of(root: Path, path: str) -> bytes:
    """Return what a regular file holds.

    Raises:
        ToolError: The system does not let gen read.
    """
    try:
        file = os.open(f"{root}/{path}", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            content = part = os.read(file, _READ_SIZE)
            while len(part) == _READ_SIZE:
                part = os.read(file, _READ_SIZE)
                content += part
        finally:
            os.close(file)
    except OSError as problem:
        raise _unreadable(path, problem) from problem
    return content


def hash_of(content: bytes) -> str:
    """Return what tells one content of a file from another."""
    return blake2b(content, digest_size=16).hexdigest()


def text_of(content: bytes) -> str | None:
    """Return the text that bytes are, None if they are none."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def special(path: str) -> Diagnostic:
    """Return what is to be said of something that is neither a folder nor a plain file."""
    return Diagnostic(
        mark(path),
        "foreign-file",
        "this is a symbolic link or another special file",
        "delete it: generated folders hold folders and plain files only",
    )


def mark(path: str) -> Mark:
    """Return the mark of a whole file; its name on disk may be no UTF-8."""
    return Mark(path.encode(errors="backslashreplace").decode())


def _walk(root: str, folder: str, found: Found, elsewhere: Collection[str]) -> None:
    try:
        with os.scandir(f"{root}/{folder}") as entries:
            for entry in entries:
                path = f"{folder}/{entry.name}"
                if entry.is_file(follow_symlinks=False):
                    found.files.add(path)
                elif not entry.is_dir(follow_symlinks=False):
                    found.refused.append(special(path))
                elif path not in elsewhere:
                    found.folders.add(path)
                    _walk(root, path, found, elsewhere)
    except OSError as problem:
        raise _unreadable(folder, problem) from problem


def _mode(root: Path, path: str) -> int | None:
    try:
        return (root / path).lstat().st_mode
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise _unreadable(path, problem) from problem


def _unreadable(path: str, problem: OSError) -> ToolError:
    return ToolError(f"cannot read {path}: {problem.strerror}\n  make it readable for you, then try again")
