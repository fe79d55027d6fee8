"""Switch a repository from one tree to the next, so that a killed run can be taken up where it stopped.

The new files wait complete in ``.gen/stage``. The journal then says what is left to do: files to delete, folders to
remove, paths to move from the stage to their place. It comes into being in one rename, so it is there whole or not
at all, and every step of it may be done twice. A run that finds a journal does its steps again; one that finds a
stage without a journal drops the stage.

This holds when the process is killed. When the power fails, the journal is safe (it is synced), but the order in
which the file system keeps the rest is its own: syncing each file would cost more than writing all of them.
"""

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

from generator.tree import is_generated, is_owned

FOLDER = ".gen"
_STAGE = f"{FOLDER}/stage"
_JOURNAL = f"{FOLDER}/journal"
_DRAFT = f"{FOLDER}/journal.new"
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """Paths to delete, folders to remove (deepest first) and paths to move out of the stage, in this order."""

    delete: tuple[str, ...]
    empty: tuple[str, ...]
    move: tuple[str, ...]


def is_pending(root: Path) -> bool:
    """Tell whether an earlier run left a journal or a stage."""
    return any(os.path.lexists(root / place) for place in (_JOURNAL, _DRAFT, _STAGE))


def stage(root: Path, files: Mapping[str, str]) -> None:
    """Write the files below the stage, where others may be already; several processes may do so at once.

    Raises:
        OSError: The system refuses; its ``filename`` is the path in the repository.
    """
    made: set[str] = set()
    for path, text in files.items():
        place = f"{root}/{_STAGE}/{path}"
        _folder(place.rpartition("/")[0], made)
        create(place, text.encode())


def commit(root: Path, journal: Journal) -> None:
    """Put the journal in place, whole: from here on the switch can only go forward.

    Raises:
        OSError: The system refuses; there is no journal then.
    """
    steps = {step.name: getattr(journal, step.name) for step in fields(journal)}
    create(f"{root}/{_DRAFT}", json.dumps(steps).encode(), sync=True)
    os.rename(root / _DRAFT, root / _JOURNAL)  # noqa: PTH104 - the step itself, not a wrapper of it


def finish(root: Path, journal: Journal) -> None:
    """Do what the journal says, or what is left of it, and drop it.

    Raises:
        OSError: The system refuses; the journal stays, and this may be called again.
    """
    _do(root, journal.delete, journal.empty, journal.move)


def _folder(place: str, made: set[str]) -> None:
    """Make a folder and those above it, unless they were made before."""
    if place in made:
        return
    made.add(place)
    try:
        os.mkdir(place)  # noqa: PTH102 - as often as there are folders
    except FileExistsError:
        pass
    except FileNotFoundError:
        _folder(place.rpartition("/")[0], made)
        Path(place).mkdir(exist_ok=True)


def abandon(root: Path) -> None:
    """Remove a stage without a journal, as far as the system lets us: the next run drops the rest."""
    if os.path.lexists(root / _STAGE) and not os.path.lexists(root / _JOURNAL):
        with suppress(OSError):
            discard(root)


def discard(root: Path) -> None:
    """Remove the journal, then the stage: a stage alone counts for nothing."""
    (root / _JOURNAL).unlink(missing_ok=True)
    (root / _DRAFT).unlink(missing_ok=True)
    if os.path.lexists(root / _STAGE):
        from shutil import rmtree  # noqa: PLC0415  # 10 ms, and hardly ever needed

        rmtree(root / _STAGE, ignore_errors=True)


def recover(root: Path, owned: tuple[str, ...]) -> str:
    """Complete or drop what an interrupted run left, and say what was done; empty if nothing was left.

    The journal may be as old as the last interruption, or not gen's at all: a repository can bring one along. Only
    steps that stay in what gen owns and touch nothing but its own files are done.

    Raises:
        OSError: The system refuses; this may be called again.
    """
    journal = _load(root)
    if journal is None:
        started = any(files for _, _, files in os.walk(root / _STAGE))
        discard(root)
        return "an earlier run was interrupted before it changed anything: what it left was removed" if started else ""
    may_replace = partial(_may_replace, root, owned)
    leads_inside = partial(_leads_inside, root, owned)
    # filter is lazy: each path is judged when its turn comes, with the steps before it done.
    _do(
        root,
        filter(may_replace, journal.delete),
        filter(leads_inside, journal.empty),
        filter(may_replace, journal.move),
    )
    return "an earlier run was interrupted: what it had begun was completed"


def create(path: str, content: bytes, *, sync: bool = False) -> None:
    """Write a file that must not be there yet.

    Raises:
        OSError: The system refuses; its ``filename`` is ``path``, and there may be a part of the file.
    """
    try:
        file = os.open(path, _CREATE, 0o666)
        try:
            while content:  # a disk that is nearly full takes a part
                content = content[os.write(file, content) :]
            if sync:
                os.fsync(file)
        finally:
            os.close(file)
    except OSError as problem:
        problem.filename = path  # write and fsync do not know it
        raise


def _do(root: Path, delete: Iterable[str], empty: Iterable[str], move: Iterable[str]) -> None:
    for path in delete:
        if (root / path).is_file():  # gone, or a folder by now, if this is the second time
            (root / path).unlink()
    for folder in empty:
        _remove_if_empty(root / folder)
    for path in move:
        _move(root / _STAGE / path, root / path)
    discard(root)


def _load(root: Path) -> Journal | None:
    """Return the journal; None if there is none, or none that gen can have written."""
    if (root / _JOURNAL).is_symlink():
        return None
    try:
        steps = json.loads((root / _JOURNAL).read_bytes())
        journal = Journal(**{name: tuple(paths) for name, paths in steps.items()})
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        return None
    is_whole = all(isinstance(path, str) for path in (*journal.delete, *journal.empty, *journal.move))
    return journal if is_whole else None


def _leads_inside(root: Path, owned: tuple[str, ...], path: str) -> bool:
    """Tell whether a path lies in what gen owns, and no symbolic link leads it or its staged file elsewhere."""
    return is_owned(path, owned) and all(
        (root / folder / path).parent.resolve() == (root.resolve() / folder / path).parent for folder in ("", _STAGE)
    )


def _may_replace(root: Path, owned: tuple[str, ...], path: str) -> bool:
    if not _leads_inside(root, owned, path):
        return False
    target = root / path
    if not os.path.lexists(target):
        return True
    if target.is_symlink() or not target.is_file():
        return False
    return is_generated(target.read_text(encoding="utf-8", errors="replace"))


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except (FileNotFoundError, NotADirectoryError):  # done before
        pass
    except OSError:
        if not any(folder.iterdir()):
            raise
        # Somebody put something there in the meantime: the next plan speaks of it.


def _move(source: Path, target: Path) -> None:
    try:
        os.rename(source, target)  # noqa: PTH104 - one call a file counts when all of them change
    except FileNotFoundError:
        if os.path.lexists(source):  # else it was moved before
            target.parent.mkdir(parents=True, exist_ok=True)
            source.rename(target)
