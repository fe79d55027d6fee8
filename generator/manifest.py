"""Remember what a render read and left, so that the next one need not do again what would come out the same.

``.gen/manifest`` is a cache and nothing else: git ignores it, and a run that writes nothing never asks it. It holds
hashes of everything that a render reads (the specs, the keys, gen itself, the day) and, for each tenant and for the
platform, one hash of what the system says of every file there: path, size, inode, times. To change a file changes its
ctime, which nobody can set, so what has the same hash holds the same bytes.

Times of a file system are coarse: two changes can have the same. So a file counts as unchanged only if its ctime lies
before a mark (`clock`) that was made before anybody read it.
"""

import json
import os
import sys
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import date
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from generator import names, parallel
from generator.diag import Diagnostic, Mark, Severity
from generator.schemas import folder as schema_folder
from generator.survey import hash_of

_FILE = ".gen/manifest"
_CLOCK = ".gen/clock"
_FORM = 1  # of the file; raised with every change of what stands in it
_SPEC_PARTS = 3  # tenants/<tenant>/<file>
_TICKS, _TICK_S = 50, 0.002  # how long the clock is waited for: coarse ones go on every 10 ms
_AT_ONCE = 8  # tenants that a process looks at before it says what it saw
_FILES = 64  # that are looked at in the time that a model takes to render
PLATFORM = ""  # stands for the platform among tenants

