"""gen's Kustomize is the real one: found where it was installed, new enough, and never quiet about a warning."""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from generator import kustomize
from generator.diag import ToolError
from generator.emit import emit

CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"answer": "no"}}


def fill(root: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def overlay(**fields: object) -> str:
    return emit({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", **fields})


def program(folder: Path, name: str, script: str) -> str:
    """Make an executable that answers as another release of the real program does."""
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    file.chmod(0o755)
    return str(file)


def told(problem: pytest.ExceptionInfo[ToolError]) -> str:
    return str(problem.value)


def test_the_bundled_kubectl_is_the_one_installed_with_gen_wherever_path_leads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "kubectl", "echo 'Kustomize Version: v9.9.9'")
    monkeypatch.setenv("PATH", str(tmp_path))
    found = kustomize.find(environ={})
    assert found.path == Path(sys.executable).parent.resolve() / "kubectl"
    assert found.words == ("kustomize",)
    assert found.version == "5.8.1"


def test_a_named_program_goes_before_the_variable_and_this_before_the_bundled_one(tmp_path: Path) -> None:
    first = program(tmp_path, "first", "echo 'Kustomize Version: v5.8.2'")
    second = program(tmp_path, "second", "echo 'Kustomize Version: v5.9.0'")
    assert kustomize.find(first, environ={"GEN_KUSTOMIZE": second}).version == "5.8.2"
    assert kustomize.find(environ={"GEN_KUSTOMIZE": second}).version == "5.9.0"
    assert kustomize.find(environ={"GEN_KUSTOMIZE": ""}).version == "5.8.1"


def test_a_name_is_looked_up_on_path_and_a_relative_path_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = program(tmp_path, "other-kubectl", "echo 'Kustomize Version: v6.0.0'")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert kustomize.find("other-kubectl").path == Path(named)
    assert kustomize.find(os.path.relpath(named)).path.resolve() == Path(named).resolve()


@pytest.mark.parametrize("answer", ["v5.8.1", "{Version:kustomize/v5.8.1 GitCommit:abc BuildDate:2026 GoOs:linux}"])
def test_a_standalone_kustomize_is_asked_in_its_own_words(tmp_path: Path, answer: str) -> None:
    script = f'[ "$*" = version ] || {{ echo "Error: unknown flag: --client" >&2; exit 1; }}\necho "{answer}"'
    found = kustomize.find(program(tmp_path, "kustomize", script))
    assert (found.words, found.version) == (("build",), "5.8.1")
    assert found.typed("overlays/prod") == "kustomize build overlays/prod"


@pytest.mark.parametrize(
    ("script", "version"),
    [
        ("echo 'Client Version: v1.33.0'; echo 'Kustomize Version: v5.6.0'", "5.6.0"),
        ("echo 'Kustomize Version: v4.5.7'", "4.5.7"),
        ('[ "$*" = version ] && echo "{Version:kustomize/v4.5.7 GitCommit:abc}"', "4.5.7"),
        ('[ "$*" = version ] && echo v5.7.1', "5.7.1"),
    ],
)
def test_an_older_kustomize_is_refused_with_its_version(tmp_path: Path, script: str, version: str) -> None:
    path = program(tmp_path, "old", script)
    with pytest.raises(ToolError) as caught:
        kustomize.find(path)
    assert told(caught) == (
        f"{path} has Kustomize {version}, and gen needs 5.8 or later\n"
        "  name a later one, or unset GEN_KUSTOMIZE to use the bundled one"
    )


@pytest.mark.parametrize("script", ["exit 0", "exit 1", "echo '(devel)'", "echo 'Client Version: v1.20.0'"])
def test_a_program_that_does_not_say_its_kustomize_is_refused(tmp_path: Path, script: str) -> None:
    path = program(tmp_path, "odd", script)
    with pytest.raises(ToolError) as caught:
        kustomize.find(path)
    assert told(caught) == (
        f"{path} does not say which Kustomize it is\n"
        "  name a released kustomize or kubectl program, or unset GEN_KUSTOMIZE to use the bundled one"
    )


def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ToolError) as caught:
        kustomize.find(environ={"GEN_KUSTOMIZE": f"{tmp_path}/none"})
    assert told(caught) == (
        f'there is no program "{tmp_path}/none"\n'
        "  name a kustomize or kubectl program, or unset GEN_KUSTOMIZE to use the bundled one"
    )


def test_a_file_that_is_no_program_is_told(tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_bytes(b"\0\0\0\0")
    file.chmod(0o755)
    with pytest.raises(ToolError) as caught:
        kustomize.find(str(file))
    assert told(caught) == f"{file} does not start: Exec format error\n  check the file and its mode"


def test_the_version_names_the_program_too() -> None:
    assert re.fullmatch(r"5\.8\.1 \(/.+/kubectl\)", kustomize.version())


def test_an_overlay_is_built_into_objects_in_the_order_printed(tmp_path: Path) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "fraud"}}
    fill(
        tmp_path,
        {
            "base/x/a.yaml": emit(CONFIG, header="# a comment"),
            "base/x/b.yaml": emit(account),
            "base/x/kustomization.yaml": overlay(resources=["a.yaml", "b.yaml"]),
            "overlays/dev/x/kustomization.yaml": overlay(namespace="dev", resources=["../../../base/x"]),
        },
    )
    made = kustomize.build(tmp_path, "overlays/dev/x")
    assert [(obj["kind"], obj["metadata"]) for obj in made] == [
        ("ServiceAccount", {"name": "fraud", "namespace": "dev"}),
        ("ConfigMap", {"name": "settings", "namespace": "dev"}),
    ]
    assert made[1]["data"] == {"answer": "no"}


