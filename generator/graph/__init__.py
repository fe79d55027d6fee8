"""A model as a picture: its callers, its traffic split, its inference graph, what explains, logs and judges it."""

from generator.graph.mermaid import to_mermaid
from generator.graph.picture import Box, Branch, Picture, picture
from generator.graph.svg import to_svg
from generator.graph.text import to_text

__all__ = ["Box", "Branch", "Picture", "picture", "to_mermaid", "to_svg", "to_text"]
