"""Bring the trees up to date with the specs, doing no more than what is remembered of the last time leaves to do.

The manifest decides only where nobody need look, never what a file should hold: whatever it does not vouch for is
rendered and compared.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from generator import journal, manifest
from generator.diag import Diagnostic, SpecError, ordered
from generator.manifest import Inputs, Look, Manifest, Unit
from generator.names import OWNED, PLATFORM_SPEC, TENANTS

if TYPE_CHECKING:  # with what they need, 100 ms that an idle run does not pay
    from generator.rendering import Done, Rendered
    from generator.sources import Sources
    from generator.tree import Changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What was created, updated and deleted, each sorted; how many files are as they were; what there is to notice.

    ``note`` is a sentence on what an interrupted run had left, or empty.
    """

    created: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    same: int
    notices: tuple[Diagnostic, ...]
    note: str = ""


def refresh(root: Path, today: date) -> Refreshed:
    """Make base/, overlays/ and CODEOWNERS what the specs say; leave alone what is so already.

    Raises:
        SpecError: A spec has a problem, or somebody's file is in the way; nothing was written.
        ToolError: A file cannot be read, another run is writing, or the system refuses to write.
    """
    known = manifest.load(root)
    stale = _stale(root, today, known) if known and not journal.is_pending(root) else None
    if known and stale == frozenset():
        return Refreshed(same=sum(unit.files for unit in known.units.values()), notices=known.notices)
    return _render(root, today, known, stale)


def _stale(root: Path, today: date, known: Manifest) -> frozenset[str] | None:
    """Return the tenants for which the manifest does not vouch; None if it vouches for none or not for the platform."""
    try:
        changed = manifest.changed(known.inputs, manifest.read(root, today, known.keys))
        looks = (
            manifest.look(root, {name: unit.files for name, unit in known.units.items()}) if changed is not None else {}
        )
    except OSError:  # a render will say what it is
        return None
    touched = {name for name, look in looks.items() if look.hash != known.units[name].hash}
    return None if changed is None or manifest.PLATFORM in touched else changed | touched


def _render(root: Path, today: date, known: Manifest | None, stale: frozenset[str] | None) -> Refreshed:
    from generator import rendering, write  # noqa: PLC0415  # as above

    keep = partial(write.stage, root)
    if not (root / PLATFORM_SPEC).exists():  # no repository: leave no trace in it
        rendering.render(root, today, keep)
    with write.writing(root, OWNED) as note:
        mark = manifest.clock(root)
        if known and stale is not None and not note:
            some = rendering.render_some(root, today, keep, tenants=stale, beside=known.beside)
            if some and _is_enough(today, known, stale, some):
                return _finish(root, today, some, mark, known)
            journal.discard(root)
        made = rendering.render(root, today, keep)
        return replace(_finish(root, today, made, mark, _begun(today, made)), note=note)


def _is_enough(today: date, known: Manifest, stale: frozenset[str], some: "Rendered[Changes]") -> bool:
    """Tell whether nothing but these tenants' own files depends on what is new."""
    changed = manifest.changed(known.inputs, _inputs(today, some.read, known.inputs))
    if changed is None or not changed <= stale:  # somebody saved another file in the meantime
        return False
    return all(one.served == known.units[one.tenant].served for one in some.done)


def _finish(root: Path, today: date, made: "Rendered[Changes]", mark: int, known: Manifest) -> Refreshed:
    """Put what was made in its place, and remember it beside what is known of the other tenants."""
    from generator import tree, write  # noqa: PLC0415  # as above

    changes = tree.together(made.kept)
    if changes.refused:
        raise SpecError(changes.refused)
    staged = mark
    if not changes.is_clean:
        staged = manifest.clock(root, after=manifest.clock(root))
        write.switch(root, changes)
        manifest.clock(root, after=manifest.clock(root))  # what changes from now on has a later time
    judged = {"", *(tenant.name for tenant in made.read.specs.tenants)}
    now = replace(
        known,
        inputs=_inputs(today, made.read, known.inputs),
        units={**known.units, **_units(root, made, mark, staged)},
        notices=ordered((*(one for one in known.notices if _tenant_of(one) not in judged), *made.notices)),
    )
    manifest.save(root, now)
    files = sum(unit.files for unit in now.units.values())
    return Refreshed(
        created=changes.create,
        updated=changes.update,
        deleted=changes.delete,
        same=files - len(changes.create) - len(changes.update),
        notices=now.notices,
    )


def _units(root: Path, made: "Rendered[Changes]", mark: int, staged: int) -> dict[str, Unit]:
    """Return what is to be remembered of each tenant that was made.

    ``mark``: the time before any file was compared, ``staged``: after all new ones were written, before they were
    moved. Only what we wrote may have changed in between, and nothing since.
    """
    looks: dict[str, Look] = {}
    with suppress(OSError):  # nothing that keeps us from looking has kept us from writing
        looks = manifest.look(root, {one.tenant: one.files for one in made.done}, mark)
    return {
        one.tenant: Unit(hash=_vouched(one, looks.get(one.tenant), staged), files=one.files, served=one.served)
        for one in made.done
    }


def _vouched(one: "Done[Changes]", look: Look | None, staged: int) -> str:
    written = len(one.kept.create) + len(one.kept.update) if one.kept else 0
    is_ours = look and (look.files, look.new) == (one.files, written) and (not written or look.latest < staged)
    return look.hash if look and is_ours else ""


def _begun(today: date, made: "Rendered[Changes]") -> Manifest:
    """Return a manifest that knows of no files yet."""
    specs = made.read.specs
    waivers = specs.platform.spec.get("waivers", ()) if specs.platform else ()
    return Manifest(
        inputs=_inputs(today, made.read),
        keys=tuple(sorted(specs.keys)),
        beside=tuple(sorted({waiver["on"].partition("/")[0] for waiver in waivers})),
        units={},
        notices=(),
    )


def _inputs(today: date, read: "Sources", known: Inputs | None = None) -> Inputs:
    """Return what was read; what was not is as it is known."""
    key = manifest.key_of(today, ((entry.path, entry.kind) for entry in read.specs.entries))
    return Inputs(key=key, hashes={**(known.hashes if known else {}), **read.hashes})


def _tenant_of(notice: Diagnostic) -> str:
    """Return the tenant that a notice is about, "" for the platform."""
    return manifest.tenant_of(notice.mark.file) if notice.mark.file.startswith(f"{TENANTS}/") else ""
