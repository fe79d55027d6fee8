"""The matrix as Markdown, for a page or the comment on a pull request."""

from collections.abc import Iterable, Iterator, Sequence

from generator.audit.rows import Row
from generator.audit.table import brief

MARKS = {"gateway": "✓", "mesh": "✓ mesh", "both": "✓ both"}


def escaped(text: str) -> str:
    """Return text that Markdown takes for text: no table cell, link, mention or markup comes of it."""
    for sign in "\\`*_{}[]<>()#+|~":
        text = text.replace(sign, f"\\{sign}")
    return text.replace("@", "@\u200b").replace("\n", " ")  # an invisible space keeps GitHub from telling people


def code(text: str) -> str:
    """Return text as code, whatever is in it."""
    plain = text.replace("`", "'").replace("|", "\\|").replace("\n", " ")
    return f"`{plain}`"


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table; cells are Markdown already."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join(' --- ' for _ in head)}|"
    yield from (f"| {' | '.join(cells)} |" for cells in lines)


def markdown(found: Sequence[Row], environments: Sequence[str]) -> str:
    """Return a table per model: operation, who, a column per environment, and where it is granted."""
    blocks: dict[tuple[str, str], list[Row]] = {}
    for row in found:
        blocks.setdefault((row.tenant, row.model), []).append(row)
    lines = []
    for (tenant, model), rows in blocks.items():
        lines += [f"### {escaped(f'{tenant}/{model}')}", ""]
        lines += table(["operation", "who", *environments, "granted"], (_cells(row, environments) for row in rows))
        lines.append("")
    return "\n".join(lines)


def _cells(row: Row, environments: Sequence[str]) -> list[str]:
    words = []
    for name in environments:
        word = row.word(name)
        words.append(f"**{MARKS[word]} not granted**" if name in row.beyond else MARKS.get(word, word))
    said = [brief(grant).partition(" ") for grant in row.grants]
    why = "; ".join(f"{code(place)} {escaped(rest)}".strip() for place, _, rest in said)
    return [escaped(row.operation), code(str(row.identity)), *words, why]