Served = tuple[tuple[str, tuple[str, ...]], ...]  # a tenant's environments, and the models that are deployed there


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a render reads.

    ``key``: a hash of the day, of gen itself and of what stands where specs do; ``hashes``: of the text of each spec
    and key file, by path.
    """

    key: str
    hashes: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What a tenant, or the platform, has: a hash of its files ("" if that is not to be trusted), their number.

    ``served``: what a tenant deploys where.
    """

    hash: str
    files: int
    served: Served = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What the last render that wrote, or found nothing to write, read and left.

    ``keys`` are the paths of key files, ``beside`` the tenants without which a rule could not judge another's change.
    """

    inputs: Inputs
    keys: Sequence[str]
    beside: Sequence[str]
    units: Mapping[str, Unit]
    notices: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """What the system says of the files of a tenant, or of the platform.

    ``new`` are those whose ctime is not before the mark that was given, ``latest`` the greatest mtime of these.
    """

    hash: str
    files: int
    new: int
    latest: int


def load(root: Path) -> Manifest | None:
    """Return what was remembered, None if that is nothing or cannot be read."""
    try:
        said = json.loads((root / _FILE).read_bytes())
        if said.pop("form") != _FORM:
            return None
        return Manifest(
            inputs=Inputs(**said["inputs"]),
            keys=said["keys"],
            beside=said["beside"],
            units={name: _unit(**unit) for name, unit in said["units"].items()},
            notices=tuple(_notice(**one) for one in said["notices"]),
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def save(root: Path, manifest: Manifest) -> None:
    """Remember this, whole or not at all. That it cannot be remembered is no problem of the render."""
    draft = root / f"{_FILE}.new"
    said = {
        "form": _FORM,
        **_fields(manifest),
        "inputs": _fields(manifest.inputs),
        "units": {name: _fields(unit) for name, unit in manifest.units.items()},
        "notices": [asdict(notice) for notice in manifest.notices],
    }
    with suppress(OSError):
        draft.unlink(missing_ok=True)
        draft.write_text(json.dumps(said), encoding="utf-8")
        draft.rename(root / _FILE)


def forget(root: Path) -> None:
    """Remember nothing.

    Raises:
        OSError: The system refuses.
    """
    (root / _FILE).unlink(missing_ok=True)


def key_of(today: date, entries: Iterable[tuple[str, str]]) -> str:
    """Return the key of `Inputs`; ``entries``: path and kind of platform.yaml and all that stands below tenants/."""
    there = (f"{path} {kind}" for path, kind in sorted(entries))
    text = "\n".join((today.isoformat(), sys.version, *_tool(), *there))
    return hash_of(text.encode(errors="surrogateescape"))


def read(root: Path, today: date, keys: Iterable[str]) -> Inputs:
    """Return what a render would read now; ``keys`` are the paths of the key files that platform.yaml names.

    Raises:
        OSError: Something cannot be read; a render will say what.
    """
    entries = list(_below(root, names.TENANTS))
    entries += [entry for entry in _entries(root, "") if entry[0] == names.PLATFORM_SPEC]
    specs = (path for path, kind in entries if kind == "file" and (path == names.PLATFORM_SPEC or _is_spec(path)))
    return Inputs(key=key_of(today, entries), hashes={path: _hash_at(root, path) for path in (*specs, *keys)})


def changed(known: Inputs, now: Inputs) -> frozenset[str] | None:
    """Return the tenants with models whose specs have another text now; None if anything else is not what it was."""
    if known.key != now.key or known.hashes.keys() != now.hashes.keys():
        return None
    paths = [path for path, said in now.hashes.items() if said != known.hashes[path]]
    if not all(_is_spec(path) and path != names.tenant_spec(tenant_of(path)) for path in paths):
        return None
    return frozenset(map(tenant_of, paths))


def tenant_of(path: str) -> str:
    """Return the tenant that a spec belongs to."""
    return path.split("/")[1]


def clock(root: Path, after: int = 0) -> int:
    """Return the file system's time in nanoseconds; wait a moment for it to pass ``after``.

    0 if the system does not tell: then every file looks new, and none is vouched for.
    """
    now = 0
    with suppress(OSError):
        for _ in range(_TICKS):
            with (root / _CLOCK).open("wb") as file:
                file.write(b"\n")
                now = os.fstat(file.fileno()).st_mtime_ns
            if now > after:
                break
            time.sleep(_TICK_S)
    return now


def look(root: Path, units: Mapping[str, int], since: int = 0) -> dict[str, Look]:
    """Look at the files of tenants; with PLATFORM among them, which needs all tenants, at those that belong to none.

    ``units``: how many files each is thought to have; where there are many, several processes look.

    Raises:
        OSError: The system refuses.
    """
    tenants = [name for name in units if name != PLATFORM]
    environments = sorted(path.rpartition("/")[2] for path, kind in _entries(root, names.OVERLAYS) if kind == "folder")
    folders = {name: names.tenant_folders(name, environments) for name in tenants}
    some = [tenants[start : start + _AT_ONCE] for start in range(0, len(tenants), _AT_ONCE)]

    def look_at(several: Sequence[str]) -> list[Look]:
        return [_look(root, folders[name], (), since) for name in several]

    found = parallel.spread(look_at, some, parallel.workers(sum(units.values()) // _FILES))
    looks = dict(zip(tenants, (one for ones in found for one in ones), strict=True))
    if PLATFORM in units:
        apart = frozenset(f"{root}/{folder}" for owned in folders.values() for folder in owned)
        looks[PLATFORM] = _look(root, names.OWNED, apart, since)
    return looks


def _look(root: Path, owned: Iterable[str], apart: Collection[str], since: int) -> Look:
    found = [one for top in owned for one in _files(f"{root}/{top}", apart)]
    text = "\n".join(sorted(_line(path, said) for path, said in found)).encode(errors="surrogateescape")
    new = [said.st_mtime_ns for _, said in found if said.st_ctime_ns >= since]
    return Look(hash_of(text), len(found), len(new), max(new, default=0))


def _line(path: str, said: os.stat_result) -> str:
    return f"{path} {said.st_size} {said.st_mtime_ns} {said.st_ctime_ns} {said.st_ino}"


def _files(top: str, apart: Collection[str]) -> list[tuple[str, os.stat_result]]:
    """Return all that is no folder; a folder that is not there has nothing."""
    found = []
    waiting = [top]
    while waiting:
        place = waiting.pop()
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    if not entry.is_dir(follow_symlinks=False):
                        found.append((entry.path, entry.stat(follow_symlinks=False)))
                    elif entry.path not in apart:
                        waiting.append(entry.path)
        except FileNotFoundError:
            continue
        except NotADirectoryError:
            found.append((place, os.lstat(place)))
    return found


def _below(root: Path, folder: str) -> Iterator[tuple[str, str]]:
    for path, kind in _entries(root, folder):
        yield path, kind
        if kind == "folder":
            yield from _below(root, path)


def _entries(root: Path, folder: str) -> list[tuple[str, str]]:
    """Return path and kind (folder, file, or something else) of what stands in a folder."""
    try:
        with os.scandir(root / folder) as entries:
            return [(f"{folder}/{entry.name}".removeprefix("/"), _kind(entry)) for entry in entries]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _kind(entry: "os.DirEntry[str]") -> str:
    """Return what something is, in the words of `rules.specs.Entry`."""
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    return "file" if entry.is_file(follow_symlinks=False) else "other"


def _is_spec(path: str) -> bool:
    return path.count("/") == _SPEC_PARTS - 1 and path.startswith(f"{names.TENANTS}/") and path.endswith(".yaml")


def _hash_at(root: Path, path: str) -> str:
    with open(f"{root}/{path}", "rb", buffering=0) as file:  # noqa: PTH123  # half the time of Path.read_bytes
        return hash_of(file.read())


def _tool() -> Iterator[str]:
    """Yield what the system says of each of gen's own files, of the schemas, and of the parsers it stands on."""
    for folder in (Path(__file__).parent, schema_folder()):
        yield from sorted(_line(path, said) for path, said in _files(str(folder), ()) if "__pycache__" not in path)
    for module in ("yaml", "jsonschema_rs"):
        spec = PathFinder.find_spec(module)
        place = spec.origin if spec and spec.origin else module
        with suppress(OSError):
            yield _line(place, os.stat(place))  # noqa: PTH116  # as in _files


def _fields(thing: Inputs | Unit | Manifest) -> dict[str, Any]:
    """Return what a dataclass holds; ``asdict`` would copy all that is below, which takes as long as a tenant."""
    return {field.name: getattr(thing, field.name) for field in fields(thing)}


def _unit(served: Iterable[Iterable[Any]], **said: Any) -> Unit:
    return Unit(**said, served=tuple((environment, tuple(models)) for environment, models in served))


def _notice(mark: Mapping[str, Any], severity: str, **said: str) -> Diagnostic:
    return Diagnostic(mark=Mark(**mark), severity=Severity(severity), **said)
