"""A real Kubernetes API server on loopback, from the referee folder, and what tests ask it."""

import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from generator.kustomize import bundled

REFEREE = Path(__file__).parents[2] / "shared/referee"
SCRIPT = REFEREE / "cluster/kube.sh"
CRDS = ("istio-1.30.3", "seldon-core-1.17.1-seldondeployment", "argocd-3.5.1-application", "argocd-3.5.1-appproject")
MANAGER = "argocd-controller"  # the name under which Argo CD applies on the server
TOKEN = "admintoken"  # noqa: S105  # kube.sh's own, on loopback
ESTABLISH_S = 30

Object = dict[str, Any]


def missing() -> str:
    """Say what is not there to start a server with, "" if nothing."""
    if not SCRIPT.is_file():
        return "the referee folder is not there"
    lacking = [program for program in ("go", "openssl") if shutil.which(program) is None]
    return f"there is no {lacking[0]}" if lacking else ""


class Refused(Exception):  # noqa: N818  # it is the server's answer, not an error of the test's
    """The server's own words."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How the server calls a kind in its paths."""

    plural: str
    namespaced: bool


class Server:
    """One connection to the server, and what it has told of its kinds."""

    def __init__(self, kubeconfig: Path, port: int) -> None:
        self.kubeconfig = kubeconfig
        context = ssl.create_default_context(cafile=str(kubeconfig.parent / "ca.crt"))
        self._connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=60)
        self._kinds: dict[tuple[str, str], Kind] = {}

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def ask(self, method: str, path: str, body: Object | None = None, content: str = "application/json") -> Object:
        """Return the server's answer.

        Raises:
            Refused: It says no.
        """
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": content}
        self._connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        response = self._connection.getresponse()
        text = response.read()
        if response.status >= http.client.BAD_REQUEST:
            said = json.loads(text)["message"] if text.startswith(b"{") else text.decode()
            raise Refused(said)
        answer: Object = json.loads(text)
        return answer

    def apply(self, obj: Object, *, dry: bool = False) -> Object:
        """Apply as Argo CD does with ServerSideApply=true, strictly; return the object as the server has it now."""
        query = f"fieldManager={MANAGER}&force=true&fieldValidation=Strict{'&dryRun=All' if dry else ''}"
        return self.ask("PATCH", f"{self.path(obj)}?{query}", obj, "application/apply-patch+yaml")

    def create(self, obj: Object) -> Object:
        """Let the server judge a new object, and create nothing."""
        path = self.path(obj).rpartition("/")[0]
        return self.ask("POST", f"{path}?dryRun=All&fieldValidation=Strict", obj)

    def read(self, obj: Object) -> Object:
        """Return the live object."""
        return self.ask("GET", self.path(obj))

    def delete(self, obj: Object) -> None:
        """Take an object away at once, whatever Argo CD would still have had to do with it."""
        if self.read(obj)["metadata"].get("finalizers"):
            self.ask("PATCH", self.path(obj), {"metadata": {"finalizers": None}}, "application/merge-patch+json")
        self.ask("DELETE", f"{self.path(obj)}?propagationPolicy=Background&gracePeriodSeconds=0")

    def path(self, obj: Object) -> str:
        """Return the path of an object at the server."""
        api, kind = obj["apiVersion"], self.kind(obj)
        namespace = f"/namespaces/{obj['metadata']['namespace']}" if kind.namespaced else ""
        return f"{_root(api)}{namespace}/{kind.plural}/{quote(obj['metadata']['name'])}"

    def kind(self, obj: Object) -> Kind:
        """Return what the server says of an object's kind."""
        which = obj["apiVersion"], obj["kind"]
        if which not in self._kinds:
            for one in self.ask("GET", _root(obj["apiVersion"]))["resources"]:
                if "/" not in one["name"]:
                    self._kinds[obj["apiVersion"], one["kind"]] = Kind(one["name"], one["namespaced"])
        return self._kinds[which]


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """Start a server with the CRDs of Istio, Seldon and Argo CD, and stop it at the end."""
    port, environ = _free_ports(), _environ()
    try:
        _script("up", str(folder), str(port), environ=environ)
        server = Server(folder / "kubeconfig", port)
        with closing(server):
            _install(server)
            yield server
    finally:
        _script("down", str(folder), environ=environ)


def namespace(name: str, labels: Mapping[str, str] | None = None) -> Object:
    """Return a Namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": dict(labels or {})}}


def _script(*words: str, environ: Mapping[str, str]) -> None:
    done = subprocess.run(["bash", SCRIPT, *words], env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"kube.sh {' '.join(words)}: {done.stderr}")


def _environ() -> dict[str, str]:
    # etcd and kubectl are those that are installed beside gen, whatever else PATH holds.
    first = (str(Path(sys.executable).parent), str(bundled().parent))
    return {**os.environ, "PATH": os.pathsep.join((*first, os.environ["PATH"]))}


def _free_ports() -> int:
    """Return the first of four ports in a row that nobody listens on."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            first = int(probe.getsockname()[1])
        try:
            for port in range(first + 1, first + 4):
                with socket.socket() as other:
                    other.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            continue
        return first


def _install(server: Server) -> None:
    import yaml  # noqa: PLC0415  # megabytes of CRDs, read only where there is a server

    loader = yaml.CSafeLoader
    found = [
        document
        for name in CRDS
        for document in yaml.load_all((REFEREE / f"crds/{name}.yaml").read_bytes(), Loader=loader)
        if document
    ]
    for crd in found:
        server.apply(crd)
    deadline = time.monotonic() + ESTABLISH_S
    for crd in found:
        while not all(_serves(server, crd["spec"], version) for version in crd["spec"]["versions"]):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{crd['metadata']['name']} is not served after {ESTABLISH_S} s")
            time.sleep(0.1)


def _serves(server: Server, spec: Object, version: Object) -> bool:
    path = f"/apis/{spec['group']}/{version['name']}"
    try:
        return not version["served"] or any(
            one["name"] == spec["names"]["plural"] for one in server.ask("GET", path)["resources"]
        )
    except Refused:
        return False


def _root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
