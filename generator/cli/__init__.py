"""The command line: arguments, printing, exit codes. Each command lives in its own module, imported when called."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click

from generator import __version__
from generator.diag import GenError, SpecError

DONE, PROBLEMS, USAGE, FAILED, INTERRUPTED = 0, 1, 2, 3, 130

COMMANDS = {  # name -> module below generator.cli that holds `command`; in the order of the help
    "new": "new",
    "validate": "validate",
    "render": "render",
    "show": "show",
    "verify": "verify",
    "expire": "expire",
    "doctor": "doctor",
}


class Gen(click.Group):
    """The group of all commands: imports a command when it is called, and turns exceptions into exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Return the commands in the order in which people need them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return a command, or None for a name that is none."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"generator.cli.{COMMANDS[cmd_name]}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that was asked for; an unknown one gets the closest name offered."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as problem:
            import difflib  # noqa: PLC0415  # only where a name was mistyped

            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f'did you mean "{close[0]}"?' if close else f"one of: {', '.join(COMMANDS)}"
            raise click.UsageError(f'there is no command "{args[0]}"\n  {hint}', ctx=problem.ctx) from None

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Run, and leave with the exit code that the outcome has."""
        kwargs["standalone_mode"] = False
        sys.exit(_outcome(lambda: super(Gen, self).main(*args, **kwargs)))


def _outcome(run: Callable[[], Any]) -> int:
    try:
        code = run()
        return code if isinstance(code, int) else DONE
    except SpecError as problem:
        from generator.cli.report import report  # noqa: PLC0415  # not needed for --help

        report(problem.diagnostics)
        return PROBLEMS
    except click.ClickException as problem:
        problem.show()
        return problem.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted; nothing is half done", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # the reader has gone; Python would complain once more when it flushes
        return DONE
    except GenError as problem:
        click.echo(f"gen: {problem}", err=True)
    except Exception as problem:  # noqa: BLE001  # whatever is left is a bug of ours, and is said to be one
        click.echo(_bug(problem), err=True)
    return FAILED


def _bug(problem: Exception) -> str:
    import traceback  # noqa: PLC0415  # only when something is already wrong

    frame = traceback.extract_tb(problem.__traceback__)[-1]
    where = "/".join(Path(frame.filename).parts[-2:])
    trace = "".join(traceback.format_exception(problem)) if "--debug" in sys.argv else ""
    return (
        f"{trace}gen hit a bug: {type(problem).__name__} {problem} at {where}:{frame.lineno}\n"
        "  run it again as `gen --debug …` and report what it prints"
    )


def repository(given: Path | None) -> Path:
    """Return the repository's root: the folder given, else the nearest one upwards with a platform.yaml, else here."""
    here = Path.cwd() if given is None else given
    if given is None:
        return next((folder for folder in (here, *here.parents) if (folder / "platform.yaml").is_file()), here)
    return here


@click.group(cls=Gen, no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gen")
@click.option(
    "-C",
    "--repository",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The repository to work in; default: the nearest folder upwards with a platform.yaml.",
)
@click.option("--debug", is_flag=True, help="Print a traceback when gen hits a bug.")
@click.pass_context
def main(ctx: click.Context, folder: Path | None, *, debug: bool) -> None:  # noqa: ARG001  # read by _bug
    """Secure machine-learning APIs from one short spec file.

    People edit platform.yaml and tenants/; gen renders base/ and overlays/ from them, for Kustomize and Argo CD.

    \b
      gen new model risk/fraud     start a model
      gen validate                 what is wrong, where, and what to do
      gen render                   write base/ and overlays/
      gen verify                   prove it with the real Kustomize

    Exit codes: 0 done, 1 the specs have problems or a check found a difference, 2 usage, 3 a tool failed,
    130 interrupted. Completion: eval "$(_GEN_COMPLETE=bash_source gen)", or zsh_source, fish_source.
    """  # noqa: D301  # \b is click's mark for a paragraph that is not wrapped
    ctx.obj = repository(folder)
