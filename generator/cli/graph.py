"""gen graph: a model as a picture."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator.cli.place import complete_model
from generator.cli.report import echo, report
from generator.names import model_spec

if TYPE_CHECKING:
    from generator.graph import Picture
    from generator.rules.specs import Specs


@click.command("graph", short_help="Draw a model: callers, traffic split, inference graph, log.")
@click.argument("model", metavar="TENANT/MODEL", shell_complete=complete_model)
@click.option("--environment", metavar="ENV", help="As it is there; default: the tenant's last environment.")
@click.option("--format", "form", type=click.Choice(("text", "mermaid", "svg")), default="text", show_default=True)
@click.pass_obj
def command(root: Path, model: str, *, environment: str | None, form: str) -> int:
    """Draw what serves a model and who calls it, as text for the terminal, Mermaid for pull requests or SVG for pages.

    Dotted lines lead to what no answer depends on: shadows, explainers, logs, detectors.

    \b
      gen graph payments/fraud
      gen graph payments/fraud --environment dev --format mermaid
      gen graph payments/fraud --format svg > fraud.svg
    """  # noqa: D301
    from generator import graph  # noqa: PLC0415  # not needed for --help
    from generator.diag import errors  # noqa: PLC0415
    from generator.pipeline import examine  # noqa: PLC0415

    tenant, _, name = model.partition("/")
    path = model_spec(tenant, name)
    if not name or not (root / path).is_file():
        raise click.UsageError(f'there is no model "{model}"\n  write one as <tenant>/<model>, such as payments/fraud')
    specs, diagnostics = examine(root, datetime.now(UTC).date(), (path,))
    if errors(diagnostics):
        report(diagnostics)
        return 1
    draw = {"text": graph.to_text, "mermaid": graph.to_mermaid, "svg": graph.to_svg}[form]
    echo(draw(_picture(specs, path, environment)), nl=False)
    return 0


def _picture(specs: "Specs", path: str, environment: str | None) -> "Picture":
    """Return the picture of the model at a path.

    Raises:
        click.BadParameter: The tenant has no such environment.
    """
    from generator import graph, resolve  # noqa: PLC0415
    from generator.pipeline import platform_of  # noqa: PLC0415

    found = next(one for one in specs.models if one.document.file == path)
    platform = platform_of(specs)
    tenant = resolve.tenant(found.tenant.document.data, platform)
    where = environment or tenant.environments[-1]
    if where not in tenant.environments:
        text = f'{tenant.name} has no environment "{where}"\n  one of: {", ".join(tenant.environments)}'
        raise click.BadParameter(text, param_hint="--environment")
    return graph.picture(resolve.model(found.document.data, resolve.place(platform, tenant, where)))
