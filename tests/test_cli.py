"""Every command as people meet it: what it prints where, its exit code, and a plain sentence for each mistake."""

import contextlib
import json
import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from command import PROGRAM, VALID, environment, gen, program, repo, snapshot

from generator.cli import COMMANDS, main
from generator.cli import _outcome as outcome

__all__ = ["repo"]

SCORE = "tenants/payments/score.yaml"
MANY = 200  # models that take long enough to be interrupted at


def broken(root: Path) -> Path:
    spec = root / SCORE
    spec.write_text(
        spec.read_text().replace("alice@corp.example", "Alice@elsewhere").replace("  run:", "  rum: 1\n  run:")
    )
    return spec


def many(root: Path) -> None:
    text = (root / SCORE).read_text()
    for number in range(MANY):
        (root / f"tenants/payments/s{number}.yaml").write_text(
            text.replace("{name: score}", f"{{name: s{number}}}").partition("  environments:")[0]
        )


# help and usage


def test_gen_alone_helps_and_names_every_command() -> None:
    result = CliRunner().invoke(main, [])
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: ")
    assert re.findall(r"(?m)^  ([a-z]+)  ", result.stdout.partition("Commands:")[2]) == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_is_in_the_list_without_being_cut(name: str) -> None:
    help_text = CliRunner().invoke(main, ["--help"]).stdout
    (line,) = re.findall(rf"(?m)^  {name}  .*", help_text.partition("Commands:")[2])
    assert not line.endswith("...")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_helps(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert "\\b" not in result.stdout


def test_version_is_one_line() -> None:
    assert re.fullmatch(r"gen \d+\.\d+\.\d+\n", CliRunner().invoke(main, ["--version"]).stdout)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["validat"], 'gen: there is no command "validat"\n  did you mean "validate"?\n'),
        (["show"], "gen show: missing argument 'ENV'\n  see gen show --help\n"),
        (["render", "--chek"], "gen render: no such option '--chek'\n  did you mean '--check'?\n"),
        (["render", "--quite"], "gen render: no such option '--quite'\n  did you mean '--quiet'?\n"),
        (
            ["validate", "--format", "xml"],
            "gen validate: --format: 'xml' is not one of 'text', 'json', 'github'\n  see gen validate --help\n",
        ),
        (
            ["expire", "--on", "2027-02-30"],
            'gen expire: --on: there is no day "2027-02-30"\n  write it as 2027-01-31\n',
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_on_the_command_line_is_two_lines_and_exit_2(repo: Path, words: list[str], said: str) -> None:
    ran = gen(repo, *words)
    assert ran.err == said
    assert (ran.code, ran.out) == (2, "")


@pytest.mark.parametrize("path", ["nowhere", "platform.yaml"])
def test_a_folder_that_is_not_there_is_named(repo: Path, path: str) -> None:
    ran = gen(repo / path, "validate")
    assert (ran.code, f'there is no folder "{repo / path}"' in ran.err) == (2, True)


def test_to_stand_in_a_folder_that_is_gone_is_a_mistake_and_no_bug(tmp_path: Path) -> None:
    words = shlex.join([*PROGRAM, "validate"])
    (tmp_path / "x").mkdir()
    done = subprocess.run(
        ["sh", "-c", f"rmdir ../x; {words}"],
        cwd=tmp_path / "x", capture_output=True, text=True, check=False, env=environment(),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (
        2,
        "gen: the folder that you are in is gone\n  change into another one\n",
    )


@pytest.mark.parametrize(
    "words",
    [["validate"], ["render"], ["verify"], ["show", "dev"], ["expire"], ["new", "tenant", "risk", "--no-input"],
     ["new", "model", "risk/fraud", "--no-input"]],
    ids=" ".join,
)  # fmt: skip
def test_where_there_is_no_platform_every_command_says_so(tmp_path: Path, words: list[str]) -> None:
    ran = gen(tmp_path, *words)
    assert ran.err.startswith("platform.yaml:1:1: there is no platform.yaml [missing-platform]\n")
    assert (ran.code, ran.out, list(tmp_path.iterdir())) == (1, "", [])


def test_an_exception_that_nobody_expected_is_called_a_bug_and_traced_on_request(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert outcome(lambda: {}["graph"], debug=False) == 3
    said = re.sub(r":\d+\n", ":1\n", capsys.readouterr().err)
    assert said == (
        "gen hit a bug: KeyError 'graph' at tests/test_cli.py:1\n"
        "  run it again with --debug and report what it prints\n"
    )
    assert outcome(lambda: {}["graph"], debug=True) == 3
    assert capsys.readouterr().err.startswith("Traceback ")


def test_debug_may_stand_anywhere(repo: Path) -> None:
    assert gen(repo, "validate", "--debug").code == gen(repo, "--debug", "validate").code == 0


# validate


def test_a_valid_repository_is_counted(repo: Path) -> None:
    ran = gen(repo, "validate")
    assert (ran.code, ran.out) == (0, "3 models of 2 tenants: no problems\n")


def test_problems_go_to_stderr_with_a_sum_and_exit_1(repo: Path) -> None:
    broken(repo)
    ran = gen(repo, "validate")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f'{SCORE}:5:3: unknown key "rum" in spec [unknown-key]\n  did you mean "runtime"?\n')
    assert ran.err.endswith("\n\n1 problem in 1 file\n")


def test_json_holds_every_diagnostic_and_nothing_else_is_printed(repo: Path) -> None:
    broken(repo)
    ran = gen(repo, "validate", "--format", "json")
    assert (ran.code, ran.err) == (1, "")
    (first,) = json.loads(ran.out)
    assert first == {
        "file": SCORE,
        "line": 5,
        "column": 3,
        "severity": "error",
        "rule": "unknown-key",
        "what": 'unknown key "rum" in spec',
        "todo": 'did you mean "runtime"?',
    }


def test_json_of_a_clean_repository_is_a_list_too(repo: Path) -> None:
    notices = json.loads(gen(repo, "validate", "--format", "json").out)
    assert all(one["severity"] == "notice" for one in notices)


def test_verify_says_problems_of_the_specs_in_the_format_asked_for(repo: Path) -> None:
    broken(repo)
    ran = gen(repo, "verify", "--format", "json")
    assert (ran.code, ran.err) == (1, "")
    assert json.loads(ran.out)[0]["rule"] == "unknown-key"


def test_annotations_escape_what_github_would_obey(repo: Path) -> None:
    spec = repo / SCORE
    spec.write_text(spec.read_text().replace("score:1.2.0", '"100%: a,b\\nc"', 1))
    ran = gen(repo, "validate", "--format", "github")
    (line,) = [line for line in ran.out.splitlines() if "100" in line]
    assert line.startswith(f"::error file={SCORE},line=6,col=12,title=bad-value::")
    assert "100%25: a,b%0Ac" in line
    assert "%0Awrite it like" in line


def test_a_value_with_terminal_commands_is_shown_and_not_obeyed(repo: Path) -> None:
    (repo / "tenants/payments/a\x1b[2J.yaml").write_text("x: 1\n")
    ran = gen(repo, "validate")
    assert "\x1b" not in ran.err
    assert "a\\x1b[2J.yaml" in ran.err


@pytest.mark.parametrize("path", ["", "tenants"])
def test_a_folder_that_holds_all_specs_means_all_of_them(repo: Path, path: str) -> None:
    assert gen(repo, "validate", str(repo / path)).out == "3 models of 2 tenants: no problems\n"


def test_a_tenants_folder_means_its_specs(repo: Path) -> None:
    ran = gen(repo, "validate", str(repo / "tenants/payments"))
    assert (
        ran.out
        == "tenants/payments/fraud.yaml, tenants/payments/score.yaml, tenants/payments/tenant.yaml: no problems\n"
    )


@pytest.mark.parametrize("path", ["platform.yaml", "tenants/growth/tenant.yaml", "tenants/growth/churn.yaml", SCORE])
def test_each_spec_can_be_checked_alone(repo: Path, path: str) -> None:
    ran = gen(repo, "validate", str(repo / path))
    assert (ran.code, ran.out) == (0, f"{path}: no problems\n")


def test_a_path_is_taken_from_where_one_stands(repo: Path) -> None:
    done = subprocess.run(
        [*PROGRAM, "validate", "score.yaml"],
        cwd=repo / "tenants/payments", capture_output=True, text=True, check=False, env=environment(),
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, f"{SCORE}: no problems\n")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("keys/corp.json", '"keys/corp.json" is no spec'),
        ("keys", '"keys" is no spec'),
        ("/etc/passwd", '"/etc/passwd" is outside the repository'),
        ("tenants/payments/nope.yaml", 'nope.yaml"\n  name a spec, or leave it out to check all of them'),
    ],
)
def test_what_is_no_spec_is_refused(repo: Path, path: str, said: str) -> None:
    ran = gen(repo, "validate", str(repo / path))
    assert ran.code == 2
    assert said in ran.err


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("platform.yaml", "platform.yaml:1:1: platform.yaml is a folder [stray-file]\n"),
        (SCORE, f'{SCORE}:1:1: the folder "score.yaml" stands in a tenant\'s folder [stray-file]\n'),
    ],
)
def test_a_folder_in_place_of_a_file_is_a_problem_like_others(repo: Path, path: str, said: str) -> None:
    (repo / path).unlink()
    (repo / path).mkdir()
    ran = gen(repo, "render")
    assert ran.code == 1
    assert said in ran.err
    assert not (repo / "base").exists()


