"""What holds for all specs: the same bytes in whatever order, no tenant in another's files, and no surprise."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from golden_cases import EVERYWHERE, REPOSITORY, TODAY, each_case, everywhere, made, specs
from hypothesis import example, given, settings
from hypothesis import strategies as st

from generator import kustomize, tree, write
from generator.diag import SpecError
from generator.names import OWNED
from generator.pipeline import generate
from generator.verify import verify

Files = dict[str, str]
RANDOM = st.integers(0, 2**32).map(Random)  # noqa: S311  # a choice of mutations, not a secret
CASES = st.sampled_from([case for case in EVERYWHERE if case != REPOSITORY])
TENANTS = "two-tenants"
HOSTILE = (
    "..", ".", "../..", "../../etc", "/etc/passwd", "a/b", "a\\b", "~", "-", "", " ", "a b", "a\x00b", "a\nb",
    "a\u202eb", "\u00c4", "%2e%2e", "CON", "argocd", "platform", "base", "overlays", "kustomization.yaml", "x" * 300,
    "*", "{0}", "{tenant}", "a.b", ".git", "default", "null", "~/x", "$HOME", "`id`", "# a", "&a", "*a", "!!x",
)  # fmt: skip
STRANGE = (
    None, True, 0, -1, 10**20, 1.5, float("inf"), "", "..", "dev", "main", "bento", "\u202e", "a\x1bb", "x" * 70,
    [], {}, [[]], [None], ["prod"], {"a": None}, {"min": 3, "max": 1}, {"dev": {}}, "2030-02-30", "registry.local/a:b",
)  # fmt: skip
# What people do write: (section of the spec, what it says then).
MODEL_EDITS: tuple[tuple[str, Any], ...] = (
    ("runtime", {"cpu": "2", "memory": "4Gi", "workers": 2}),
    ("runtime", {"replicas": {"min": 2, "max": 5}, "env": {"LOG_LEVEL": "debug"}}),
    ("access", [{"users": ["zoe@corp.example"], "groups": ["night"]}]),
    ("access", [{"workloads": ["shop/rank"], "in": ["dev"]}]),
    ("environments", {"prod": {"runtime": {"cpu": "4"}}}),
    ("predictors", {"main": {"traffic": 70}, "next": {"traffic": 30, "runtime": {"memory": "3Gi"}}}),
    ("api", {"routes": {"predict": ["/score"]}}),
    ("run", {"image": f"registry.local/risk/fraud@sha256:{'cd' * 32}"}),
    ("data", "restricted"),
)
TENANT_EDITS: tuple[tuple[str, Any], ...] = (
    ("quota", {"cpu": "80", "memory": "320Gi"}),
    ("rbac", {"view": ["everybody"]}),
    ("podSecurity", "baseline"),
    ("egress", [{"host": "other.corp.example", "port": 8443, "cidrs": ["10.30.0.0/24"]}, {"model": "shop/rank"}]),
    ("hosts", {"dev": "risk.lab.corp.example"}),
    ("applications", "tenant"),
    ("reviewers", {"default": "@corp/others"}),
    ("environments", ["dev"]),
    ("contact", "others@corp.example"),
)
SNIPPETS = (
    "&a ", "*a", "!!binary ", "<<: ", "? ", "- ", "\t", "\x00", "\ufeff", "'", '"', "{", "]", ": ", "#", "\r",
    "---\n", "\u00e9",
)  # fmt: skip


def texts(case: str) -> Files:
    """Return every file that a case is made from."""
    root = specs(case)
    found = [root / "platform.yaml", *sorted((root / "tenants").rglob("*")), *sorted((root / "keys").rglob("*"))]
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in found if path.is_file()}


class _Dumper(yaml.SafeDumper):
    """Quote every text, as specs must where a reader might take it for something else."""


_Dumper.ignore_aliases = lambda *_: True  # type: ignore[method-assign]
_Dumper.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))


def dump(data: Any) -> str:
    """Return a spec as text."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=200)


