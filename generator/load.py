"""Text of a spec file -> Document: data, and the place of every key and value."""

import re
from array import array
from collections.abc import Callable, Iterable, Iterator
from sys import intern
from typing import Any

from yaml import MarkedYAMLError, SafeLoader
from yaml.events import AliasEvent, MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent, StreamEndEvent

from generator.diag import Diagnostic, Mark, ordered, quoted
from generator.document import COLUMN_BITS, Document, Path, dotted
from generator.scalars import NOT_SURELY_TEXT, is_surely_text, scalar
from generator.syntax import explain, tabs

try:
    from yaml._yaml import CParser
except ImportError:  # PyYAML built without libyaml: 15 times slower, the same events
    PARSER: Callable[[bytes], Any] = SafeLoader
else:
    PARSER = CParser

__all__ = ["Document", "Path", "dotted", "load"]

SIZE_MAX = 256 * 1024  # bytes; the longest spec we know has 8 KiB
DEPTH_MAX = 40  # the schemas go 12 deep; free parameters may go deeper

# YAML 1.2.2, 5.1 "Character Set", less the line breaks that only YAML 1.1 knew (NEL, LS, PS), less the marks
# that turn the reading direction: what a reviewer sees must be what is read (Unicode TR 36, CVE-2021-42574).
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
    "|\r(?!\n)"
)
_PLAIN_BYTES = bytes((0x09, 0x0A, *range(0x20, 0x7F)))


def load(text: bytes, file: str, *, parser: Callable[[bytes], Any] = PARSER) -> Document | tuple[Diagnostic, ...]:
    """Return the document that the bytes of ``file`` hold, or everything that keeps it from being read.

    Unquoted scalars follow the YAML 1.2 core schema. Anchors, aliases, merge keys, tags, directives, duplicate
    keys, tabs outside strings and more than one document are errors: a spec says each thing once and in full.
    """
    if problem := _unreadable(text, file):
        return (problem,)
    reading = _Reading(file, text, parser)
    try:
        data = _document(reading)
        if b"\t" in text:
            reading.problems += tabs(text.decode(), file, _strings(iter(parser(text).get_event, None)))
    except MarkedYAMLError as error:
        return ordered((*reading.problems, explain(error, text.decode(), file)))
    except _TooDeepError:
        return ordered(reading.problems)
    if reading.problems:
        return ordered(reading.problems)
    if reading.places[-1] > reading.end:
        reading.places = [min(place, reading.end) for place in reading.places]
    return Document(file=file, data=data, places=array("Q", reading.places), plain=reading.plain)


def _strings(events: Iterable[Any]) -> Iterator[tuple[int, int]]:
    """Yield the span of every quoted text and every block of text, in characters."""
    for event in events:
        begin, end = event.start_mark, event.end_mark
        if event.__class__ is ScalarEvent and not event.implicit[0]:
            yield begin.index, end.index


class _TooDeepError(Exception):
    """Nesting deeper than DEPTH_MAX; the problem is already noted."""


class _Reading:
    """What one pass over the events gathers."""

    __slots__ = ("end", "escapes", "file", "next_event", "places", "plain", "problems")

    def __init__(self, file: str, text: bytes, parser: Callable[[bytes], Any]) -> None:
        self.file = file
        self.next_event: Callable[[], Any] = parser(text).get_event
        # libyaml thinks of a line end behind the last line, and puts an empty value there.
        self.end = text.count(b"\n") << COLUMN_BITS | len(text.rpartition(b"\n")[2].decode())
        self.escapes = b"\\" in text  # only an escape can bring in a character that _unreadable did not see
        self.places: list[int] = []
        self.plain: dict[int, str] = {}
        self.problems: list[Diagnostic] = []

    def note(self, place: int, rule: str, what: str, todo: str) -> None:
        self.problems.append(Diagnostic(self.mark(place), rule, what, todo))

    def mark(self, place: int) -> Mark:
        return Mark(self.file, (place >> COLUMN_BITS) + 1, (place & ((1 << COLUMN_BITS) - 1)) + 1)


def _unreadable(text: bytes, file: str) -> Diagnostic | None:
    """Return what is wrong with the bytes themselves: size, encoding, control characters."""
    if len(text) > SIZE_MAX:
        what = f"the file has {-(-len(text) // 1024)} KiB; a spec has at most {SIZE_MAX // 1024} KiB"
        return Diagnostic(Mark(file), "too-large", what, "split it: one model in one file")
    if not text.translate(None, _PLAIN_BYTES):
        return None
    if text.startswith(b"\xef\xbb\xbf"):
        what = "the file begins with a byte order mark, which no editor shows"
        return Diagnostic(Mark(file), "byte-order-mark", what, 'save it as "UTF-8", not "UTF-8 with BOM"')
    return _not_characters(text, file)


def _not_characters(text: bytes, file: str) -> Diagnostic | None:
    if text.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Diagnostic(Mark(file), "not-utf8", "the file is UTF-16", "save it as UTF-8")
    try:
        decoded = text.decode()
    except UnicodeDecodeError as error:
        what = f"the byte 0x{text[error.start]:02x} is not UTF-8"
        return Diagnostic(_at(text[: error.start].decode(), file), "not-utf8", what, "save the file as UTF-8")
    if found := _FORBIDDEN.search(decoded):
        return Diagnostic(_at(decoded[: found.start()], file), *_control(found[0]))
    return None


def _at(before: str, file: str) -> Mark:
    return Mark(file, before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1)


