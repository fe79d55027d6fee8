"""The command line: arguments, printing, exit codes. Each command lives in its own module, imported when called."""

import contextlib
import importlib
import io
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from generator import __version__
from generator.diag import GenError, SpecError

DONE, PROBLEMS, USAGE, FAILED, INTERRUPTED = 0, 1, 2, 3, 130
DEBUG = "--debug"

COMMANDS = {  # name -> module below generator.cli that holds `command`; in the order of the help
    "new": "new",
    "validate": "validate",
    "render": "render",
    "show": "show",
    "graph": "graph",
    "verify": "verify",
    "access": "access",
    "pin": "pin",
    "promote": "promote",
    "expire": "expire",
    "import": "import_",
    "explain": "explain",
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
        if not args[0].startswith("-") and args[0] not in COMMANDS:
            import difflib  # noqa: PLC0415  # only where a name was mistyped

            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f'did you mean "{close[0]}"?' if close else f"one of: {', '.join(COMMANDS)}"
            raise click.UsageError(f'there is no command "{args[0]}"\n  {hint}', ctx=ctx)
        return super().resolve_command(ctx, args)

    def main(self, args: Sequence[str] | None = None, **kwargs: Any) -> NoReturn:  # type: ignore[override]
        """Run, and leave with the exit code that the outcome has. ``--debug`` may stand anywhere."""
        words = list(sys.argv[1:] if args is None else args)
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # specs and trees are UTF-8
        kwargs |= {"args": [word for word in words if word != DEBUG], "standalone_mode": False}
        sys.exit(_outcome(lambda: super(Gen, self).main(**kwargs), debug=DEBUG in words))


def _outcome(run: Callable[[], Any], *, debug: bool) -> int:
    from generator.cli.report import drop  # noqa: PLC0415  # as in _run

    code = FAILED
    with contextlib.suppress(GenError):  # stderr takes nothing either: there is nobody to tell
        code = _run(run, debug=debug)
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream:  # None where the shell closed it: gen … >&-
                stream.flush()
        except OSError:
            drop(stream)
    return code


def _run(run: Callable[[], Any], *, debug: bool) -> int:
    from generator.cli.report import echo, report  # noqa: PLC0415  # json and re, which `gen --help` can wait for

    try:
        code = run()
        return code if isinstance(code, int) else DONE
    except SpecError as problem:
        report(problem.diagnostics)
        return PROBLEMS
    except click.exceptions.NoArgsIsHelpError as problem:
        echo(problem.format_message())
        return DONE
    except click.UsageError as problem:
        echo(_usage(problem), err=True)
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        echo("interrupted; nothing is half done", err=True)
        return INTERRUPTED
    except GenError as problem:
        echo(f"gen: {problem}", err=True)
    except OSError as problem:
        echo(f"{_trace(problem, debug=debug)}gen: {_refused(problem)}", err=True)
    except Exception as problem:  # noqa: BLE001  # whatever is left is a bug of ours, and is said to be one
        echo(f"{_trace(problem, debug=debug)}gen hit a bug: {_bug(problem)}", err=True)
    return FAILED


def _usage(problem: click.UsageError) -> str:
    """Return what is wrong with the words typed, in two lines like every other message."""
    command = problem.ctx.command_path if problem.ctx else "gen"
    text = problem.format_message()
    if isinstance(problem, click.BadParameter) and not isinstance(problem, click.MissingParameter) and problem.param:
        text = f"{problem.param.opts[0]}: {problem.message}"
    if isinstance(problem, click.NoSuchOption):
        text = problem.message
    first, is_ours, todo = text.partition("\n")
    if not is_ours:  # click's sentences begin with a capital letter and end in a full stop
        first = first[:1].lower() + first[1:].removesuffix(".")
        close = getattr(problem, "possibilities", None)
        todo = f"did you mean '{close[0]}'?" if close else f"see {command} --help"
    return f"{command}: {first}\n  {todo.strip()}"


def _refused(problem: OSError) -> str:
    place = f"{problem.filename}: " if problem.filename else ""
    return f"{place}{problem.strerror or problem}\n  mend that, then run it again"


def _bug(problem: Exception) -> str:
    import traceback  # noqa: PLC0415  # only when something is already wrong

    frame = traceback.extract_tb(problem.__traceback__)[-1]
    where = "/".join(Path(frame.filename).parts[-2:])
    return (
        f"{type(problem).__name__} {problem} at {where}:{frame.lineno}\n"
        f"  run it again with {DEBUG} and report what it prints"
    )


def _trace(problem: Exception, *, debug: bool) -> str:
    import traceback  # noqa: PLC0415  # as above

    return "".join(traceback.format_exception(problem)) if debug else ""


def repository(given: Path | None) -> Path:
    """Return the repository's root: the folder given, else the nearest one upwards with a platform.yaml, else here.

    Raises:
        click.UsageError: There is no such folder.
    """
    if given is None:
        try:
            here = Path.cwd()
        except FileNotFoundError:
            raise click.UsageError("the folder that you are in is gone\n  change into another one") from None
        return next((folder for folder in (here, *here.parents) if (folder / "platform.yaml").is_file()), here)
    if not given.is_dir():
        raise click.UsageError(f'there is no folder "{given}"\n  name the folder that holds platform.yaml')
    return given


@click.group(cls=Gen, no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gen", message="%(prog)s %(version)s")
@click.option(
    "-C",
    "--repository",
    "folder",
    type=click.Path(path_type=Path),
    help="The repository to work in; default: the nearest folder upwards with a platform.yaml.",
)
@click.option(DEBUG, is_flag=True, help="Print a traceback when gen hits a bug; may stand anywhere.")
@click.pass_context
def main(ctx: click.Context, folder: Path | None, *, debug: bool) -> None:  # noqa: ARG001  # taken out by Gen.main
    """Secure machine-learning APIs from one short spec file.

    People edit platform.yaml and tenants/; gen renders base/ and overlays/ from them, for Kustomize and Argo CD.

    \b
      gen new model risk/fraud     start a model
      gen validate                 what is wrong, where, and what to do
      gen render                   write base/ and overlays/
      gen verify                   prove it with the real Kustomize

    \b
    Exit codes: 0 done or clean, 1 the specs have problems or a check found a
    difference, 2 usage, 3 a tool failed or a bug in gen, 130 interrupted.

    \b
    Completion, in your shell's start-up file:
      eval "$(_GEN_COMPLETE=bash_source gen)"      or zsh_source
      _GEN_COMPLETE=fish_source gen | source
    """  # noqa: D301  # \b is click's mark for a paragraph that is not wrapped
    ctx.obj = repository(folder)
