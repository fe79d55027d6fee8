"""The shape of the house: imports go one way, each module is small, and only a few touch the world outside."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "generator"
MODULES = sorted(PACKAGE.rglob("*.py"))

# From the bottom up: a module imports from its own line or from lines above it. Packages count as one.
LAYERS = (
    ("generator",),
    ("diag", "names", "tenancy", "model", "patch"),
    ("document", "scalars", "syntax", "emit"),
    ("load", "schemas"),
    ("parallel",),
    ("failure", "wording", "key_messages", "value_messages", "messages"),
    ("check",),
    ("seldon",),
    ("rules",),
    ("resolve",),
    ("build",),
    ("foresee", "graph"),
    ("survey",),
    ("factor", "tree"),
    ("layout", "sources", "explanations", "explain"),
    ("examine",),
    ("pipeline",),
    ("kustomize", "git", "journal", "edit", "scaffold"),
    ("manifest",),
    ("rendering",),
    ("write", "expiry", "doctor", "pinning"),
    ("refresh",),
    ("verify", "cluster"),
    ("access",),
    ("importing",),
    ("audit",),
    ("cli",),
    ("__main__",),
)
WRITERS = {"write", "journal", "manifest", "scaffold", "access.harness", "access.signing", "audit.prove_keep"}
RUNNERS = {"kustomize", "cluster", "git", "access.harness"}
WRITING = {"write_text", "write_bytes", "mkdir", "rmdir", "unlink", "rename", "replace", "symlink_to", "touch"}


def dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts) or "generator"


def level(module: str) -> int:
    top = module.split(".", maxsplit=1)[0]
    (found,) = [index for index, layer in enumerate(LAYERS) if top in layer] or [None]
    assert found is not None, f"{module} has no place in LAYERS: say where it belongs"
    return found


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield what a module imports of this package, as dotted names below it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "generator":
            rest = node.module.split(".")[1:]
            if rest:
                yield ".".join(rest)
            else:
                yield from (alias.name if (PACKAGE / f"{alias.name}.py").exists() or (PACKAGE / alias.name).is_dir()
                            else "generator" for alias in node.names)  # fmt: skip


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_a_module_imports_only_what_lies_below_it(path: Path) -> None:
    module = dotted(path)
    for other in imports(ast.parse(path.read_text())):
        assert level(other) <= level(module), f"{module} imports {other}, which lies above it"


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_a_module_holds_one_idea_and_a_function_fits_on_a_screen(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            first = node.body[0].end_lineno if ast.get_docstring(node) else node.lineno
            assert (node.end_lineno or 0) - (first or 0) <= 40, f"{node.name} is too long"


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_click_stands_only_in_the_command_line(path: Path) -> None:
    names = {
        n.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Import) for n in node.names
    }
    assert "click" not in names or dotted(path).startswith("cli")


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_only_a_few_modules_run_programs_or_change_the_disk(path: Path) -> None:
    module, tree = dotted(path), ast.parse(path.read_text())
    imported = {n.name for node in ast.walk(tree) if isinstance(node, ast.Import) for n in node.names}
    assert "subprocess" not in imported or module in RUNNERS
    called = {
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not _is_text(node)
    }
    assert not (called & WRITING) or module in WRITERS, f"{module} calls {called & WRITING}"


def _is_text(call: ast.Call) -> bool:
    """Say whether a call is ``str.replace`` or ``dataclasses.replace``: two arguments, or a keyword."""
    assert isinstance(call.func, ast.Attribute)
    return call.func.attr == "replace" and (len(call.args) > 1 or bool(call.keywords))
