"""Render a repository tenant by tenant: judge the specs, make the files, hold them against the disk.

Tenants do not depend on each other, so several processes work at once where there are many models, and no process
ever holds the texts of more than one tenant.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Generic, TypeVar

from generator import examine, names, parallel, pipeline, sources, tree
from generator.diag import Diagnostic, SpecError, errors, ordered
from generator.pipeline import Part, Served
from generator.rules.specs import Specs, afresh, shares
from generator.sources import Sources
from generator.tenancy import Platform
from generator.tree import Plan

Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(Generic[Kept]):
    """What came of a tenant: ``kept`` of its plan (None if its specs have problems), and what is said of its specs.

    ``files``: how many it has; ``filled``: its folders, and whether anything is in them.
    """

    tenant: str
    found: tuple[Diagnostic, ...]
    kept: Kept | None = None
    served: Served = ()
    files: int = 0
    filled: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Rendered(Generic[Kept]):
    """What came of each tenant and, under the name "", of the platform; what was read, and what there is to notice."""

    done: tuple[Done[Kept], ...]
    read: Sources
    notices: tuple[Diagnostic, ...]

    @property
    def kept(self) -> tuple[Kept, ...]:
        """Return what was kept of each plan."""
        return tuple(one.kept for one in self.done if one.kept is not None)


def render(root: Path, today: date, keep: Callable[[Plan], Kept]) -> Rendered[Kept]:
    """Make every file of base/, overlays/ and CODEOWNERS; give the plan of each tenant, then the platform's, to keep.

    ``keep`` runs in other processes too, and what it returns travels here. Before it is known whether another tenant's
    specs have problems it may do nothing that cannot be taken back.

    Raises:
        SpecError: Any spec has a problem; it carries all of them, sorted, notices too.
        ToolError: A file cannot be read, or ``keep`` raised it.
    """
    read = sources.read(root)
    rest, *tenants = shares(read.specs)
    found = [*read.diagnostics, *examine.judge_across(read.specs, today), *examine.judge_apart(rest, today)]
    _refuse(found, read, today)
    platform = examine.platform_of(read.specs)

    def work(share: Specs) -> Done[Kept]:
        share = afresh(share)
        judged = examine.judge_apart(share, today)
        return Done(tenant=share.tenants[0].name, found=judged) if errors(judged) else _tenant(at, share, judged)

    at = _At(root, platform, keep)
    done = list(parallel.spread(work, tenants, parallel.workers(len(read.specs.models))))
    found += [problem for one in done for problem in one.found]
    _refuse(found, read, today)
    part = pipeline.platform_part(platform, read.specs.tenants, [one.served for one in done])
    plan = tree.plan(part.files, root, names.OWNED, dict(folder for one in done for folder in one.filled))
    own = Done(tenant="", found=(), kept=keep(plan), files=len(part.files))
    return Rendered(done=(*done, own), read=read, notices=ordered(found))


def render_some(
    root: Path, today: date, keep: Callable[[Plan], Kept], *, tenants: Collection[str], beside: Collection[str]
) -> Rendered[Kept] | None:
    """Render only ``tenants``, judging them together with those ``beside``; None if anything is wrong with them.

    What is left out is what it was when no spec had a problem: only the texts of models of ``tenants`` are new.

    Raises:
        ToolError: A file cannot be read, or ``keep`` raised it.
    """
    read = sources.read(root, tenants={*tenants, *beside})
    found = () if errors(read.diagnostics) else ordered((*read.diagnostics, *examine.judge(read.specs, today)))
    if errors(read.diagnostics) or errors(found):
        return None
    at = _At(root, examine.platform_of(read.specs), keep)
    wanted = [share for share in shares(read.specs)[1:] if share.tenants[0].name in tenants]
    count = parallel.workers(sum(len(share.models) for share in wanted))
    done = tuple(parallel.spread(lambda share: _tenant(at, share, ()), wanted, count))
    return Rendered(done=done, read=read, notices=found)


@dataclass(frozen=True, slots=True)
class _At(Generic[Kept]):
    """Where something is rendered, and what is done with it."""

    root: Path
    platform: Platform
    keep: Callable[[Plan], Kept]


def _tenant(at: _At[Kept], share: Specs, found: tuple[Diagnostic, ...]) -> Done[Kept]:
    name = share.tenants[0].name
    part = pipeline.tenant_part(at.platform, share)
    folders = names.tenant_folders(name, (environment.name for environment in at.platform.environments))
    return Done(
        tenant=name,
        found=found,
        kept=at.keep(tree.plan(part.files, at.root, folders)),
        served=part.served,
        files=len(part.files),
        filled=tuple((folder, _is_filled(part, folder)) for folder in folders),
    )


def _is_filled(part: Part, folder: str) -> bool:
    inside = f"{folder}/"
    return any(path.startswith(inside) for path in part.files)


def _refuse(found: Sequence[Diagnostic], read: Sources, today: date) -> None:
    """Raise if anything is wrong, with all that can be said: one tenant alone knows less than all together."""
    if errors(found):
        raise SpecError((*read.diagnostics, *examine.judge(read.specs, today)))
