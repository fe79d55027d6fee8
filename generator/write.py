"""Carry out a plan: with journal.py, the only place that changes the disk, and the only one that may.

New text is written beside the tree first, then put in place by renames, a new folder by one rename however much it
holds. So no file is ever half written, whatever kills the run; the next run completes the switch or drops it.
"""

import errno
import fcntl
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from generator import journal, tree
from generator.diag import SpecError, ToolError
from generator.journal import FOLDER, Journal
from generator.survey import hash_of

_LOCK = f"{FOLDER}/lock"
_IGNORE = f"{FOLDER}/.gitignore"
_REMEDY = {
    errno.ENOSPC: "free some space on the disk",
    errno.EDQUOT: "free some space within your quota",
    errno.EROFS: "make the file system writable",
    errno.EACCES: "make it writable for you",
    errno.EPERM: "make it writable for you",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was done, each sorted by path; ``note`` is a sentence on what an interrupted run had left, or empty."""

    created: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    note: str = ""


def apply(plan: tree.Plan, root: Path) -> Written:
    """Make the disk equal to the tree the plan was made from; leave unchanged files alone.

    If an interrupted run left something, that is completed or dropped first, and the plan made anew.

    Raises:
        SpecError: The plan refuses something; nothing was changed.
        ToolError: Another run is writing, a file changed since the plan was made, or the system refuses (disk full,
            read-only, no permission). Then nothing was changed, or the next run completes it; the text says which.
    """
    if plan.refused:
        raise SpecError(plan.refused)
    if plan.is_clean and not journal.is_pending(root):
        return Written()
    with writing(root, plan.owned) as note:
        if note:
            plan = tree.plan(plan.made, root, plan.owned)
        if plan.refused:
            raise SpecError(plan.refused)
        if not plan.is_clean:
            switch(root, stage(root, plan))
    return Written(created=tuple(plan.create), updated=tuple(plan.update), deleted=plan.delete, note=note)


@contextmanager
def writing(root: Path, owned: tuple[str, ...]) -> Iterator[str]:
    """Hold the repository for `stage` and `switch`; what is staged and not switched is dropped in the end.

    If an interrupted run left something, that is completed or dropped first; what is yielded says so.

    Raises:
        ToolError: Another run is writing, or the system refuses.
    """
    with _lock(root):
        note = _recover(root, owned)
        try:
            yield note
        finally:
            journal.abandon(root)


def stage(root: Path, plan: tree.Plan) -> tree.Changes:
    """Write the new texts of a plan beside the tree, and return what `switch` has to do; nothing if it is refused.

    Several processes may stage different parts of a tree while one is `writing`.

    Raises:
        ToolError: The system refuses.
    """
    if plan.refused:
        return plan.changes()
    moves = _moves(root, plan)
    try:
        journal.stage(root, {**plan.create, **plan.update})
    except OSError as problem:
        raise _failed(root, problem, "nothing was changed") from problem
    return replace(plan.changes(), moves=moves)


def switch(root: Path, changes: tree.Changes) -> None:
    """Put everything that is staged in its place and remove what is to go.

    Raises:
        ToolError: A file changed since the plan was made: nothing was changed. Or the system refuses; the text says
            whether the next run completes the switch.
    """
    steps = Journal(delete=changes.delete, empty=changes.empty, move=changes.moves)
    _check(root, changes)
    try:
        journal.commit(root, steps)
    except BaseException as problem:
        journal.discard(root)
        if isinstance(problem, OSError):
            raise _failed(root, problem, "nothing was changed") from problem
        raise
    try:
        journal.finish(root, steps)
    except KeyboardInterrupt:
        journal.finish(root, steps)  # it is short, and to stop here would leave the tree between two states
        raise
    except OSError as problem:
        raise _failed(root, problem, "the next run completes what this one began") from problem


def recover(root: Path, owned: tuple[str, ...]) -> str:
    """Complete or drop what an interrupted run left, and say so in a sentence; empty if nothing was left.

    Raises:
        ToolError: Another run is writing, or the system refuses.
    """
    if not journal.is_pending(root):
        return ""
    with _lock(root):
        return _recover(root, owned)


def put(root: Path, path: str, text: str) -> None:
    """Write a new file at a path of the repository, with the folders it needs: whole or not at all.

    Raises:
        ToolError: Something is there already, the path leads out of the repository, or the system refuses.
    """
    file = root / path
    if not file.parent.resolve().is_relative_to(root.resolve()) or ".." in file.parts:
        raise ToolError(f"{path} lies outside the repository\n  choose a path below {root}")
    if os.path.lexists(file):
        raise ToolError(f"{path} is there already\n  edit it, or choose another name")
    made = [folder for folder in file.parents if not folder.exists()]
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        _replace(file, text)
    except OSError as problem:
        for folder in made:  # the deepest first
            with suppress(OSError):
                folder.rmdir()
        raise _failed(root, problem, "nothing was changed") from problem


def rewrite(file: Path, text: str) -> None:
    """Replace the text of a file that is there, whole or not at all; its mode stays.

    Raises:
        ToolError: It is no regular file, or the system refuses.
    """
    try:
        mode = file.lstat().st_mode
        if not stat.S_ISREG(mode):
            raise ToolError(f"{file} is a symbolic link or another special file\n  put a plain file there")
        _replace(file, text, mode=stat.S_IMODE(mode))
    except OSError as problem:
        raise _failed(Path("/"), problem, "nothing was changed") from problem  # named in full: there is no root


def _replace(file: Path, text: str, *, mode: int | None = None) -> None:
    draft = file.with_name(f".{file.name}.gen-new")
    draft.unlink(missing_ok=True)  # a killed run may have left it
    try:
        journal.create(str(draft), text.encode())
        if mode is not None:
            draft.chmod(mode)
        draft.rename(file)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _recover(root: Path, owned: tuple[str, ...]) -> str:
    try:
        return journal.recover(root, owned)
    except OSError as problem:
        raise _failed(
            root, problem, "it completes what an earlier run began (to give that up, delete .gen)"
        ) from problem


def _moves(root: Path, plan: tree.Plan) -> tuple[str, ...]:
    """Return the fewest paths whose move brings every new file to its place: a folder that is not there moves whole."""
    tops: dict[str, str] = {}

    def top_of(folder: str) -> str:
        """Return the highest folder on the way to a folder that is not there, "" if it is there itself."""
        if folder not in tops:
            is_there = os.path.isdir(f"{root}/{folder}")  # noqa: PTH112  # a third of the time of Path.is_dir
            above = "" if is_there or folder in plan.owned else top_of(folder.rpartition("/")[0])
            tops[folder] = "" if is_there else above or folder
        return tops[folder]

    paths = sorted((*plan.create, *plan.update))
    return tuple(
        dict.fromkeys(path if path in plan.owned else top_of(path.rpartition("/")[0]) or path for path in paths)
    )


def _check(root: Path, changes: tree.Changes) -> None:
    """Refuse if the disk is no longer what the plan saw, say because somebody saved a file or pulled a commit."""
    gone = {*changes.delete, *changes.empty, *changes.update}
    changed = [path for path in changes.moves if path not in gone and os.path.lexists(root / path)]
    changed += [path for path, seen in changes.before.items() if not _holds(root / path, seen)]
    if changed:
        raise ToolError(f"{min(changed)} changed while gen was at work\n  run it again: nothing was changed")


def _holds(file: Path, seen: str) -> bool:
    try:
        return hash_of(file.read_bytes()) == seen
    except OSError:
        return False


@contextmanager
def _lock(root: Path) -> Iterator[None]:
    """Hold the repository's lock; the system frees it when the process ends, however it ends."""
    try:
        file = _open_lock(root)
    except OSError as problem:
        raise _failed(root, problem, "nothing was changed") from problem
    try:
        _take(root, file)
        yield
    finally:
        os.close(file)


def _open_lock(root: Path) -> int:
    folder = root / FOLDER
    if folder.is_symlink():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    folder.mkdir(exist_ok=True)
    if not os.path.lexists(root / _IGNORE):
        draft = root / f"{_IGNORE}.new"
        draft.write_text("*\n", encoding="utf-8")  # whatever the repository's own .gitignore says
        draft.rename(root / _IGNORE)
    return os.open(root / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)


def _take(root: Path, file: int) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())
    except BlockingIOError:
        holder = os.read(file, 20).decode(errors="replace").strip() or "unknown"
        raise ToolError(
            f"another gen (process {holder}) is writing to this repository\n"
            "  wait until it is done, then run it again: nothing was changed"
        ) from None
    except OSError as problem:
        raise _failed(root, problem, "nothing was changed") from problem


def _failed(root: Path, problem: OSError, state: str) -> ToolError:
    place = os.fsdecode(problem.filename) if problem.filename else FOLDER
    place = place.removeprefix(f"{root}/").removeprefix(f"{FOLDER}/stage/")
    place = re.sub(r"\.([^/]+)\.gen-new$", r"\1", place)  # the name a person knows
    remedy = _REMEDY.get(problem.errno or 0, "mend that")
    return ToolError(f"cannot write {place}: {problem.strerror}\n  {remedy}, then run it again: {state}")
