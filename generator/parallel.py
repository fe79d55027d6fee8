"""Do the same work on many things in several processes, and get the results in the order of the things.

The processes are forked: they see everything that was made before, and only the results travel. What they find wrong
is raised here as if it had happened here. None of them outlives the call, whatever ends it.
"""

import fcntl
import gc
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Never, TypeVar

from generator.diag import ToolError

Item = TypeVar("Item")
Result = TypeVar("Result")

FEW = 64  # models; to fork for fewer of them costs more than it saves
_PIPE_SIZE = 1 << 20  # bytes; a process that is ahead goes on working
_LENGTH = 8  # bytes before each result
_YOUNG = 50_000  # objects before a collection; with the usual 700 a tenth of the time goes into looking for garbage


def workers(models: int) -> int:
    """Return how many processes are worth while for that many models."""
    return len(os.sched_getaffinity(0)) if models >= FEW and hasattr(os, "sched_getaffinity") else 1


def spread(work: Callable[[Item], Result], items: Sequence[Item], count: int) -> Iterator[Result]:
    """Yield what ``work`` makes of each item, in their order, done by ``count`` processes; by this one if that is 1.

    Results must be what pickle can carry.

    Raises:
        ToolError: A process was killed.
        Exception: Whatever ``work`` raised; for the first of the items where it did.
    """
    if count == 1 or len(items) <= 1:
        yield from map(work, items)
        return
    import pickle  # noqa: F401, PLC0415  # once, before the children would do so each

    gc.freeze()  # a collection in a child would otherwise touch, and so copy, every page of what is here now
    children: list[_Child] = []
    # No interrupt while there is a process that nobody has noted: it would go on, and hold what its parent locked.
    masked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        children.extend(_fork(work, items[number::count]) for number in range(min(count, len(items))))
        signal.pthread_sigmask(signal.SIG_SETMASK, masked)
        for position in range(len(items)):
            yield _receive(children[position % count])
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        gc.unfreeze()
        for child in children:
            child.end()
        signal.pthread_sigmask(signal.SIG_SETMASK, masked)


@dataclass(frozen=True, slots=True)
class _Child:
    pid: int
    results: BinaryIO

    def end(self) -> None:
        """Make an end of the process, which may be done already."""
        self.results.close()
        os.kill(self.pid, signal.SIGKILL)  # it is not waited for yet, so the number is still its own
        os.waitpid(self.pid, 0)


def _fork(work: Callable[[Item], Result], items: Sequence[Item]) -> _Child:
    reading, writing = os.pipe()
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
    pid = os.fork()
    if pid == 0:
        os.close(reading)  # so that writing fails, and ends us, once the parent is gone
        _work(work, items, writing)
    os.close(writing)
    return _Child(pid, os.fdopen(reading, "rb"))


def _work(work: Callable[[Item], Result], items: Sequence[Item], writing: int) -> Never:
    """Be the child: send a result for each item, and go without a trace in the parent's files and handlers.

    SIGINT stays blocked, or we would clean up behind our parent: the terminal sends it there too, and that ends us.
    """
    try:
        gc.set_threshold(_YOUNG)
        with os.fdopen(writing, "wb") as pipe:
            for item in items:
                outcome = _outcome(work, item)
                pipe.write(len(outcome).to_bytes(_LENGTH, "big") + outcome)
                pipe.flush()
    finally:
        os._exit(0)


def _outcome(work: Callable[[Item], Result], item: Item) -> bytes:
    import pickle  # noqa: PLC0415  # 5 ms that one process alone does not pay

    try:
        return pickle.dumps((work(item), None), pickle.HIGHEST_PROTOCOL)
    except Exception as problem:  # noqa: BLE001  # all of them are raised again by the parent
        import traceback  # noqa: PLC0415  # only when something is wrong

        problem.add_note(f"in a process of its own:\n{traceback.format_exc()}")
        return pickle.dumps((None, problem), pickle.HIGHEST_PROTOCOL)


def _receive(child: _Child) -> Any:
    import pickle  # noqa: PLC0415  # as above

    length = int.from_bytes(child.results.read(_LENGTH), "big")
    outcome = child.results.read(length)
    if not length or len(outcome) < length:
        raise ToolError(
            "a process that gen had started was killed\n  see whether the machine has memory left, then run it again"
        )
    result, problem = pickle.loads(outcome)  # noqa: S301  # our own child wrote it
    if problem is not None:
        raise problem
    return result