def test_a_pipe_among_the_specs_does_not_hang_gen(repo: Path) -> None:
    os.mkfifo(repo / "tenants/payments/x.yaml")
    assert "this is a pipe, a socket or a device, not a file [stray-file]" in gen(repo, "validate").err


def test_tenants_that_is_a_file_never_means_that_all_tenants_are_gone(repo: Path) -> None:
    assert gen(repo, "render").code == 0
    before = snapshot(repo / "overlays")
    shutil.rmtree(repo / "tenants")
    (repo / "tenants").write_text("")
    ran = gen(repo, "render")
    assert (ran.code, "tenants is a file [stray-file]" in ran.err) == (1, True)
    assert snapshot(repo / "overlays") == before


@pytest.mark.skipif(os.geteuid() != 0, reason="to give a file to nobody takes root")
@pytest.mark.parametrize("path", ["platform.yaml", SCORE, "tenants/payments"])
def test_what_cannot_be_read_is_named_with_exit_3(path: str) -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own lets nobody else in
        Path(folder).chmod(0o755)
        root = Path(folder) / "repo"
        shutil.copytree(VALID, root)
        (root / path).chmod(0)
        as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
        if as_nobody and not shutil.which("setpriv"):
            pytest.skip("root reads everything, and setpriv is not there to be somebody else")
        done = subprocess.run(
            [*as_nobody, *program(root, "validate")],
            capture_output=True, text=True, check=False, cwd="/", env=environment(),
        )  # fmt: skip
        (root / path).chmod(0o755)
    if "cannot be read" not in done.stderr and "ermission denied" in done.stderr:
        pytest.skip("nobody may not read this checkout")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"gen: {path} cannot be read: Permission denied\n  mend its permissions, then run it again\n"


