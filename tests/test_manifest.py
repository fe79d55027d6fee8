"""What is remembered of the last render changes how long the next one takes, and nothing else."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from command import environment
from golden_cases import GOLDEN, TODAY
from hypothesis import given, settings
from hypothesis import strategies as st

from generator import manifest, tree
from generator.diag import SpecError
from generator.names import OWNED
from generator.pipeline import generate
from generator.refresh import Refreshed, refresh

FOREIGN = "gen did not write this file: its first line is not gen's header"
BASE = "base/risk/fraud/seldondeployment-fraud.yaml"
WALL = "overlays/prod/shop/namespace/namespace-shop.yaml"
SETTING = "overlays/dev/platform/configmap-modelapi-mesh.yaml"
FRAUD, RANK = "tenants/risk/fraud.yaml", "tenants/shop/rank.yaml"
PLACES = (BASE, WALL, SETTING, "CODEOWNERS", "overlays/argocd/kustomization.yaml", "base/shop/rank/kustomization.yaml")


def specs_of(case: str, root: Path) -> None:
    for name in ("platform.yaml", "keys", "tenants"):
        source = GOLDEN / case / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, root / name)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Make two tenants with their trees, as a first render leaves them."""
    specs_of("two-tenants", tmp_path)
    refresh(tmp_path, TODAY)
    assert manifest.load(tmp_path)
    return tmp_path


def on_disk(root: Path) -> dict[str, str]:
    return tree.read(root, OWNED)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def flip(path: Path) -> None:
    """Change a byte and nothing that a look at size and mtime would show."""
    said, text = path.stat(), path.read_bytes()
    path.write_bytes(text[:-2] + bytes([text[-2] ^ 1]) + text[-1:])
    os.utime(path, ns=(said.st_atime_ns, said.st_mtime_ns))


def works(root: Path) -> bool:
    """Tell whether the next run does more than look."""
    code = (
        "import sys; from datetime import date; from pathlib import Path; from generator.refresh import refresh;"
        "refresh(Path(sys.argv[1]), date(2026, 11, 1)); print('generator.rendering' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, root], env=environment(), capture_output=True, text=True, check=True
    )
    return run.stdout == "True\n"


def test_a_run_that_has_nothing_to_do_only_looks(repo: Path) -> None:
    before = {path: path.lstat().st_ctime_ns for path in repo.rglob("*")}
    assert not works(repo)
    assert {path: path.lstat().st_ctime_ns for path in repo.rglob("*")} == before
    assert refresh(repo, TODAY) == Refreshed(same=len(on_disk(repo)), notices=generate(repo, TODAY).notices)


def test_after_a_change_the_run_after_the_next_only_looks_again(repo: Path) -> None:
    edit(repo / FRAUD, "analysts", "managers")
    assert works(repo)
    assert not works(repo)
    flip(repo / WALL)
    assert works(repo)
    assert not works(repo)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("change", [flip, Path.unlink])
def test_a_generated_file_that_is_not_as_it_was_left_is_made_anew(
    repo: Path, place: str, change: Callable[[Path], None]
) -> None:
    before = on_disk(repo)
    change(repo / place)
    done = refresh(repo, TODAY)
    assert [*done.created, *done.updated] == [place]
    assert on_disk(repo) == before
    assert not works(repo)


@pytest.mark.parametrize("folder", ["base", "base/risk/fraud", "overlays/prod/shop", "overlays/dev/platform", "base/x"])
def test_a_file_of_a_person_in_a_generated_folder_is_named(repo: Path, folder: str) -> None:
    (repo / folder).mkdir(exist_ok=True)
    (repo / folder / "notes.txt").write_text("mine\n")
    with pytest.raises(SpecError, match=FOREIGN):
        refresh(repo, TODAY)


def test_a_folder_that_became_a_link_is_named(repo: Path) -> None:
    (repo / "overlays/prod/shop").rename(repo / "elsewhere")
    (repo / "overlays/prod/shop").symlink_to(repo / "elsewhere")
    with pytest.raises(SpecError, match="symbolic link"):
        refresh(repo, TODAY)


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (FRAUD, "analysts", "managers"),
        ("tenants/risk/tenant.yaml", "auditors", "auditor2"),
        ("platform.yaml", "@corp/ml-platform", "@corp/ml-platfrom"),
        ("keys/corp.json", '"kid"', '"x5t":"a","kid"'),
    ],
)
def test_a_changed_letter_of_anything_that_people_write_is_rendered(repo: Path, path: str, old: str, new: str) -> None:
    edit(repo / path, old, new)
    assert refresh(repo, TODAY).updated
    assert on_disk(repo) == generate(repo, TODAY).files


