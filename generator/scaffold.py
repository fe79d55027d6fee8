"""The first text of a spec, from a cookiecutter template; checked like any other before anybody writes it."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from generator.diag import ToolError
from generator.names import TENANTS

TEMPLATES = Path(__file__).parent / "template"


def draft(kind: str, answers: Mapping[str, str]) -> tuple[str, str]:
    """Return path and text of a new spec.

    Args:
        kind: ``model`` or ``tenant``: the template.
        answers: What the template asks for; its own defaults stand for what is not given.

    Raises:
        ToolError: The template cannot be filled in.
    """
    import json  # noqa: PLC0415  # with cookiecutter, only `gen new` needs it

    from cookiecutter.exceptions import CookiecutterException  # noqa: PLC0415  # 150 ms
    from cookiecutter.generate import generate_files  # noqa: PLC0415

    template = TEMPLATES / kind
    defaults = json.loads((template / "cookiecutter.json").read_text(encoding="utf-8"))
    context = {"cookiecutter": {key: answers.get(key, "") for key in defaults}}
    with TemporaryDirectory() as folder:
        try:
            generate_files(repo_dir=str(template), context=context, output_dir=folder)
        except (CookiecutterException, OSError) as problem:
            raise ToolError(f"the template of a {kind} cannot be filled in: {problem}\n  run gen doctor") from None
        (made,) = [path for path in Path(folder).rglob("*.yaml") if path.is_file()]
        return f"{TENANTS}/{made.relative_to(folder).as_posix()}", made.read_text(encoding="utf-8")
