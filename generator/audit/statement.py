"""What is said of every request, and the request that refutes it; needs no solver."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

FIRED = "where a token stands in a request, and how many there are; exp and nbf; paths before they are normalised"
CLOSED = "the ports of the sidecar's own agent (15020, 15021, 15090)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """A request that a solver found: `principal` without spiffe://, `key` the name of the key that signs its token.

    `clean` tells that it can be sent as it stands: its path is what filters see.
    """

    to: str
    method: str
    path: str
    authority: str
    port: int
    transport: int
    principal: str
    has_token: bool
    key: str
    claims: Mapping[str, Any] = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()
    is_tcp: bool = False
    clean: bool = True


class Word(StrEnum):
    """How a statement came out."""

    PROVED = "proved"
    REFUTED = "refuted"
    OPEN = "not proved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement about one model or tenant: `why` for one that is not proved, `witness` for one that is refuted."""

    environment: str
    subject: str
    what: str
    word: Word
    why: str = ""
    witness: Witness | None = None


def told(statements: Iterable[Statement]) -> Iterator[str]:
    """Yield the statements in words, alike ones of one environment on a line."""
    groups: dict[tuple[str, str, str, str], list[str]] = {}
    for each in statements:
        groups.setdefault((each.environment, str(each.word), each.what, each.why), []).append(each.subject)
    for (environment, word, what, why), subjects in groups.items():
        reason = f": {why}" if why else ""
        yield f"{word} for every request in {environment}: {what} ({', '.join(dict.fromkeys(subjects))}){reason}"
    if groups:
        yield f"formulas do not speak of {FIRED}: of these, cases are fired"
        yield f"no policy speaks of {CLOSED}: NetworkPolicies close them"