def test_an_overlay_without_resources_has_no_objects(tmp_path: Path) -> None:
    fill(tmp_path, {"empty/kustomization.yaml": overlay(resources=[])})
    assert kustomize.build(tmp_path, "empty") == []


@pytest.mark.parametrize(
    ("text", "verdict", "said"),
    [
        (
            overlay(resource=["a.yaml"]),
            "failed (exit 1)",
            'error: invalid Kustomization: json: unknown field "resource"',
        ),
        (overlay(resources=["b.yaml"]), "failed (exit 1)", "error: accumulating resources: accumulation err="),
        (overlay(helmCharts=[{"name": "x"}]), "failed (exit 1)", "must specify --enable-helm"),
        (
            overlay(resources=["a.yaml"], commonLabels={"team": "payments"}),
            "warned",
            "# Warning: 'commonLabels' is deprecated. Please use 'labels' instead.",
        ),
    ],
)
def test_a_failure_and_a_warning_are_told_alike(tmp_path: Path, text: str, verdict: str, said: str) -> None:
    fill(tmp_path, {"overlays/x/a.yaml": emit(CONFIG), "overlays/x/kustomization.yaml": text})
    with pytest.raises(ToolError) as caught:
        kustomize.build(tmp_path, "overlays/x")
    first, *middle, last = told(caught).splitlines()
    assert first == f"kubectl kustomize overlays/x {verdict}:"
    assert said in "\n".join(middle)
    assert last == "  run it yourself to see all of it: kubectl kustomize overlays/x"


def test_only_the_end_of_a_long_complaint_is_shown(tmp_path: Path) -> None:
    script = (
        'case "$*" in version*) echo "Kustomize Version: v5.8.1";;\n'
        "*) i=0; while [ $i -lt 30 ]; do i=$((i+1)); echo line $i >&2; done; exit 7;; esac"
    )
    tool = kustomize.find(program(tmp_path, "kubectl", script))
    with pytest.raises(ToolError) as caught:
        kustomize.build(tmp_path, ".", kustomize=tool)
    lines = told(caught).splitlines()
    assert lines[:2] == ["kubectl kustomize . failed (exit 7):", "  line 11"]
    assert lines[-2:] == ["  line 30", "  run it yourself to see all of it: kubectl kustomize ."]


