"""Ask git what was when, and who wrote it: the only module that runs it.

git reads only, asks nobody for a password, and runs none of the programs that a repository's configuration can name
for reading.

Source: git's own manual pages git-archive, git-blame, git-diff, git-rev-list; git 2.39.
"""

import os
import re
import subprocess
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from generator.diag import ToolError

TIMEOUT_S = 120
SAFE = ("-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "-c", "diff.external=", "-c", "core.pager=cat")
KEPT = ("PATH", "HOME", "XDG_CONFIG_HOME", "GIT_DIR", "GIT_WORK_TREE", "GIT_CEILING_DIRECTORIES", "TMPDIR")
FIELDS = ("%H", "%an", "%ae", "%ad", "%ct", "%s")
UNCOMMITTED = "0" * 40  # what blame says of lines that are only on the disk


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One commit: its full hash, who wrote it and on which day, when it was made, and the first line of its message.

    ``day`` is like ``2027-01-31``, ``time`` in seconds.
    """

    hash: str
    author: str
    mail: str
    day: str
    time: int
    subject: str

    def __str__(self) -> str:
        return f"{self.hash[:10]} {self.day} {self.author} <{self.mail}> {self.subject}"


def find(root: Path, ref: str) -> Commit:
    """Return the commit that a ref names: a branch, a tag, a hash, ``HEAD~3``, ``origin/main``.

    Raises:
        ToolError: There is no such commit, or the folder is in no repository.
    """
    if ref.startswith("-") or not ref:
        raise ToolError(f'"{ref}" names no commit\n  name a branch, a tag or a hash')
    done = _run(root, ["rev-parse", "--quiet", "--verify", "--end-of-options", f"{ref}^{{commit}}"])
    if done.returncode:
        hint = "name a branch, a tag or a hash; in a shallow clone, fetch it first"
        raise ToolError(f'"{ref}" names no commit here\n  {_said(done.stderr) or hint}')
    return commit(root, _text(done).strip())


def at(root: Path, day: str) -> Commit:
    """Return the last commit on the way to HEAD that was there at the end of a day (``2027-01-31``, UTC).

    Raises:
        ToolError: There is none.
    """
    asked = ["rev-list", "-1", "--first-parent", f"--before={day}T23:59:59Z", "HEAD"]
    found = _text(_checked(root, asked)).strip()
    if not found:
        raise ToolError(f"there was no commit yet on {day}\n  name a later day; in a shallow clone, fetch more first")
    return commit(root, found)


def commit(root: Path, hash_: str) -> Commit:
    """Return what a commit says of itself."""
    form = "--format=" + "%x00".join(FIELDS)
    text = _text(_checked(root, ["show", "--no-patch", "--date=short", form, hash_, "--"]))
    full, author, mail, day, time, subject = text.rstrip("\n").split("\0")
    return Commit(hash=full, author=author, mail=mail, day=day, time=int(time), subject=subject)


def export(root: Path, hash_: str, folder: Path) -> None:
    """Write the repository's files as they were in a commit to an empty folder; links are left as links within it.

    Raises:
        ToolError: git fails, or the commit holds what leads out of the folder.
    """
    done = _checked(root, ["archive", "--format=tar", hash_])
    try:
        with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
            archive.extractall(folder, filter="data")
    except tarfile.TarError as problem:
        raise ToolError(f"{hash_[:10]} cannot be laid out: {problem}\n  look for links that lead elsewhere") from None


def changed(root: Path, hash_: str) -> tuple[str, ...]:
    """Return the paths, relative to the folder, of all that is different now from a commit; new files too, sorted."""
    tracked = _text(_checked(root, ["diff", "--name-only", "--no-renames", "--relative", "-z", hash_, "--", "."]))
    new = _text(_checked(root, ["ls-files", "--others", "--exclude-standard", "-z", "--", "."]))
    return tuple(sorted({path for path in (*tracked.split("\0"), *new.split("\0")) if path}))


def blame(root: Path, path: str, line: int) -> Commit | None:
    """Return the commit that wrote a line as it stands on the disk; None where no commit has it yet.

    Raises:
        ToolError: The file is not known to git, or has no such line.
    """
    done = _run(root, ["blame", "--porcelain", "-L", f"{line},{line}", "--", path])
    if done.returncode:
        said = _said(done.stderr)
        if "no such path" in said:
            return None
        raise ToolError(f"git does not say who wrote {path}:{line}: {said}\n  commit the file, then ask again")
    hash_ = _text(done).split(" ", 1)[0].lstrip("^")
    return None if hash_ == UNCOMMITTED else commit(root, hash_)


def _checked(root: Path, words: Sequence[str]) -> "subprocess.CompletedProcess[bytes]":
    done = _run(root, words)
    if done.returncode:
        raise ToolError(f"git {words[0]} failed: {_said(done.stderr)}\n  run it yourself to see why")
    return done


def _said(stderr: bytes) -> str:
    lines = stderr.decode(errors="replace").strip().splitlines()
    return re.sub(r"^(fatal|error): ", "", lines[0]) if lines else ""


def _text(done: "subprocess.CompletedProcess[bytes]") -> str:
    return done.stdout.decode(errors="replace")


def _run(root: Path, words: Sequence[str]) -> "subprocess.CompletedProcess[bytes]":
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment |= {"LC_ALL": "C", "TZ": "UTC", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    try:
        return subprocess.run(  # noqa: S603  # a list of words, no shell
            ["git", *SAFE, *words],  # noqa: S607  # the git that the person has
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=TIMEOUT_S,
        )
    except FileNotFoundError:
        raise ToolError("git is not installed\n  install it: history is read by it") from None
    except subprocess.TimeoutExpired:
        raise ToolError(f"git {words[0]} took longer than {TIMEOUT_S} s\n  run it yourself to see why") from None
