"""gen expire: take grants and waivers past their `until` out of the specs."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator.cli.report import echo, report
from generator.diag import SpecError, errors

if TYPE_CHECKING:
    from generator.expiry import Expired


@click.command("expire", short_help="Take grants and waivers past their day out of the specs.")
@click.option("--check", is_flag=True, help="Change nothing; fail if anything has expired.")
@click.option("--on", "day", metavar="YYYY-MM-DD", help="Judge by this day instead of today.")
@click.pass_obj
def command(root: Path, *, check: bool, day: str | None) -> int:
    """Take what is past its `until` out of the specs; comments and layout stay.

    Rendering never looks at the clock: a grant works until a commit takes it out. Run this on a schedule and open a
    pull request with what it changes.

    \b
      gen expire --check      for CI: is anything past its day?
      gen expire              take it out, then gen render
    """  # noqa: D301
    from generator.expiry import expired  # noqa: PLC0415  # not needed for --help
    from generator.pipeline import examine  # noqa: PLC0415

    today = _day(day)
    specs, diagnostics = examine(root, today)
    if errors(diagnostics):
        raise SpecError(errors(diagnostics))
    found = expired(specs, today)
    if check:
        report(found.diagnostics, closing="run gen expire to take them out" if found.diagnostics else "")
        return int(bool(found.diagnostics))
    if not found.diagnostics:
        echo("nothing has expired")
        return 0
    _take_out(root, found)
    _, diagnostics = examine(root, today)
    if broken := errors(diagnostics):
        report(broken, closing="what was excused is a problem again: mend it, then run gen render")
    else:
        echo("now run gen render")
    return 0


def _take_out(root: Path, found: "Expired") -> None:
    from generator.write import rewrite  # noqa: PLC0415  # not needed for --help

    for path, text in found.edited(root).items():
        rewrite(root / path, text)
        for diagnostic in found.diagnostics:
            if diagnostic.mark.file == path:
                echo(f"taken out of {diagnostic.mark}: {diagnostic.what}")


def _day(text: str | None) -> date:
    if text is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f'--on: there is no day "{text}"\n  write it as 2027-01-31') from None
