"""Text of a spec file -> Document: data, and the place of every key and value."""

from generator.diag import Diagnostic
from generator.document import Document, Path, dotted

__all__ = ["Document", "Path", "dotted", "load"]


def load(text: bytes, file: str) -> Document | tuple[Diagnostic, ...]:
    """Return the document that the bytes of ``file`` hold, or everything that keeps it from being read."""
    raise NotImplementedError
