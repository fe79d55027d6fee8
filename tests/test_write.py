"""A run of the writer may be killed, interrupted or refused at any step: no file is ever half written."""

import contextlib
import errno
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator import tree
from generator.diag import SpecError, ToolError
from generator.write import Written, apply, put, recover, rewrite

OWNED = ("base", "overlays", ".github/CODEOWNERS")
TOP = tree.header("tenants/payments/fraud.yaml") + "\n"
COMPLETED = "an earlier run was interrupted: what it had begun was completed"
BEGUN = "the next run completes what this one began"
REMOVED = "an earlier run was interrupted before it changed anything: what it left was removed"

# Together: a file that stays, one that changes, one that goes, a new one beside them, a new folder, a folder that goes,
# a file that becomes a folder, a folder that becomes a file, a new single file in a new folder.
BEFORE = {
    "base/stays": TOP + "1\n",
    "base/changes": TOP + "1\n",
    "base/goes": TOP + "1\n",
    "base/folder/x/goes": TOP + "1\n",
    "base/folder/y/goes": TOP + "1\n",
    "overlays/file": TOP + "1\n",
    "overlays/other/a": TOP + "1\n",
}
AFTER = {
    "base/stays": TOP + "1\n",
    "base/changes": TOP + "2\n" * 50,
    "base/comes": TOP + "2\n",
    "base/new/deep/a": TOP + "2\n",
    "base/new/deep/b": TOP + "2\n",
    "overlays/file/a": TOP + "2\n",
    "overlays/other": TOP + "2\n",
    ".github/CODEOWNERS": TOP + "2\n",
}

PATHS = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(lambda parts: "/".join(["base", *parts]))
TREES = st.dictionaries(PATHS, st.sampled_from("12").map(lambda body: f"{TOP}{body}\n"), max_size=6).filter(
    lambda made: not any(other.startswith(f"{path}/") for path in made for other in made)
)

CALLS = ("open", "write", "mkdir", "rename", "unlink", "rmdir", "fsync", "ftruncate")