# render


def test_render_writes_then_has_nothing_to_do(repo: Path) -> None:
    first = gen(repo, "render")
    assert first.code == 0
    assert re.search(r"(?m)^create base/payments/score/kustomization\.yaml$", first.out)
    assert re.search(r"\n\d+ created, 0 updated, 0 deleted, 0 unchanged\n$", first.out)
    again = gen(repo, "render")
    assert re.fullmatch(r"\d+ files: up to date\n", again.out)


def test_a_check_fails_on_stale_trees_and_writes_nothing(repo: Path) -> None:
    gen(repo, "render", "--quiet")
    spec = repo / SCORE
    spec.write_text(spec.read_text().replace("alice@", "carol@"))
    before = snapshot(repo)
    ran = gen(repo, "render", "--check")
    assert ran.code == 1
    assert ran.out.endswith("stale: 0 created, 2 updated, 0 deleted by `gen render`\n")
    assert snapshot(repo) == before
    assert gen(repo, "render", "--quiet").code == 0
    assert gen(repo, "render", "--check").code == 0


def test_a_diff_on_stdout_is_a_patch_that_makes_the_change(repo: Path) -> None:
    gen(repo, "render", "--quiet")
    spec = repo / SCORE
    spec.write_text(spec.read_text().replace("alice@", "carol@"))
    ran = gen(repo, "render", "--diff")
    assert ran.code == 1
    assert ran.out.startswith("--- ")
    subprocess.run(["git", "apply", "-"], cwd=repo, input=ran.out, text=True, check=True, env=environment())
    assert gen(repo, "render", "--check").code == 0


