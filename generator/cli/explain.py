"""gen explain: what a field of a spec means, or the id in a message."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from generator.cli.place import offered
from generator.cli.report import echo

if TYPE_CHECKING:
    from generator.explain import Field
    from generator.explanations import Explanation

WIDTH = 100
SHOWN = 3  # fields of one name; more are only listed


def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
    """Return the fields and ids that begin so."""
    from generator.explain import words  # noqa: PLC0415  # reads the schemas

    return offered(words(), incomplete)


@click.command("explain", short_help="What a field means, or the id in a message.")
@click.argument("word", metavar="FIELD|ID", required=False, default="", shell_complete=complete)
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
def command(word: str, form: str) -> int:
    """Say what a field of a spec means, or what the id in brackets behind a message stands for.

    Without a word, list the kinds of spec and all ids.

    \b
      gen explain model.access
      gen explain model.runtime.replicas
      gen explain platform.environments
      gen explain graph-cycle
    """  # noqa: D301
    from generator import explain  # noqa: PLC0415  # not needed for --help

    if not word:
        echo(_contents() if form == "text" else json.dumps(explain.words(), indent=2))
        return 0
    found = explain.find(word)
    if not found:
        near = explain.closest(word)
        todo = f"did you mean {' or '.join(near)}?" if near else "gen explain lists what there is"
        raise click.UsageError(f'there is no field and no id "{word}"\n  {todo}')
    if form == "json":
        echo(json.dumps([asdict(one) for one in found], indent=2, ensure_ascii=False))
    elif len(found) > SHOWN:
        echo("\n".join([f"{len(found)} fields are called so; ask for one of:", *(f"  {_name(one)}" for one in found)]))
    else:
        echo("\n\n".join("\n".join(_lines(one)) for one in found))
    return 0


def _contents() -> str:
    from generator import explain, rules  # noqa: PLC0415  # as above
    from generator.explanations import FORM, READING, TREES  # noqa: PLC0415

    groups = [(title, group) for title, group in rules.GROUPS]
    listed = [
        *((title, [rule.id for rule in group]) for title, group in groups),
        *(
            (title, [known.id for known in group])
            for title, group in (("YAML", READING), ("Form", FORM), ("Trees and their proof", TREES))
        ),
    ]
    said = {word for _, words in listed for word in words}
    listed.append(("What Seldon's operator would do", [word for word in explain.ids() if word not in said]))
    lines = [click.style("Fields", bold=True), f"  {'  '.join(explain.HEADS)}"]
    for title, names in listed:
        lines += [click.style(title, bold=True), *_wrapped("  ".join(names), "  ")]
    return "\n".join(lines)


def _name(one: "Field | Explanation") -> str:
    from generator.explain import Field  # noqa: PLC0415  # as above

    return one.path if isinstance(one, Field) else one.id


def _lines(one: "Field | Explanation") -> Iterator[str]:
    from generator.explain import Field  # noqa: PLC0415  # as above

    yield click.style(_name(one), bold=True)
    yield from _of_field(one) if isinstance(one, Field) else _of_id(one)


def _of_id(one: "Explanation") -> Iterator[str]:
    yield from _wrapped(one.title[:1].upper() + one.title[1:] + ".", "  ")
    yield ""
    yield from _wrapped(one.why, "  ")
    yield from _wrapped(one.todo, "  ")
    if one.severity == "notice":
        yield "  A notice: it is said, and stops nothing."
    if one.example:
        yield "\n  this breaks it"
        yield from (f"    {line}" for line in one.example.splitlines())


def _of_field(one: "Field") -> Iterator[str]:
    from generator.wording import flow  # noqa: PLC0415  # as above

    yield f"  in {one.file}"
    yield ""
    yield from _wrapped(one.description, "  ")
    yield ""
    yield f"  type      {one.type}{' (must be there)' if one.needed else ''}"
    if one.has_default:
        yield f"  default   {flow(one.default)}"
    if one.allowed:
        yield f"  one of    {', '.join(map(flow, one.allowed))}"
    if one.form:
        yield from _wrapped(f"must      {one.form}", "  ", "            ")
    yield from (f"  example   {flow(sample)}" for sample in one.examples)
    if one.keys:
        width = max(len(key) for key, _ in one.keys)
        yield "\n  keys"
        for key, sentence in one.keys:
            yield from _wrapped(f"{key.ljust(width)}  {sentence}", "    ", f"    {'':{width}}  ")


def _wrapped(text: str, first: str, rest: str | None = None) -> list[str]:
    import textwrap  # noqa: PLC0415  # as above

    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=first if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