def test_models_that_come_and_go_are_rendered(repo: Path) -> None:
    text = (repo / RANK).read_text()
    (repo / "tenants/shop/sort.yaml").write_text(text.replace("rank", "sort"))
    assert "base/shop/sort/kustomization.yaml" in refresh(repo, TODAY).created
    (repo / "tenants/shop/sort.yaml").unlink()
    assert "base/shop/sort/kustomization.yaml" in refresh(repo, TODAY).deleted
    assert on_disk(repo) == generate(repo, TODAY).files


def test_a_model_that_is_no_longer_deployed_somewhere_changes_the_platform_too(repo: Path) -> None:
    edit(repo / "platform.yaml", "{after: dev,", "{after: dev, require: {pins: true},")
    pins = 'pins: {main: "registry.local/risk/fraud:2.4.1@sha256:' + "0c" * 32 + '"}'
    (repo / FRAUD).write_text((repo / FRAUD).read_text() + f"  environments: {{prod: {{{pins}}}}}\n")
    refresh(repo, TODAY)
    assert "overlays/argocd/application-risk-prod-fraud.yaml" in on_disk(repo)
    edit(repo / FRAUD, f"{{prod: {{{pins}}}}}", "{}")
    assert "overlays/argocd/application-risk-prod-fraud.yaml" in refresh(repo, TODAY).deleted
    assert on_disk(repo) == generate(repo, TODAY).files


def test_a_problem_that_a_change_brings_is_told_as_if_all_were_read(repo: Path) -> None:
    edit(repo / "tenants/risk/limits.yaml", "checkout", "CHECKOUT")
    edit(repo / FRAUD, "groups: [analysts]", "callers: [anlysts]")
    before = on_disk(repo)
    with pytest.raises(SpecError) as told:
        refresh(repo, TODAY)
    with pytest.raises(SpecError) as want:
        generate(repo, TODAY)
    assert told.value.diagnostics == want.value.diagnostics
    assert on_disk(repo) == before


def test_what_there_is_to_notice_is_said_by_every_run(repo: Path) -> None:
    edit(repo / FRAUD, "{groups: [analysts]}", '{groups: [analysts], until: "2026-11-01"}')
    assert not refresh(repo, TODAY).notices
    after = date(2026, 11, 2)
    (notice,) = refresh(repo, after).notices
    assert notice.rule == "expired-grant"
    assert refresh(repo, after).notices == (notice,)
    edit(repo / RANK, "max: 9", "max: 8")
    assert refresh(repo, after).notices == (notice,)
    assert not refresh(repo, TODAY).notices


def test_another_gen_believes_nothing_of_it(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    for name in ("generator", "schema"):
        shutil.copytree(Path(__file__).parents[1] / name, other / name, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "generator", "-C", repo, "render", "-q"]
    keys = []
    for _ in range(2):
        subprocess.run(command, cwd=other, env=environment(PYTHONPATH=str(other)), capture_output=True, check=True)
        keys.append(json.loads((repo / ".gen/manifest").read_bytes())["inputs"]["key"])
        with (other / "schema/model.schema.json").open("a") as file:
            file.write("\n")
    assert keys[0] != keys[1]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"form": 1}', '{"form": 0}', '{"form": 1, "inputs": {"key": 1}, "keys": 2}']
)
def test_a_manifest_that_cannot_be_read_is_as_good_as_none(repo: Path, text: str) -> None:
    (repo / ".gen/manifest").write_text(text)
    flip(repo / WALL)
    assert refresh(repo, TODAY).updated == (WALL,)
    assert manifest.load(repo)