def test_a_broken_spec_writes_nothing(repo: Path) -> None:
    gen(repo, "render", "--quiet")
    broken(repo)
    before = snapshot(repo)
    ran = gen(repo, "render")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.endswith("1 problem in 1 file; nothing was written\n")
    assert snapshot(repo) == before


def test_a_file_of_a_person_in_a_generated_folder_stops_the_render(repo: Path) -> None:
    gen(repo, "render", "--quiet")
    (repo / "base/mine.yaml").write_text("a: 1\n")
    ran = gen(repo, "render")
    assert ran.code == 1
    assert ran.err.startswith("base/mine.yaml:1:1: gen did not write this file")
    assert (repo / "base/mine.yaml").read_text() == "a: 1\n"


def _interrupt(root: Path, *words: str, when: str) -> tuple[int, str]:
    """Start gen, press Ctrl-C when a path appears or a second has passed, and return its exit code and stderr."""
    running = subprocess.Popen(
        program(root, *words), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment(),
        start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline and not (when and (root / when).exists()) and running.poll() is None:
        time.sleep(0.01)
    with contextlib.suppress(ProcessLookupError):  # done already
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to gen and to what it started
    _, err = running.communicate(timeout=60)
    return running.returncode, err


@pytest.mark.parametrize(
    "when", ["", ".gen/stage", ".gen/stage/base", ".gen/journal"], ids=["early", "stage", "base", "journal"]
)
def test_ctrl_c_during_a_render_leaves_all_or_nothing(repo: Path, when: str) -> None:
    many(repo)
    code, err = _interrupt(repo, "render", "--quiet", when=when)
    assert "Traceback" not in err
    if code:  # it may have been done already
        assert (code, err.splitlines()[-1]) == (130, "interrupted; nothing is half done")
    assert gen(repo, "render", "--quiet").code == 0
    assert gen(repo, "render", "--check", "--quiet").code == 0


def test_ctrl_c_during_a_proof_is_one_line(repo: Path) -> None:
    gen(repo, "render", "--quiet")
    code, err = _interrupt(repo, "verify", when="")
    assert (code, err.splitlines()[-1]) in {(130, "interrupted; nothing is half done"), (0, "")}
    assert "Traceback" not in err


# show, verify and the programs they start


def test_show_prints_what_kustomize_makes_as_yaml_and_as_json(repo: Path) -> None:
    gen(repo, "render", "--quiet")
    ran = gen(repo, "show", "dev", "payments/score", "--kind", "authorizationpolicy", "--format", "json")
    (policy,) = json.loads(ran.out)
    assert (ran.code, policy["kind"], policy["metadata"]["name"]) == (0, "AuthorizationPolicy", "score")
    assert gen(repo, "show", "dev", "payments/score", "--kind", "AuthorizationPolicy").out.startswith("apiVersion: ")


def test_show_knows_the_hub_and_the_platform(repo: Path) -> None:
    gen(repo, "render", "--quiet")
    hub = json.loads(gen(repo, "show", "argocd", "--format", "json").out)
    assert {"Application", "AppProject"} <= {obj["kind"] for obj in hub}
    platform = json.loads(gen(repo, "show", "dev", "platform", "--format", "json").out)
    assert "Gateway" in {obj["kind"] for obj in platform}
    whole = json.loads(gen(repo, "show", "dev", "--format", "json").out)
    assert all(obj in whole for obj in platform)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["de"], 'gen show: there is no environment "de"\n  did you mean "dev"?\n'),
        (["dev", "growt"], 'gen show: there is no tenant in dev "growt"\n  did you mean "growth"?\n'),
        (["dev", "growth/x"], 'gen show: there is no model of growth in dev "x"\n  one of: churn\n'),
        (["argocd", "growth"], "gen show: argocd has no tenants\n  gen show argocd prints all of it\n"),
        (
            ["dev", "growth/churn", "--kind", "servic"],
            'gen show: there is no object here of kind "servic"\n  did you mean "Service"?\n',
        ),
    ],
    ids=" ".join,
)
def test_show_names_what_there_is_instead(repo: Path, words: list[str], said: str) -> None:
    gen(repo, "render", "--quiet")
    ran = gen(repo, "show", *words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == said


def test_show_of_a_model_that_is_not_deployed_there_says_so(repo: Path) -> None:
    spec = repo / SCORE
    spec.write_text(re.sub(r"(?s)      pins:.*", "", spec.read_text()))
    gen(repo, "render", "--quiet")
    ran = gen(repo, "show", "prod", "payments/score")
    assert ran.err.partition(": ")[2] == (
        "payments/score is not deployed in prod\n"
        f"  gen validate {SCORE} says why, or run gen render first\n"
    )  # fmt: skip


def test_show_needs_no_valid_specs_to_print_what_is_synced(repo: Path) -> None:
    gen(repo, "render", "--quiet")
    broken(repo)
    assert gen(repo, "show", "dev", "payments/score").code == 0


@pytest.mark.parametrize("words", [["verify"], ["show", "dev"]], ids=" ".join)
def test_a_kustomize_that_is_not_there_is_exit_3(repo: Path, words: list[str]) -> None:
    gen(repo, "render", "--quiet")
    ran = gen(repo, *words, env={"GEN_KUSTOMIZE": "/nowhere/kustomize"})
    assert (ran.code, ran.out) == (3, "")
    assert ran.err == (
        'gen: there is no program "/nowhere/kustomize"\n'
        "  name a kustomize or kubectl program, or unset GEN_KUSTOMIZE to use the bundled one\n"
    )


def test_verify_proves_and_sums_up(repo: Path) -> None:
    gen(repo, "render", "--quiet")
    done = subprocess.run(program(repo, "verify"), capture_output=True, text=True, check=False, env=environment())
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("\nverified\n")


def test_verify_names_the_environments_there_are(repo: Path) -> None:
    gen(repo, "render", "--quiet")
    ran = gen(repo, "verify", "--cluster", "c", "--environment", "live")
    assert ran.err.partition(": ")[2] == 'there is no environment "live"\n  one of: dev, prod\n'


# outputs that take nothing, terminals, colour


def test_a_reader_that_leaves_is_no_failure(repo: Path) -> None:
    gen(repo, "render", "--quiet")
    running = subprocess.Popen(
        program(repo, "show", "dev"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), bufsize=0
    )
    assert running.stdout
    assert running.stderr
    running.stdout.close()  # before anything is printed
    assert (running.stderr.read(), running.wait(timeout=60)) == (b"", 0)
    running.stderr.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("words", [["--help"], ["validate"], ["show", "dev"]], ids=" ".join)
def test_a_full_disk_behind_stdout_is_exit_3_and_a_sentence(repo: Path, words: list[str]) -> None:
    gen(repo, "render", "--quiet")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            program(repo, *words), stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=environment()
        )
    assert done.returncode == 3
    assert re.fullmatch(r"gen: .*No space left on device\n  .+\n", done.stderr[done.stderr.find("gen: ") :])
    assert "Traceback" not in done.stderr


