"""What is past its day: grants in model specs, waivers in the platform's."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path as FilePath

from generator.diag import Diagnostic, quoted
from generator.document import Document
from generator.edit import without_items
from generator.rules.specs import Specs

GRANTS, WAIVERS = ("spec", "access"), ("spec", "waivers")


@dataclass(frozen=True, kw_only=True)
class Expired:
    """What has expired: one diagnostic each, and the items to take out by document and list."""

    diagnostics: tuple[Diagnostic, ...]
    items: tuple[tuple[Document, tuple[str, ...], tuple[int, ...]], ...]

    def edited(self, root: FilePath) -> dict[str, str]:
        """Return the new text of every spec that holds something expired, by path; line ends stay what they were."""
        return {
            document.file: without_items((root / document.file).read_bytes().decode(), path, indices)
            for document, path, indices in self.items
        }


def expired(specs: Specs, today: date) -> Expired:
    """Return what is past its `until` on that day; the day itself still counts as before it.

    Args:
        specs: Specs that have passed every rule: each day in them is one.
        today: The day to judge by.
    """
    lists = [(model.document, GRANTS, "grant") for model in specs.models]
    if specs.platform is not None:
        lists.append((specs.platform.document, WAIVERS, "waiver"))
    found = [(document, path, noun, tuple(_past(document, path, today))) for document, path, noun in lists]
    return Expired(
        diagnostics=tuple(
            _diagnostic(document, (*path, index), noun) for document, path, noun, indices in found for index in indices
        ),
        items=tuple((document, path, indices) for document, path, _, indices in found if indices),
    )


def _past(document: Document, path: tuple[str, str], today: date) -> Iterator[int]:
    section, key = path
    for index, item in enumerate(document.data[section].get(key, ())):
        if "until" in item and date.fromisoformat(item["until"]) < today:
            yield index


def _diagnostic(document: Document, path: tuple[str | int, ...], noun: str) -> Diagnostic:
    item = document.data
    for part in path:
        item = item[part]  # type: ignore[index]  # keys of mappings and indices of lists in turn
    reason = f", {quoted(item['reason'])}" if item.get("reason") else ""
    return Diagnostic(
        document.value_mark((*path, "until")),
        f"expired-{noun}",
        f"this {noun} ended on {item['until']}{reason}",
        "run gen expire to take it out, or give it a later day",
    )