def _control(character: str) -> tuple[str, str, str]:
    return "control-character", f"the character U+{ord(character):04X} cannot be seen", "take it out"


def _document(reading: _Reading) -> dict[str, Any]:
    reading.next_event()
    event = reading.next_event()
    if event.__class__ is StreamEndEvent:
        reading.note(0, "empty-file", "the file says nothing", _BEGIN)
        return {}
    if event.version or event.tags:
        reading.note(0, "yaml-directive", 'a line that begins with "%" speaks to the YAML reader', "take the line out")
    data = _node(reading, reading.next_event(), 1)
    reading.next_event()
    event = reading.next_event()
    if event.__class__ is not StreamEndEvent:
        todo = "keep one document in a file"
        reading.note(_place(event), "several-documents", "a second document begins here", todo)
    if isinstance(data, dict):
        return data
    if data is None:
        reading.note(0, "empty-file", "the file says nothing", _BEGIN)
    else:
        noun = "a list" if isinstance(data, list) else "a single value"
        reading.note(reading.places[0], "not-a-mapping", f"the file is {noun}, not a mapping", _BEGIN)
    return {}


_BEGIN = "begin with apiVersion, kind, metadata and spec"


def _place(event: Any) -> int:
    mark = event.start_mark
    return int(mark.line << COLUMN_BITS | mark.column)


def _node(reading: _Reading, event: Any, depth: int) -> Any:
    mark = event.start_mark
    place = mark.line << COLUMN_BITS | mark.column
    reading.places.append(place)
    kind = event.__class__
    if event.anchor is not None or (kind is not AliasEvent and event.tag is not None):
        _note_property(reading, event, place)
    if kind is ScalarEvent:
        return _scalar(reading, event)
    if kind is AliasEvent:
        return None
    if depth > DEPTH_MAX:
        reading.note(place, "too-deep", f"the file nests deeper than {DEPTH_MAX} levels", "say it with fewer levels")
        raise _TooDeepError
    return _mapping(reading, depth) if kind is MappingStartEvent else _list(reading, depth)


def _note_property(reading: _Reading, event: Any, place: int) -> None:
    if event.__class__ is AliasEvent:
        what, todo = f"{quoted(f'*{event.anchor}')} is an alias", "write the value in full, or quote the text"
        reading.note(place, "yaml-anchor", what, todo)
        return
    if event.anchor is not None:
        what = f"{quoted(f'&{event.anchor}')} is an anchor"
        reading.note(place, "yaml-anchor", what, "take it out and write the value wherever it is needed")
    if event.tag is not None:
        reading.note(place, "yaml-tag", "tags are not used here", 'take the "!" out, or quote the text')


def _scalar(reading: _Reading, event: Any) -> Any:
    value = event.value
    if event.implicit[0]:
        if value[:1] in NOT_SURELY_TEXT and not is_surely_text(value):
            reading.plain[len(reading.places) - 1] = value
            return scalar(value)
    elif reading.escapes and (found := _FORBIDDEN.search(value)):
        reading.note(reading.places[-1], *_control(found[0]))
    return value


def _list(reading: _Reading, depth: int) -> list[Any]:
    items = []
    next_event = reading.next_event
    while (event := next_event()).__class__ is not SequenceEndEvent:
        items.append(_node(reading, event, depth + 1))
    return items


def _mapping(reading: _Reading, depth: int) -> dict[str, Any]:
    data: dict[str, Any] = {}
    firsts: dict[str, int] = {}
    next_event = reading.next_event
    while (event := next_event()).__class__ is not MappingEndEvent:
        key = _key(reading, event, depth)
        place = reading.places[-1]
        if key in firsts:
            what = f"the key {quoted(key)} stands here twice: first at {reading.mark(firsts[key])}"
            reading.note(place, "duplicate-key", what, "keep one of them")
        firsts.setdefault(key, place)
        data[key] = _node(reading, next_event(), depth + 1)
    return data


def _key(reading: _Reading, event: Any, depth: int) -> str:
    """Return a key as text: ``on`` and ``yes`` are names here, what YAML 1.2 takes for a number is refused."""
    mark = event.start_mark
    if event.__class__ is not ScalarEvent:
        if event.__class__ is not AliasEvent:
            reading.note(_place(event), "key-not-text", "a key is a list or a mapping", "write a name before the colon")
        _node(reading, event, depth + 1)
        return f"\n{len(reading.places)}"  # like no other key, so that nothing is called a duplicate
    place = mark.line << COLUMN_BITS | mark.column
    reading.places.append(place)
    if event.anchor is not None or event.tag is not None:
        _note_property(reading, event, place)
    key: str = intern(event.value)  # a few words again and again: each is kept once
    if event.implicit[0]:
        if key[:1] in NOT_SURELY_TEXT and (key == "<<" or not isinstance(scalar(key), str)):
            _note_key(reading, key, place)
    elif reading.escapes and (found := _FORBIDDEN.search(key)):
        reading.note(place, *_control(found[0]))
    return key


def _note_key(reading: _Reading, key: str, place: int) -> None:
    if key == "<<":
        reading.note(place, "yaml-anchor", '"<<" is a merge key', "write the keys out")
        return
    if not key:
        reading.note(place, "key-not-text", "a key is missing before the colon", 'write it as "key: value"')
        return
    noun = {"bool": "yes or no", "NoneType": "nothing"}.get(type(scalar(key)).__name__, "a number")
    reading.note(place, "key-not-text", f"the key {key} is {noun} without quotes", f'quote it: "{key}"')
