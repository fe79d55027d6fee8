"""Where a command works: it needs a repository, and says so like any other problem where there is none."""

from pathlib import Path

from generator.names import PLATFORM_SPEC


def must_be_repository(root: Path) -> None:
    """Return if the folder holds a platform.yaml, whatever is in it.

    Raises:
        SpecError: It does not.
    """
    if (root / PLATFORM_SPEC).is_file():
        return
    from datetime import UTC, datetime  # noqa: PLC0415  # only where something is wrong already

    from generator.diag import SpecError  # noqa: PLC0415
    from generator.pipeline import examine  # noqa: PLC0415

    raise SpecError(examine(root, datetime.now(UTC).date(), (PLATFORM_SPEC,))[1])
