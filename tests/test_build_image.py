"""The image builds: exact Jobs, and their scripts run for real with small stand-ins for the tools."""

import hashlib
import json
import os
import stat
import subprocess
import tarfile
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path

import build_fixtures as fixtures
import pytest
from conftest import Same

from generator.build.image import build as images
from generator.build.image_scripts import BUILD, EXISTS, FETCH
from generator.emit import emit
from generator.model import Run, Source
from generator.tenancy import Object, Place
from generator.verify.objects import checker

GOLDEN = Path(__file__).parent / "built/image"
COMMIT = "c" * 40
PINNED = f"sha256:{'d' * 64}"
SCRIPTS = {"exists": EXISTS, "build": BUILD, **{f"fetch-{kind}": script for kind, script in FETCH.items()}}


def bento(kind: str = "oci", name: str = "fraud") -> Run:
    run = fixtures.bento_run(name, "2.4.1", "")
    given = {
        "oci": run.source,
        "s3": Source(kind="s3", location=f"s3://bentos/{name}/2.4.1.tar.gz", digest="e" * 64),
        "git": Source(kind="git", location="https://git.local/payments/fraud.git", digest=COMMIT),
    }
    return replace(run, source=given[kind])


def place(**settings: str) -> Place:
    platform = fixtures.platform()
    return fixtures.place(env="dev", on=replace(platform, build=replace(platform.build, **settings)))  # type: ignore[arg-type]  # text fields


def job(run: Run, where: Place | None = None, model: str = "fraud") -> Object:
    (found,) = [one for one in images(where or place(), [(model, run)]) if one["kind"] == "Job"]
    return found


def pod(run: Run, where: Place | None = None) -> Object:
    found: Object = job(run, where)["spec"]["template"]["spec"]
    return found


# --- objects ---


@pytest.mark.parametrize("kind", ["oci", "s3", "git"])
def test_the_objects_of_a_build_are_these(kind: str, same: Same) -> None:
    made = images(place(), [("fraud", bento(kind))])
    same({f"{one['kind'].lower()}.yaml": emit(one) for one in made}, GOLDEN / kind)


@pytest.mark.parametrize("kind", ["oci", "s3", "git"])
@pytest.mark.parametrize("seccomp", ["unconfined", "profiles/buildkit.json"])
def test_kubernetes_knows_every_field(kind: str, seccomp: str) -> None:
    made = images(place(seccomp=seccomp), [("fraud", bento(kind))])
    assert list(checker(None, "1.34").check("", made)) == []


def test_a_job_is_named_after_all_of_it() -> None:
    names = {
        "as it is": job(bento())["metadata"]["name"],
        "other digest": job(replace(bento(), source=replace(bento().source, digest=PINNED)))["metadata"]["name"],  # type: ignore[type-var]
        "other profile": job(bento(), place(seccomp="profiles/other.json"))["metadata"]["name"],
        "other secret": job(bento(), place(push_secret="other"))["metadata"]["name"],  # noqa: S106  # a name
    }
    assert len(set(names.values())) == len(names)
    assert all(name.startswith("build-fraud-") and len(name) == len("build-fraud-") + 10 for name in names.values())


def test_a_change_of_buildkits_settings_is_a_change_of_the_job() -> None:
    more = replace(place(), platform=replace(place().platform, registries=("registry.local", "mirror.local")))
    before, after = images(place(), [("fraud", bento())]), images(more, [("fraud", bento())])
    assert [one["metadata"]["name"] for one in before[1:]] != [one["metadata"]["name"] for one in after[1:]]


def test_the_longest_model_name_leaves_room_for_the_suffix_of_a_pod() -> None:
    name = job(bento(), model="m" * 41 + "-and-more")["metadata"]["name"]
    assert name.startswith("build-" + "m" * 41 + "-")
    assert "--" not in name
    assert len(name) <= 63 - len("-abcde") + 2


def test_a_bento_that_two_models_run_is_built_once() -> None:
    runs = [("second", bento()), ("first", bento()), ("other", bento(name="other"))]
    jobs = [one for one in images(place(), runs) if one["kind"] == "Job"]
    assert [one["metadata"]["labels"]["app.kubernetes.io/name"] for one in jobs] == ["first", "other"]


@pytest.mark.parametrize(
    ("where", "runs"),
    [
        (place(engine="external"), [("fraud", bento())]),
        (fixtures.place(env="prod"), [("fraud", bento())]),
        (place(), [("net", fixtures.image_run("registry.local/growth/net"))]),
        (place(), []),
    ],
    ids=["another engine", "another environment", "a given image", "nothing"],
)
def test_nothing_is_built(where: Place, runs: list[tuple[str, Run]]) -> None:
    assert images(where, runs) == []


