"""The first text of a spec, from a cookiecutter template; checked like any other before anybody writes it.

The template is filled in memory: an answer such as ``../..`` must not lead a file anywhere.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from generator.diag import ToolError
from generator.emit import emit
from generator.names import model_spec, tenant_spec

TEMPLATES = Path(__file__).parent / "template"
Answers = Mapping[str, str | Sequence[str]]


def draft(kind: str, answers: Answers) -> tuple[str, str]:
    """Return path and text of a new spec.

    Args:
        kind: ``model`` or ``tenant``: the template.
        answers: What the template asks for (``cookiecutter.json`` has the names); what is not given is empty.

    Raises:
        ToolError: The template cannot be filled in.
    """
    import json  # noqa: PLC0415  # with cookiecutter, only `gen new` needs it

    from cookiecutter.environment import StrictEnvironment  # noqa: PLC0415  # 150 ms
    from jinja2 import TemplateError  # noqa: PLC0415

    folder = TEMPLATES / kind
    try:
        asked = json.loads((folder / "cookiecutter.json").read_text(encoding="utf-8"))
        (template,) = folder.glob("{{*/*.yaml")
        context = {"cookiecutter": {key: answers.get(key, "") for key in asked}}
        environment = StrictEnvironment(context=context, keep_trailing_newline=True)
        environment.filters["yaml"] = spelled
        text = environment.from_string(template.read_text(encoding="utf-8")).render(**context)
    except (TemplateError, OSError, ValueError) as problem:
        raise ToolError(f"the template of a {kind} cannot be filled in: {problem}\n  reinstall modelapi-gen") from None
    tenant = str(answers["tenant"])
    return (tenant_spec(tenant) if kind == "tenant" else model_spec(tenant, str(answers["model"]))), text


def spelled(text: str) -> str:
    """Return a text of one line as every reader of YAML takes it for that text: in quotes unless it is surely plain.

    Raises:
        ValueError: It holds a character that YAML has no place for.
    """
    return emit([text]).removeprefix("- ").removesuffix("\n")