def fill(root: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def render(root: Path, made: Mapping[str, str]) -> Written:
    return apply(tree.plan(made, root, OWNED), root)


def left(root: Path) -> list[str]:
    """Return what is in .gen besides what may stay there."""
    return sorted({entry.name for entry in (root / ".gen").glob("*")} - {"lock", ".gitignore", ".gitignore.new"})


@contextlib.contextmanager
def at_call(number: int, event: Callable[[], Any]) -> Iterator[list[str]]:
    """Let something happen instead of the given call of the system, counted from 1; yields the calls so far.

    If it is a write, the first half of it is done before.
    """
    calls: list[str] = []
    real = {name: getattr(os, name) for name in CALLS}

    def watched(name: str) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            calls.append(name)
            if len(calls) == number:
                if name == "write":
                    real["write"](args[0], args[1][: len(args[1]) // 2])
                event()
            return real[name](*args, **options)

        return call

    try:
        for name in CALLS:
            setattr(os, name, watched(name))
        yield calls
    finally:
        for name, function in real.items():
            setattr(os, name, function)


def in_child(work: Callable[[], None]) -> int:
    """Do the work in a child process and return how it ended, as a signal or exit status (0 if well)."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - whatever it was, the child must not go on with the tests
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def is_killed(root: Path, number: int, made: Mapping[str, str]) -> bool:
    """Render in a child that is killed at the given call; tell whether it got that far."""

    def work() -> None:
        with at_call(number, lambda: os.kill(os.getpid(), signal.SIGKILL)), contextlib.suppress(KeyboardInterrupt):
            render(root, made)

    ended = in_child(work)
    assert ended in {0, -signal.SIGKILL}
    return ended != 0


def has_whole_files_only(root: Path) -> bool:
    texts = {(path, text) for made in (BEFORE, AFTER) for path, text in made.items()}
    return texts.issuperset(tree.read(root, OWNED).items())


def test_a_tree_is_written_and_written_again_is_left_alone(tmp_path: Path) -> None:
    fill(tmp_path, BEFORE)
    stays = (tmp_path / "base/stays").stat()
    assert render(tmp_path, AFTER) == Written(
        created=(
            ".github/CODEOWNERS",
            "base/comes",
            "base/new/deep/a",
            "base/new/deep/b",
            "overlays/file/a",
            "overlays/other",
        ),
        updated=("base/changes",),
        deleted=("base/folder/x/goes", "base/folder/y/goes", "base/goes", "overlays/file", "overlays/other/a"),
    )
    assert tree.read(tmp_path, OWNED) == AFTER
    assert not (tmp_path / "base/folder").exists()
    assert (tmp_path / "base/stays").stat() == stays
    assert left(tmp_path) == []
    assert (tmp_path / ".gen/.gitignore").read_text(encoding="utf-8") == "*\n"
    seen = {path: path.stat() for path in tmp_path.rglob("*")}
    assert render(tmp_path, AFTER) == Written()
    assert {path: path.stat() for path in tmp_path.rglob("*")} == seen


def test_a_first_render_needs_two_renames_however_large_the_tree(tmp_path: Path) -> None:
    made = {f"{folder}/{number}/{file}": TOP for folder in ("base", "overlays") for number in range(9) for file in "ab"}
    with at_call(0, lambda: None) as calls:
        render(tmp_path, made)
    assert calls.count("rename") == 2 + 2  # the two trees; the journal and .gitignore
    assert calls.count("open") == len(made) + 3  # and the journal, the lock, the emptied stage
    assert tree.read(tmp_path, OWNED) == made


def test_everything_removed_leaves_no_folder(tmp_path: Path) -> None:
    fill(tmp_path, BEFORE)
    assert render(tmp_path, {}).deleted == tuple(sorted(BEFORE))
    assert not (tmp_path / "base").exists()
    assert not (tmp_path / "overlays").exists()


def test_new_files_have_the_mode_the_umask_says(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        render(tmp_path, AFTER)
    finally:
        os.umask(mask)
    assert (tmp_path / "base/comes").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "base/new").stat().st_mode & 0o777 == 0o750


def test_a_plan_with_a_refusal_changes_nothing(tmp_path: Path) -> None:
    fill(tmp_path, {**BEFORE, "base/hand": "mine\n"})
    plan = tree.plan(AFTER, tmp_path, OWNED)
    with pytest.raises(SpecError) as caught:
        apply(plan, tmp_path)
    assert caught.value.diagnostics == plan.refused
    assert tree.read(tmp_path, OWNED) == {**BEFORE, "base/hand": "mine\n"}
    assert not (tmp_path / ".gen").exists()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("base/comes", TOP + "mine\n"),
        ("base/new/deep/a", TOP + "mine\n"),
        ("base/changes", TOP + "mine\n"),
        ("base/goes", TOP + "mine\n"),
        ("base/goes", None),
    ],
)
def test_a_file_that_changed_since_the_plan_stops_the_run(tmp_path: Path, path: str, text: str | None) -> None:
    fill(tmp_path, BEFORE)
    plan = tree.plan(AFTER, tmp_path, OWNED)
    if text is None:
        (tmp_path / path).unlink()
    else:
        fill(tmp_path, {path: text})
    found = tree.read(tmp_path, OWNED)
    with pytest.raises(ToolError, match="changed while gen was at work\n  run it again: nothing was changed"):
        apply(plan, tmp_path)
    assert tree.read(tmp_path, OWNED) == found
    assert left(tmp_path) == []


def test_a_run_killed_at_any_call_leaves_whole_files_and_the_next_completes_or_drops_it(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    notes, states = set(), set()
    for number in count(1):
        root = tmp_path_factory.mktemp("repo")
        fill(root, BEFORE)
        if not is_killed(root, number, AFTER):
            break
        assert has_whole_files_only(root)
        notes.add(note := recover(root, OWNED))
        found = tree.read(root, OWNED)
        assert found in (BEFORE, AFTER)
        assert found == AFTER or note != COMPLETED
        states.add(found == AFTER)
        assert left(root) == []
        render(root, AFTER)
        assert tree.read(root, OWNED) == AFTER
    assert number > 40
    assert notes == {"", REMOVED, COMPLETED}
    assert states == {False, True}


def test_after_a_kill_the_next_render_says_what_it_found_and_gives_the_new_tree(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    notes = set()
    other = {**AFTER, "base/third": TOP, "base/changes": TOP + "3\n"}
    for number in count(1):
        root = tmp_path_factory.mktemp("repo")
        fill(root, BEFORE)
        if not is_killed(root, number, AFTER):
            break
        notes.add(render(root, other).note)
        assert tree.read(root, OWNED) == other
        assert left(root) == []
    assert notes == {"", REMOVED, COMPLETED}


@settings(deadline=None)
@given(before=TREES, after=TREES, first=st.integers(1, 60), second=st.integers(1, 60))
def test_killed_twice_on_the_way_from_any_tree_to_any_other_gives_one_of_them(
    tmp_path_factory: pytest.TempPathFactory, before: dict[str, str], after: dict[str, str], first: int, second: int
) -> None:
    root = tmp_path_factory.mktemp("repo")
    fill(root, before)
    is_killed(root, first, after)
    is_killed(root, second, after)
    recover(root, OWNED)
    assert tree.read(root, OWNED) in (before, after)
    render(root, after)
    assert tree.read(root, OWNED) == after
    assert {str(path.relative_to(root)) for path in (root / "base").rglob("*") if path.is_dir()} <= {
        str(parent) for path in after for parent in Path(path).parents
    }
    assert left(root) == []


def test_an_interrupt_at_any_call_leaves_the_old_tree_or_the_new_one(tmp_path_factory: pytest.TempPathFactory) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    states = set()
    for number in count(1):
        root = tmp_path_factory.mktemp("repo")
        fill(root, BEFORE)
        try:
            with at_call(number, interrupt):
                render(root, AFTER)
        except KeyboardInterrupt:
            found = tree.read(root, OWNED)
            assert found in (BEFORE, AFTER)
            states.add(found == AFTER)
            render(root, AFTER)
            assert tree.read(root, OWNED) == AFTER
        else:
            break
    assert states == {False, True}


def test_an_interrupt_right_behind_the_journal_and_then_a_kill_leave_the_old_tree_or_the_new_one(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    real = os.rename

    def rename(source: Path, target: Path) -> None:
        real(source, target)
        if target.name == "journal":
            raise KeyboardInterrupt

    for number in count(1):
        root = tmp_path_factory.mktemp("repo")
        fill(root, BEFORE)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "rename", rename)
            if not is_killed(root, number, AFTER):
                break
        recover(root, OWNED)
        assert tree.read(root, OWNED) in (BEFORE, AFTER)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_an_error_at_any_call_is_told_and_the_next_run_mends_it(
    tmp_path_factory: pytest.TempPathFactory, code: int
) -> None:
    def fail() -> None:
        raise OSError(code, os.strerror(code))

    ends = set()
    for number in count(1):
        root = tmp_path_factory.mktemp("repo")
        fill(root, BEFORE)
        told = ""
        with at_call(number, fail) as calls:
            try:
                render(root, AFTER)
            except ToolError as problem:
                told = str(problem)
        if len(calls) < number:
            break
        if told:
            assert told.startswith("cannot ")
            assert os.strerror(code) in told
            is_begun = told.endswith(f": {BEGUN}")
            assert is_begun or tree.read(root, OWNED) == BEFORE
            ends.add(is_begun)
        assert has_whole_files_only(root)
        render(root, AFTER)
        assert tree.read(root, OWNED) == AFTER
    assert ends == {False, True}


def test_of_two_runs_at_once_the_second_says_who_is_writing(tmp_path: Path) -> None:
    fill(tmp_path, BEFORE)
    ready, go = os.pipe(), os.pipe()

    def wait() -> None:
        os.close(ready[1])
        os.read(go[0], 1)

    child = os.fork()
    if child == 0:
        os.close(ready[0])
        os.close(go[1])
        with at_call(20, wait):
            render(tmp_path, AFTER)
        os._exit(0)
    os.close(ready[1])
    os.close(go[0])
    os.read(ready[0], 1)  # the child is in the middle now
    for second in (lambda: render(tmp_path, {"base/x": TOP}), lambda: recover(tmp_path, OWNED)):
        with pytest.raises(ToolError) as caught:
            second()
        assert str(caught.value) == (
            f"another gen (process {child}) is writing to this repository\n"
            "  wait until it is done, then run it again: nothing was changed"
        )
    os.close(go[1])
    assert os.waitpid(child, 0)[1] == 0
    os.close(ready[0])
    assert tree.read(tmp_path, OWNED) == AFTER


@contextlib.contextmanager
def mounted(options: str) -> Iterator[Path]:
    """Mount a small disk of its own."""
    with tempfile.TemporaryDirectory() as folder:
        mount = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "gen-test", folder], check=False, capture_output=True
        )
        if mount.returncode != 0:
            pytest.skip(f"no mount here: {mount.stderr.decode().strip()}")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("limit", ["size=200k", "nr_inodes=60"])
def test_a_full_disk_is_told_and_leaves_the_tree_as_it_was(limit: str) -> None:
    made = {f"base/{number}/{file}": TOP + "x" * 3000 for number in range(10) for file in range(10)}
    with mounted(limit) as root:
        fill(root, BEFORE)
        with pytest.raises(ToolError) as caught:
            render(root, made)
        first, _, second = str(caught.value).partition("\n")
        assert first.startswith("cannot write base/")
        assert first.endswith(": No space left on device")
        assert second == "  free some space on the disk, then run it again: nothing was changed"
        assert tree.read(root, OWNED) == BEFORE
        assert left(root) == []
        subprocess.run(["mount", "-o", "remount,size=4m,nr_inodes=1000", root], check=True)
        assert len(render(root, made).created) == 100
        assert tree.read(root, OWNED) == made


def test_a_disk_filled_to_the_last_byte_is_told() -> None:
    with mounted("size=64k") as root:
        fill(root, {"base/a": TOP})
        with (root / "ballast").open("wb", buffering=0) as ballast:
            while ballast.write(b"x" * 1024 * 1024):  # a part is written until there is nothing left
                if os.statvfs(root).f_bavail == 0:
                    break
        with pytest.raises(ToolError, match="No space left on device\n  free some space on the disk"):
            render(root, {"base/a": TOP + "2\n"})
        assert tree.read(root, OWNED) == {"base/a": TOP}
        (root / "ballast").unlink()
        assert render(root, {"base/a": TOP + "2\n"}).updated == ("base/a",)


def test_a_read_only_file_system_is_told_and_a_clean_tree_on_it_is_clean() -> None:
    with mounted("size=1m") as root:
        fill(root, BEFORE)
        subprocess.run(["mount", "-o", "remount,ro", root], check=True)
        assert render(root, BEFORE) == Written()
        with pytest.raises(ToolError) as caught:
            render(root, AFTER)
    assert str(caught.value) == (
        "cannot write .gen: Read-only file system\n"
        "  make the file system writable, then run it again: nothing was changed"
    )


@pytest.mark.parametrize(
    ("closed", "text"),
    [
        (
            ".",
            "cannot write .gen: Permission denied\n  make it writable for you, then run it again: nothing was changed",
        ),
        (
            "base",
            "cannot write base/goes: Permission denied\n  make it writable for you, then run it again: BEGUN",
        ),
    ],
)
def test_a_folder_that_may_not_be_written_is_told_and_the_next_run_completes_it(closed: str, text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "repo"
        root.mkdir()
        fill(root, BEFORE)
        for place in (Path(folder), root, *root.rglob("*")):
            place.chmod(0o777)
        (root / closed).chmod(0o555)

        def work() -> None:
            if os.geteuid() == 0:  # root may write everywhere
                os.setuid(65534)
            try:
                render(root, AFTER)
            except ToolError as problem:
                (Path(folder) / "told").write_text(str(problem), encoding="utf-8")

        assert in_child(work) == 0
        assert (Path(folder) / "told").read_text(encoding="utf-8") == text.replace("BEGUN", BEGUN)
        assert has_whole_files_only(root)
        (root / closed).chmod(0o777)
        assert render(root, AFTER).note == ("" if closed == "." else COMPLETED)
        assert tree.read(root, OWNED) == AFTER


def test_a_repository_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"cannot write .gen: No such file or directory"):
        render(tmp_path / "nowhere", AFTER)


def bring_along(root: Path, steps: object, staged: Mapping[str, str]) -> None:
    """Make a repository that brings its own journal."""
    (root / ".gen").mkdir()
    (root / ".gen/journal").write_text(json.dumps(steps), encoding="utf-8")
    fill(root / ".gen/stage", staged)


def test_a_journal_that_a_repository_brings_along_does_nothing_outside_of_what_gen_owns(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    victim = {"outside/key": "secret\n", "repo/.git/config": "1\n", "repo/tenants/a": TOP, "repo/base/hand": "mine\n"}
    fill(tmp_path, victim)
    (tmp_path / "empty").mkdir()
    (root / "overlays").mkdir()
    (root / "overlays/link").symlink_to(tmp_path / "outside")
    paths = ["../outside/key", f"{tmp_path}/outside/key", "overlays/link/key", ".git/config", "tenants/a", "base/hand"]
    bring_along(
        root,
        {"delete": paths, "empty": ["../empty", str(tmp_path / "empty")], "move": [*paths, ".git/hooks", "base/x/key"]},
        {"tenants/a": "2\n", ".git/config": "2\n", ".git/hooks/pre-commit": "2\n", "base/hand": TOP, "base/good": TOP},
    )
    (root / ".gen/stage/base/x").symlink_to(tmp_path / "outside")
    assert recover(root, OWNED) == COMPLETED
    assert {path: (tmp_path / path).read_text(encoding="utf-8") for path in victim} == victim
    assert (tmp_path / "empty").is_dir()
    assert not (root / ".git/hooks").exists()
    assert not (root / "base/x").exists()
    assert left(root) == []


@pytest.mark.parametrize(
    "steps",
    [
        [],
        None,
        1,
        "x",
        {},
        {"delete": []},
        {"delete": 1, "empty": [], "move": []},
        {"delete": [1], "empty": [], "move": []},
    ],
)
def test_a_journal_that_gen_cannot_have_written_is_dropped(tmp_path: Path, steps: object) -> None:
    fill(tmp_path, BEFORE)
    bring_along(tmp_path, steps, {})
    assert recover(tmp_path, OWNED) == ""
    assert tree.read(tmp_path, OWNED) == BEFORE
    assert left(tmp_path) == []


def test_a_journal_that_is_a_link_is_dropped(tmp_path: Path) -> None:
    fill(tmp_path, {**BEFORE, "elsewhere": json.dumps({"delete": ["base/goes"], "empty": [], "move": []})})
    (tmp_path / ".gen").mkdir()
    (tmp_path / ".gen/journal").symlink_to("../elsewhere")
    assert recover(tmp_path, OWNED) == ""
    assert tree.read(tmp_path, OWNED) == BEFORE


def test_a_working_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo/.gen").symlink_to("../outside")
    with pytest.raises(ToolError, match=r"cannot write .gen: Not a directory"):
        render(tmp_path / "repo", AFTER)
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_new_file_is_put_with_the_folders_it_needs(tmp_path: Path) -> None:
    put(tmp_path, "tenants/new/model.yaml", "a: é\n")
    assert (tmp_path / "tenants/new/model.yaml").read_bytes() == "a: é\n".encode()
    assert [entry.name for entry in (tmp_path / "tenants/new").iterdir()] == ["model.yaml"]


def test_what_is_there_is_never_overwritten_by_a_new_file(tmp_path: Path) -> None:
    fill(tmp_path, {"a": "mine\n"})
    (tmp_path / "link").symlink_to("nowhere")
    for path in ("a", "link"):
        with pytest.raises(ToolError) as caught:
            put(tmp_path, path, "b\n")
        assert str(caught.value) == f"{path} is there already\n  edit it, or choose another name"
    assert (tmp_path / "a").read_text(encoding="utf-8") == "mine\n"


@pytest.mark.parametrize("path", ["../a", "x/../../a", "out/a"])
def test_a_new_file_outside_the_repository_is_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo/out").symlink_to(tmp_path)
    with pytest.raises(ToolError, match="lies outside the repository"):
        put(tmp_path / "repo", path, "b\n")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["repo"]


def test_a_file_is_rewritten_and_keeps_its_mode(tmp_path: Path) -> None:
    fill(tmp_path, {"a": "1\n", ".a.gen-new": "left by a killed run\n"})
    (tmp_path / "a").chmod(0o604)
    rewrite(tmp_path / "a", "2\n")
    assert (tmp_path / "a").read_text(encoding="utf-8") == "2\n"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o604
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_a_rewrite_stopped_at_any_call_leaves_the_old_text_or_the_new(tmp_path_factory: pytest.TempPathFactory) -> None:
    def fail() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for number in count(1):
        root = tmp_path_factory.mktemp("repo")
        fill(root, {"a": "1\n"})
        told = ""
        with at_call(number, fail) as calls:
            try:
                rewrite(root / "a", "2\n")
            except ToolError as problem:
                told = str(problem)
        if len(calls) < number:
            break
        assert told.endswith(
            ": No space left on device\n  free some space on the disk, then run it again: nothing was changed"
        )
        assert (root / "a").read_text(encoding="utf-8") == "1\n"


def test_a_link_is_not_rewritten(tmp_path: Path) -> None:
    fill(tmp_path, {"a": "1\n"})
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(ToolError, match="is a symbolic link"):
        rewrite(tmp_path / "b", "2\n")
    assert (tmp_path / "a").read_text(encoding="utf-8") == "1\n"
