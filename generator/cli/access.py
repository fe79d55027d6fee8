"""gen access: who may call what, and everything that is asked about it."""

import importlib
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from generator.cli.report import echo

if TYPE_CHECKING:
    from generator.audit.identities import Identity

FORMS = ("table", "markdown", "html", "csv", "json")
SUBCOMMANDS = {  # name -> module below generator.cli that holds `command`; in the order of the help
    "diff": "access_diff",
    "explain": "access_explain",
    "at": "access_at",
    "blame": "access_blame",
    "prove": "access_prove",
}


class Access(click.Group):
    """A group that is a command by itself: without a subcommand it prints the matrix."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Return the subcommands in the order in which people need them."""
        return [name for name in SUBCOMMANDS if find_spec(f"generator.cli.{SUBCOMMANDS[name]}")]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a subcommand, or None for a name that is none."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"generator.cli.{SUBCOMMANDS[cmd_name]}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the subcommand that was asked for; an unknown one gets the closest name offered."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as problem:
            from generator.wording import choice  # noqa: PLC0415  # only where a name was mistyped

            text = f'gen access has no command "{args[0]}"\n  {choice(args[0], self.list_commands(ctx))}'
            raise click.UsageError(text, ctx=problem.ctx) from None


def who(function: Any) -> Any:
    """Add the options that say whom and what to ask about."""
    for option in reversed(
        (
            click.option("--as", "users", multiple=True, metavar="WHO", help="This person, or any identity in words."),
            click.option("--group", "groups", multiple=True, metavar="GROUP", help="Somebody of this group."),
            click.option("--client", "clients", multiple=True, metavar="CLIENT", help="This OIDC service account."),
            click.option("--workload", "workloads", multiple=True, metavar="NS/NAME", help="This ServiceAccount."),
            click.option(
                "--model", "models", multiple=True, metavar="MODEL", help="Only TENANT, MODEL or both with /."
            ),
            click.option("--environment", "environments", multiple=True, metavar="ENV", help="Only this environment."),
        )
    ):
        function = option(function)
    return function


def identities_of(
    users: Sequence[str], groups: Sequence[str], clients: Sequence[str], workloads: Sequence[str]
) -> "tuple[Identity, ...]":
    """Return whom the options name; a person with groups is a person who is in all of them.

    Raises:
        click.BadParameter: A name is none.
    """
    from dataclasses import replace  # noqa: PLC0415  # not needed for --help

    from generator.audit import identities as known  # noqa: PLC0415

    try:
        named = [known.parse(text) for text in users]
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--as") from None
    members = tuple(known.group(name) for name in groups)
    if named and members:
        named = [replace(one, also=members) for one in named]
    else:
        named += members
    return (*named, *map(known.client, clients), *map(known.workload, workloads))


@click.group(
    "access", cls=Access, short_help="Say who may call what, from the rendered policies.", invoke_without_command=True
)
@who
@click.option("--format", "form", type=click.Choice(FORMS), default="table", show_default=True)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write there instead of to stdout.")
@click.option("--all", "everything", is_flag=True, help="Also the platform's own needs: metrics, …")
@click.option("--rules", is_flag=True, help="Also the rule of the policy that lets in.")
@click.option("--curl", "with_curl", is_flag=True, help="With each way in, a request to send.")
@click.option("--expiring", type=click.IntRange(min=0), metavar="DAYS", help="Only grants that end within them.")
@click.option("--live", metavar="FILE|CONTEXT", help="Ask what runs (a dump, or a context of kubectl), against git.")
@click.option("--kustomize", "binary", metavar="PATH", help="The kustomize or kubectl to use.")
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:
    """Print who may call which operation of which model in which environment, and the line that grants it.

    What counts are the rendered policies, as Kustomize prints them: the specs are only compared with. The exit code
    is 1 where somebody gets in whom no spec grants it, or is refused whom one does, or an expectation fails.

    \b
      gen access
      gen access --as alice@corp.example --group fraud-analysts --environment prod
      gen access --model payments/fraud --curl
      gen access --format html --output access.html
      gen access --live cluster.yaml --environment prod
    """  # noqa: D301
    if ctx.invoked_subcommand:
        return 0
    from generator.cli import access_live, access_matrix  # noqa: PLC0415  # not needed for --help

    run = access_live.run if options["live"] else access_matrix.run
    return run(ctx.obj, access_matrix.Options(**options), datetime.now(UTC).date())


def printed(text: str, output: Path | None) -> None:
    """Print a result, or write it to a file."""
    if output is None:
        echo(text, nl=not text.endswith("\n"))
        return
    with output.open("w", encoding="utf-8") as file:
        file.write(text)
