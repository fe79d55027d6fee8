"""Judge the specs: their schemas, the rules, and what the Seldon operator would say; in several processes if many."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from generator import parallel, rules, sources
from generator.diag import Diagnostic, Severity, errors, ordered
from generator.rules.specs import Specs, afresh, shares

if TYPE_CHECKING:
    from generator.tenancy import Platform


def examine(
    root: Path,
    today: date,
    only: tuple[str, ...] = (),
    drafts: Mapping[str, str] | None = None,
    *,
    foreseen: bool = False,
) -> tuple[Specs, tuple[Diagnostic, ...]]:
    """Read and judge every spec, or ``only`` some with their platform and tenants; return all that is to be said.

    Args:
        root: The repository.
        today: The day that `until` is held against; it decides about notices only.
        only: Paths of specs. Rules that must see every spec at once are left out then.
        drafts: Texts of specs by path that count as if they stood on the disk.
        foreseen: Ask too what the Seldon operator would make of the models, once the rules have no objection.

    Raises:
        ToolError: A file cannot be read.
    """
    read = sources.read(root, only, drafts)
    found = (*read.diagnostics, *(judge_apart(read.specs, today) if only else judge(read.specs, today)))
    if foreseen and not errors(found):
        found = (*found, *_foresee(read.specs))
    # A broken platform or tenant keeps the specs that stand on it from being judged, so it is always said.
    return read.specs, ordered(d for d in found if not only or d.mark.file in only or d.severity is Severity.ERROR)


def judge(specs: Specs, today: date) -> tuple[Diagnostic, ...]:
    """Return everything that breaks the rules, sorted; many models are judged by several processes."""
    count = parallel.workers(len(specs.models))
    if count > 1:
        apart = parallel.spread(lambda share: judge_apart(afresh(share), today), shares(specs), count)
        found = ordered((*judge_across(specs, today), *(problem for one in apart for problem in one)))
        if not errors(found):
            return found  # else some texts might say less than what is known of the other tenants
    return rules.find(specs, today)


def judge_across(specs: Specs, today: date) -> tuple[Diagnostic, ...]:
    """Return what breaks the rules that must see every tenant and model at once."""
    return rules.find(specs, today, [rule for rule in rules.RULES if rule.across])


def judge_apart(specs: Specs, today: date) -> tuple[Diagnostic, ...]:
    """Return what breaks the other rules."""
    return rules.find(specs, today, [rule for rule in rules.RULES if not rule.across])


def _foresee(specs: Specs) -> Iterator[Diagnostic]:
    from generator import foresee  # noqa: PLC0415  # 10 ms that render has no use for

    platform, count = platform_of(specs), parallel.workers(len(specs.models))
    some = [replace(specs, models=specs.models[number::count]) for number in range(count)]
    for found in parallel.spread(lambda one: foresee.find(afresh(one), platform), some, count):
        yield from found


def platform_of(specs: Specs) -> "Platform":
    """Return the resolved platform of specs that have passed every rule."""
    if specs.platform is None:
        raise ValueError("specs without a platform have not passed the rules")
    from generator import resolve  # noqa: PLC0415  # 40 ms that specs with a mistake do not pay

    keys = {path: sources.canonical_keys(text) for path, text in specs.keys.items() if text is not None}
    return resolve.platform(specs.platform.document.data, keys)
