"""Rules about days: that they exist, and a word about grants and waivers that are past theirs."""

from collections.abc import Callable, Iterator
from datetime import date
from functools import partial

from generator.diag import Mark, Severity, quoted
from generator.patch import Spec
from generator.rules.rule import Problems, Rule
from generator.rules.specs import Specs

Place = Callable[[], Mark]  # asked only where something is wrong: to find a place costs more than the whole rule

MEND = "run gen expire to take it out, or give it a later day"


def no_such_day(specs: Specs) -> Problems:
    """Find days that no calendar has."""
    for _, _, day, place in (*_grants(specs), *_waivers(specs)):
        if _day(day) is None:
            yield place(), f"there is no day {quoted(day)}", "write a day that is in the calendar: year-month-day"


def past_grants(specs: Specs, today: date) -> Problems:
    """Find grants that are past their day; the day itself still counts."""
    for item, noun, day, place in _grants(specs):
        if (until := _day(day)) and until < today:
            yield place(), f"this {noun} ended on {day}{_reason(item)}", MEND


def past_waivers(specs: Specs, today: date) -> Problems:
    """Find waivers that are past their day; the day itself still counts."""
    for item, noun, day, place in _waivers(specs):
        if (until := _day(day)) and until < today:
            yield place(), f"this {noun} ended on {day}{_reason(item)}", MEND


def _grants(specs: Specs) -> Iterator[tuple[Spec, str, str, Place]]:
    for model in specs.models:
        for index, grant in enumerate(model.spec.get("access", ())):
            if "until" in grant:
                yield grant, "grant", grant["until"], partial(model.mark, "access", index, "until")


def _waivers(specs: Specs) -> Iterator[tuple[Spec, str, str, Place]]:
    for index, waiver in enumerate(specs.platform.spec.get("waivers", ()) if specs.platform else ()):
        if specs.platform:
            yield waiver, "waiver", waiver["until"], partial(specs.platform.mark, "waivers", index, "until")


def _reason(item: Spec) -> str:
    return f", {quoted(item['reason'])}" if item.get("reason") else ""


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


RULES = (
    Rule(
        id="no-such-day",
        title="a day is in the calendar",
        why="Nothing could end on it.",
        todo="Correct the day.",
        example='until: "2027-02-30"',
        find=no_such_day,
    ),
    Rule(
        id="expired-grant",
        title="grants past their day are taken out",
        why="What is rendered does not depend on the day, so that the same specs always give the same files: a grant "
        "ends when it is taken out, which `gen expire` does, every night if you let it.",
        todo="Run `gen expire`, or give the grant a later day.",
        example='until: "2026-01-31"',
        find_at=past_grants,
        severity=Severity.NOTICE,
    ),
    Rule(
        id="expired-waiver",
        title="waivers past their day are taken out",
        why="A waiver ends when it is taken out, as a grant does; then what it excused is an error again.",
        todo="Mend what it excused and run `gen expire`, or have the waiver renewed.",
        example='until: "2026-03-31"',
        find_at=past_waivers,
        severity=Severity.NOTICE,
    ),
)
