"""What keeps a YAML text from being read, in plain sentences: the parser's own complaints, and tabs."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from yaml.error import MarkedYAMLError

from generator.diag import Diagnostic, Mark, quoted

TAB = ("yaml-tab", "a tab stands outside quotes", "use spaces")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spot:
    """Where the parser stopped: lines of the text, line and column from 0."""

    lines: list[str]
    line: int
    column: int

    @property
    def text(self) -> str:
        return self.lines[self.line] if self.line < len(self.lines) else ""

    @property
    def before(self) -> str:
        return self.text[: self.column].rstrip()

    @property
    def above(self) -> str:
        return next((line for line in reversed(self.lines[: self.line]) if line.strip()), "")

    @property
    def character(self) -> str:
        return self.text[self.column : self.column + 1]


_Words = tuple[str, str, str]  # rule, what, todo


def explain(error: MarkedYAMLError, text: str, file: str) -> Diagnostic:
    """Return the parser's complaint as a diagnostic.

    Source of the complaints: libyaml 0.2.5 scanner.c and parser.c, PyYAML scanner.py and parser.py.
    """
    lines = text.splitlines()
    problem = error.problem or "it ends too early"
    said = f"{error.context}: {problem}"
    at_context, words = next((c[1:] for c in _COMPLAINTS if c[0].search(said)), (False, _anything(problem)))
    mark = (error.context_mark if at_context else None) or error.problem_mark or error.context_mark
    spot = _Spot(lines=lines, line=mark.line if mark else 0, column=mark.column if mark else 0)
    rule, what, todo = words(spot) if callable(words) else words
    return Diagnostic(_inside(spot, file), rule, what, todo)


def tabs(text: str, file: str, strings: Iterable[tuple[int, int]]) -> tuple[Diagnostic, ...]:
    """Return a diagnostic for the first tab of each line that stands in no string and no comment.

    ``strings`` are the spans, in characters, of quoted texts and text blocks.
    """
    masked = list(text)
    for start, end in strings:
        masked[start:end] = ("\n" if character == "\n" else "x" for character in masked[start:end])
    found = []
    for line, content in enumerate("".join(masked).split("\n"), 1):
        column = re.sub(r"(?:^|(?<=[ \t]))#.*", "", content).find("\t")
        if column >= 0:
            found.append(Diagnostic(Mark(file, line, column + 1), *TAB))
    return tuple(found)


def _inside(spot: _Spot, file: str) -> Mark:
    """Return the spot as a mark; what the parser misses behind the last line is missed at the end of that line."""
    if spot.line < len(spot.lines):
        return Mark(file, spot.line + 1, min(spot.column, len(spot.text)) + 1)
    return Mark(file, max(len(spot.lines), 1), len(spot.lines[-1]) + 1 if spot.lines else 1)


def _anything(problem: str) -> _Words:
    return "yaml-syntax", f"the YAML cannot be read here: {problem}", "check the indentation and the quotes around here"


def _no_token(spot: _Spot) -> _Words:
    if spot.character == "\t":
        return TAB
    return "yaml-syntax", f"unquoted text cannot begin with {_shown(spot.character)}", "put the text in quotes"


def _second_colon(spot: _Spot) -> _Words:
    if spot.character == "?":
        return _no_token(spot)
    if ": " in spot.before + " ":
        return "yaml-syntax", 'unquoted text cannot hold ": "', "put the text in quotes"
    above = next((line for line in reversed(spot.lines[: spot.line]) if line.strip()), "")
    if re.search(r":(?:\s|$)", above):
        return (
            "yaml-syntax",
            f"{_shown(spot.before.strip())} is set in too far for a key",
            "line it up with the keys above",
        )
    return "yaml-syntax", f'{_shown(above.strip())} in the line above has no ": "', 'write it as "key: value"'


def _too_far(key: str) -> _Words:
    return "yaml-syntax", f"{_shown(key)} is set in too far for a key", "line it up with the keys above"


def _no_key(spot: _Spot) -> _Words:
    if spot.character in {"]", "}"}:
        return "yaml-syntax", f"{_shown(spot.character)} closes nothing", "take it out"
    if spot.character == ":":
        return "yaml-syntax", "a key is missing before the colon", 'write it as "key: value"'
    if spot.before.endswith(("'", '"')):
        return "yaml-syntax", "the text goes on after its closing quote", "quote the whole text"
    if not spot.before and spot.column > len(spot.above) - len(spot.above.lstrip()):
        return _too_far(spot.text.strip().partition(":")[0])
    return "yaml-syntax", "the line stands between the indentations of the lines above", "line it up with one of them"


def _no_value(spot: _Spot) -> _Words:
    return "yaml-syntax", f"{_shown(spot.character)} stands where a value must be", "write the value, or quote it"


def _open_quote(spot: _Spot) -> _Words:
    return "yaml-syntax", "the quote that opens here is not closed", f"close it with {spot.character}"


def _no_name(spot: _Spot) -> _Words:
    begin = spot.text[spot.column : spot.column + 1]
    return "yaml-anchor", f"unquoted text cannot begin with {_shown(begin)}", "put the text in quotes"


def _shown(text: str) -> str:
    return quoted(text) if text else "the end of the file"


def _list(end: str, noun: str) -> _Words:
    return "yaml-syntax", f"the {noun} that begins here is not closed", f'add the missing "," or "{end}"'


_DIRECTIVE = ("yaml-directive", 'a line that begins with "%" speaks to the YAML reader', "take the line out")

_COMPLAINTS = tuple(
    (re.compile(pattern), at_context, words)
    for pattern, at_context, words in (
        (r"[Tt]ab character", False, TAB),
        (r"cannot start any token", False, _no_token),
        (r"mapping (values|keys) are not allowed", False, _second_colon),
        (
            r"sequence entries are not allowed",
            False,
            ("yaml-syntax", "a list item cannot follow its key in one line", "begin the list in the next line"),
        ),
        (
            r"could not find expected ':'",
            True,
            ("yaml-syntax", 'the line has no ": "', 'write it as "key: value"'),
        ),
        (r"',' or '\]'", True, _list("]", "list")),
        (r"',' or '\}'", True, _list("}", "mapping")),
        (r"unexpected (end of stream|document)", True, _open_quote),
        (
            r"escape|hexdec",
            False,
            ("yaml-syntax", r'a "\" in double quotes begins no known escape', r'write "\\", or use single quotes'),
        ),
        (
            r"block collection: (did not find|expected)",
            False,
            ("yaml-syntax", "the line belongs to no item of the list above", 'begin it with "- "'),
        ),
        (r"parsing a block mapping: (did not find|expected)", False, _no_key),
        (
            r"<document start>",
            False,
            ("yaml-syntax", "the line stands outside the mapping above", "line it up with the first key"),
        ),
        (r"node content", False, _no_value),
        (r"directive|incompatible", False, _DIRECTIVE),
        (r"scanning an (anchor|alias)", True, _no_name),
        (r"\btag\b", True, ("yaml-tag", "tags are not used here", 'take the "!" out, or quote the text')),
        (
            r"block scalar: ",
            True,
            ("yaml-syntax", "a block of text begins in the line below its mark", 'leave only "|" or ">" in this line'),
        ),
    )
)
