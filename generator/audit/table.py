"""The matrix for a terminal: a block per model, a line per operation, a line per identity."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from generator.audit.grants import Grant
from generator.audit.rows import Row

WIDTH = 80
INDENT = "    "


def table(found: Sequence[Row], environments: Sequence[str], *, width: int = WIDTH, rules: bool = False) -> str:
    """Return the rows as text; the place of a grant gets a line of its own where it would not fit.

    With ``rules`` each row says also which rule of which policy lets in.
    """
    blocks: dict[tuple[str, str], list[Row]] = {}
    for row in found:
        blocks.setdefault((row.tenant, row.model), []).append(row)
    names = max((len(str(row.identity)) for row in found), default=0) + len(INDENT)
    columns = [max(len(name), len("gateway")) for name in environments]
    return "\n".join(
        line
        for (tenant, model), rows in blocks.items()
        for line in _block(f"{tenant}/{model}", rows, _Shape(names, columns, tuple(environments), width, rules))
    )


@dataclass(frozen=True, slots=True)
class _Shape:
    """The widths of the columns, and whether rules are told."""

    names: int
    columns: list[int]
    environments: tuple[str, ...]
    width: int
    rules: bool

    def line(self, first: str, cells: Iterable[str], last: str = "") -> Iterator[str]:
        """Yield one line, or two where the last part would not fit."""
        padded = [cell.ljust(column) for cell, column in zip(cells, self.columns, strict=True)]
        head = "  ".join([first.ljust(self.names), *padded])
        if last and len(head) + 2 + len(last) > self.width:
            yield head.rstrip()
            yield f"{INDENT}  {last}"
        else:
            yield f"{head}  {last}".rstrip()


def _block(title: str, rows: Sequence[Row], shape: _Shape) -> Iterator[str]:
    yield from shape.line(title, shape.environments)
    operation = ""
    for row in rows:
        if row.operation != operation:
            operation = row.operation
            yield f"  {operation}"
        words = [row.word(name) for name in shape.environments]
        yield from shape.line(INDENT + str(row.identity), words, why(row))
        if shape.rules and any(row.cells.values()):
            yield f"{INDENT}  by {', '.join(by_rules(row))}"
    yield ""


def by_rules(row: Row) -> list[str]:
    """Return the rules that let a row in, each once, with its environments where there are several."""
    found: dict[str, list[str]] = {}
    for environment, cell in row.cells.items():
        if cell:
            found.setdefault(str(cell.rule or cell.reason.value), []).append(environment)
    if len(found) == 1:
        return list(found)
    return [f"{rule} in {' and '.join(there)}" for rule, there in found.items()]


def why(row: Row) -> str:
    """Return where the specs grant a row and what they say of it, in few words."""
    beyond = [f"NOT GRANTED in {', '.join(row.beyond)}"] if row.beyond else []
    return ", ".join([*beyond, *(brief(grant) for grant in row.grants)])


def brief(grant: Grant) -> str:
    """Return a grant's place, reason and last day."""
    until = f"until {grant.until}" if grant.until else ""
    return " ".join(
        part for part in (f"{grant.mark.file.rpartition('/')[2]}:{grant.mark.line}", grant.reason, until) if part
    )
