"""The installed command: a wheel, in an environment that knows nothing of this checkout, on a copy of the examples."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SPECS = ("platform.yaml", "tenants", "keys")
TREES = ("base", "overlays", "CODEOWNERS")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel as an installer does, with the pinned build tool that the environment has."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("generator", "schema"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    target = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
         "--disable-pip-version-check", "--wheel-dir", target, source],
        check=True, capture_output=True,
    )  # fmt: skip
    (built,) = target.glob("modelapi_gen-*.whl")
    return built


@pytest.fixture(scope="module")
def gen(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel in a fresh environment; its dependencies are those of this one, gen itself is not."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    place = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", folder / "bin/python", "install", "--no-deps", "--no-index",
         "--disable-pip-version-check", wheel],
        check=True, capture_output=True,
    )  # fmt: skip
    # A path file is read, path files below it are not: the editable install of this checkout stays out.
    (place / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin/gen"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Copy the example repository as it is checked in, specs and trees, without the tool."""
    for name in (*SPECS, *TREES):
        take = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        take(ROOT / name, tmp_path / name)
    return tmp_path


def run(gen: Path, root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    plain = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "GEN_", "VIRTUAL_ENV"))}
    return subprocess.run([gen, *words], cwd=root, capture_output=True, text=True, check=False, env=plain)


def test_the_wheel_carries_the_schemas_and_the_templates_and_no_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    schemas = {f"generator/schema/{path.name}" for path in (ROOT / "schema").glob("*.json")}
    templates = {
        path.relative_to(ROOT).as_posix() for path in (ROOT / "generator/template").rglob("*") if path.is_file()
    }
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "generator").rglob("*.py")}
    assert schemas
    assert templates
    assert schemas | templates | modules <= names
    assert not {name for name in names if name.startswith(("tests/", "bench/", "tenants/"))}


def test_the_installed_command_is_not_this_checkout(gen: Path, tmp_path: Path) -> None:
    python = gen.with_name("python")
    done = subprocess.run(
        [python, "-c", "import generator; print(generator.__file__)"],
        cwd=tmp_path, capture_output=True, text=True, check=True, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert Path(done.stdout.strip()).is_relative_to(gen.parents[1])


def test_the_examples_are_valid_rendered_and_proved(gen: Path, repo: Path) -> None:
    for words, last in ((["validate"], "no problems"), (["render", "--check"], "up to date"), (["verify"], "verified")):
        done = run(gen, repo, *words)
        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith(f"{last}\n")


def test_a_day_of_a_data_scientist(gen: Path, repo: Path) -> None:
    digest = "registry.local/example-model/bentos/lily@sha256:" + "0b" * 32
    made = run(
        gen, repo, "new", "model", "example-model/lily", "--no-input", "--bento", "lily:1.0.0", "--oci", digest,
        "--user", "alice@corp.example",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert run(gen, repo, "validate", "tenants/example-model/lily.yaml").returncode == 0
    assert run(gen, repo, "render", "--check", "--quiet").returncode == 1
    assert run(gen, repo, "render", "--quiet").returncode == 0
    shown = run(gen, repo, "show", "dev", "example-model/lily", "--kind", "AuthorizationPolicy", "--format", "json")
    (policy,) = json.loads(shown.stdout)
    assert "alice@corp.example" in json.dumps(policy)
    assert run(gen, repo, "explain", "model.access").returncode == 0
    (repo / "tenants/example-model/lily.yaml").unlink()
    gone = run(gen, repo, "render", "--quiet")
    assert gone.returncode == 0
    assert run(gen, repo, "render", "--check").returncode == 0
    assert not (repo / "base/example-model/lily").exists()
