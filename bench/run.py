"""Time gen on N models: cold, nothing to do, one spec changed; beside a program that only writes the same bytes.

    python bench/run.py [N ...] [--rounds R] [--folder DIR]

Every folder is new, since some file systems create files more slowly where others were just deleted. Machines are
noisy: compare the rows of one run, not runs.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import specs

HERE = Path(__file__).parent
GEN = [sys.executable, "-m", "generator"]
PLAIN, FIND = "plain program, the same bytes", "find with size and time"


@dataclass(frozen=True)
class Took:
    """One run of a program: seconds of wall and CPU, and the peak of its largest process in MiB."""

    wall: float
    cpu: float
    peak: float


def measure(command: list[str]) -> Took:
    """Run a command and return what it took; its children count too."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return Took(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def blob(folder: Path) -> Path:
    """Write every generated file into one, as write.c reads it."""
    target = folder / "blob"
    with target.open("wb") as out:
        for top in ("base", "overlays", "CODEOWNERS"):
            place = folder / top
            for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
                if path.is_file():
                    name, text = path.relative_to(folder).as_posix().encode(), path.read_bytes()
                    out.write(b"%d %d\n%s%s" % (len(name), len(text), name, text))
    return target


def aside(work: Callable[[], object]) -> None:
    """Do something in a process of its own: what it needs would count as the memory of whatever is measured next."""
    process = os.fork()
    if process == 0:
        work()
        os._exit(0)
    if os.waitpid(process, 0)[1]:
        raise SystemExit("the benchmark itself failed")


def once(models: int, folder: Path, plain: list[str] | None) -> dict[str, Took]:
    """Measure each case once, in a new folder."""
    aside(lambda: specs.write(folder, models))
    gen = [*GEN, "-C", str(folder)]
    took = {"cold render": measure([*gen, "render", "-q"])}
    if plain:
        aside(lambda: blob(folder))
        took[PLAIN] = measure([*plain, str(folder / "blob"), str(folder / "plain")])
    took["nothing to do"] = measure([*gen, "render", "-q"])
    took[FIND] = measure(["find", str(folder / "base"), str(folder / "overlays"), "-printf", "%s %T@\n"])
    changed = folder / f"tenants/team-0000/model-{models // 2 % specs.PER_TENANT:05}.yaml"
    changed.write_text(
        changed.read_text().replace("traffic: 90", "traffic: 80").replace("traffic: 10\n", "traffic: 20\n")
    )
    took["one spec changed"] = measure([*gen, "render", "-q"])
    took["validate all"] = measure([*gen, "validate"])
    took["validate one"] = measure([*gen, "validate", str(changed)])
    took["gen --help"] = measure([*GEN, "--help"])
    took["python -c pass"] = measure([sys.executable, "-c", "pass"])
    return took


def table(models: int, rounds: list[dict[str, Took]], files: int) -> None:
    """Print medians, and each wall time as a multiple of the plain program's and of find's."""
    print(f"\n{models} models, {files} files, median of {len(rounds)}")
    print(f"{'':32}{'wall s':>9}{'cpu s':>9}{'MiB':>7}{'x plain':>9}{'x find':>9}")

    def median(case: str, part: str) -> float:
        return statistics.median(getattr(one[case], part) for one in rounds)

    plain, find = median(PLAIN if PLAIN in rounds[0] else "cold render", "wall"), median(FIND, "wall")
    for case in rounds[0]:
        wall = median(case, "wall")
        figures = f"{wall:9.3f}{median(case, 'cpu'):9.3f}{median(case, 'peak'):7.0f}"
        print(f"{case:32}{figures}{wall / plain:9.2f}{wall / find:9.2f}")


def main() -> None:
    """Measure as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=int, default=[1000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to work; default: a new temporary folder")
    given = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="gen-bench-", dir=given.folder))
    plain = None
    if compiler := shutil.which("cc"):
        subprocess.run([compiler, "-O2", "-o", str(work / "write"), str(HERE / "write.c")], check=True)
        plain = [str(work / "write")]
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    for models in given.models:
        rounds = [once(models, work / f"{models}-{number}", plain) for number in range(given.rounds)]
        made = work / f"{models}-0"
        files = sum(len(names) for top in ("base", "overlays") for _, _, names in os.walk(made / top)) + 1
        table(models, rounds, files)
    print(f"\nwork left in {work}")


if __name__ == "__main__":
    main()