def test_a_job_runs_once_ends_in_time_and_stays() -> None:
    spec = job(bento())["spec"]
    assert (spec["backoffLimit"], spec["activeDeadlineSeconds"]) == (2, 3600)
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    assert "ttlSecondsAfterFinished" not in spec
    assert "argocd.argoproj.io/hook" not in json.dumps(job(bento()))


def test_a_build_is_outside_the_mesh_so_that_it_can_end() -> None:
    labels = job(bento())["spec"]["template"]["metadata"]["labels"]
    assert labels["sidecar.istio.io/inject"] == "false"
    assert labels["app.kubernetes.io/component"] == "image-build"


def test_account_and_settings_are_there_before_the_job() -> None:
    waves = {one["kind"]: one["metadata"].get("annotations") for one in images(place(), [("fraud", bento())])}
    before = {"argocd.argoproj.io/sync-wave": "-1"}
    assert waves == {"ServiceAccount": before, "ConfigMap": before, "Job": None}


def test_the_registrys_secret_is_a_file_that_clients_find_and_never_a_variable() -> None:
    (auth,) = [one for one in pod(bento())["volumes"] if one["name"] == "auth"]
    items = [{"key": ".dockerconfigjson", "path": "config.json"}]
    assert auth == {"name": "auth", "secret": {"secretName": "registry-push", "items": items}}
    assert "secretKeyRef" not in json.dumps(job(bento("s3")))


def test_only_the_step_that_reads_archives_has_the_stores_secret() -> None:
    for kind in ("oci", "s3", "git"):
        spec = pod(bento(kind))
        holders = [one["name"] for one in (*spec["initContainers"], *spec["containers"]) if "envFrom" in one]
        assert holders == (["fetch"] if kind == "s3" else [])


def test_each_step_runs_in_the_platforms_image_for_it() -> None:
    tools = dict(fixtures.platform().build.images)
    for kind, tool in (("oci", "oras"), ("s3", "s3"), ("git", "bento")):
        spec = pod(bento(kind))
        steps = {one["name"]: one["image"] for one in (*spec["initContainers"], *spec["containers"])}
        assert steps == {"exists": tools["oras"], "fetch": tools[tool], "build": tools["buildkit"]}


def test_buildkit_runs_under_the_nodes_profile_or_says_that_it_is_unconfined() -> None:
    (localhost,) = pod(bento())["containers"]
    (free,) = pod(bento(), place(seccomp="unconfined"))["containers"]
    assert localhost["securityContext"] == {
        "allowPrivilegeEscalation": True,
        "seccompProfile": {"type": "Localhost", "localhostProfile": "profiles/buildkit.json"},
    }
    assert free["securityContext"] == {
        "allowPrivilegeEscalation": True,
        "seccompProfile": {"type": "Unconfined"},
        "appArmorProfile": {"type": "Unconfined"},
    }


def test_a_dockerfile_starts_from_the_allowed_registries_alone() -> None:
    own = replace(place(), tenant=replace(place().tenant, registries=("mirror.local/payments",)))
    (config,) = [one for one in images(own, [("fraud", bento())]) if one["kind"] == "ConfigMap"]
    rules = json.loads(config["data"]["policy.json"])["rules"]
    assert [(one["action"], one["selector"]["identifier"]) for one in rules] == [
        ("DENY", "docker-image://*"),
        ("ALLOW", "docker-image://registry.local/*"),
        ("ALLOW", "docker-image://mirror.local/payments/*"),
    ]


def test_no_value_of_a_spec_is_in_a_script() -> None:
    for kind in ("oci", "s3", "git"):
        spec = pod(bento(kind))
        for one in (*spec["initContainers"], *spec["containers"]):
            assert one["command"][:2] == ["/bin/sh", "-c"]
            assert one["command"][2] in SCRIPTS.values()