@pytest.mark.parametrize("path", ["..", "../x", "/etc", "overlays/../../x"])
def test_a_folder_outside_the_repository_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(ToolError) as caught:
        kustomize.build(tmp_path, path)
    assert told(caught) == f'"{path}" lies outside the repository\n  name a folder below {tmp_path}'


def test_a_link_out_of_the_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo/out").symlink_to(tmp_path)
    with pytest.raises(ToolError, match="lies outside the repository"):
        kustomize.build(tmp_path / "repo", "out")


def test_the_program_sees_nothing_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "x")
    script = (
        'case "$*" in version*) echo "Kustomize Version: v5.8.1";;\n'
        '*) echo "seen: \\"$SECRET_TOKEN$HOME$KUSTOMIZE_PLUGIN_HOME\\"";; esac'
    )
    tool = kustomize.find(program(tmp_path, "kubectl", script))
    assert kustomize.build(tmp_path, ".", kustomize=tool) == [{"seen": ""}]


def test_a_build_that_never_ends_is_told(tmp_path: Path) -> None:
    with pytest.raises(ToolError) as caught:
        kustomize._run(["/bin/sleep", "60"], tmp_path, 0.01)
    assert told(caught) == "/bin/sleep 60 took longer than 0.01 s\n  run it yourself to see why"


def test_many_overlays_are_built_and_each_failure_stays_with_its_overlay(tmp_path: Path) -> None:
    for number in range(5):
        name = {**CONFIG, "metadata": {"name": f"n{number}"}}
        fill(
            tmp_path,
            {f"o/{number}/a.yaml": emit(name), f"o/{number}/kustomization.yaml": overlay(resources=["a.yaml"])},
        )
    fill(tmp_path, {"o/bad/kustomization.yaml": overlay(resources=["none.yaml"])})
    results = dict(kustomize.build_many(tmp_path, [*(f"o/{number}" for number in range(5)), "o/bad"], workers=2))
    problem = results.pop("o/bad")
    assert isinstance(problem, ToolError)
    assert str(problem).startswith("kubectl kustomize o/bad failed (exit 1):\n")
    assert {
        key: [obj["metadata"]["name"] for obj in made] for key, made in results.items() if isinstance(made, list)
    } == {f"o/{number}": [f"n{number}"] for number in range(5)}


def test_who_stops_early_starts_no_further_build(tmp_path: Path) -> None:
    script = 'case "$*" in version*) echo "Kustomize Version: v5.8.1";;\n*) echo x >> log; echo "a: b";; esac'
    tool = kustomize.find(program(tmp_path, "kubectl", script))
    building = kustomize.build_many(tmp_path, ["."] * 50, workers=1, kustomize=tool)
    assert next(building) == (".", [{"a": "b"}])
    building.close()  # type: ignore[attr-defined]  # a generator is an iterator that can be closed
    assert len((tmp_path / "log").read_text(encoding="utf-8").splitlines()) < 50


def test_what_kustomize_prints_bare_is_read_as_it_is_meant() -> None:
    text = (
        "texts: [=, <<, 2024-01-02t10:00:00, 2024-01-02, 1:20, 0x1f, 1_000, yes, off, y, '1', \"true\"]\n"
        "numbers: [0, -1, 10, 1.5, -0.5, 1e3, 1.5e-09]\n"
        "others: [true, False, null, ~]\n"
        "empty:\n"
        "---\n"
        "---\n"
        "second: 1\n"
    )
    assert kustomize.parse(text) == [
        {
            "texts": [
                "=",
                "<<",
                "2024-01-02t10:00:00",
                "2024-01-02",
                "1:20",
                "0x1f",
                "1_000",
                "yes",
                "off",
                "y",
                "1",
                "true",
            ],
            "numbers": [0, -1, 10, 1.5, -0.5, 1000.0, 1.5e-09],
            "others": [True, False, None, None],
            "empty": None,
        },
        {"second": 1},
    ]


def test_what_is_no_yaml_is_told() -> None:
    with pytest.raises(ToolError, match="Kustomize printed what is no YAML"):
        kustomize.parse("a: [")
