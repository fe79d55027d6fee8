"""Where a command works: the repository it needs, and the names in it that the shell can offer."""

from collections.abc import Iterable
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from generator.names import OVERLAYS, PLATFORM_SPEC, model_spec


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


def root_of(ctx: click.Context) -> Path:
    """Return the repository that a command line which is still being typed works in."""
    from generator.cli import repository  # noqa: PLC0415  # only the shell asks

    return repository(ctx.find_root().params.get("folder"))


def offered(known: Iterable[str], incomplete: str) -> list[CompletionItem]:
    """Return what begins as the word does that is being typed."""
    return [CompletionItem(name) for name in known if name.startswith(incomplete)]


def complete_model(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
    """Return the models that begin so, as tenant/model."""
    root = root_of(ctx)
    found = (f"{path.parent.name}/{path.stem}" for path in root.glob(model_spec("*", "*")))
    return offered(sorted(name for name in found if not name.endswith("/tenant")), incomplete)


def complete_environment(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001
    """Return the rendered environments that begin so, and the hub."""
    return offered(folders_below(root_of(ctx), OVERLAYS), incomplete)


def folders_below(root: Path, folder: str) -> list[str]:
    """Return the names of the folders in a folder of the repository, sorted; none where it is not there."""
    place = root / folder
    return sorted(path.name for path in place.iterdir() if path.is_dir()) if place.is_dir() else []
