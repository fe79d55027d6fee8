"""gen expire: take grants and waivers past their `until` out of the specs."""

from datetime import UTC, date, datetime
from pathlib import Path

import click

from generator.cli.report import report


@click.command("expire")
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
    from generator import sources  # noqa: PLC0415  # not needed for --help
    from generator.expiry import expired  # noqa: PLC0415
    from generator.write import rewrite  # noqa: PLC0415

    found = expired(sources.read(root).specs, _day(day))
    if check:
        report(found.diagnostics, closing="run gen expire to take them out")
        return int(bool(found.diagnostics))
    for path, text in found.edited(root).items():
        rewrite(root / path, text)
    for diagnostic in found.diagnostics:
        click.echo(f"taken out of {diagnostic.mark}: {diagnostic.what}")
    click.echo("now run gen render" if found.diagnostics else "nothing has expired")
    return 0


def _day(text: str | None) -> date:
    if text is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f'"{text}" is no day; write it as 2027-01-31', param_hint="--on") from None