# --- scripts ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """A workspace like a pod's, and a folder of stand-ins in front of the PATH."""

    root: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def workspace(self) -> Path:
        return self.root / "workspace"

    def tool(self, name: str, body: str) -> None:
        path = self.root / "bin" / name
        path.write_text(f'#!/bin/sh\necho "$@" >> "{self.root}/calls"\n{body}\n', encoding="utf-8")
        path.chmod(0o755)

    def run(self, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
        where = {
            "PATH": f"{self.root}/bin:{os.environ['PATH']}",
            "HOME": str(self.root),
            "WORKSPACE": str(self.workspace),
            "AUTH": "/auth",
            "CONFIG": "/etc/buildkit",
            "OUT": str(self.root),
            "TERMINATION_LOG": str(self.root / "termination-log"),
            "IMAGE": "registry.local/payments/fraud:2.4.1",
            "VERSION": "2.4.1",
            **variables,
        }
        return subprocess.run(["sh", "-c", script], env=where, capture_output=True, text=True, check=False)

    def calls(self) -> str:
        path = self.root / "calls"
        return path.read_text(encoding="utf-8") if path.exists() else ""


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    made = Shell(root=tmp_path)
    (tmp_path / "bin").mkdir()
    made.workspace.mkdir()
    return made


def archive(*names: str) -> bytes:
    """Return a tar.gz as `bentoml export` makes it: its root and its models are for their owner alone."""
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name in (".", "models", *names):
            folder = name in {".", "models"}
            info = tarfile.TarInfo(name)
            info.type, info.mode = (tarfile.DIRTYPE, 0o700) if folder else (tarfile.REGTYPE, 0o600)
            tar.addfile(info)
    return buffer.getvalue()


WHOLE = archive("bento.yaml", "env/docker/Dockerfile", "models/iris.pkl")


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_the_shell_can_read_a_script(script: str) -> None:
    assert subprocess.run(["sh", "-n", "-c", script], check=False).returncode == 0


def test_an_image_that_is_there_is_not_built_again(shell: Shell) -> None:
    shell.tool("oras", f"""echo '{{"mediaType":"m","digest":"{PINNED}","size":19}}'""")
    shell.tool("buildctl-daemonless.sh", "exit 1")
    assert shell.run(EXISTS).returncode == 0
    for kind in FETCH:
        assert shell.run(FETCH[kind], SOURCE="s", DIGEST="d").returncode == 0
    assert shell.run(BUILD, SOURCE="s", DIGEST="d").returncode == 0
    assert shell.calls().splitlines() == [
        "manifest fetch --descriptor --registry-config /auth/config.json registry.local/payments/fraud:2.4.1"
    ]
    pinned = f"registry.local/payments/fraud:2.4.1@{PINNED}\n"
    assert (shell.root / "termination-log").read_text(encoding="utf-8") == pinned


# What oras 1.2.3 says; the first is the answer to 404.
ABSENT = 'Error: failed to find "registry.local/a:1": registry.local/a:1: not found'
DOWN = 'Error: failed to find "registry.local/a:1": Head "https://registry.local/v2/a/manifests/1": no such host'
REFUSED = (
    "Error response from registry: recognizable error message not found: "
    'HEAD "https://registry.local/v2/a/manifests/1": response status code 401: Unauthorized'
)


@pytest.mark.parametrize(
    ("answer", "goes_on"),
    [(ABSENT, True), (DOWN, False), (REFUSED, False)],
    ids=["absent", "down", "refused"],
)
def test_only_an_absent_image_is_built(shell: Shell, answer: str, *, goes_on: bool) -> None:
    shell.tool("oras", f"echo '{answer}' >&2; exit 1")
    result = shell.run(EXISTS)
    assert (result.returncode == 0) is goes_on
    assert not (shell.workspace / "there").exists()
    assert result.stderr == ("" if goes_on else f"{answer}\n")


def test_a_bento_is_pulled_by_digest_and_made_readable_to_all(shell: Shell) -> None:
    (shell.root / "iris.tar.gz").write_bytes(WHOLE)
    shell.tool("oras", 'mkdir -p "$5"; cp "$HOME/iris.tar.gz" "$5"')
    result = shell.run(FETCH["oci"], SOURCE="registry.local/payments/bentos/iris", DIGEST=PINNED)
    context = shell.workspace / "context"
    assert result.returncode == 0, result.stderr
    assert shell.calls().endswith(f" registry.local/payments/bentos/iris@{PINNED}\n")
    for name, mode in ((".", 0o755), ("models", 0o755), ("models/iris.pkl", 0o644)):
        assert stat.S_IMODE((context / name).stat().st_mode) == mode


@pytest.mark.parametrize("count", [0, 2])
def test_an_artifact_of_no_file_or_of_two_is_no_bento(shell: Shell, count: int) -> None:
    shell.tool("oras", f'mkdir -p "$5"; i=0; while [ $i -lt {count} ]; do i=$((i+1)); : > "$5/$i"; done')
    result = shell.run(FETCH["oci"], SOURCE="registry.local/iris", DIGEST=PINNED)
    assert result.returncode == 1
    assert result.stderr == "registry.local/iris must hold one file, the exported Bento\n"


def test_what_is_no_exported_bento_is_not_built(shell: Shell) -> None:
    (shell.root / "iris.tar.gz").write_bytes(archive("bento.yaml"))
    shell.tool("oras", 'mkdir -p "$5"; cp "$HOME/iris.tar.gz" "$5"')
    result = shell.run(FETCH["oci"], SOURCE="registry.local/iris", DIGEST=PINNED)
    assert result.returncode == 1
    text = "registry.local/iris holds no env/docker/Dockerfile: it is no exported Bento (bentoml export)\n"
    assert result.stderr == text


@pytest.mark.parametrize("right", [True, False])
def test_an_archive_must_have_the_sum_that_the_spec_says(shell: Shell, *, right: bool) -> None:
    (shell.root / "iris.tar.gz").write_bytes(WHOLE)
    shell.tool("aws", 'cp "$HOME/iris.tar.gz" "$5"')
    digest = hashlib.sha256(WHOLE).hexdigest() if right else "0" * 64
    result = shell.run(FETCH["s3"], SOURCE="s3://bentos/iris/1.tar.gz", DIGEST=digest)
    assert (result.returncode == 0) is right
    assert (shell.workspace / "context").exists() is right


def _commit(repository: Path, message: str) -> str:
    """Commit nothing to a repository that gives out every commit, and return the hash."""
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@t.example", "-C", str(repository)]
    if not repository.exists():
        subprocess.run(["git", "init", "-q", str(repository)], check=True)
        subprocess.run([*git, "config", "uploadpack.allowReachableSHA1InWant", "true"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", message], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    return head.stdout.strip()


def test_a_commit_is_fetched_by_its_whole_hash_built_and_exported(shell: Shell) -> None:
    repository = shell.root / "repository"
    commit, _ = (_commit(repository, message) for message in ("one", "two"))
    (shell.root / "iris.tar.gz").write_bytes(WHOLE)
    shell.tool("bentoml", 'if [ "$1" = export ]; then cp "$HOME/iris.tar.gz" "$3"; fi')
    given = {"SOURCE": f"file://{repository}", "BENTO": "iris", "VERSION": "1.0"}
    result = shell.run(FETCH["git"], DIGEST=commit, **given)
    assert result.returncode == 0, result.stderr
    assert shell.calls().splitlines() == [
        "build --name iris --version 1.0 .",
        f"export iris:1.0 {shell.workspace}/bento.tar.gz",
    ]
    assert (shell.workspace / "context/bento.yaml").exists()


def test_a_commit_that_the_repository_lacks_ends_the_build(shell: Shell) -> None:
    subprocess.run(["git", "init", "-q", str(shell.root / "repository")], check=True)
    shell.tool("bentoml", "")
    given = {"SOURCE": f"file://{shell.root}/repository", "BENTO": "iris", "VERSION": "1.0"}
    assert shell.run(FETCH["git"], DIGEST=COMMIT, **given).returncode != 0
    assert shell.calls() == ""


def test_an_image_is_pushed_under_its_tag_and_its_digest_is_said(shell: Shell) -> None:
    metadata = {"containerimage.config.digest": f"sha256:{'0' * 64}", "containerimage.digest": PINNED}
    (shell.root / "answer").write_text(json.dumps(metadata, indent=2), encoding="utf-8")
    shell.tool("buildctl-daemonless.sh", 'cp "$HOME/answer" "$OUT/metadata.json"')
    result = shell.run(BUILD, SOURCE="registry.local/payments/bentos/fraud", DIGEST="sha256:1")
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"registry.local/payments/fraud:2.4.1@{PINNED}\n"
    asked = shell.calls()
    assert f"--local context={shell.workspace}/context " in asked
    assert f"--local dockerfile={shell.workspace}/context/env/docker " in asked
    assert "--source-policy-file /etc/buildkit/policy.json " in asked
    assert "--output type=image,name=registry.local/payments/fraud:2.4.1,push=true,oci-mediatypes=true" in asked


def test_a_build_that_fails_fails_the_job(shell: Shell) -> None:
    shell.tool("buildctl-daemonless.sh", "exit 7")
    assert shell.run(BUILD, SOURCE="s", DIGEST="d").returncode == 7
    assert not (shell.root / "termination-log").exists()