def test_closed_outputs_are_no_failure(repo: Path) -> None:
    words = shlex.join(program(repo, "validate"))
    done = subprocess.run(["sh", "-c", f"{words} >&- 2>&-"], check=False, env=environment())
    assert done.returncode == 0


def test_text_that_the_locale_cannot_print_is_utf_8_all_the_same(repo: Path) -> None:
    spec = repo / SCORE
    spec.write_text(spec.read_text().replace("alice@corp.example", "zoë@corp.example"), encoding="utf-8")
    done = subprocess.run(
        program(repo, "validate"),
        capture_output=True,
        check=False,
        env=environment(PYTHONIOENCODING="ascii", LC_ALL="C"),
    )
    assert "zoë" in done.stderr.decode()


def _on_a_terminal(root: Path, *words: str, **env: str) -> str:
    """Run gen with a terminal for all its streams, and return what appears on it."""
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        program(root, *words), stdin=theirs, stdout=theirs, stderr=theirs, env=environment(TERM="xterm", **env)
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            seen += os.read(ours, 65536)
        except OSError:  # the other side is closed
            break
    os.close(ours)
    running.wait(timeout=60)
    return seen.decode()


def test_colour_and_progress_appear_on_a_terminal_only(repo: Path) -> None:
    gen(repo, "render", "--quiet")
    shown = _on_a_terminal(repo, "verify")
    assert "\x1b[32mverified\x1b[0m" in shown
    assert "reading the specs" in shown
    assert "100%" in shown
    piped = subprocess.run(program(repo, "verify"), capture_output=True, text=True, check=True, env=environment())
    assert "\x1b" not in piped.stdout
    assert piped.stderr == ""