def test_a_manifest_that_somebody_commits_vouches_for_nothing_in_a_clone(repo: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    shutil.copytree(repo, clone, ignore=shutil.ignore_patterns("clone"))  # copies times and sizes, as nothing else can
    flip(clone / WALL)
    assert refresh(clone, TODAY).updated == (WALL,)


def test_a_file_that_changes_behind_a_run_is_not_vouched_for(repo: Path) -> None:
    mark = manifest.clock(repo)
    before = manifest.look(repo, {"risk": 0, "shop": 0}, mark)
    assert [look.new for look in before.values()] == [0, 0]
    flip(repo / BASE)
    after = manifest.look(repo, {"risk": 0, "shop": 0}, mark)
    assert [look.new for look in after.values()] == [1, 0]
    assert after["shop"] == before["shop"]


def test_the_clock_goes_on(tmp_path: Path) -> None:
    (tmp_path / ".gen").mkdir()
    now = manifest.clock(tmp_path)
    assert manifest.clock(tmp_path, after=now) > now > 0


def test_without_a_clock_nothing_is_vouched_for(tmp_path: Path) -> None:
    assert manifest.clock(tmp_path) == 0


# properties

CHANGES: tuple[tuple[str, str, str], ...] = (
    (FRAUD, "analysts", "managers"),
    (FRAUD, "managers", "analysts"),
    (FRAUD, "2.4.1", "2.4.2"),
    (FRAUD, "  access:", "  acess:"),
    (FRAUD, "  acess:", "  access:"),
    (FRAUD, "groups: [", "callers: ["),
    (FRAUD, "callers: [", "groups: ["),
    (FRAUD, "[{groups: [analysts]}]", '[{groups: [analysts], until: "2026-01-31"}]'),
    (RANK, "min: 3", "min: 4"),
    (RANK, "max: 9", "max: 2"),
    (RANK, "max: 2", "max: 9"),
    (RANK, "risk/limits", "risk/fraud"),
    ("tenants/risk/limits.yaml", "checkout", "Checkout"),
    ("tenants/risk/tenant.yaml", "hosts: {prod: risk.corp.example}", "hosts: {prod: shop.ml.corp.example}"),
    ("tenants/risk/tenant.yaml", "hosts: {prod: shop.ml.corp.example}", "hosts: {prod: risk.corp.example}"),
    ("tenants/risk/tenant.yaml", "applications: model", "applications: tenant"),
    ("tenants/shop/tenant.yaml", "[dev, prod]", "[dev]"),
    ("tenants/shop/tenant.yaml", "[dev]", "[dev, prod]"),
    ("platform.yaml", "{after: dev,", "{after: dev, require: {replicas: 2},"),
    ("platform.yaml", "{after: dev, require: {replicas: 2},", "{after: dev,"),
    ("platform.yaml", "{after: dev,", "{after: dev, forbid: [anyAuthenticated],"),
)


def change_text(number: int) -> Callable[[Path], object]:
    path, old, new = CHANGES[number % len(CHANGES)]
    return lambda root: (root / path).exists() and (root / path).write_text((root / path).read_text().replace(old, new))


def change_output(number: int) -> Callable[[Path], object]:
    ways: tuple[Callable[[Path], object], ...] = (
        flip,
        Path.unlink,
        lambda path: path.write_text(path.read_text() + "more: true\n"),
        lambda path: path.with_name("mine.yaml").write_text("mine: true\n"),
        lambda path: path.with_name("left.yaml").write_text(path.read_text()),
        lambda path: path.chmod(0o600),
        lambda path: shutil.rmtree(path.parent),
        lambda path: path.touch(),
    )
    place, way = PLACES[number % len(PLACES)], ways[number // len(PLACES) % len(ways)]
    return lambda root: (root / place).is_file() and "/" in place and way(root / place)


def move_spec(number: int) -> Callable[[Path], object]:
    ways: tuple[Callable[[Path], object], ...] = (
        lambda root: (root / FRAUD).unlink(missing_ok=True),
        lambda root: shutil.copy(GOLDEN / "two-tenants" / FRAUD, root / FRAUD),
        lambda root: shutil.copy(GOLDEN / "two-tenants" / "tenants/shop/rank.yaml", root / "tenants/risk/rank.yaml"),
        lambda root: (root / "tenants/risk/notes.txt").write_text("mine\n"),
        lambda root: (root / "tenants/risk/notes.txt").unlink(missing_ok=True),
    )
    return ways[number % len(ways)]


EDITS = st.one_of(
    st.integers(0, len(CHANGES) - 1).map(change_text),
    st.integers(0, len(PLACES) * 8 - 1).map(change_output),
    st.integers(0, 4).map(move_spec),
)


def outcome(root: Path) -> object:
    try:
        return refresh(root, TODAY)
    except SpecError as problem:
        return problem.diagnostics


@settings(max_examples=12, deadline=None)
@given(st.lists(st.lists(EDITS, max_size=3), min_size=1, max_size=4))
def test_whatever_people_do_a_run_that_remembers_says_and_leaves_what_one_that_does_not(
    rounds: list[list[Callable[[Path], object]]],
) -> None:
    with TemporaryDirectory() as folder:
        remembers, forgets = Path(folder) / "remembers", Path(folder) / "forgets"
        for root in (remembers, forgets):
            root.mkdir()
            specs_of("two-tenants", root)
        for edits in ([], *rounds):
            for change in edits:
                change(remembers)
                change(forgets)
            (forgets / ".gen/manifest").unlink(missing_ok=True)
            assert outcome(remembers) == outcome(forgets)
            assert snapshot(remembers) == snapshot(forgets)


def snapshot(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for top in ("base", "overlays", "CODEOWNERS")
        for path in ((root / top).rglob("*") if (root / top).is_dir() else [root / top])
        if path.is_file()
    }