@contextmanager
def repository(files: Mapping[str, str]) -> Iterator[Path]:
    """Write files into a folder of their own, in the order in which they are given."""
    with TemporaryDirectory(prefix="gen-") as folder:
        root = Path(folder)
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8", newline="")
        yield root


def render(files: Mapping[str, str]) -> Files:
    """Return what gen makes of specs.

    Raises:
        SpecError: It makes nothing of them.
    """
    with repository(files) as root:
        return dict(generate(root, TODAY).files)


# ---- the order of things, and the time of day


@given(case=CASES, random=RANDOM)
@settings(max_examples=25, deadline=None)
def test_the_order_of_files_and_keys_changes_no_byte(case: str, random: Random) -> None:
    files = list(texts(case).items())
    random.shuffle(files)
    shuffled = {path: _shuffled(text, random) if path.endswith(".yaml") else text for path, text in files}
    assert render(shuffled) == made(case).files


@pytest.mark.parametrize("seed", ["0", "1", "4242"])
def test_the_seed_of_pythons_hashes_changes_no_byte(seed: str) -> None:
    code = (
        "import hashlib, sys; from datetime import date; from pathlib import Path\n"
        "from generator.pipeline import generate\n"
        "files = generate(Path(sys.argv[1]), date(2026, 11, 1)).files\n"
        "print(hashlib.sha256(repr(list(files.items())).encode()).hexdigest())"
    )
    sums = [
        subprocess.run(
            [sys.executable, "-c", code, specs("access")],
            env={**os.environ, "PYTHONHASHSEED": given_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for given_seed in ("12", seed)
    ]
    assert sums[0] == sums[1]


def test_the_day_changes_no_byte() -> None:
    later = TODAY.replace(year=2040)
    assert generate(specs("access"), later).files == made("access").files


@everywhere
def test_a_second_render_has_nothing_to_do(case: str, tmp_path: Path) -> None:
    files = made(case).files
    write.apply(tree.plan(files, tmp_path, OWNED), tmp_path)
    stamps = {path: (tmp_path / path).stat().st_mtime_ns for path in files}
    again = tree.plan(files, tmp_path, OWNED)
    write.apply(again, tmp_path)
    assert again.is_clean
    assert {path: (tmp_path / path).stat().st_mtime_ns for path in files} == stamps


def _shuffled(text: str, random: Random) -> str:
    return dump(_reordered(yaml.safe_load(text), random))


def _reordered(value: Any, random: Random) -> Any:
    if isinstance(value, dict):
        items = list(value.items())
        random.shuffle(items)
        return {key: _reordered(inner, random) for key, inner in items}
    return [_reordered(inner, random) for inner in value] if isinstance(value, list) else value


# ---- whose files


@given(random=RANDOM)
@settings(max_examples=60, deadline=None)
def test_what_one_tenant_writes_changes_no_file_of_another(random: Random) -> None:
    changed = _differences(_edited(TENANTS, "tenants/risk/", random))
    assert [path for path in changed if "shop" in path.split("/")] == []
    assert [path for path in changed if not _of(path, "risk") and not _shared(path)] == []


@given(random=RANDOM)
@settings(max_examples=60, deadline=None)
def test_what_a_model_says_changes_files_of_its_tenant_only(random: Random) -> None:
    changed = _differences(_edited(TENANTS, "tenants/risk/fraud.yaml", random))
    assert [path for path in changed if not _of(path, "risk")] == []


def test_a_new_tenant_changes_no_file_of_another() -> None:
    files = texts(TENANTS)
    new = {path.replace("/shop/", "/shop-two/"): text for path, text in files.items() if "/shop/" in path}
    new = {
        path: text.replace("name: shop", "name: shop-two").replace("/shop/", "/shop-two/") for path, text in new.items()
    }
    changed = _differences({**files, **new})
    assert [path for path in changed if not _of(path, "shop-two") and not _shared(path)] == []
    assert [path for path in changed if path.startswith("base/")] == [
        path for path in changed if path.startswith("base/shop-two/")
    ]


def _differences(files: Files) -> list[str]:
    try:
        after = render(files)
    except SpecError:
        return []
    before = made(TENANTS).files
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def _edited(case: str, prefix: str, random: Random) -> Files:
    """Change one file: two times in three to what people write, else to anything."""
    files = texts(case)
    path = random.choice([path for path in files if path.startswith(prefix)])
    if random.randrange(3) == 0:
        return {**files, path: _mutated(files[path], random)}
    data = yaml.safe_load(files[path])
    data["spec"] |= dict(random.sample(TENANT_EDITS if path.endswith("/tenant.yaml") else MODEL_EDITS, 2))
    return {**files, path: dump(data)}


def _of(path: str, tenant: str) -> bool:
    return path.startswith(f"base/{tenant}/") or path.split("/")[:1] + path.split("/")[2:3] == ["overlays", tenant]


def _shared(path: str) -> bool:
    """Tell what the platform makes of all tenants together: hosts at the gateway, delivery, owners."""
    parts = path.split("/")
    return path == "CODEOWNERS" or parts[:2] == ["overlays", "argocd"] or parts[2:3] == ["platform"]


# ---- what the real Kustomize makes of it

# What an environment may say of a model: each is another shape of patch.
PATCHES: tuple[dict[str, Any], ...] = (
    {"runtime": {"replicas": {"min": 2, "max": 2}}},
    {"runtime": {"replicas": {"min": 1, "max": 1}, "env": {"LOG_LEVEL": None, "NEW": "1"}}},
    {"runtime": {"env": {"A_B": "yes", "N": "0777", "T": "12:30", "E": ""}}},
    {"runtime": {"volumes": {"cache": None, "more": {"path": "/more", "empty": "2Gi"}}}},
    {"runtime": {"placement": {"nodeSelector": {"a/b": "c"}, "tolerations": None}}},
    {"runtime": {"secrets": {"OTHER": {"secret": "other", "key": "k"}}}},
    {"predictors": {"canary": None, "main": {"traffic": 100}}},
    {"predictors": {"main": {"traffic": 50}, "canary": {"traffic": 30}, "third": {"traffic": 20}}},
    {"predictors": {"canary": {"shadow": True, "traffic": None}, "main": {"traffic": 100}}},
    {"run": {"image": f"registry.local/risk/other@sha256:{'ef' * 32}", "port": 5000, "probes": {"live": "/l"}}},
    {"api": {"routes": {"predict": ["/score"]}}},
    {},
)


@given(random=RANDOM)
@settings(max_examples=8, deadline=None)
def test_whatever_environments_change_kustomize_prints_what_was_resolved(random: Random) -> None:
    with repository(_patched(random)) as root:
        try:
            here = generate(root, TODAY)
        except SpecError:
            return
        write.apply(tree.plan(here.files, root, OWNED), root)
        report = verify(root, here, tool=kustomize.find())
    assert [found for found in report.diagnostics if found.rule != "quota-too-small"] == []


def _patched(random: Random) -> Files:
    """Return a case in which each environment patches the model in two ways."""
    files = {path: yaml.safe_load(text) for path, text in texts("canary").items() if path.endswith(".yaml")}
    files["platform.yaml"]["spec"]["environments"]["prod"].pop("require")
    environments = files["tenants/risk/fraud.yaml"]["spec"]["environments"]
    for name in environments:
        first, second = (deepcopy(patch) for patch in random.sample(PATCHES, 2))
        environments[name] = {**first, **second, "runtime": {**first.get("runtime", {}), **second.get("runtime", {})}}
    return {**texts("canary"), **{path: dump(data) for path, data in files.items()}}


# ---- no surprise


@given(case=CASES, random=RANDOM)
@settings(max_examples=150, deadline=None)
def test_any_change_of_a_valid_spec_gives_trees_or_words_that_point_into_the_file(case: str, random: Random) -> None:
    files = texts(case)
    path = random.choice([path for path in files if path.endswith(".yaml")])
    broken = {**files, path: _mutated(files[path], random) if random.random() < 0.6 else _torn(files[path], random)}
    _judge(broken)


@given(position=st.integers(0, 5), name=st.sampled_from(HOSTILE) | st.text(max_size=12))
@settings(max_examples=150, deadline=None)
@example(position=0, name="..")
@example(position=1, name="../shop")
@example(position=2, name="../../../x")
@example(position=3, name="..")
@example(position=4, name="../x")
@example(position=5, name="..")
def test_no_name_leads_out_of_where_gen_writes(position: int, name: str) -> None:
    files = {path: yaml.safe_load(text) for path, text in texts(TENANTS).items() if path.endswith(".yaml")}
    platform, tenant, model = files["platform.yaml"], files["tenants/shop/tenant.yaml"], files["tenants/shop/rank.yaml"]
    match position:
        case 0:
            tenant["metadata"]["name"] = name
        case 1:
            model["metadata"]["name"] = name
        case 2:
            platform["spec"]["environments"][name] = deepcopy(platform["spec"]["environments"]["prod"])
            tenant["spec"]["environments"] = ["dev", name]
        case 3:
            model["spec"]["predictors"] = {name: {"traffic": 100}}
        case 4:
            tenant["spec"]["egress"] = [{"host": name}]
        case _:
            model["spec"]["detectors"] = {name: {"run": {"image": f"registry.local/shop/a@sha256:{'ab' * 32}"}}}
    dumped = {path: dump(data) for path, data in files.items()}
    _judge({**texts(TENANTS), **dumped})


@each_case
def test_a_spec_in_another_folder_than_its_name_says_is_refused(case: str) -> None:
    files = texts(case)
    moved = {path.replace("tenants/", "tenants/x-", 1): text for path, text in files.items()}
    with pytest.raises(SpecError):
        render(moved)


def _judge(files: Files) -> None:
    """Hold what comes out to where gen writes, what is said to the files that there are."""
    try:
        made_of_it = render(files)
    except SpecError as refused:
        said = refused.diagnostics
    else:
        _stays_inside(made_of_it)
        return
    assert said
    for found in said:
        assert found.what
        assert found.todo
        _points_into(files, found.mark.file, found.mark.line, found.mark.column)


def _stays_inside(made_of_it: Files) -> None:
    with TemporaryDirectory(prefix="gen-") as folder:
        root = Path(folder)
        plan = tree.plan(made_of_it, root, OWNED)
        write.apply(plan, root)
        assert {path.name for path in root.iterdir()} <= {"base", "overlays", "CODEOWNERS", ".gen"}
        for path in made_of_it:
            assert (root / path).resolve().is_relative_to(root.resolve())
            assert ".." not in path.split("/")


def _points_into(files: Files, path: str, line: int, column: int) -> None:
    folders = {parent.as_posix() for one in files for parent in Path(one).parents}
    assert path in files or path in folders, path
    lines = files.get(path, "").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert 1 <= line <= len(lines)
    assert 1 <= column <= len(lines[line - 1]) + 1


def _mutated(text: str, random: Random) -> str:
    """Return the spec with one thing taken out, replaced, or put in."""
    data = yaml.safe_load(text)
    holder, key = random.choice([place for place in _places(data) if place[1] not in {"apiVersion", "kind"}])
    choice = random.randrange(3)
    if choice == 0:
        del holder[key]
    elif choice == 1:
        holder[key] = deepcopy(random.choice(STRANGE))
    elif isinstance(holder, dict):
        holder[random.choice(HOSTILE)] = deepcopy(random.choice((holder[key], *STRANGE)))
    else:
        holder.append(deepcopy(random.choice((holder[key], *STRANGE))))
    return dump(data)


def _places(value: Any) -> list[tuple[Any, Any]]:
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [place for key in keys for place in ((value, key), *_places(value[key]))]


def _torn(text: str, random: Random) -> str:
    """Return the text with a few characters too many or too few."""
    for _ in range(random.randint(1, 3)):
        start = random.randrange(len(text) + 1)
        match random.randrange(3):
            case 0:
                text = text[:start] + text[start + random.randint(1, 40) :]
            case 1:
                text = text[:start] + random.choice(SNIPPETS) + text[start:]
            case _:
                end = min(len(text), start + random.randint(1, 60))
                text = text[:end] + text[start:end] + text[end:]
    return text
