"""Several processes do what one would do, in its order, and leave nothing behind."""

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from command import program
from golden_cases import GOLDEN, TODAY

from generator import examine, parallel, pipeline, rules, sources, tree
from generator.diag import SpecError, ToolError
from generator.names import OWNED
from generator.parallel import spread
from generator.refresh import refresh
from generator.rendering import render
from generator.rules.specs import shares

TENANTS, EACH = 4, 20  # more models than one process would be enough for


def has_children() -> bool:
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return False
    return True


def fails_at(number: int, how: Callable[[], object]) -> Callable[[int], int]:
    def work(item: int) -> int:
        if item == number:
            how()
        return item

    return work


def refuse() -> None:
    raise ToolError("it is full\n  empty it")


def end() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 20])
def test_results_come_in_the_order_of_the_items(count: int) -> None:
    found = list(spread(lambda item: (item * item, os.getpid()), range(10), count))
    assert [square for square, _ in found] == [number * number for number in range(10)]
    assert len({process for _, process in found}) == min(count, 10)
    assert (os.getpid() in {process for _, process in found}) == (count == 1)
    assert not has_children()


def test_results_larger_than_a_pipe_come_whole() -> None:
    assert [len(text) for text in spread(lambda size: "x" * size, [3_000_000, 1, 5_000_000], 2)] == [
        3_000_000,
        1,
        5_000_000,
    ]


@pytest.mark.parametrize("count", [1, 2])
def test_what_goes_wrong_in_a_process_is_raised_here_after_the_results_before_it(count: int) -> None:
    found = spread(fails_at(3, refuse), range(6), count)
    assert [next(found) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ToolError, match="it is full\n  empty it") as caught:
        next(found)
    assert count == 1 or "refuse" in caught.value.__notes__[0]
    assert not has_children()


def test_what_cannot_travel_is_a_bug_that_is_told() -> None:
    with pytest.raises(Exception, match="pickle"):
        list(spread(lambda _: lambda: 1, [1, 2], 2))
    assert not has_children()


def test_a_process_that_is_killed_is_told() -> None:
    with pytest.raises(ToolError, match="a process that gen had started was killed"):
        list(spread(fails_at(2, end), range(6), 2))
    assert not has_children()


def test_no_process_goes_on_when_nobody_wants_its_results() -> None:
    found = spread(lambda _: time.sleep(60), range(4), 2)
    with pytest.raises(TimeoutError):
        interrupt(lambda: next(found))
    assert not has_children()


def interrupt(work: Callable[[], object]) -> None:
    def stop(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        work()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_few_models_are_not_worth_a_process() -> None:
    assert parallel.workers(parallel.FEW - 1) == 1
    assert parallel.workers(parallel.FEW) == len(os.sched_getaffinity(0))


# whole repositories


def write(root: Path) -> None:
    case = GOLDEN / "two-tenants"
    shutil.copytree(case / "keys", root / "keys")
    shutil.copy(case / "platform.yaml", root)
    tenant, model = (case / "tenants/shop/tenant.yaml").read_text(), (case / "tenants/risk/fraud.yaml").read_text()
    for team in (f"team-{number}" for number in range(TENANTS)):
        (root / "tenants" / team).mkdir(parents=True)
        (root / f"tenants/{team}/tenant.yaml").write_text(tenant.replace("shop", team))
        for name in (f"fraud{number}" for number in range(EACH)):
            (root / f"tenants/{team}/{name}.yaml").write_text(model.replace("name: fraud", f"name: {name}"))


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    root.mkdir()
    write(root)
    assert parallel.workers(TENANTS * EACH) > 1 or len(os.sched_getaffinity(0)) == 1
    return root


def spoil(root: Path) -> None:
    for place, old, new in (
        ("team-0/fraud3", "analysts", "ANALYSTS"),
        ("team-3/fraud7", "groups: [analysts]", "callers: [analysts]"),
        ("team-2/fraud1", "sha256:02", "sha256:03"),
    ):
        path = root / f"tenants/{place}.yaml"
        path.write_text(path.read_text().replace(old, new))


def test_many_models_give_the_tree_that_one_process_makes(repo: Path) -> None:
    refresh(repo, TODAY)
    assert tree.read(repo, OWNED) == pipeline.generate(repo, TODAY).files
    made = render(repo, TODAY, tree.Plan.changes)
    assert tree.together(made.kept).is_clean
    assert [one.tenant for one in made.done] == [*(f"team-{number}" for number in range(TENANTS)), ""]


def test_many_models_are_told_what_one_process_would_say(repo: Path) -> None:
    spoil(repo)
    specs, said = examine.examine(repo, TODAY)
    assert said == rules.find(specs, TODAY)
    assert said
    with pytest.raises(SpecError) as told:
        refresh(repo, TODAY)
    assert told.value.diagnostics == said
    assert not (repo / "base").exists()
    assert not (repo / ".gen/stage").exists()


def test_what_the_rules_find_in_each_tenant_is_what_they_find_in_all(repo: Path) -> None:
    specs = sources.read(repo).specs
    apart = [problem for share in shares(specs) for problem in examine.judge_apart(share, TODAY)]
    assert sorted({*apart, *examine.judge_across(specs, TODAY)}) == list(rules.find(specs, TODAY))
    spoil(repo)
    specs = sources.read(repo).specs
    apart = [problem for share in shares(specs) for problem in examine.judge_apart(share, TODAY)]
    assert sorted({*apart, *examine.judge_across(specs, TODAY)}) == list(rules.find(specs, TODAY))


def test_an_interrupted_run_of_many_processes_leaves_nothing_but_its_lock(repo: Path) -> None:
    process = os.posix_spawn(
        (words := program(repo, "render", "-q"))[0],
        words,
        {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        setpgroup=0,
        file_actions=[(os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)],
    )
    while not (repo / ".gen/stage").exists():
        time.sleep(0.001)
    os.killpg(process, signal.SIGINT)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 130
    with pytest.raises(ProcessLookupError):
        os.killpg(process, 0)
    assert not (repo / "base").exists() or tree.read(repo, OWNED) == pipeline.generate(repo, TODAY).files
    assert not (repo / ".gen/stage").exists()


def wrote(root: Path) -> bool:
    try:
        refresh(root, TODAY)
    except ToolError as problem:
        if "is writing to this repository" in str(problem):
            return False
        raise
    return True


def test_a_killed_run_of_many_processes_is_cleared_away_by_the_next(repo: Path) -> None:
    words = program(repo, "render", "-q")
    process = os.posix_spawn(words[0], words, {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])})
    while not (repo / ".gen/stage").exists():
        time.sleep(0.001)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    while not wrote(repo):  # the processes of the killed one find out when they have something to say
        time.sleep(0.05)
    assert tree.read(repo, OWNED) == pipeline.generate(repo, TODAY).files