def test_problems_are_red_on_a_terminal_and_plain_with_no_color(repo: Path) -> None:
    broken(repo)
    assert "\x1b[31m" in _on_a_terminal(repo, "validate")
    assert "\x1b[3" not in _on_a_terminal(repo, "validate", NO_COLOR="1")


# completion


def _completed(root: Path, *words: str) -> list[str]:
    """Return what bash would offer for the last word."""
    done = subprocess.run(
        PROGRAM, capture_output=True, text=True, check=False, cwd=root,
        env=environment(_GEN_COMPLETE="bash_complete", COMP_WORDS=" ".join(["gen", *words]),
                        COMP_CWORD=str(len(words))),
    )  # fmt: skip
    return [line.partition(",")[2] for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["ex"], ["expire", "explain"]),
        (["show", "d"], ["dev"]),
        (["show", "dev", "p"], ["payments", "platform"]),
        (["show", "dev", "payments/s"], ["payments/score"]),
        (["validate", "tenants/payments/s"], [SCORE]),
        (["explain", "model.runtime.timeo"], ["model.runtime.timeout"]),
        (["render", "--c"], ["--check"]),
        (["pin", "payments/s"], ["payments/score"]),
        (["promote", "payments/score", "--from", "d"], ["dev"]),
    ],
    ids=" ".join,
)  # fmt: skip
def test_the_shell_completes_commands_options_and_names(repo: Path, words: list[str], offered: list[str]) -> None:
    gen(repo, "render", "--quiet")
    assert _completed(repo, *words) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_completion_script_for_each_shell(shell: str) -> None:
    result = CliRunner().invoke(main, [], prog_name="gen", env={"_GEN_COMPLETE": f"{shell}_source"})
    assert result.exit_code == 0
    assert "_GEN_COMPLETE" in result.stdout
