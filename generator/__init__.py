"""modelapi-gen: secure machine-learning APIs from one short spec file."""

__version__ = "0.1.0"
